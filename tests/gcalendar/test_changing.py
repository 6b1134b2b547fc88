"""PATCH /api/calendar/events/{id}: only what changed, onto what people saw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from gcalendar import client as google_client
from gcalendar.models import CalendarEvent
from pipedesk.sandbox.calendar.events import PendingConference
from tests.gcalendar.conftest import Mirror, at, rows, shown, writes
from tests.gcalendar.dying import Steps

Api = Callable[..., Any]
URL = "/api/calendar/events"
# Statements at most, those of transactions included, however many are invited.
CHANGING = 27


@pytest.fixture
def ready(mirror: Mirror) -> Mirror:
    """Ana's primary calendar, synced once."""
    mirror.synced()
    return mirror


def meeting(mirror: Mirror, **fields: Any) -> str:
    made = mirror.people.create_event(
        "Visit", at(1), attendees=[{"email": "bob@x.example", "comment": "late"}], **fields
    )
    mirror.synced()
    return str(made["id"])


def test_a_new_title_touches_no_guest(api: Api, ready: Mirror) -> None:
    name = meeting(ready)
    before = ready.people.event(name)

    answer = api("manager").patch(f"{URL}/{name}", {"title": "Talk"})

    assert (answer.status_code, answer.json()["summary"]) == (200, "Talk")
    item = ready.people.event(name)
    assert item["attendees"] == before["attendees"]
    assert item["start"] == before["start"]
    stored = rows()
    ready.synced()
    assert rows() == stored


def test_guests_are_added_and_removed_and_the_others_stay(api: Api, ready: Mirror) -> None:
    name = meeting(ready)
    client = api("manager")

    client.patch(f"{URL}/{name}", {"add_attendees": ["Eva@y.example"]})
    first, second = ready.people.event(name)["attendees"]
    assert (first["email"], first["comment"], second["email"]) == (
        "bob@x.example", "late", "eva@y.example",
    )  # fmt: skip
    client.patch(f"{URL}/{name}", {"remove_attendees": ["BOB@x.example"]})

    assert [g["email"] for g in ready.people.event(name)["attendees"]] == ["eva@y.example"]


def test_a_start_moves_the_whole_meeting(api: Api, ready: Mirror) -> None:
    name = meeting(ready)

    answer = api("manager").patch(f"{URL}/{name}", {"start_time": at(2).isoformat()})

    event = answer.json()
    assert (event["start_time"], event["end_time"]) == (
        "2026-12-02T13:00:00Z", "2026-12-02T14:00:00Z",
    )  # fmt: skip


