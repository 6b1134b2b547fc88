"""POST /api/calendar/events/quick-add: Google reads the words, and one meeting comes of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from gcalendar import client as google_client
from gcalendar.models import CalendarEvent, EventCreation, MirroredCalendar
from pipedesk.core.models import StoredAnswer
from tests.gcalendar.conftest import Mirror, at, shown
from tests.gcalendar.dying import Steps

Api = Callable[..., Any]
URL = "/api/calendar/events/quick-add"
TEXT = "Call ACME on 2026-12-01 14:30"
KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


@pytest.fixture
def ready(mirror: Mirror) -> Mirror:
    """Ana's primary calendar, synced once."""
    mirror.synced()
    return mirror


def plan(mirror: Mirror, method: str, kind: str, **fault: Any) -> None:
    mirror.google.google.faults.plan({"method": f"events\\.{method}", "kind": kind, **fault})


def titles(mirror: Mirror) -> list[str]:
    return [event["summary"] for event in mirror.people.events()]


def test_google_makes_a_meeting_of_the_words(api: Api, ready: Mirror) -> None:
    client = api("sales")

    answer = client.post(URL, {"text": TEXT, "calendarId": "primary"})

    assert answer.status_code == 201, answer.json()
    event, (item,) = answer.json(), ready.people.events()
    assert (event["summary"], event["start_time"]) == ("Call ACME", "2026-12-01T17:30:00Z")
    assert event["google_event_id"] == item["id"]
    assert answer["Location"] == f"/api/calendar/events/{event['id']}"
    assert client.get(answer["Location"]).json() == event
    assert CalendarEvent.objects.get().author == client.user
    ready.synced()
    assert shown() == ["Call ACME"]


@pytest.mark.parametrize("headers", [{}, KEY])
def test_a_repeat_meets_the_same_meeting(api: Api, ready: Mirror, headers: dict[str, str]) -> None:
    client = api("manager")

    first = client.post(URL, {"text": TEXT}, headers=headers)
    StoredAnswer.objects.all().delete()
    second = client.post(URL, {"text": TEXT}, headers=headers)

    assert (second.status_code, second.json()["id"]) == (201, first.json()["id"])
    assert titles(ready) == ["Call ACME"]


def test_a_meeting_cancelled_since_can_be_added_again(api: Api, ready: Mirror) -> None:
    client = api("manager")
    first = client.post(URL, {"text": TEXT}).json()
    client.delete(f"/api/calendar/events/{first['id']}")

    assert client.post(URL, {"text": TEXT}).json()["id"] != first["id"]
    assert titles(ready) == ["Call ACME"]


@pytest.mark.parametrize("kind", ["reset_after_commit", "timeout_after_commit", "truncated"])
def test_d29_a_lost_answer_adds_one_meeting(api: Api, ready: Mirror, kind: str) -> None:
    """Without an id of ours: it is on the wire once, and looked for afterwards."""
    plan(ready, "quickAdd", kind, times=1, **({"seconds": 0} if "timeout" in kind else {}))

    answer = api("manager").post(URL, {"text": TEXT})

    assert answer.status_code == 201
    assert titles(ready) == shown() == ["Call ACME"]
    assert ready.google.google.requests.count("calendar.events.quickAdd") == 1


