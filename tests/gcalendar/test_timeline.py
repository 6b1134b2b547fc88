"""Meetings on timelines: of the record's people, each once, masked as in the calendar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from gcalendar.models import CalendarEvent, EventOccurrence, MirroredCalendar
from tests.factories.crm import LeadFactory
from tests.factories.gcalendar import AppearanceFactory, CalendarFactory, OccurrenceFactory
from tests.factories.timeline import meet, person_of

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def meetings(client: APIClient, record: Any, entity_type: str = "lead") -> list[dict[str, Any]]:
    answer = client.get(f"/api/timeline/{entity_type}/{record.pk}", {"kinds": "meeting"})
    assert answer.status_code == 200
    document = answer.json()
    assert document["total"] == len(document["entries"])
    return list(document["entries"])


def test_a_meeting_on_two_calendars_with_two_of_the_people_comes_once(api: Clients) -> None:
    lead = LeadFactory()
    people = [person_of(lead), person_of(lead)]
    entry_id = meet(people, AT)
    AppearanceFactory(event=CalendarEvent.objects.get(), mirrored_calendar=CalendarFactory())

    assert [entry["id"] for entry in meetings(api("manager"), lead)] == [entry_id]


def test_each_occurrence_of_a_series_is_an_entry(api: Clients) -> None:
    lead = LeadFactory()
    meet([person_of(lead)], AT, recurrence=["RRULE:FREQ=WEEKLY"])
    event = CalendarEvent.objects.get()
    OccurrenceFactory(event=event, start_time=AT + timedelta(days=7))

    shown = meetings(api("manager"), lead)

    assert [entry["createdAt"] for entry in shown] == [
        "2026-06-08T12:00:00Z",
        "2026-06-01T12:00:00Z",
    ]
    assert len({entry["id"] for entry in shown}) == 2
    assert shown[0]["metadata"]["googleEventId"] == f"{event.google_event_id}_20260608T120000Z"


def test_a_row_made_anew_stays_behind_the_cursor(api: Clients) -> None:
    lead, client = LeadFactory(), api("manager")
    contact = person_of(lead)
    first, second, third = sorted(meet([contact], AT) for _ in range(3))
    address = f"/api/timeline/lead/{lead.pk}"
    page = client.get(address, {"kinds": "meeting", "limit": 1}).json()
    seen = page["entries"][0]
    # The sync takes a row away and makes it again when the meeting moves to and fro.
    stored = EventOccurrence.objects.get(event=seen["metadata"]["eventId"])
    stored.delete()
    OccurrenceFactory(event=stored.event, start_time=AT)

    cursor = page["pagination"]["next_cursor"]
    rest = client.get(address, {"kinds": "meeting", "cursor": cursor}).json()["entries"]

    assert sorted([seen["id"], *(entry["id"] for entry in rest)]) == [first, second, third]


def test_a_cancelled_meeting_says_so(api: Clients) -> None:
    lead = LeadFactory()
    meet([person_of(lead)], AT, status="cancelled")
    (entry,) = meetings(api("manager"), lead)
    assert entry["metadata"]["status"] == "cancelled"


def test_meetings_no_calendar_tells_of_any_more_are_on_no_timeline(api: Clients) -> None:
    lead = LeadFactory()
    meet([person_of(lead)], AT)
    MirroredCalendar.objects.all().delete()
    assert meetings(api("manager"), lead) == []


@pytest.mark.parametrize(
    ("role", "own", "private", "title"),
    [
        ("manager", False, False, "Salary talk"),
        ("manager", False, True, "Busy"),
        ("admin", False, True, "Busy"),
        ("sales", True, False, "Salary talk"),
        ("sales", True, True, "Busy"),
        ("sales", False, False, "Busy"),
    ],
)
def test_who_sees_what_a_meeting_is_about(
    api: Clients, role: str, own: bool, private: bool, title: str
) -> None:
    client = api(role)
    lead = LeadFactory(owner=client.user if own else None)
    meet(
        [person_of(lead)], AT, summary="Salary talk", description="Secret", location="Room 1",
        meet_link="https://meet.example/x", organizer_email="boss@pipedesk.example",
        private=private,
    )  # fmt: skip

    (entry,) = meetings(client, lead)

    assert entry["title"] == title
    assert entry["metadata"]["startTime"] == "2026-06-01T12:00:00Z"
    if title == "Busy":
        assert entry["description"] is entry["createdBy"] is None
        shown = entry["metadata"]
        hidden = (shown["location"], shown["meetLink"], shown["htmlLink"], shown["organizerEmail"])
        assert hidden == (None,) * 4
        assert shown["attendees"] == []


@pytest.mark.parametrize("private", [False, True])
def test_a_guest_sees_the_meeting_whoever_owns_the_lead(api: Clients, private: bool) -> None:
    client, lead = api("sales"), LeadFactory()
    meet([person_of(lead)], AT, summary="Visit", organizer_email=client.user.email, private=private)
    (entry,) = meetings(client, lead)
    assert entry["title"] == "Visit"
    assert entry["createdBy"]["id"] == str(client.user.pk)


def test_a_busy_calendar_says_nothing_to_anybody(api: Clients) -> None:
    lead = LeadFactory()
    calendar = CalendarFactory(visibility=MirroredCalendar.Visibility.BUSY)
    meet([person_of(lead)], AT, summary="Visit", calendar=calendar)
    (entry,) = meetings(api("admin"), lead)
    assert entry["title"] == "Busy"
