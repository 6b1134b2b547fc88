"""Writing what Drive told: the mirror and the log of changes."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from gdrive import feed, mirror, own_writes
from gdrive.ancestry import Edge, below
from gdrive.changes import Comparison, Event, Outcome
from gdrive.completing import Told, known_to
from gdrive.models import DriveChangeLog, DriveFile, DriveSyncState


def apply(state: DriveSyncState, told: Told) -> None:
    """Compare with the stored rows and write what differs, after `DriveSyncState.lock`."""
    now = timezone.now()
    known = known_to(told.changes)
    comparison = Comparison(known, state.as_of, now, told.quiet, told.around)
    outcome = comparison.of(told.changes)
    mirror.store(outcome.rows.values())
    feed.learn({row.drive_id for row in outcome.rows.values() if row.unavailable_at is None})
    _pass_on(outcome, {change.file_id for change in told.changes if change.file}, now)
    own_writes.unmark(outcome.revived)
    log(state, outcome.events, now)


def _pass_on(outcome: Outcome, shown: set[str], now: datetime) -> None:
    """Give what lies below its state too; what was shown itself has its own."""
    within_reach = Q(unavailable_at=None)
    _set(outcome.removed, Edge.ENTITY, within_reach, shown, unavailable_at=now)
    DriveFile.objects.filter(within_reach, file_id__in=outcome.removed).update(unavailable_at=now)
    _set(outcome.left, Edge.ENTITY, within_reach, shown, unavailable_at=now)
    for folder_id in outcome.trashed:
        if _set([folder_id], Edge.NONE, Q(trashed_at=None), shown, trashed_at=now):
            _tell_around(outcome, folder_id, "trashed")
    for folder_id in outcome.untrashed:
        back = Q(trashed_at__isnull=False)
        if _set([folder_id], Edge.OWN_TRASH, back, shown, trashed_at=None):
            _tell_around(outcome, folder_id, "untrashed")


def _tell_around(outcome: Outcome, folder_id: str, kind: str) -> None:
    """A folder that is not shown itself took entities' folders to the trash, or back."""
    if folder_id in outcome.around:
        outcome.events.append(Event(folder_id, kind))


def _set(folder_ids: Collection[str], edge: Edge, which: Q, shown: set[str], **values: Any) -> int:
    ids = set(below(folder_ids, edge)) - shown
    return DriveFile.objects.filter(which, file_id__in=ids).update(**values) if ids else 0


def log(state: DriveSyncState, events: list[Event], now: datetime) -> None:
    """One row per change, with the push that led to it; none: found by polling."""
    push = state.last_notification or {}
    headers = push.get("headers")
    DriveChangeLog.objects.bulk_create(
        DriveChangeLog(
            channel_id=push.get("channel_id"),
            resource_id=push.get("resource_id"),
            resource_state=push.get("resource_state"),
            changed_resource_id=event.file_id,
            event_type=event.kind,
            received_at=now,
            raw_headers=json.dumps(headers) if headers else None,
            drive_id=state.drive_id,
            folder_id=event.folder_id,
            details=event.details or None,
        )
        for event in events
    )
