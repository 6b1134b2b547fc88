"""Meetings written to Google from here: each exactly once, and here only after Google has it.

A meeting is created under an id that is committed before Google is asked. Whatever happens then,
a repeat meets the meeting of the first attempt, and without one the next sync brings it in.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from gcalendar import client, mirror
from gcalendar.matching import Reach, follow
from gcalendar.models import (
    CalendarEvent,
    EventAppearance,
    EventCreation,
    EventLink,
    MirroredCalendar,
)
from gcalendar.parsing import CANCELLED, ParsedEvent, parse_event, zone_named
from gcalendar.registry import PRIMARY, default_subject
from pipedesk.accounts.models import User
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.idempotency import KEEP
from pipedesk.core.pruning import drop
from pipedesk.google.errors import (
    AlreadyExists,
    Forbidden,
    Gone,
    InvalidRequest,
    NotFound,
    TemporaryError,
)

# Who asks for the same meeting again so soon, without a key, means the same meeting.
SAME_WITHIN = timedelta(minutes=10)
PRUNED_AFTER = KEEP + timedelta(days=1)
TRIES = 3


@dataclass(frozen=True)
class Asked:
    """Who asks, under which key (None: under none), and the hash of what is asked for."""

    user: User
    key: str | None
    fingerprint: str


@dataclass(frozen=True)
class Target:
    """An event on a calendar: a meeting, or (`original_start`) one occurrence of a series."""

    calendar: MirroredCalendar
    google_event_id: str
    etag: str | None = None
    series_id: str | None = None
    original_start: datetime | None = None


@contextmanager
def refusals() -> Iterator[None]:
    """Say what Google refuses for good in words for people.

    Raises InvalidInput for values it does not take, Conflict where it never will.
    """
    try:
        yield
    except InvalidRequest as failure:
        message = _("Google does not take this: %(reason)s.") % {"reason": failure.reason}
        raise InvalidInput("", message) from failure
    except Forbidden as failure:
        message = _("Google does not let this calendar's person do that.")
        raise Conflict(message, reason=failure.reason) from failure
    except (NotFound, Gone) as failure:
        raise Conflict(_("This is gone in Google Calendar.")) from failure


def calendar_named(name: str | None, user: User) -> MirroredCalendar:
    """The registered calendar people mean: the caller's own, where several are called so.

    Without a name the caller's primary one, else that of the default person, else the first.
    Raises InvalidInput for one nobody registered, Conflict where there is none.
    """
    rows = MirroredCalendar.objects.enabled().order_by("pk")
    if name is not None:
        rows = rows.filter(Q(calendar_id=name) | Q(google_id=name))
    found = list(rows)
    if not found and name is not None:
        raise InvalidInput("calendar_id", _("No such calendar is mirrored."))
    if not found:
        raise Conflict(_("No calendar is on the registry."))
    own = (user.email or "").lower()

    def distance(row: MirroredCalendar) -> tuple[bool, bool, bool]:
        is_primary = row.calendar_id == PRIMARY or row.google_id == row.subject
        others = row.subject != default_subject()
        return (not (is_primary and row.subject == own), not (is_primary and not others), others)

    return min(found, key=distance)


def create(
    asked: Asked, calendar: MirroredCalendar, body: dict[str, Any], *, send_updates: str
) -> CalendarEvent:
    """Create a meeting in Google, then here; not in a transaction.

    Raises Conflict and InvalidInput where Google refuses, other GoogleErrors where it cannot be
    asked: then nothing changed here, and a repeat goes on where this one ended.
    """
    creation = reserve(asked, calendar, uuid.uuid4().hex)
    if creation.state == EventCreation.State.WRITTEN:
        written = appearance(creation)
        if written is not None:
            return written.event
    event_id = str(creation.google_event_id)
    body = {**body, "id": event_id}
    if "conferenceData" in body:
        body["conferenceData"]["createRequest"]["requestId"] = event_id
    with refusals():
        item = inserted(creation.mirrored_calendar, body, send_updates)
    return finish(creation, item)


def inserted(calendar: MirroredCalendar, body: dict[str, Any], send_updates: str) -> Any:
    """Google's event under the id of this body, made now or by an earlier attempt."""
    where = {"subject": calendar.subject}
    for _attempt in range(TRIES):
        try:
            return client.insert_event(
                calendar.calendar_id, body, send_updates=send_updates, **where
            )
        except AlreadyExists:
            try:
                return client.get_event(calendar.calendar_id, body["id"], **where)
            except NotFound:
                continue  # not there after all
    msg = "Google says that the event exists and that it does not"
    raise TemporaryError(msg)


def reserve(
    asked: Asked, calendar: MirroredCalendar, google_id: str | None, **columns: Any
) -> EventCreation:
    """The row of this request, new (with these columns) or of an earlier attempt.

    Raises InvalidInput for a key that was used for another request.
    """
    with transaction.atomic():
        # One at a time: of two equal requests at once the later one finds the earlier one's row.
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=asked.user.pk)
        found = earlier(asked)
        if found is None:
            return EventCreation.objects.create(
                user=asked.user,
                key=asked.key,
                fingerprint=asked.fingerprint,
                mirrored_calendar=calendar,
                google_event_id=google_id,
                **columns,
            )
    if found.fingerprint != asked.fingerprint:
        message = _("This Idempotency-Key was used for another request.")
        raise InvalidInput("Idempotency-Key", message, "key_reused")
    return found


