"""Bringing the mirror of one calendar up to date: what changed since the cursor, or everything.

Pages are fetched outside transactions. What they say, the cursor and the proof of the lease are
one transaction, so that whatever dies in between leaves the old cursor with the old rows.
https://developers.google.com/workspace/calendar/api/guides/sync
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Case, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from gcalendar import client, mirror
from gcalendar.dropping import Unseen, came_before, sweep
from gcalendar.full_sync_places import call_next, leave_place, take_place
from gcalendar.matching import Reach, follow
from gcalendar.models import CalendarSyncState, MirroredCalendar
from gcalendar.parsing import CANCELLED, ParsedEvent, parse_events, text
from gcalendar.speaking import shows_times_only, unread
from pipedesk.core.exceptions import TryLater
from pipedesk.core.polling import ERROR_POLL_S, next_poll_at
from pipedesk.core.work import Lease
from pipedesk.google.errors import (
    Forbidden,
    Gone,
    GoogleError,
    InvalidRequest,
    NotFound,
    Unauthorized,
)

logger = logging.getLogger(__name__)

# A full list is written in pieces of about this many events, or of what came in this time. The
# calendar's row is locked meanwhile, and push messages wait for it: some two seconds.
SLICE_EVENTS = 2_500
SLICE_S = 20.0
# A delta is one transaction; one that takes longer than this to fetch becomes a full sync.
DELTA_S = 35.0
# Meetings it has to speak for from now on are read one by one; so many at most.
UNREAD_EVENTS = 50
# A full list that hides so much is asked for a second time before anything is hidden.
SUSPICIOUS_EVENTS = 10
SUSPICIOUS_PART = 0.5
CONFIRM_AFTER_S = 60.0
ENDLESS = "Google gave the same page twice"


class BrokenListError(TryLater):
    """Google's list has no end or no cursor; nothing of it may be stored."""


class FullSyncNeededError(Exception):
    """The cursor is of no use any more; the message says why."""


@dataclass
class Fetched:
    """What a run of list calls brought. `sync_token` comes with the last page only."""

    asked_at: datetime
    items: list[ParsedEvent] = field(default_factory=list)
    next_page_token: str | None = None
    sync_token: str | None = None
    # Zone or access of the calendar moved: what is stored must be read anew, etags or not.
    reread: bool = False


def sync(lease: Lease) -> None:
    """One run for the calendar of this lease; the work mixin calls it again while there is more.

    A refusal that only a person can mend ends in state `error` with its remedy; all data stays.
    Raises TryLater (also as GoogleError) when the run should be repeated later.
    """
    calendar = MirroredCalendar.objects.get(pk=lease.pk)
    if calendar.state == MirroredCalendar.State.DISABLED:
        with transaction.atomic():
            lease.complete()
        return
    try:
        _bring_up_to_date(lease, calendar)
    except NotFound as refusal:
        _stop(lease, refusal, _("Google has no such calendar any more, or hides it: share it."))
    except Forbidden as refusal:
        _stop(lease, refusal, _("Google refuses access: share the calendar with this person."))
    except Unauthorized as refusal:
        _stop(lease, refusal, _("Google refuses the credential: check its key and delegation."))


def cursor_of(calendar: MirroredCalendar) -> CalendarSyncState:
    """The row that holds the calendar's cursor; a calendar without a channel gets one too."""
    active = CalendarSyncState.objects.active().filter(mirrored_calendar=calendar)
    if (row := active.first()) is None:
        new = CalendarSyncState(mirrored_calendar=calendar, calendar_id=calendar.calendar_id)
        CalendarSyncState.objects.bulk_create([new], ignore_conflicts=True)
        row = active.get()
    return row


def forget_cursor(calendar: MirroredCalendar) -> None:
    """Make the next sync a full one, from its beginning."""
    with transaction.atomic():
        MirroredCalendar.objects.filter(pk=calendar.pk).update(full_sync_page_token=None)
        CalendarSyncState.objects.filter(mirrored_calendar=calendar).update(sync_token=None)


def _bring_up_to_date(lease: Lease, calendar: MirroredCalendar) -> None:
    cursor = cursor_of(calendar)
    fingerprint = client.query_fingerprint(calendar.subject, calendar.calendar_id)
    valid = cursor.sync_token is not None and cursor.query_fingerprint == fingerprint
    if valid and calendar.full_sync_page_token is None:
        try:
            _incremental(lease, calendar, cursor.sync_token)
        except FullSyncNeededError as reason:
            logger.warning("calendar %s: full sync, because %s", calendar.pk, reason)
            calendar.refresh_from_db()  # without what the discarded pages told of it
        else:
            return
    _full(lease, calendar)


