"""Follow Drive's change feeds: the mirror, the log of changes and the cursor, in one step.

https://developers.google.com/workspace/drive/api/guides/about-changes
"""

from __future__ import annotations

from datetime import datetime
from time import monotonic

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import applying, client, reading
from gdrive.changes import Event
from gdrive.completing import LOOKED_AT_ONCE, TooMuch, complete
from gdrive.models import DriveFile, DriveSyncState
from pipedesk.core.exceptions import GiveUp
from pipedesk.core.polling import ERROR_POLL_S, next_poll_at
from pipedesk.core.work import SLICE_S, Lease
from pipedesk.google.errors import Gone, InvalidRequest, NotFound, TemporaryError


def follow(lease: Lease) -> None:
    """Bring the mirror of drive `lease.pk` up to date, page by page, each with its cursor.

    Without a cursor, or with one Drive refuses, everything is read anew and compared. Stops at
    the end of its time slice with the rest still requested.

    Raises GiveUp when the drive is out of reach.
    """
    deadline = monotonic() + SLICE_S
    state = DriveSyncState.objects.get(pk=lease.pk)
    try:
        _follow(lease, state, deadline)
    except NotFound as failure:
        if client.is_member(state.drive_id):
            msg = "Drive says that a shared drive exists and that it does not"
            raise TemporaryError(msg) from failure
        _lose(lease, state)
        msg = _("This shared drive does not exist, or is not shared with us.")
        raise GiveUp(msg) from failure


def _follow(lease: Lease, state: DriveSyncState, deadline: float) -> None:
    size, asked = client.MAX_PAGE_SIZE, {state.page_token}
    while state.page_token and monotonic() < deadline:
        asked_at = timezone.now()
        try:
            page = client.list_changes(state.page_token, state.drive_id, size)
            told = complete(state, page.changes, lease.write)
        except (InvalidRequest, Gone, TooMuch) as failure:
            if isinstance(failure, TooMuch) and size > LOOKED_AT_ONCE:
                size = LOOKED_AT_ONCE
                continue
            lease.write(page_token=None, reading_token=None)
            state.page_token = state.reading_token = None
            break
        if page.next_page_token in asked:
            msg = "Drive's pages of changes come round"
            raise TemporaryError(msg)
        asked.add(page.next_page_token)
        with transaction.atomic():
            DriveSyncState.objects.lock()
            if page.next_page_token:
                lease.write(page_token=page.next_page_token, attempts=0)
            else:
                _complete(lease, state, page.new_start_page_token, asked_at)
            applying.apply(state, told)
        if not page.next_page_token:
            return
        state.page_token = page.next_page_token
    if not state.page_token and reading.read(lease, state, deadline):
        with transaction.atomic():
            DriveSyncState.objects.lock()
            _complete(lease, state, state.reading_token or "", state.reading_at or timezone.now())


def _complete(lease: Lease, state: DriveSyncState, token: str, asked_at: datetime) -> None:
    lease.complete(
        page_token=token,
        reading_token=None,
        lost_at=None,
        as_of=asked_at,
        next_poll_at=next_poll_at(asked_at),
    )
    stored = DriveSyncState.objects.get(pk=state.pk)
    if stored.last_notification == state.last_notification:  # else a later one waits for us
        DriveSyncState.objects.filter(pk=state.pk).update(last_notification=None)


def _lose(lease: Lease, state: DriveSyncState) -> None:
    """A shared drive that is confirmed to be out of reach takes its files along.

    The cursor goes too: when access comes back everything is read.
    """
    now = timezone.now()
    with transaction.atomic():
        DriveSyncState.objects.lock()
        lease.write(
            page_token=None,
            reading_token=None,
            lost_at=now,
            next_poll_at=next_poll_at(now, ERROR_POLL_S),
        )
        files = DriveFile.objects.in_reach().filter(drive_id=state.drive_id)
        if files.update(unavailable_at=now):
            applying.log(state, [Event(state.drive_id, "removed")], now)
