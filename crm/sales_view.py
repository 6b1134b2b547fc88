"""The work list: one statement for its rows, one more for their tags and primary contacts.

Filters, sorts and what is shown read the same expressions.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import BooleanField, CharField, DateTimeField, F, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from crm import next_action, priority
from crm.folding import Fold
from crm.models import LeadContact, LeadTag
from crm.models.lead import LeadQuerySet
from pipedesk.core.pagination import DEFAULT_PER_PAGE, Key

ORDERS: Final[dict[str, Key]] = {
    "priority": Key("priority_score", descending=True),
    "last_interaction": Key("last_interaction_at", descending=True, nullable=True),
    "created_at": Key("created_at", descending=True),
    "status": Key("lead_status__sort_order", nullable=True),
    "owner": Key("owner_folded", nullable=True),
    "next_action": Key("rule"),
}
INDEXED: Final = ("priority", "last_interaction", "created_at")
FAR: Final = 500  # rows; nearer ones are read whole as quickly as their keys
# What the rows come with from the database, beside the annotations.
COLUMNS: Final = (
    "id",
    "title",
    "trade_name",
    "lead_status_id",
    "lead_origin_id",
    "lead_status__code",
    "lead_status__sort_order",
    "lead_origin__code",
    "owner_id",
    "priority_score",
    "last_interaction_at",
    "activity_stats__last_interaction_type",
    "qualified_master_deal_id",
    "qualified_at",
    "disqualified_at",
    "address_city",
    "address_state",
    "created_at",
    "updated_at",
)
# What a row of the answer is made of, in the contract's order.
FIELDS: Final = (
    "id",
    "legal_name",
    "trade_name",
    "lead_status_id",
    "lead_origin_id",
    "status",
    "origin",
    "owner_user_id",
    "owner",
    "priority_score",
    "priority_bucket",
    "priority_description",
    "last_interaction_at",
    "last_interaction_type",
    "qualified_master_deal_id",
    "qualified_at",
    "disqualified_at",
    "address_city",
    "address_state",
    "created_at",
    "updated_at",
    "tags",
    "primary_contact",
    "next_action",
)


def is_found_by_key(query: Mapping[str, Any], order_by: str) -> bool:
    """Whether to find the page's keys first: where no index has this order, or the page is far."""
    start = query.get("page", 1) * query.get("page_size", DEFAULT_PER_PAGE)
    return order_by.removeprefix("-") not in INDEXED or start > FAR


def keyed(leads: LeadQuerySet, order_by: str, now: datetime) -> QuerySet[Any, Any]:
    """These leads with what this one of ORDERS sorts by, and nothing more."""
    match ORDERS[order_by.removeprefix("-")].name:
        case "owner_folded":
            return leads.annotate(owner_folded=Fold(_owner_name()))
        case "rule":
            return leads.alias(**next_action.facts(now)).annotate(rule=next_action.rule(now))
    return leads


def _owner_name() -> Coalesce:
    # A person without a name is known by the e-mail.
    return Coalesce(NullIf("owner__name", Value("")), "owner__email", output_field=CharField())


def stored_rows(leads: QuerySet[Any, Any], now: datetime) -> QuerySet[Any, Any]:
    """What `present` needs of these leads, and what ORDERS sort by."""
    annotated: QuerySet[Any, Any] = leads.annotate(
        **next_action.facts(now),
        last_call_at=F("activity_stats__last_call_at"),
        last_value_asset_at=F("activity_stats__last_value_asset_at"),
        owner_name=_owner_name(),
        owner_folded=Fold(_owner_name()),
    ).annotate(rule=next_action.rule(now))
    return annotated.values(
        *COLUMNS,
        *next_action.FACTS,
        "last_call_at",
        "last_value_asset_at",
        "owner_name",
        "owner_folded",
        "rule",
    )


def present(rows: Iterable[Mapping[str, Any]], wanted: Collection[str]) -> list[dict[str, Any]]:
    """The rows as the contract shows them. A relation nobody wants costs no query."""
    rows = list(rows)
    ids = [row["id"] for row in rows]
    related = around(ids, wanted)
    shown = []
    for row in rows:
        whole = _plain(row) | {
            "tags": related.tags.get(row["id"], []),
            "primary_contact": related.contacts.get(row["id"]),
            "next_action": asdict(next_action.describe(row["rule"], row)),
        }
        shown.append({name: whole[name] for name in FIELDS if name in wanted})
    return shown


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The members that come straight from the stored row."""
    owner_id, score = row["owner_id"], row["priority_score"]
    return {
        **row,
        "legal_name": row["title"],
        "status": row["lead_status__code"],
        "origin": row["lead_origin__code"],
        "owner_user_id": owner_id,
        "owner": None if owner_id is None else {"id": owner_id, "name": row["owner_name"]},
        "priority_bucket": priority.bucket(score),
        "priority_description": priority.description(score),
        "last_interaction_type": row["activity_stats__last_interaction_type"],
    }


@dataclass(frozen=True)
class Around:
    """What leads are shown with: their tags by name, and whom to call."""

    tags: dict[uuid.UUID, list[dict[str, Any]]] = field(default_factory=dict)
    contacts: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)


def tags_of(lead_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """The tags of each of these leads, by name."""
    return around(lead_ids, {"tags"}).tags


def around(lead_ids: Collection[uuid.UUID], wanted: Collection[str]) -> Around:
    """Tags and primary contacts of these leads, as far as wanted, in one statement or none.

    The primary contact is the one marked so, else the one that was added first.
    """
    found = Around()
    parts = [rows(lead_ids) for name, rows in _PARTS.items() if name in wanted]
    if not parts or not lead_ids:
        return found
    first: dict[uuid.UUID, Any] = {}
    for row in parts[0].union(*parts[1:], all=True).order_by("name", "row_id"):
        lead_id, since = row["lead_id"], row["since"]
        if since is None:
            tag = {"id": row["row_id"], "name": row["name"], "color": row["color"]}
            found.tags.setdefault(lead_id, []).append(tag)
            continue
        place = (not row["primary"], since, row["row_id"])
        if lead_id not in first or place < first[lead_id]:
            first[lead_id] = place
            reach = {name: row[name] for name in ("name", "role", "email", "phone")}
            found.contacts[lead_id] = {"id": row["row_id"], **reach}
    return found


def _tag_rows(lead_ids: Collection[uuid.UUID]) -> QuerySet[Any, Any]:
    nothing = Value(None, output_field=CharField())
    return LeadTag.objects.filter(lead_id__in=lead_ids).values(
        "lead_id",
        row_id=F("tag_id"),
        name=F("tag__name"),
        color=F("tag__color"),
        role=nothing,
        email=nothing,
        phone=nothing,
        primary=Value(None, output_field=BooleanField()),
        since=Value(None, output_field=DateTimeField()),
    )


def _contact_rows(lead_ids: Collection[uuid.UUID]) -> QuerySet[Any, Any]:
    links = LeadContact.objects.filter(lead_id__in=lead_ids, contact__deleted_at__isnull=True)
    return links.values(
        "lead_id",
        row_id=F("contact_id"),
        name=F("contact__name"),
        color=Value(None, output_field=CharField()),
        role=F("contact__role"),
        email=F("contact__email"),
        phone=F("contact__phone"),
        primary=F("is_primary"),
        since=F("added_at"),
    )


_PARTS: Final[dict[str, Callable[[Collection[uuid.UUID]], QuerySet[Any, Any]]]] = {
    "tags": _tag_rows,
    "primary_contact": _contact_rows,
}
