"""A merge taken back: what still is as the merge left it returns, the rest stays and is told."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from crm import carrying
from crm.carrying import Kind, LinkMove
from crm.merging import (
    UNDO_WITHIN,
    Changes,
    announce,
    is_known,
    locked,
    record_link,
    repoint,
    write,
)
from crm.models import Merge
from crm.signals import merge_undone
from pipedesk.accounts.models import User
from pipedesk.audit.recording import acting
from pipedesk.core.exceptions import Conflict

ACTION = "unmerge"


@dataclass
class Undone:
    """What went back, and what stayed because people changed it after the merge."""

    row: Merge
    returned: dict[str, list[uuid.UUID]] = field(default_factory=dict)
    stayed: dict[str, list[uuid.UUID]] = field(default_factory=dict)
    stayed_fields: list[str] = field(default_factory=list)


def unmerge(kind: Kind, merged_id: uuid.UUID, user: User | None) -> Undone:
    """Take the merge of this record back, in the caller's transaction.

    Raises Merge.DoesNotExist where no merge of it stands, Conflict saying what is in the way.
    """
    standing = Merge.objects.standing().filter(entity_type=kind.entity_type, merged_id=merged_id)
    kept_id = standing.values_list("kept_id", flat=True).get()
    rows = locked(kind, {kept_id, merged_id}, kept_id)
    row = standing.get()  # as it is now that the records are locked
    kept, other = rows.get(kept_id), rows.get(merged_id)
    _refuse(row, kept, other)
    undone = Undone(row)
    with acting(action=ACTION, user_id=None if user is None else user.pk):
        _bring_back(kind, undone, other)
        _return_rows(kind, undone)
        _return_fields(kind, undone, kept)
        announce(merge_undone, row)
    row.undone_at = timezone.now()
    row.undone_by = None if user is None else str(user.pk)
    row.save(update_fields=["undone_at", "undone_by", "moved"])
    return undone


def _refuse(row: Merge, kept: Any, other: Any) -> None:
    """Raises Conflict, naming what blocks."""
    if row.created_at < timezone.now() - UNDO_WITHIN:
        message = _("Merged on %(when)s: a merge can be taken back for %(days)d days.")
        facts = {"when": row.created_at.date().isoformat(), "days": UNDO_WITHIN.days}
        raise Conflict(message % facts, at=row.created_at)
    if kept is None or other is None:
        raise Conflict(_("One of the two records is gone for good."))
    if kept.merged_into_id is not None:
        message = _("The kept record was merged into %(id)s since: take that back first.")
        raise Conflict(message % {"id": kept.merged_into_id}, merged_into=str(kept.merged_into_id))
    if not is_known(kept):
        raise Conflict(_("The kept record was deleted since: restore it first."))


def _bring_back(kind: Kind, undone: Undone, other: Any) -> None:
    meta = kind.model._meta  # noqa: SLF001  (documented by Django)
    changes: Changes = {"merged_into_id": (other.merged_into_id, None)}
    for name, was in undone.row.moved["deletion"].items():
        value = meta.get_field(name).to_python(was)
        if value != getattr(other, name):
            changes[name] = (getattr(other, name), value)
    write(kind, other.pk, changes)


def _return_rows(kind: Kind, undone: Undone) -> None:
    row = undone.row
    kept_id, other_id = row.kept_id, row.merged_id
    for reference in kind.references:
        ids = carrying.ids_of(row.moved["rows"][reference.key])
        still = set(reference.of(kept_id).filter(pk__in=ids).values_list("pk", flat=True))
        back = [pk for pk in ids if pk in still]
        repoint(reference, back, kept_id, other_id)
        undone.returned[reference.name] = back
        undone.stayed[reference.name] = [pk for pk in ids if pk not in still]
    for link in kind.links:
        moves = [LinkMove.from_json(link, entry) for entry in row.moved["links"][link.key]]
        undone.returned[link.name], undone.stayed[link.name] = back, stay = [], []
        for move in moves:
            if carrying.return_link(link, move, kept_id, other_id):
                record_link(link, move, other_id, kept_id)
                back.append(move.with_id)
            else:
                stay.append(move.with_id)


def _return_fields(kind: Kind, undone: Undone, kept: Any) -> None:
    changes: Changes = {}
    for name, (was, became) in _stored(kind, undone.row.moved["fields"]).items():
        if getattr(kept, name) != became:
            undone.stayed_fields.append(name)
        else:
            changes[name] = (became, was)
            setattr(kept, name, was)
    write(kind, kept.pk, changes, merged_id=(undone.row.merged_id, None))


def _stored(kind: Kind, fields: Mapping[str, list[Any]]) -> Changes:
    meta = kind.model._meta  # noqa: SLF001  (documented by Django)

    def read(name: str, value: Any) -> Any:
        field_of = meta.get_field(name)
        return (field_of.target_field if field_of.is_relation else field_of).to_python(value)

    return {name: (read(name, was), read(name, became)) for name, (was, became) in fields.items()}