def _incremental(lease: Lease, calendar: MirroredCalendar, sync_token: str | None) -> None:
    try:
        fetched = _fetch(lease, calendar, sync_token=sync_token, limit_s=DELTA_S)
    except (Gone, InvalidRequest) as refusal:
        reason = f"Google refuses the cursor ({refusal})"
        raise FullSyncNeededError(reason) from refusal
    if fetched.next_page_token:
        reason = "the delta is too long for one piece"
        raise FullSyncNeededError(reason)
    if fetched.reread:
        reason = "the calendar's zone or our access to it changed"
        raise FullSyncNeededError(reason)
    fetched.items += _unread(lease, calendar, {item.google_event_id for item in fetched.items})
    with transaction.atomic():
        _complete(lease, calendar, fetched)
        follow(mirror.store(calendar, fetched.items).reach)


def _unread(lease: Lease, calendar: MirroredCalendar, listed: Collection[str]) -> list[ParsedEvent]:
    """Meetings another calendar left to this one, as Google has them; without those in `listed`."""
    ids = unread(calendar, UNREAD_EVENTS + 1)
    if len(ids) > UNREAD_EVENTS:
        reason = "another calendar left many meetings to it"
        raise FullSyncNeededError(reason)
    found: list[ParsedEvent] = []
    for google_id in ids:
        if google_id in listed:
            continue
        lease.write()  # still at it
        try:
            item = client.get_event(calendar.calendar_id, google_id, subject=calendar.subject)
        except (NotFound, Gone):
            found.append(ParsedEvent(google_id, status=CANCELLED))
        else:
            found += parse_events([item], calendar.time_zone)
    return found


def _full(lease: Lease, calendar: MirroredCalendar) -> None:
    """One slice of a full sync, when it is its turn; one that fails lets others go first."""
    take_place(lease)
    try:
        _slice(lease, calendar)
    except Exception:
        leave_place(lease)
        raise


def _slice(lease: Lease, calendar: MirroredCalendar) -> None:
    """Read a part of Google's list. Only the last one hides what the list no longer has."""
    place = calendar.full_sync_page_token
    fetched = None
    try:
        fetched = _fetch(lease, calendar, page_token=place, limit_s=SLICE_S, limit=SLICE_EVENTS)
    except (Gone, InvalidRequest):
        if place is None:
            raise
    if fetched is None or (place is not None and fetched.reread):
        # The place has expired, or earlier slices were read in another zone. What was marked so
        # far may have vanished: a new generation.
        place = None
        calendar.refresh_from_db()
        fetched = _fetch(lease, calendar, limit_s=SLICE_S, limit=SLICE_EVENTS)
    generation = calendar.generation if place else calendar.generation + 1
    if fetched.next_page_token:
        seen = {item.google_event_id for item in fetched.items}
        if place and came_before(calendar, seen, generation):
            raise BrokenListError(ENDLESS)
        with transaction.atomic():
            lease.write(
                attempts=0,
                generation=generation,
                full_sync_page_token=fetched.next_page_token,
                **_learnt(calendar),  # or the next slice would take it for news
            )
            follow(_store_listed(calendar, fetched, generation))
        return
    _finish_full(lease, calendar, fetched, generation if place else None)


def _finish_full(
    lease: Lease, calendar: MirroredCalendar, fetched: Fetched, generation: int | None
) -> None:
    """Store the last slice, hide what the whole list lacked, keep the new cursor.

    `generation`: the marks of earlier slices, None when this slice is the whole list.
    """
    seen = {item.google_event_id for item in fetched.items}
    with transaction.atomic():
        lease.write(full_sync_page_token=None, full_sync_place=None)
        reach = _store_listed(calendar, fetched, generation)
        unseen = Unseen.of(calendar, seen, generation)
        suspicious = calendar.suspicious_shrink is None and _suspicious(unseen)
        if suspicious:
            lease.write(suspicious_shrink=unseen.lost)
        else:
            reach |= sweep(calendar, unseen, timezone.now())
            _complete(lease, calendar, fetched)
        follow(reach)
    call_next()
    if suspicious:
        msg = _("Google's list suddenly lacks %(gone)d of %(all)d events; asking once more.")
        raise TryLater(msg % {"gone": unseen.lost, "all": unseen.shown}, CONFIRM_AFTER_S)


def _store_listed(calendar: MirroredCalendar, fetched: Fetched, generation: int | None) -> Reach:
    if fetched.reread:
        mirror.forget_etags(calendar)
    return mirror.store(calendar, fetched.items, generation).reach