def test_where_nobody_can_look_a_repeat_does(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipedesk.google.service.sleep", lambda _seconds: None)
    plan(ready, "quickAdd", "reset_after_commit", times=1)
    plan(ready, "list", "status", status=500, reason="backendError", times=20)
    client = api("manager")
    assert client.post(URL, {"text": TEXT}).status_code == 503
    ready.google.google.faults.clear()
    ready.synced()

    answer = client.post(URL, {"text": TEXT})

    assert answer.status_code == 201
    assert titles(ready) == shown() == ["Call ACME"]
    assert CalendarEvent.objects.get().author == client.user


def test_what_never_arrived_is_added_by_the_repeat(api: Api, ready: Mirror) -> None:
    plan(ready, "quickAdd", "reset_before", times=1)
    client = api("manager")

    assert client.post(URL, {"text": TEXT}).status_code == 503
    assert client.post(URL, {"text": TEXT}).status_code == 201

    assert titles(ready) == ["Call ACME"]


def test_meetings_of_others_are_not_taken_for_it(api: Api, ready: Mirror) -> None:
    """Older ones, other words, and those that another request has made."""
    ready.people.create_event("Call ACME", at(1))
    ready.synced()
    client = api("manager")
    other = client.post(URL, {"text": "Call ACME tomorrow 9am"}).json()
    ready.people.create_event("Call somebody else", at(1))
    plan(ready, "quickAdd", "reset_before", times=1)
    assert client.post(URL, {"text": TEXT}).status_code == 503

    answer = client.post(URL, {"text": TEXT})

    assert answer.status_code == 201
    assert answer.json()["id"] != other["id"]
    assert len(titles(ready)) == 4


@pytest.mark.parametrize(
    ("status", "reason", "ours"),
    [(400, "invalid", 422), (403, "forbidden", 409), (403, "quotaExceeded", 503)],
)
def test_a_refusal_is_told_and_can_be_repeated_at_once(
    api: Api, ready: Mirror, status: int, reason: str, ours: int
) -> None:
    plan(ready, "quickAdd", "status", status=status, reason=reason, times=1)
    client = api("manager")

    assert client.post(URL, {"text": TEXT}).status_code == ours
    assert (titles(ready), shown()) == ([], [])
    assert client.post(URL, {"text": TEXT}).status_code == 201


def test_two_at_once_add_one(api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    client, ask, seen = api("manager"), google_client.quick_add, list[int]()

    def twice(*args: Any, **options: Any) -> Any:
        seen.append(client.post(URL, {"text": TEXT}).status_code)
        return ask(*args, **options)

    monkeypatch.setattr(google_client, "quick_add", twice)

    assert client.post(URL, {"text": TEXT}).status_code == 201
    assert seen == [409]
    assert titles(ready) == ["Call ACME"]


@pytest.mark.parametrize("body", [{}, {"text": " "}, {"text": "x" * 1001}, {"txt": "x"},
                                  {"text": "x", "notify": "everyone"},
                                  {"text": "x", "calendar_id": "nobody@x.example"}])  # fmt: skip
def test_a_body_that_breaks_a_rule_is_422_and_adds_nothing(
    api: Api, ready: Mirror, body: dict[str, Any]
) -> None:
    assert api("manager").post(URL, body).status_code == 422
    assert (titles(ready), EventCreation.objects.count()) == ([], 0)


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403), ("sales", 201)])
def test_who_may_add(api: Api, ready: Mirror, role: str | None, status: int) -> None:
    assert api(role).post(URL, {"text": TEXT}).status_code == status
    assert len(titles(ready)) == (status == 201)


def test_a_calendar_switched_off_is_not_written_to(api: Api, ready: Mirror) -> None:
    MirroredCalendar.objects.update(state="disabled")

    assert api("manager").post(URL, {"text": TEXT}).status_code == 409


@pytest.mark.parametrize("synced", [False, True])
def test_death_at_every_step_adds_one_meeting(
    api: Api,
    ready: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    clock: time_machine.Traveller,
    synced: bool,
) -> None:
    steps, number = Steps(monkeypatch), 0
    while True:
        number += 1
        client, body = api("manager"), {"text": f"m{number}"}
        lived = steps.run(lambda: client.post(URL, body), number)  # noqa: B023
        if lived:
            break
        if synced:
            ready.synced()
        # Somebody may still be at work on it; five minutes later nobody is.
        assert client.post(URL, body).status_code in {201, 409}
        clock.shift(timedelta(minutes=5, seconds=1))
        assert client.post(URL, body).status_code == 201
    ready.synced()

    assert sorted(titles(ready)) == sorted({*titles(ready)}) == sorted(filter(None, shown()))
    assert len(titles(ready)) == number > 6
    assert not EventCreation.objects.filter(state="writing").exists()