def test_d31_other_fields_changed_meanwhile_are_merged(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, genuine, raced = meeting(ready), google_client.patch_event, []

    def late(*args: Any, **options: Any) -> Any:
        if not raced:
            raced.append(ready.people.change_event(name, location="Rua 1"))
        return genuine(*args, **options)

    monkeypatch.setattr(google_client, "patch_event", late)
    answer = api("manager").patch(f"{URL}/{name}", {"summary": "Talk"})

    assert answer.status_code == 200
    item = ready.people.event(name)
    assert (item["summary"], item["location"]) == ("Talk", "Rua 1")
    assert ready.google.google.requests.count("calendar.events.patch") == 2


def test_the_same_field_changed_meanwhile_is_409_with_both_versions(
    api: Api, ready: Mirror
) -> None:
    name = meeting(ready)
    ready.people.change_event(name, summary="Theirs")

    answer = api("manager").patch(f"{URL}/{name}", {"summary": "Ours"})

    assert answer.status_code == 409
    versions = {detail["field"]: detail["message"] for detail in answer.json()["details"]}
    assert versions == {"google.summary": "Theirs", "yours.summary": "Ours"}
    assert ready.people.event(name)["summary"] == "Theirs"
    assert shown() == ["Theirs"]


def test_a_lost_answer_changes_once(api: Api, ready: Mirror) -> None:
    name = meeting(ready)
    fault = {"method": "events\\.patch", "kind": "reset_after_commit", "times": 1}
    ready.google.google.faults.plan(fault)

    assert api("manager").patch(f"{URL}/{name}", {"summary": "Talk"}).status_code == 200
    assert shown() == ["Talk"]


def test_one_occurrence_or_the_whole_series(api: Api, ready: Mirror) -> None:
    name = meeting(ready, time_zone="UTC", recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    client, second = api("manager"), f"{name}_20261202T130000Z"

    one = client.patch(f"{URL}/{second}", {"start_time": at(2, 18).isoformat()})
    assert (one.status_code, one.json()["google_event_id"]) == (200, second)
    every = client.patch(f"{URL}/{name}_20261203T130000Z?scope=all", {"summary": "Talk"})
    assert every.json()["google_event_id"] == name

    listed = client.get(URL).json()["data"]
    assert [(event["start_time"][8:13], event["summary"]) for event in listed] == [
        ("01T13", "Talk"), ("02T18", "Visit"), ("03T13", "Talk"),
    ]  # fmt: skip
    assert client.patch(f"{URL}/{name}?scope=this", {"summary": "x"}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"end_time": "2026-12-01T12:00:00Z"}, {"add_attendees": ["x"]}, {"time_zone": "Mars/Base"},
        {"recurrence": ["RRULE:FREQ=SOMETIMES"]}, {"nothing": 1}, {"start_time": "2026-12-01"},
    ],
)  # fmt: skip
def test_a_body_that_breaks_a_rule_is_422_and_changes_nothing(
    api: Api, ready: Mirror, body: dict[str, Any]
) -> None:
    name = meeting(ready)
    before = (rows(), ready.people.event(name))

    assert api("manager").patch(f"{URL}/{name}", body).status_code == 422
    assert (rows(), ready.people.event(name)) == before


def test_a_dry_run_writes_nothing_and_strangers_may_not(api: Api, ready: Mirror) -> None:
    name = meeting(ready)
    body = {"add_attendees": ["eva@y.example"]}

    answer = api("manager").patch(f"{URL}/{name}?dry_run=true&notify=all", body)

    assert answer.json() == {"recipients": ["bob@x.example", "eva@y.example"]}
    assert len(ready.people.event(name)["attendees"]) == 1
    for role, status in ((None, 401), ("", 403), ("sales", 403)):
        assert api(role).patch(f"{URL}/{name}", body).status_code == status


# --- What Google's side can do -------------------------------------------------------------