def _suspicious(unseen: Unseen) -> bool:
    lost = unseen.lost
    return lost >= SUSPICIOUS_EVENTS and lost > unseen.shown * SUSPICIOUS_PART


def _fetch(
    lease: Lease,
    calendar: MirroredCalendar,
    *,
    sync_token: str | None = None,
    page_token: str | None = None,
    limit_s: float,
    limit: int | None = None,
) -> Fetched:
    """Pages from here to the end, or until a limit; `next_page_token` says where it stopped.

    Raises BrokenListError, GoogleError, LeaseLost.
    """
    started, fetched = monotonic(), Fetched(asked_at=timezone.now())
    before = (calendar.time_zone, shows_times_only(calendar))
    if sync_token is None and page_token is None:
        _learn_about(calendar)
    used = {page_token}
    while True:
        page = client.list_events(
            calendar.calendar_id,
            subject=calendar.subject,
            sync_token=sync_token,
            page_token=page_token,
        )
        _read_about(calendar, page)
        fetched.reread = before != (calendar.time_zone, shows_times_only(calendar))
        fetched.items += parse_events(page.get("items") or (), calendar.time_zone)
        page_token = page.get("nextPageToken") or None
        if page_token is None:
            fetched.sync_token = page.get("nextSyncToken") or None
            if fetched.sync_token is None:
                msg = "Google's list ended without a sync token"
                raise BrokenListError(msg)
            return fetched
        if page_token in used:
            raise BrokenListError(ENDLESS)
        used.add(page_token)
        if monotonic() - started > limit_s or (limit and len(fetched.items) >= limit):
            fetched.next_page_token = page_token
            return fetched
        lease.write()  # still at it


def _learn_about(calendar: MirroredCalendar) -> None:
    """Google's own id of the calendar, which `primary` does not tell, name and zone."""
    try:
        about = client.get_calendar(calendar.calendar_id, subject=calendar.subject)
    except (Forbidden, NotFound):
        return  # whether the calendar can be read is for the list to say
    calendar.google_id = text(about.get("id")) or calendar.google_id
    _read_about(calendar, about)


def _read_about(calendar: MirroredCalendar, about: dict[str, Any]) -> None:
    """Name, zone and access, as the calendar and every page of events tell them."""
    calendar.summary = (text(about.get("summary")) or calendar.summary)[:500]
    calendar.time_zone = (text(about.get("timeZone")) or calendar.time_zone)[:64]
    calendar.access_role = (text(about.get("accessRole")) or calendar.access_role)[:30]


def _learnt(calendar: MirroredCalendar) -> dict[str, str | None]:
    """The columns of the calendar that Google's answers decide."""
    return {
        "google_id": calendar.google_id,
        "summary": calendar.summary,
        "time_zone": calendar.time_zone,
        "access_role": calendar.access_role,
    }


def _complete(lease: Lease, calendar: MirroredCalendar, fetched: Fetched) -> None:
    """Prove the lease and keep the cursor, in the transaction that stores what it covers."""
    lease.complete(
        **_learnt(calendar),
        state=_unless_disabled(MirroredCalendar.State.OK),
        remedy="",
        as_of=fetched.asked_at,
        next_poll_at=next_poll_at(fetched.asked_at),
        suspicious_shrink=None,
    )
    fingerprint = client.query_fingerprint(calendar.subject, calendar.calendar_id)
    cursor = CalendarSyncState.objects.active().filter(mirrored_calendar=calendar)
    if not cursor.update(sync_token=fetched.sync_token, query_fingerprint=fingerprint):
        # A renewal is swapping channels right now: its copy of the cursor is the one to follow.
        msg = "the channel changed during the sync"
        raise TryLater(msg, retry_after_s=1)


def _unless_disabled(state: str) -> Case:
    """The new state, unless somebody switched the calendar off while it was being synced."""
    off = MirroredCalendar.State.DISABLED
    return Case(When(state=off, then=Value(off)), default=Value(state))


def _stop(lease: Lease, refusal: GoogleError, remedy: str) -> None:
    """End this run as answered: asking again at once changes nothing, asking hourly may."""
    logger.error("calendar %s: %s", lease.pk, refusal)
    with transaction.atomic():
        lease.complete(
            state=_unless_disabled(MirroredCalendar.State.ERROR),
            remedy=remedy,
            next_poll_at=next_poll_at(timezone.now(), ERROR_POLL_S),
        )
        lease.write(last_error=str(refusal))
