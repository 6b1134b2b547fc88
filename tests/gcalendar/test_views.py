"""GET /api/calendar/events: windows, filters, occurrences, who sees what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
)
from tests.factories.gcalendar import (
    START,
    AppearanceFactory,
    CalendarFactory,
    EventFactory,
    OccurrenceFactory,
)
from tests.gcalendar.conftest import Mirror, at

URL = "/api/calendar/events"
Clients = Callable[..., APIClient]


def meeting(**fields: Any) -> Any:
    """A meeting on some calendar, at its time."""
    appearance = AppearanceFactory(**{f"event__{name}": value for name, value in fields.items()})
    event = appearance.event
    OccurrenceFactory(event=event, start_time=event.start_time, end_time=event.end_time)
    for guest in event.attendees or ():
        event.attendee_rows.create(email=guest["email"])
    return event


def titles(client: APIClient, **query: Any) -> list[str]:
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.json()
    return [event["summary"] for event in answer.json()["data"]]


def refused(client: APIClient, **query: Any) -> str:
    """The parameter a 400 names."""
    answer = client.get(URL, query)
    assert answer.status_code == 400
    return str(answer.json()["details"][0]["field"])


def test_an_event_has_the_contracts_fields(api: Clients) -> None:
    event = meeting(summary="Visit", attendees=[{"email": "bob@x.example"}], ical_uid="u1")

    answer = api("manager").get(URL).json()

    (shown,) = answer["data"]
    assert set(shown) >= {
        "id", "google_event_id", "calendar_id", "ical_uid", "summary", "description", "start_time",
        "end_time", "all_day", "start_date", "end_date", "time_zone", "status", "meet_link",
        "html_link", "organizer_email", "attendees", "recurrence", "recurring_event_id",
        "original_start_time", "linked", "created_at", "updated_at",
    }  # fmt: skip
    assert shown["id"] == event.pk
    assert shown["start_time"] == "2026-12-01T13:00:00Z"
    assert shown["attendees"] == [{"email": "bob@x.example"}]
    assert answer["pagination"]["total"] == 1
    assert "as_of" in answer


def test_an_event_that_runs_at_the_lower_bound_counts(api: Clients) -> None:
    meeting(summary="running", start_time=START, end_time=START + timedelta(hours=2))
    meeting(summary="over", start_time=START - timedelta(hours=2))
    meeting(summary="ends there", start_time=START, end_time=START + timedelta(hours=1))
    bound = (START + timedelta(hours=1)).isoformat()

    assert titles(api("admin"), timeMin=bound) == ["running"]
    assert titles(api("admin"), timeMax=START.isoformat()) == ["over"]


@pytest.mark.parametrize("days", [1, 2, 3, 400])
def test_long_events_count_as_long_as_they_run(api: Clients, days: int) -> None:
    length = timedelta(days=days)
    meeting(summary="running", start_time=START - length, end_time=START + timedelta(seconds=1))
    meeting(summary="longer", start_time=START - 2 * length, end_time=START + timedelta(seconds=1))
    meeting(summary="over", start_time=START - 3 * length, end_time=START)
    meeting(summary="to come", start_time=START + length, end_time=START + 9 * length)

    until = (START + timedelta(hours=1)).isoformat()

    assert titles(api("admin"), timeMin=START.isoformat(), timeMax=until) == ["longer", "running"]
    assert titles(api("admin"), timeMin=START.isoformat()) == ["longer", "running", "to come"]


def test_cancelled_events_show_only_when_asked_for(api: Clients) -> None:
    meeting(summary="on")
    meeting(summary="off", status="cancelled")

    assert titles(api("admin")) == ["on"]
    assert titles(api("admin"), status="cancelled") == ["off"]
    assert set(titles(api("admin"), status="cancelled,confirmed")) == {"on", "off"}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"timeMin": "2026-12-02T00:00:00Z", "timeMax": "2026-12-01T00:00:00Z"}, "timeMax"),
        ({"timeMin": "2026-12-02"}, "timeMin"),
        ({"status": "canceled"}, "status"),
        ({"calendarId": "nobody@x.example"}, "calendarId"),
        ({"entityType": "lead"}, "entityType"),
        ({"entityType": "tag", "entityId": str(uuid4())}, "entityType"),
        ({"entityType": "lead", "entityId": "7"}, "entityId"),
        ({"limit": "101"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"singleEvents": "true"}, "singleEvents"),
        ({"q": "a\x00b"}, "q"),
    ],
)
def test_a_faulty_query_is_named(api: Clients, query: dict[str, str], named: str) -> None:
    assert refused(api("admin"), **query) == named


def test_pages_by_offset_and_by_cursor_hold_each_event_once(api: Clients) -> None:
    for number in range(5):
        meeting(summary=f"m{number}", start_time=START + timedelta(hours=number))
    client = api("admin")

    assert titles(client, limit=2, offset=4) == ["m4"]
    seen, cursor = [], ""
    while cursor is not None:
        answer = client.get(URL, {"limit": 2, "cursor": cursor}).json()
        seen += [event["summary"] for event in answer["data"]]
        cursor = answer["pagination"]["next_cursor"]
    assert seen == ["m0", "m1", "m2", "m3", "m4"]


def test_a_calendar_shows_its_own_events_by_either_id(api: Clients) -> None:
    primary = CalendarFactory(calendar_id="primary", google_id="ana@pipedesk.example")
    event = meeting(summary="hers")
    AppearanceFactory(event=event, mirrored_calendar=primary)
    meeting(summary="other")

    assert titles(api("admin"), calendarId="primary") == ["hers"]
    assert titles(api("admin"), calendarId="ana@pipedesk.example") == ["hers"]


def test_the_entity_filter_finds_meetings_of_its_people(api: Clients) -> None:
    lead, start = LeadFactory(), datetime.now(UTC)
    contact = ContactFactory(email="Bob@X.example")
    LeadContactFactory(lead=lead, contact=contact)
    meeting(summary="with bob", attendees=[{"email": "bob@x.example"}], start_time=start)
    meeting(summary="long ago", attendees=[{"email": "bob@x.example"}],
            start_time=start - timedelta(days=60))  # fmt: skip
    meeting(summary="without", start_time=start)
    client = api("manager")

    for kind, pk in (("lead", lead.pk), ("contact", contact.pk)):
        assert titles(client, entityType=kind, entityId=pk) == ["with bob"]
    assert titles(client, entityType="lead", entityId=uuid4()) == []
    (event,) = client.get(URL, {"q": "bob", "timeMin": "2026-01-01T00:00:00Z"}).json()["data"][-1:]
    assert {link["type"] for link in event["linked"]} == {"contact", "lead"}


def test_a_company_and_a_deal_have_the_people_of_their_leads(api: Clients) -> None:
    company, deal = CompanyFactory(), DealFactory()
    lead = LeadFactory(qualified=True, qualified_company=company, qualified_master_deal=deal)
    LeadContactFactory(lead=lead, contact=ContactFactory(email="bob@x.example"))
    start = datetime.now(UTC)
    meeting(summary="with bob", attendees=[{"email": "bob@x.example"}], start_time=start)
    meeting(summary="without", start_time=start)
    client = api("manager")

    for kind, pk in (("company", company.pk), ("deal", deal.pk), ("lead", lead.pk)):
        assert titles(client, entityType=kind, entityId=pk) == ["with bob"]
    (event,) = client.get(URL, {"q": "with bob"}).json()["data"]
    assert {link["type"] for link in event["linked"]} == {"contact", "lead", "company", "deal"}


def test_sales_see_times_only_of_what_does_not_concern_them(api: Clients) -> None:
    client = api("sales")
    own = LeadFactory(owner=client.user)
    LeadContactFactory(lead=own, contact=ContactFactory(email="mine@x.example"))
    LeadContactFactory(contact=ContactFactory(email="theirs@x.example"))
    meeting(summary="attends", attendees=[{"email": client.user.email}])
    meeting(summary="organises", organizer_email=client.user.email)
    meeting(summary="own lead", attendees=[{"email": "mine@x.example"}])
    secret = meeting(summary="foreign", attendees=[{"email": "theirs@x.example"}],
                     description="secret", location="there")  # fmt: skip
    meeting(summary="private", private=True, attendees=[{"email": "mine@x.example"}])

    assert sorted(titles(client)) == ["Busy", "Busy", "attends", "organises", "own lead"]
    assert "secret" not in client.get(URL).content.decode()
    assert titles(client, q="foreign") == []
    masked = client.get(f"{URL}/{secret.pk}").json()
    assert (masked["summary"], masked["attendees"], masked["linked"]) == ("Busy", [], [])
    assert masked["description"] is masked["location"] is masked["organizer_email"] is None
    assert masked["start_time"] == "2026-12-01T13:00:00Z"


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403), ("sales", 200)])
def test_who_may_list(api: Clients, role: str | None, status: int) -> None:
    assert api(role).get(URL).status_code == status


def test_the_number_of_queries_does_not_grow_with_the_events(
    api: Clients, django_assert_max_num_queries: Any
) -> None:
    LeadContactFactory(contact=ContactFactory(email="bob@x.example"))
    for number in range(30):
        meeting(attendees=[{"email": "bob@x.example"}, {"email": f"g{number}@x.example"}])
    client = api("sales")

    # The caller with the role; the count, the page, its people and what people said, the freshness.
    with django_assert_max_num_queries(6):
        answer = client.get(URL, {"limit": 100})
    assert len(answer.json()["data"]) == 30


def test_sparse_answers_hold_what_was_asked_for(api: Clients) -> None:
    event = meeting(summary="Visit")

    (row,) = api("admin").get(URL, {"fields": "id,summary"}).json()["data"]
    assert row == {"id": event.pk, "summary": "Visit"}
    assert refused(api("admin"), fields="title") == "fields"


def test_an_event_is_found_by_our_id_and_by_googles(api: Clients) -> None:
    event = meeting(google_event_id="abc123")
    client = api("admin")

    for name in (event.pk, "abc123"):
        answer = client.get(f"{URL}/{name}")
        assert answer.json()["id"] == event.pk
    again = client.get(f"{URL}/abc123", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert again.status_code == 304
    for name in ("nothing", "99999", "9" * 5000, "abc123_20261201T130000Z", "abc123_x"):
        assert client.get(f"{URL}/{name}").status_code == 404


def test_a_series_shows_as_its_occurrences_with_googles_ids(mirror: Mirror, api: Clients) -> None:
    made = mirror.people.create_event(
        "Daily", at(1), time_zone="America/Sao_Paulo", recurrence=["RRULE:FREQ=DAILY;COUNT=3"]
    )
    mirror.synced()
    client = api("admin")

    answer = client.get(URL).json()
    ids = [event["google_event_id"] for event in answer["data"]]
    assert ids == [f"{made['id']}_202612{day:02}T130000Z" for day in (1, 2, 3)]
    assert answer["data"][1]["start_time"] == "2026-12-02T13:00:00Z"
    assert answer["data"][1]["recurring_event_id"] == made["id"]
    assert answer["as_of"] is not None
    assert client.get(f"{URL}/{ids[2]}").json()["start_time"] == "2026-12-03T13:00:00Z"
    series = client.get(f"{URL}/{made['id']}").json()
    assert series["recurrence"] == ["RRULE:FREQ=DAILY;COUNT=3"]


def test_d22_an_all_day_event_keeps_its_dates(mirror: Mirror, api: Clients) -> None:
    mirror.people.create_event("Holiday", date(2026, 12, 28), date(2026, 12, 29))
    mirror.synced()

    (event,) = api("admin").get(URL).json()["data"]
    assert (event["all_day"], event["start_date"], event["end_date"]) == (
        True, "2026-12-28", "2026-12-29",
    )  # fmt: skip
    assert titles(api("admin"), timeMin="2026-12-29T03:00:00Z") == []


def test_what_happens_in_google_shows_after_a_sync(mirror: Mirror, api: Clients) -> None:
    client = api("admin")
    made = mirror.people.create_event("Visit", at(12))
    mirror.synced()
    assert titles(client) == ["Visit"]

    mirror.people.move_event(made["id"], at(14), at(14, 15))
    mirror.synced()
    assert titles(client, timeMin=at(14).isoformat()) == ["Visit"]

    mirror.people.cancel_event(made["id"])
    mirror.synced()
    assert titles(client) == []
    assert titles(client, status="cancelled") == ["Visit"]


def test_a_busy_calendar_says_only_when(mirror: Mirror, api: Clients) -> None:
    mirror.calendar.visibility = "busy"
    mirror.calendar.save()
    mirror.people.create_event("Secret", at(1), location="here", attendees=[{"email": "a@b.ex"}])
    mirror.synced()

    (event,) = api("admin").get(URL).json()["data"]
    assert (event["summary"], event["location"], event["attendees"]) == ("Busy", None, [])
    assert EventFactory._meta.model.objects.get().summary is None
