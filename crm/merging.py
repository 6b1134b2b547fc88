"""Two records that are one: the other's relations go to the kept one, and it leaves the lists.

Locks are taken in one order everywhere: leads, deals, contacts, companies, each by key.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import carrying
from crm.carrying import Kind, Link, LinkMove, Reference
from crm.models import Lead, LeadContact, Merge
from crm.models.merge import refuse_merged
from crm.receivers import NAMING_FIELDS
from crm.signals import entity_renamed, records_merged
from pipedesk.accounts.models import User
from pipedesk.audit.recording import acting, record
from pipedesk.core.exceptions import Conflict, InvalidInput

ACTION: Final = "merge"
UNDO_WITHIN: Final = timedelta(days=30)
KEPT, OTHER = "kept", "other"
LOCK_TRIES = 5

Change = tuple[Any, Any]  # old, new
Changes = dict[str, Change]


@dataclass(frozen=True)
class Plan:
    """All that a merge moves. `fields`: attribute of the kept record -> (old, new)."""

    kind: Kind
    kept: Any
    other: Any
    fields: Changes
    rows: list[tuple[Reference, list[uuid.UUID]]] = field(default_factory=list)
    links: list[tuple[Link, list[LinkMove]]] = field(default_factory=list)

    def moved(self) -> dict[str, list[uuid.UUID]]:
        """The ids of what is carried over, by what the API calls it."""
        found = {reference.name: ids for reference, ids in self.rows}
        return found | {link.name: [move.with_id for move in moves] for link, moves in self.links}

    def journal(self) -> dict[str, Any]:
        """What taking the merge back needs (see Merge.moved)."""
        other = self.other
        deletion = {
            name: carrying.plain_value(getattr(other, name))
            for name in ("deleted_at", "deleted_by", "delete_reason")
            if hasattr(other, name)
        }
        return {
            "fields": {
                name: [carrying.plain_value(value) for value in values]
                for name, values in self.fields.items()
            },
            "deletion": deletion,
            "rows": {reference.key: [str(pk) for pk in ids] for reference, ids in self.rows},
            "links": {link.key: [move.as_json() for move in moves] for link, moves in self.links},
            "notes": {},
        }


def prepare(
    kind: Kind, kept_id: uuid.UUID, other_id: uuid.UUID, choices: Mapping[str, str]
) -> Plan:
    """What a merge would move, with everything it touches locked in the caller's transaction.

    `choices`: what the caller chose of `kind.choices` -> "kept" or "other"; what is not chosen
    is the kept record's, or where that has nothing, the other's. Raises Conflict where the
    state of the records forbids it, InvalidInput for an unknown or deleted other record and
    for choices there are not.
    """
    if kept_id == other_id:
        raise InvalidInput("other_id", _("A record cannot be merged with itself."), "same")
    for name in choices:
        if name not in kind.choices:
            raise InvalidInput("fields", _("There is no choice “%s” here.") % name, "unknown_field")
    rows = locked(kind, {kept_id, other_id}, other_id)
    kept, other = rows.get(kept_id), rows.get(other_id)
    if kept is not None:
        refuse_merged(kept)
    if kept is None or not is_known(kept):
        raise kind.model.DoesNotExist
    if other is None or not is_known(other):
        raise _no_partner(other)
    if isinstance(kept, Lead):
        _refuse_pair(kept, other, choices)
    return Plan(
        kind,
        kept,
        other,
        _fields(kind, kept, other, choices),
        [(ref, list(ref.of(other_id).values_list("pk", flat=True))) for ref in kind.references],
        [(link, carrying.link_moves(link, kept_id, other_id)) for link in kind.links],
    )


def is_known(row: Any) -> bool:
    """Whether people can see the record: qualified leads left the work list, not the house."""
    if row.merged_into_id is not None:
        return False
    return row.deleted_at is None or getattr(row, "qualified_at", None) is not None


def _no_partner(other: Any) -> Exception:
    if other is None or other.merged_into_id is None:
        return InvalidInput("other_id", _("There is no such record."), "does_not_exist")
    message = _("Already merged into %(id)s.") % {"id": other.merged_into_id}
    return Conflict(message, merged_into=str(other.merged_into_id))


def _refuse_pair(kept: Lead, other: Lead, choices: Mapping[str, str]) -> None:
    """Raises Conflict where one lead's fate contradicts the other's."""
    if other.qualified_at is not None:
        if kept.qualified_at is None:
            raise Conflict(_("The other lead is qualified: keep that one."), kept_id=str(other.pk))
        if _became(kept) != _became(other):
            raise Conflict(_("Both leads are qualified, to different things."))
    elif kept.disqualified_at is not None and other.disqualified_at is None:
        message = _("The kept lead is disqualified, the other is not: reopen it or keep that one.")
        raise Conflict(message, kept_id=str(other.pk))
    if kept.qualified_at is not None:
        for name in ("qualified_company_id", "lead_status_id"):
            if choices.get(name) == OTHER:
                message = _("What a qualified lead became cannot be chosen.")
                raise InvalidInput("fields", message, "fixed")


def _became(lead: Lead) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    return lead.qualified_company_id, lead.qualified_master_deal_id


def _fields(kind: Kind, kept: Any, other: Any, choices: Mapping[str, str]) -> Changes:
    """What changes on the kept record."""
    values: dict[str, Any] = {}
    for choice, names in kind.choices.items():
        mine = [getattr(kept, name) for name in names]
        fixed = getattr(kept, "qualified_at", None) and "qualified_company_id" in names
        chosen = choices.get(choice) or (KEPT if any(mine) or fixed else OTHER)
        if chosen == OTHER:
            values |= {name: getattr(other, name) for name in names}
    if isinstance(kept, Lead):
        heard = [at for at in (kept.last_interaction_at, other.last_interaction_at) if at]
        values["last_interaction_at"] = max(heard, default=None)
    return {
        name: (getattr(kept, name), value)
        for name, value in values.items()
        if value != getattr(kept, name)
    }


# --- Locking -------------------------------------------------------------------------------------


class _Moved(Exception):
    """A row came to point at the record while we were locking."""


def locked(kind: Kind, ids: Collection[uuid.UUID], source_id: uuid.UUID) -> dict[uuid.UUID, Any]:
    """These records, locked, and before them what depends on them: rows that point at
    `source_id`, and the leads of contacts, whose numbers a merge moves.

    Nobody can point at the records from then on until the transaction ends: pointing at a row
    locks its key (see the migration `no_pointing_at_merged`). Raises Conflict when others are
    quicker five times.
    """
    for _try in range(LOCK_TRIES):
        with suppress(_Moved), transaction.atomic():
            depending = {
                pk
                for rows in _depending(kind, ids, source_id)
                for pk in rows.select_for_update(of=("self",), no_key=True)
            }
            # The key too: whoever is about to point at one of them comes before or after us.
            records = kind.model.objects.filter(pk__in=ids).order_by("pk").select_for_update()
            found = {row.pk: row for row in records}
            if any(set(rows) - depending for rows in _depending(kind, ids, source_id)):
                raise _Moved
            return found
    raise Conflict(_("Others are changing these records right now; try again."))


def _depending(
    kind: Kind, ids: Collection[uuid.UUID], source_id: uuid.UUID
) -> Iterator[models.QuerySet[Any, uuid.UUID]]:
    """The keys of records that depend on these, in the order in which they are locked."""
    for reference in kind.references:
        if reference.entity_type is not None:
            yield reference.of(source_id).values_list("pk", flat=True)
    if any(link.opposite == "lead_id" for link in kind.links):
        linked = LeadContact.objects.filter(contact_id__in=ids).values("lead_id")
        yield Lead.objects.filter(pk__in=linked).order_by("pk").values_list("pk", flat=True)


# --- Writing -------------------------------------------------------------------------------------


def carry(plan: Plan, user: User | None) -> Merge:
    """Do what was planned, in the transaction that planned it."""
    user_id = None if user is None else str(user.pk)
    with acting(action=ACTION, user_id=user_id):
        return _carry(plan, user_id)


def _carry(plan: Plan, user_id: str | None) -> Merge:
    kept, other, now = plan.kept, plan.other, timezone.now()
    row = Merge(
        entity_type=plan.kind.entity_type,
        kept_id=kept.pk,
        merged_id=other.pk,
        user_id=user_id,
        moved=plan.journal(),
        created_at=now,
    )
    gone: Changes = {"merged_into_id": (None, kept.pk)}
    if other.deleted_at is None:
        gone["deleted_at"] = (None, now)
    if hasattr(other, "deleted_by"):
        gone["deleted_by"] = (other.deleted_by, user_id)
    write(plan.kind, other.pk, gone)
    for reference, ids in plan.rows:
        repoint(reference, ids, other.pk, kept.pk)
    for link, moves in plan.links:
        for move in moves:
            carrying.carry_link(link, move, kept.pk, other.pk)
            record_link(link, move, kept.pk, other.pk)
    write(plan.kind, kept.pk, plan.fields, merged_id=(None, other.pk))
    for name, (_old, new) in plan.fields.items():
        setattr(kept, name, new)
    announce(records_merged, row)
    row.save(force_insert=True)
    return row


def announce(fact: Any, row: Merge) -> None:
    """Tell higher apps, and keep what they note."""
    fact.send(
        Merge,
        entity_type=row.entity_type,
        kept_id=row.kept_id,
        merged_id=row.merged_id,
        notes=row.moved["notes"],
    )


def write(kind: Kind, pk: uuid.UUID, changes: Changes, **noted: Change) -> None:
    """Store changes of one record past the listener (a merge is no interaction), and record
    them, with what is only `noted` in the history.
    """
    fields = {name: kind.model._meta.get_field(name) for name in changes}  # noqa: SLF001  (documented by Django)
    values = {name: new for name, (_old, new) in changes.items()}
    kind.model.objects.filter(pk=pk).update(**values, updated_at=timezone.now())
    columns = {str(fields[name].column): changes[name] for name in changes}
    columns.pop("last_interaction_at", None)
    record(ACTION, kind.entity_type, pk, columns | noted)
    if not NAMING_FIELDS[kind.model].isdisjoint(changes):
        entity_renamed.send(kind.model, entity_type=kind.entity_type, entity_id=pk)


def repoint(
    reference: Reference, ids: Collection[uuid.UUID], old: uuid.UUID, new: uuid.UUID
) -> None:
    """Let these rows point at the new record."""
    reference.model.objects.filter(pk__in=ids).update(**{reference.column: new})
    if reference.entity_type is None:
        return
    for pk in ids:
        record(ACTION, reference.entity_type, pk, {reference.column: (old, new)})
        entity_renamed.send(reference.model, entity_type=reference.entity_type, entity_id=pk)


def record_link(link: Link, move: LinkMove, new: uuid.UUID, old: uuid.UUID) -> None:
    """Add a link that changed hands to the history of the lead it is now of."""
    if link.opposite == "lead_id":
        record(ACTION, "lead", move.with_id, {link.column: (old, new)})
    else:
        record(ACTION, "lead", new, {link.opposite: (None, move.with_id)})
