"""What is marked private in Google is busy only for all but those who attend it, at every door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from gcalendar.models import ArchivedAttendee, ArchivedOccurrence, CalendarEventArchive
from tests.browsing import superuser
from tests.factories.crm import ContactFactory, LeadContactFactory, LeadFactory
from tests.factories.gcalendar import START, CalendarFactory, EventFactory
from tests.gcalendar.test_views import URL, meeting, titles

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]
GUEST = "canary-guest@x.example"
SECRETS: dict[str, Any] = {
    "summary": "canary title",
    "description": "canary text",
    "location": "canary place",
    "meet_link": "https://canary.example/meet",
    "html_link": "https://canary.example/event",
    "organizer_email": "canary-boss@x.example",
    "ical_uid": "canary-uid",
    "private": True,
}
ROLES = ("sales", "manager", "admin")


def secret(*guests: str, **fields: Any) -> Any:
    """A private meeting full of words that nobody else may read."""
    attendees = [{"email": address} for address in (GUEST, *guests)]
    return meeting(attendees=attendees, **{**SECRETS, **fields})


def archived(*guests: str) -> Any:
    """The same in the archive."""
    calendar = CalendarFactory()
    event = CalendarEventArchive.objects.create(
        id=7, google_event_id="old", source=calendar, calendar_id=calendar.calendar_id,
        status="confirmed", start_time=START, end_time=START,
        attendees=[{"email": address} for address in (GUEST, *guests)], **SECRETS,
    )  # fmt: skip
    ArchivedOccurrence.objects.create(
        event=event, original_start_time=START, start_time=START, end_time=START
    )
    for address in (GUEST, *guests):
        ArchivedAttendee.objects.create(event=event, email=address)
    return event


def texts_at(client: APIClient, addresses: list[tuple[str, dict[str, Any]]]) -> str:
    answers = [client.get(address, query) for address, query in addresses]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    return "".join(answer.content.decode() for answer in answers)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_else_reads_it_in_lists_by_id_in_the_archive_or_on_a_timeline(
    api: Clients, role: str
) -> None:
    client = api(role)
    lead = LeadFactory(owner=client.user)
    LeadContactFactory(lead=lead, contact=ContactFactory(name="Bob", email=GUEST))
    live, old = secret(), archived()
    doors = [
        (URL, {}),
        (f"{URL}/{live.pk}", {}),
        (f"{URL}/{live.google_event_id}", {}),
        (URL, {"archived": True}),
        (f"{URL}/{old.pk}", {"archived": True}),
        (URL, {"fields": "summary,description,location,attendees,linked,organizer_email"}),
        (f"/api/timeline/lead/{lead.pk}", {"kinds": "meeting"}),
    ]

    seen = texts_at(client, doors)

    assert "canary" not in seen
    # The list, three by id, the archive's list and one of it, sparse; twice on the timeline.
    assert seen.count('"Busy"') == 8


@pytest.mark.parametrize("role", ROLES)
def test_no_search_and_no_filter_gives_it_away(api: Clients, role: str) -> None:
    client = api(role)
    lead = LeadFactory(owner=client.user)
    LeadContactFactory(lead=lead, contact=ContactFactory(email=GUEST))
    secret()
    archived()
    bounds = {"timeMin": "2026-01-01T00:00:00Z"}

    for side in ({}, {"archived": True}):
        for words in ("canary", "title", "place", "text"):
            assert titles(client, q=words, **side) == []
        assert titles(client, entityType="lead", entityId=lead.pk, **bounds, **side) == []
        assert titles(client, **side) == ["Busy"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("organises", [False, True])
def test_who_attends_reads_it_and_finds_it(api: Clients, role: str, organises: bool) -> None:
    client = api(role)
    address = client.user.email.lower()
    event = secret(organizer_email=address) if organises else secret(address)

    assert titles(client) == titles(client, q="canary place") == ["canary title"]
    assert client.get(f"{URL}/{event.pk}").json()["description"] == "canary text"


def test_who_made_it_here_and_does_not_attend_sees_its_times(api: Clients) -> None:
    client = api("sales")
    event = secret(author=client.user)
    assert titles(client) == ["Busy"]
    assert client.patch(f"{URL}/{event.pk}", {"title": "mine"}).status_code == 403


def test_a_person_without_an_address_attends_nothing(api: Clients) -> None:
    client = api("admin")
    client.user.email = None
    client.user.save()
    secret(organizer_email=None)
    assert titles(client) == ["Busy"]
    assert titles(client, q="canary") == []


@pytest.mark.parametrize("query", ["", "?dry_run=true&notify=all"])
def test_a_manager_neither_changes_nor_cancels_it_nor_learns_of_its_guests(
    api: Clients, query: str
) -> None:
    client = api("manager")
    event = secret()
    address = f"{URL}/{event.pk}{query}"

    for answer in (client.patch(address, {"title": "mine"}), client.delete(address)):
        assert answer.status_code == 403
        assert "canary" not in answer.content.decode()


def test_a_public_day_of_a_private_series_is_no_way_to_the_series(api: Clients) -> None:
    client = api("manager")
    series = secret(recurrence=["RRULE:FREQ=DAILY"])
    day = meeting(
        summary="open", series=series, recurring_event_id=series.google_event_id,
        original_start_time=START,
    )  # fmt: skip

    address = f"{URL}/{day.pk}?scope=all&dry_run=true&notify=all"
    for answer in (client.patch(address, {"title": "mine"}), client.delete(address)):
        assert answer.status_code == 403
        assert "canary" not in answer.content.decode()


def test_the_admin_shows_and_finds_nothing_but_its_times() -> None:
    event = secret(recurrence=["RRULE:FREQ=DAILY;COUNT=77"])
    other = EventFactory(summary="Zebra canary", organizer_email="zoe@x.example")
    boss = superuser()

    page = boss.get(page_of("change", event.pk)).content.decode()
    assert "canary" not in page
    assert "COUNT=77" not in page
    assert "canary-boss" not in boss.get(page_of("changelist")).content.decode()
    assert found(boss, q="canary") == [other.pk]
    assert found(boss, q="canary-boss") == []


@pytest.mark.parametrize("column", [0, 3])
def test_the_admin_sorts_it_by_nothing_that_is_hidden(column: int) -> None:
    first = EventFactory(summary="a", organizer_email="a@x.example")
    hidden = secret()
    last = EventFactory(summary="z", organizer_email="z@x.example")
    boss = superuser()

    up, down = found(boss, o=f"{column}"), found(boss, o=f"-{column}")
    assert up == down[::-1]
    assert hidden.pk in (up[0], up[-1])
    assert [pk for pk in up if pk != hidden.pk] == [first.pk, last.pk]


def page_of(name: str, *args: Any) -> str:
    return reverse(f"admin:gcalendar_calendarevent_{name}", args=args)


def found(boss: Any, **query: str) -> list[int]:
    """What the list of meetings shows."""
    page = boss.get(page_of("changelist"), query)
    return [row.pk for row in page.context["cl"].result_list]
