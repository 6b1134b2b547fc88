"""Follow Drive's change feed: the mirror, the log of changes and the cursor, in one step.

https://developers.google.com/workspace/drive/api/guides/about-changes
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import client, crawling, mirror
from gdrive.ancestry import Edge, below
from gdrive.changes import Comparison, Known, Outcome
from gdrive.models import DriveChangeLog, DriveFile, DriveFolderNode, DriveSyncState
from gdrive.parsing import Change
from pipedesk.core.exceptions import GiveUp
from pipedesk.core.polling import next_poll_at
from pipedesk.core.work import SLICE_S, Lease
from pipedesk.google.errors import Gone, InvalidRequest, NotFound


def follow(lease: Lease) -> None:
    """Bring the mirror of drive `lease.pk` up to date, page by page, each with its cursor.

    Without a cursor, or with one Drive refuses, everything is read anew and compared. Stops at
    the end of its time slice with the rest still requested.

    Raises GiveUp when the drive is out of reach.
    """
    deadline = monotonic() + SLICE_S
    state = DriveSyncState.objects.get(pk=lease.pk)
    while state.page_token and monotonic() < deadline:
        asked_at = timezone.now()
        try:
            page = client.list_changes(state.page_token, state.drive_id)
        except (InvalidRequest, Gone):
            lease.write(page_token=None)
            state.page_token = None
            break
        except NotFound as failure:
            raise GiveUp(_("This shared drive does not exist, or is not shared with us.")) from (
                failure
            )
        came_along = _read_appeared(lease, state, page.changes)
        with transaction.atomic():
            if page.next_page_token:
                lease.write(page_token=page.next_page_token, attempts=0)
            else:
                _complete(lease, state, page.new_start_page_token, asked_at)
            _apply_page(state, page.changes, came_along)
        if not page.next_page_token:
            return
        state.page_token = page.next_page_token
    if not state.page_token:
        _read_everything(lease, state)


def _complete(lease: Lease, state: DriveSyncState, token: str, asked_at: datetime) -> None:
    lease.complete(page_token=token, as_of=asked_at, next_poll_at=next_poll_at(asked_at))
    stored = DriveSyncState.objects.get(pk=state.pk)
    if stored.last_notification == state.last_notification:  # else a later one waits for us
        DriveSyncState.objects.filter(pk=state.pk).update(last_notification=None)


def _read_appeared(lease: Lease, state: DriveSyncState, changes: list[Change]) -> list[Change]:
    """What lies in folders that appeared: one moved in brings files that did not change."""
    known = _known(changes)
    appeared = Comparison(known, state.as_of, timezone.now()).of(changes).appeared
    if not appeared:
        return []
    told = {change.file_id for change in changes}
    files = crawling.below(appeared, state.drive_id, lease.write)
    return [Change(file.file_id, file) for file in files if file.file_id not in told]


def _apply_page(state: DriveSyncState, changes: list[Change], came_along: list[Change]) -> None:
    now = timezone.now()
    entries = [*changes, *came_along]
    quiet = {change.file_id for change in came_along}
    outcome = Comparison(_known(entries), state.as_of, now, quiet).of(entries)
    _write(state, outcome, now)


def _read_everything(lease: Lease, state: DriveSyncState) -> None:
    """Take a fresh cursor, then read all trees and compare; what is missing is out of reach."""
    asked_at = timezone.now()
    token = client.get_start_page_token(state.drive_id)
    files = crawling.everything(state.drive_id, lease.write)
    with transaction.atomic():
        _complete(lease, state, token, asked_at)
        known = Known(
            {file.file_id: file for file in DriveFile.objects.all()},
            {node.google_id: node for node in DriveFolderNode.objects.all()},
        )
        shown = {file.file_id for file in files}
        entries = [Change(file.file_id, file) for file in files]
        entries += [
            Change(file_id, None)
            for file_id, stored in known.stored.items()
            if file_id not in shown and (stored.drive_id or "") == state.drive_id
        ]
        outcome = Comparison(known, state.as_of, asked_at).of(entries)
        _write(state, outcome, asked_at)


def _known(changes: Iterable[Change]) -> Known:
    ids = {change.file_id for change in changes}
    ids |= {change.file.parent_id for change in changes if change.file}
    return Known(
        {file.file_id: file for file in DriveFile.objects.filter(file_id__in=ids)},
        {node.google_id: node for node in DriveFolderNode.objects.filter(google_id__in=ids)},
    )


def _write(state: DriveSyncState, outcome: Outcome, now: datetime) -> None:
    mirror.store(outcome.rows.values())
    within_reach = Q(unavailable_at=None)
    _set(outcome.removed, Edge.NONE, within_reach, unavailable_at=now, itself=True)
    _set(outcome.left, Edge.ENTITY, within_reach, unavailable_at=now)
    _set(outcome.trashed, Edge.NONE, Q(trashed_at=None), trashed_at=now)
    _set(outcome.untrashed, Edge.OWN_TRASH, Q(trashed_at__isnull=False), trashed_at=None)
    _log(state, outcome.events, now)


def _set(
    folder_ids: Collection[str], edge: Edge, which: Q, *, itself: bool = False, **values: Any
) -> None:
    """Give the same state to everything below these folders."""
    ids = below(folder_ids, edge)
    if itself:
        ids += folder_ids
    if ids:
        DriveFile.objects.filter(which, file_id__in=ids).update(**values)


def _log(state: DriveSyncState, events: list[tuple[str, str]], now: datetime) -> None:
    """One row per change, with the push that led to it; none: found by polling."""
    push = state.last_notification or {}
    headers = push.get("headers")
    DriveChangeLog.objects.bulk_create(
        DriveChangeLog(
            channel_id=push.get("channel_id"),
            resource_id=push.get("resource_id"),
            resource_state=push.get("resource_state"),
            changed_resource_id=file_id,
            event_type=event,
            received_at=now,
            raw_headers=json.dumps(headers) if headers else None,
        )
        for file_id, event in events
    )
