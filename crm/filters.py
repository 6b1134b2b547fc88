"""What lists of the CRM can be asked, and what each question means."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, Value
from django.utils.translation import gettext as _

from crm import next_action, priority
from crm.models import LeadOrigin, LeadStatus
from crm.models.lead import LeadQuerySet
from pipedesk.core.pagination import Key
from pipedesk.core.problems import BadQuery
from pipedesk.core.query import (
    Parameter,
    boolean,
    choices,
    identifiers,
    integer,
    moment,
    nearest,
    text,
    texts,
)

RECENT_DAYS: Final = 7
ME: Final = "me"

TIMES: Final = (
    moment("created_from", description="Made at this moment or later."),
    moment("created_to", description="Made before this moment."),
    moment("updated_from", description="Changed at this moment or later."),
    moment("updated_to", description="Changed before this moment."),
)
LEAD_PARAMETERS: Final[tuple[Parameter, ...]] = (
    text("search", "q", description="Part of the legal or trade name, any case and accents."),
    identifiers("owner", "owners", "ownerIds", "owner_id", "owner_user_id", words=(ME,)),
    texts("status", description="Ids or codes."),
    texts("origin", description="Ids or codes."),
    identifiers("tags", description="Has any of them."),
    choices("priority", words=tuple(priority.BOUNDS)),
    integer("min_priority_score"),
    boolean("has_recent_interaction", description="Within 7 days; false: older or none."),
    integer("days_without_interaction", minimum=1, maximum=36_500),
    choices("next_action", words=tuple(next_action.LABELS)),
    boolean("disqualified"),
    boolean("include_qualified", "includeQualified"),
    *TIMES,
)
# Of several lists.
DELETED: Final = boolean("deleted", description="What can be restored, for whoever may.")
OWNER: Final = identifiers(
    "owner", "owner_id", words=(ME,), description="Tied to the leads of any of these people."
)
# Sorts of the plain list of leads, in their natural orders; the work list has its own.
LEAD_SORTS: Final = {
    "created_at": Key("created_at", descending=True),
    "updated_at": Key("updated_at", descending=True),
    "legal_name": Key("title"),
    "priority": Key("priority_score", descending=True),
    "last_interaction": Key("last_interaction_at", descending=True, nullable=True),
}


@dataclass(frozen=True)
class Asker:
    """Who asks, and when."""

    user_id: uuid.UUID
    now: datetime

    def ago(self, **distance: float) -> datetime:
        """The moment that long before."""
        return self.now - timedelta(**distance)


def ask(leads: LeadQuerySet, query: Mapping[str, Any], asker: Asker) -> LeadQuerySet:
    """Those of these known leads that answer this query (see LEAD_PARAMETERS).

    Raises BadQuery.
    """
    if not (query.get("include_qualified") or query.get("deleted")):
        leads = leads.in_work_list()
    for name, narrowed in _NARROW.items():
        if name in query:
            leads = narrowed(leads, query[name], asker)
    for name, lookup in _TIMES.items():
        if name in query:
            leads = leads.filter(**{lookup: query[name]})
    return _by_references(leads, query)


def narrow(rows: Any, query: Mapping[str, Any], user_id: uuid.UUID) -> Any:
    """Those of these rows that answer this query of a list beside the leads'."""
    for name, value in query.items():
        if name in _LOOKUPS:
            rows = rows.filter(**{_LOOKUPS[name]: value})
        elif name in _VERBS:
            rows = getattr(rows, _VERBS[name])(value)
    if "owner" in query:
        rows = rows.tied_to_leads_of(*_people(query["owner"], user_id))
    return rows


# Parameter -> lookup, and parameter -> verb of the querysets whose lists know it.
_TIMES: Final = {
    "created_from": "created_at__gte",
    "created_to": "created_at__lt",
    "updated_from": "updated_at__gte",
    "updated_to": "updated_at__lt",
}
_LOOKUPS: Final = {
    **_TIMES,
    "email": "email__iexact",
    "code": "code",
    "is_active": "is_active",
}
_VERBS: Final = {
    "search": "named_like",
    "lead_id": "of_lead",
    "company_id": "of_company",
    "deal_id": "of_deal",
}


def _by_owner(leads: LeadQuerySet, owners: Sequence[Any], asker: Asker) -> LeadQuerySet:
    return leads.filter(owner_id__in=_people(owners, asker.user_id))


def _people(owners: Sequence[Any], caller: uuid.UUID) -> set[uuid.UUID]:
    return {caller if owner == ME else owner for owner in owners}


def _by_bucket(leads: LeadQuerySet, buckets: Sequence[str], _asker: Asker) -> LeadQuerySet:
    condition = Q()
    for bucket in buckets:
        lowest, above = priority.BOUNDS[bucket]
        part = Q() if lowest is None else Q(priority_score__gte=lowest)
        condition |= part if above is None else part & Q(priority_score__lt=above)
    return leads.filter(condition)


def _by_recency(leads: LeadQuerySet, recent: bool, asker: Asker) -> LeadQuerySet:
    since = asker.ago(days=RECENT_DAYS)
    return leads.heard_of_since(since) if recent else leads.silent_before(since)


_NARROW: Final[dict[str, Callable[[LeadQuerySet, Any, Asker], LeadQuerySet]]] = {
    "search": lambda leads, words, _: leads.named_like(words),
    "owner": _by_owner,
    "tags": lambda leads, ids, _: leads.with_any_tag(ids),
    "priority": _by_bucket,
    "min_priority_score": lambda leads, score, _: leads.filter(priority_score__gte=score),
    "has_recent_interaction": _by_recency,
    "days_without_interaction": lambda leads, days, asker: leads.silent_since(asker.ago(days=days)),
    "next_action": lambda leads, codes, asker: leads.with_next_action(codes, asker.now),
    "disqualified": lambda leads, yes, _: leads.disqualified(yes=yes),
}


_REFERENCES: Final[dict[str, tuple[type[LeadStatus | LeadOrigin], str]]] = {
    "status": (LeadStatus, "lead_status_id"),
    "origin": (LeadOrigin, "lead_origin_id"),
}


def _by_references(leads: LeadQuerySet, query: Mapping[str, Any]) -> LeadQuerySet:
    """Leads of these statuses and origins. Raises BadQuery for ids and codes nobody has."""
    asked = {name: query[name] for name in _REFERENCES if name in query}
    if not asked:
        return leads
    known: dict[str, dict[str, uuid.UUID]] = {name: {} for name in asked}
    tables = [
        model.objects.order_by().values_list(Value(name), "id", "code")
        for name, (model, _column) in _REFERENCES.items()
        if name in asked
    ]
    for name, pk, code in tables[0].union(*tables[1:], all=True):
        known[name] |= {code: pk, str(pk): pk}
    for name, words in asked.items():
        column = _REFERENCES[name][1]
        leads = leads.filter(
            **{f"{column}__in": [_named(name, word, known[name]) for word in words]}
        )
    return leads


def _named(parameter: str, word: str, known: Mapping[str, uuid.UUID]) -> uuid.UUID:
    pk = known.get(word) or known.get(word.lower())
    if pk is None:
        message = _("“%(value)s” is not known here.") % {"value": word[:100]}
        raise BadQuery(parameter, message, nearest(word, known))
    return pk