def test_d31_a_meeting_that_changes_all_the_time_is_given_up(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, genuine, places = meeting(ready), google_client.patch_event, list[str]()

    def late(*args: Any, **options: Any) -> Any:
        places.append(f"Rua {len(places)}")
        ready.people.change_event(name, location=places[-1])
        return genuine(*args, **options)

    monkeypatch.setattr(google_client, "patch_event", late)

    assert api("manager").patch(f"{URL}/{name}", {"summary": "Talk"}).status_code == 503
    assert 1 < len(places) < 10
    assert ready.people.event(name)["summary"] == "Visit"


def test_d23_a_changed_all_day_meeting_has_dates_and_no_zone(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ready.people.create_event("Fair", date(2026, 12, 28))
    ready.synced()
    genuine, sent = google_client.patch_event, list[dict[str, Any]]()

    def heard(*args: Any, **options: Any) -> Any:
        sent.append(args[2])
        return genuine(*args, **options)

    monkeypatch.setattr(google_client, "patch_event", heard)
    answer = api("manager").patch(f"{URL}/{made['id']}", {"start_time": "2026-12-30"})

    assert sent == [{"start": {"date": "2026-12-30"}, "end": {"date": "2026-12-31"}}]
    assert answer.json()["start_date"] == "2026-12-30"


def test_d32_the_echo_of_a_change_is_no_second_write(api: Api, ready: Mirror) -> None:
    name = meeting(ready)
    api("manager").patch(f"{URL}/{name}", {"summary": "Talk", "add_attendees": ["eva@y.example"]})
    before, stamps = rows(), writes()
    asked = ready.google.google.requests.count("calendar.events.patch")

    ready.synced()
    ready.synced()

    assert (rows(), writes()) == (before, stamps)
    assert ready.google.google.requests.count("calendar.events.patch") == asked == 1


def test_d32_the_echo_of_a_cancellation_is_no_second_write(api: Api, ready: Mirror) -> None:
    name = meeting(ready)
    api("manager").delete(f"{URL}/{name}")
    stored = CalendarEvent.objects.values_list("status", "summary", "updated_at").get()

    ready.synced()

    assert CalendarEvent.objects.values_list("status", "summary", "updated_at").get() == stored
    assert ready.google.google.requests.count("calendar.events.delete") == 1


def test_d34_a_link_asked_for_twice_is_one_conference(api: Api, ready: Mirror) -> None:
    """The request's id is the meeting's, so Google takes the second for the first."""
    name, client = meeting(ready), api("manager")
    fault = {"method": "events\\.patch", "kind": "timeout_after_commit", "seconds": 0, "times": 1}
    ready.google.google.faults.plan(fault)

    assert client.patch(f"{URL}/{name}", {"create_meet_link": True}).status_code == 200
    first = ready.people.event(name)["conferenceData"]["createRequest"]["requestId"]
    assert client.patch(f"{URL}/{name}", {"create_meet_link": True}).status_code == 200

    assert first == f"meet-{name}"
    ready.google.google.complete_conference(PendingConference("ana@pipedesk.example", name))
    ready.synced()
    link = ready.people.event(name)["hangoutLink"]
    assert client.get(f"{URL}/{name}").json()["meet_link"] == link
    assert client.patch(f"{URL}/{name}", {"create_meet_link": True}).json()["meet_link"] == link


def test_the_number_of_statements_of_a_change(
    api: Api, ready: Mirror, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    name, client = meeting(ready), api("manager")
    for guests in (["eva@y.example"], [f"g{n}@x.example" for n in range(50)]):
        with django_assert_max_num_queries(CHANGING):
            client.patch(f"{URL}/{name}", {"summary": str(len(guests)), "attendees": guests})
    assert len(ready.people.event(name)["attendees"]) == 50


# --- Death ---------------------------------------------------------------------------------


def test_death_at_every_step_of_a_change_is_made_good_by_a_repeat_or_a_sync(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, client, number = Steps(monkeypatch), api("manager"), 0
    body = {
        "title": "Talk", "start_time": at(2).isoformat(), "add_attendees": ["eva@y.example"],
        "create_meet_link": True,
    }  # fmt: skip
    while True:
        number += 1
        name = meeting(ready)
        lived = steps.run(lambda: client.patch(f"{URL}/{name}", body), number)  # noqa: B023
        if number % 2:
            # Whatever Google has by then, all of it or nothing, a sync brings.
            ready.synced()
            item = ready.people.event(name)
            assert (item["summary"] == "Talk") is (len(item["attendees"]) == 2)
            assert CalendarEvent.objects.get(google_event_id=name).summary == item["summary"]
        assert client.patch(f"{URL}/{name}", body).status_code == 200
        before = CalendarEvent.objects.values_list("summary", "start_time", "attendees")
        stored = before.get(google_event_id=name)
        ready.synced()

        item = ready.people.event(name)
        assert item["summary"] == stored[0] == "Talk"
        assert [guest["email"] for guest in item["attendees"]] == ["bob@x.example", "eva@y.example"]
        assert before.get(google_event_id=name) == stored
        assert item["conferenceData"]["createRequest"]["requestId"] == f"meet-{name}"
        if lived:
            break
    assert number > 6


def test_death_at_every_step_of_cancelling_is_made_good_by_a_repeat_or_a_sync(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, client, number = Steps(monkeypatch), api("manager"), 0
    while True:
        number += 1
        name = meeting(ready)
        lived = steps.run(lambda: client.delete(f"{URL}/{name}"), number)  # noqa: B023
        if number % 2:
            ready.synced()
            assert bool(shown()) is (ready.people.event(name)["status"] != "cancelled")
        assert client.delete(f"{URL}/{name}").status_code == 204
        assert shown() == []
        ready.synced()
        assert (shown(), ready.people.events()) == ([], [])
        if lived:
            break
    assert number > 4
