"""Who speaks for a meeting when the calendar that did drops it, or leaves the registry."""

from __future__ import annotations

import pytest

from gcalendar.models import CalendarEvent, EventOccurrence, MirroredCalendar
from gcalendar.registry import remove, set_visibility
from pipedesk.sandbox.server import SandboxServer
from tests.gcalendar.conftest import Mirror, at, fill, shown

ANA, BOB = "ana@pipedesk.example", "bob@pipedesk.example"


def invited(mirror: Mirror, event: dict[str, object], calendar_id: str) -> None:
    """Let another calendar show the same event."""
    google = mirror.google.google
    with google.store.transaction():
        google.events.save(google.calendars.stored(calendar_id) or {}, event)


def test_a_meeting_moved_and_changed_shows_its_new_words_whatever_is_read_first(
    mirror: Mirror, google: SandboxServer
) -> None:
    bob = Mirror(google, BOB)
    event = mirror.people.create_event("Old", at(1))
    mirror.synced()
    bob.synced()
    with google.google.store.transaction():
        calendars = google.google.calendars
        google.google.editing.move(
            calendars.stored(ANA) or {}, event["id"], calendars.stored(BOB) or {}
        )
    bob.people.change_event(event["id"], summary="New")
    bob.synced()
    mirror.synced()
    bob.synced()

    meeting = CalendarEvent.objects.get()

    assert (meeting.summary, meeting.source_id) == ("New", bob.calendar.pk)


def test_the_words_of_a_removed_calendar_do_not_stay_where_another_may_only_say_when(
    mirror: Mirror, google: SandboxServer
) -> None:
    bob = Mirror(google, BOB)
    MirroredCalendar.objects.filter(pk=bob.calendar.pk).update(visibility="busy")
    event = mirror.people.create_event("Secret", at(1))
    invited(mirror, event, BOB)
    mirror.synced()
    bob.synced()

    remove(mirror.calendar)
    bob.synced()

    meeting = CalendarEvent.objects.get()
    assert (meeting.summary, meeting.source_id) == (None, bob.calendar.pk)


def test_what_a_calendar_may_only_say_when_from_now_on_another_tells_whole(
    mirror: Mirror, google: SandboxServer
) -> None:
    bob = Mirror(google, BOB)
    event = mirror.people.create_event("Plan", at(1))
    invited(mirror, event, BOB)
    mirror.synced()
    bob.synced()

    set_visibility(mirror.calendar, "busy")
    mirror.synced()
    bob.synced()

    meeting = CalendarEvent.objects.get()
    assert (meeting.summary, meeting.source_id) == ("Plan", bob.calendar.pk)


def test_a_day_a_guest_cancelled_goes_with_the_calendar_that_still_showed_it(
    mirror: Mirror, google: SandboxServer
) -> None:
    bob = Mirror(google, BOB)
    event = mirror.people.create_event(
        "Daily", at(1), time_zone="UTC", recurrence=["RRULE:FREQ=DAILY;COUNT=3"]
    )
    invited(mirror, event, BOB)
    bob.people.cancel_event(f"{event['id']}_20261202T130000Z")
    mirror.synced()
    bob.synced()
    assert EventOccurrence.objects.shown().taking_place().count() == 3

    remove(mirror.calendar)

    days = EventOccurrence.objects.shown().taking_place().values_list("start_time", flat=True)
    assert list(days) == [at(1), at(3)]


def test_many_meetings_left_to_one_calendar_are_read_in_one_list(
    mirror: Mirror, google: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = Mirror(google, BOB)
    for event in fill(mirror, 3):
        invited(mirror, event, BOB)
        bob.people.change_event(event["id"], summary="Bob's")
    mirror.synced()
    bob.synced()
    monkeypatch.setattr("gcalendar.sync.UNREAD_EVENTS", 2)

    remove(mirror.calendar)
    bob.synced()

    assert shown() == ["Bob's"] * 3
    assert google.google.requests.count("calendar.events.get") == 0


def test_what_is_gone_before_it_could_be_read_is_cancelled(
    mirror: Mirror, google: SandboxServer
) -> None:
    bob = Mirror(google, BOB)
    event = mirror.people.create_event("Plan", at(1))
    invited(mirror, event, BOB)
    mirror.synced()
    bob.synced()
    remove(mirror.calendar)
    google.google.faults.plan(
        {"kind": "status", "status": 404, "reason": "notFound", "method": r"events\.get"}
    )

    bob.synced()

    assert shown() == []
