"""What people said of records that were merged goes to the kept one, and comes back."""

from __future__ import annotations

import uuid
from typing import Any, Final

from crm import statistics
from gcalendar.matching import leads_of_contacts
from gcalendar.said import TABLES
from pipedesk.accounts.models import User

APP: Final = "gcalendar"


def carry(
    entity_type: str, kept_id: uuid.UUID, merged_id: uuid.UUID, notes: dict[str, Any], **_: Any
) -> None:
    """Receiver of a merge, inside its transaction.

    Where something was said of both, it is the kept one's unless that was taken back and the
    other was not: they are one, and it was there. Notes for the undo: `moved`, the meetings whose
    row went over, and `joined`, `[meeting, was the kept one taken back, was the other, by whom]`.
    """
    moved: list[int] = []
    joined: list[list[Any]] = []
    for table in TABLES:
        kept = {row.event_id: row for row in table.objects.on(entity_type, kept_id)}
        for row in table.objects.on(entity_type, merged_id).order_by("event"):
            mine = kept.get(row.event_id)
            if mine is None:
                moved.append(row.event_id)
                continue
            by = None if row.user_id is None else str(row.user_id)
            joined.append([row.event_id, mine.revoked, row.revoked, by])
            row.delete()
            if mine.revoked and not row.revoked:
                table.objects.filter(pk=mine.pk).update(revoked=False)
        table.objects.on(entity_type, merged_id).update(**{entity_type: kept_id})
    if moved or joined:
        notes[APP] = {"moved": moved, "joined": joined}
        _follow(entity_type, kept_id, merged_id)


def bring_back(
    entity_type: str, kept_id: uuid.UUID, merged_id: uuid.UUID, notes: dict[str, Any], **_: Any
) -> None:
    """Receiver of a merge's undo: as before, with what people said of the kept one since."""
    noted = notes.get(APP)
    if noted is None:
        return
    for table in TABLES:
        rows = table.objects.on(entity_type, kept_id)
        rows.filter(event__in=noted["moved"]).update(**{entity_type: merged_id})
        there = set(rows.values_list("event", flat=True))
        for event_id, was_revoked, other_revoked, by in noted["joined"]:
            if event_id not in there:
                continue
            user = User.objects.filter(pk=by).first()
            key = {f"{entity_type}_id": merged_id}
            table.objects.create(event_id=event_id, revoked=other_revoked, user=user, **key)
            if was_revoked and not other_revoked:
                rows.filter(event=event_id).update(revoked=True)
    _follow(entity_type, kept_id, merged_id)


def _follow(entity_type: str, *keys: uuid.UUID) -> None:
    """The CRM has counted for both already, but before this."""
    if entity_type == "lead":
        statistics.refresh(keys)
    elif entity_type == "contact":
        statistics.refresh(leads_of_contacts(keys))