def earlier(asked: Asked) -> EventCreation | None:
    """The row of an earlier attempt at the same, if it still counts."""
    rows = EventCreation.objects.filter(user=asked.user).select_related("mirrored_calendar")
    now = timezone.now()
    if asked.key is not None:
        rows = rows.filter(key=asked.key)
        rows.filter(created_at__lt=now - KEEP).delete()
        return rows.first()
    same = rows.filter(key=None, fingerprint=asked.fingerprint, created_at__gt=now - SAME_WITHIN)
    found = same.order_by("pk").last()
    if found is None or found.state == EventCreation.State.WRITING:
        return found
    written = appearance(found)
    # Cancelled since: who asks again wants another one.
    return found if written is not None and written.status != CANCELLED else None


def appearance(creation: EventCreation) -> EventAppearance | None:
    """Where the mirror has what was created."""
    rows = EventAppearance.objects.on(creation.mirrored_calendar).select_related("event__source")
    return rows.filter(google_event_id=creation.google_event_id).first()


def finish(
    creation: EventCreation, item: dict[str, Any], others: Iterable[ParsedEvent] = ()
) -> CalendarEvent:
    """Write Google's answer to the mirror, with its author, and close the row.

    `others`: what the creation did to other events. Who made the series that is split stays the
    author of the rest of it, and what people said of the series goes for the rest, too.
    """
    calendar = creation.mirrored_calendar
    with transaction.atomic():
        event = write(calendar, [*others, parsed(calendar, item)])
        series = _split_series(creation)
        author_id = (series and series.author_id) or creation.user_id
        CalendarEvent.objects.filter(pk=event.pk).update(
            author=author_id, updated_at=F("updated_at")
        )
        if creation.split_series_id is not None:
            _carry_links(series, event)
        # The answer says which record it was made for: that row is there now (see mirror).
        EventLink.objects.filter(event=event, user=None).update(user=creation.user_id)
        EventCreation.objects.filter(pk=creation.pk).update(
            state=EventCreation.State.WRITTEN, google_event_id=item["id"]
        )
        event.refresh_from_db()
    return event


def _split_series(creation: EventCreation) -> CalendarEvent | None:
    """The series that the created one goes on for, where the mirror has it."""
    if creation.split_series_id is None:
        return None
    shown = EventAppearance.objects.on(creation.mirrored_calendar).select_related("event")
    found = shown.filter(google_event_id=creation.split_series_id).first()
    return None if found is None else found.event


def _carry_links(series: CalendarEvent | None, event: CalendarEvent) -> None:
    """Say of the rest of a series what was said of the series."""
    EventLink.objects.filter(event=event, user=None).delete()  # Google's copy; people's word counts
    rows = list(EventLink.objects.filter(event=series).order_by("pk"))
    for row in rows:
        row.pk, row.event = None, event
    EventLink.objects.bulk_create(rows, ignore_conflicts=True)
    follow(Reach({event.pk}))


def store(calendar: MirroredCalendar, item: dict[str, Any]) -> CalendarEvent:
    """Write an event as Google answered it, as a sync would; its echo then is no news."""
    return write(calendar, [parsed(calendar, item)])


def parsed(calendar: MirroredCalendar, item: dict[str, Any]) -> ParsedEvent:
    """Google's event, in the zone of this calendar."""
    return parse_event(item, zone_named(calendar.time_zone) or UTC)


def write(calendar: MirroredCalendar, events: Sequence[ParsedEvent]) -> CalendarEvent:
    """Write events as a sync would; returns the meeting of the last one."""
    with transaction.atomic():
        rows = MirroredCalendar.objects.select_for_update(of=("self",), no_key=True)
        calendar = rows.get(pk=calendar.pk)
        follow(mirror.store(calendar, events).reach)
        if calendar.applied < calendar.requested:
            # A list that was asked for before may not have it yet.
            MirroredCalendar.objects.request(calendar.pk)
        shown = EventAppearance.objects.on(calendar).select_related("event__source")
        return shown.get(google_event_id=events[-1].google_event_id).event


def cancel(target: Target, *, send_updates: str) -> None:
    """Cancel in Google, then here; what is gone already is as good.

    Raises Conflict where Google refuses, other GoogleErrors where it cannot be asked: then
    nothing changed here.
    """
    calendar = target.calendar
    with refusals(), suppress(NotFound, Gone):
        client.delete_event(
            calendar.calendar_id,
            target.google_event_id,
            send_updates=send_updates,
            subject=calendar.subject,
        )
    gone = ParsedEvent(
        google_event_id=target.google_event_id,
        status=CANCELLED,
        recurring_event_id=target.series_id,
        original_start=target.original_start,
    )
    write(calendar, [gone])


def close_lost_creations() -> int:
    """Close rows whose process died: the meeting came in by a sync, or there never was one.

    Returns how many. Run it every few minutes.
    """
    waiting = EventCreation.objects.filter(state=EventCreation.State.WRITING, split_at=None)
    count = 0
    for row in waiting.filter(created_at__lt=timezone.now() - SAME_WITHIN).select_related(
        "mirrored_calendar"
    ):
        with transaction.atomic():
            shown = appearance(row)
            if shown is None:
                continue
            CalendarEvent.objects.filter(pk=shown.event_id, author=None).update(
                author=row.user_id, updated_at=F("updated_at")
            )
            count += waiting.filter(pk=row.pk).update(state=EventCreation.State.WRITTEN)
    return count


def drop_creations(dry_run: bool, **kwargs: Any) -> dict[str, int]:
    """Receiver: creations nobody may repeat any more."""
    old = EventCreation.objects.filter(created_at__lt=timezone.now() - PRUNED_AFTER).order_by()
    return {"creations of events": drop(old, dry_run=dry_run)}
