"""PATCH and DELETE /api/calendar/events/{id}?scope=following: no day lost, none twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from gcalendar import client as google_client
from gcalendar.models import CalendarEvent, EventCreation, EventOccurrence
from gcalendar.tasks import close_creations
from tests.factories.crm import ContactFactory, LeadContactFactory, LeadFactory
from tests.gcalendar.conftest import Mirror, at, rows
from tests.gcalendar.dying import Steps

Api = Callable[..., Any]
URL = "/api/calendar/events"
ZONE = "America/Sao_Paulo"


@pytest.fixture
def ready(mirror: Mirror) -> Mirror:
    """Ana's primary calendar, synced once."""
    mirror.synced()
    return mirror


def series(mirror: Mirror, *rules: str, **fields: Any) -> str:
    """A daily series from 1 December, 13:00 UTC."""
    lines = list(rules) or ["RRULE:FREQ=DAILY;COUNT=5"]
    fields = {"attendees": [{"email": "bob@x.example"}], **fields}
    made = mirror.people.create_event("Daily", at(1), time_zone=ZONE, recurrence=lines, **fields)
    mirror.synced()
    return str(made["id"])


def occurrence(name: str, day: int) -> str:
    return f"{name}_202612{day:02}T130000Z"


def following(name: str, day: int) -> str:
    return f"{URL}/{occurrence(name, day)}?scope=following"


def here() -> list[str]:
    """Day, hour (UTC) and title of everything that takes place, by the mirror."""
    found = EventOccurrence.objects.taking_place().order_by("start_time", "pk")
    return [f"{o.start_time:%d %H} {o.event.summary}" for o in found.select_related("event")]


def there(mirror: Mirror) -> list[str]:
    """The same, by Google."""
    events, google = mirror.people.events(), mirror.google.google
    shown = {event["id"]: event for event in events if "recurrence" not in event}
    with google.store.transaction():
        calendar = google.calendars.get(mirror.people.user, "primary")
        for master in events:
            if "recurrence" in master:
                shown |= {e["id"]: e for e in google.events.instances(calendar, master)}
    return sorted(
        f"{datetime.fromisoformat(e['start']['dateTime']).astimezone(UTC):%d %H} {e['summary']}"
        for e in shown.values()
        if e["status"] != "cancelled"
    )


def agreed(mirror: Mirror) -> list[str]:
    """What both say, now and after a sync."""
    before = here()
    mirror.synced()
    assert before == here() == there(mirror)
    return before


def plan(mirror: Mirror, method: str, kind: str, **fault: Any) -> None:
    mirror.google.google.faults.plan({"method": f"events\\.{method}", "kind": kind, **fault})


# --- Changing ------------------------------------------------------------------------------


def test_what_follows_becomes_a_series_of_its_own(api: Api, ready: Mirror) -> None:
    name = series(ready, location="Rua 1", colorId="5")
    client = api("manager")

    answer = client.patch(
        following(name, 3), {"title": "Talk", "start_time": at(3, 15).isoformat()}
    )

    assert answer.status_code == 200, answer.json()
    event = answer.json()
    assert (event["start_time"], event["end_time"]) == (
        "2026-12-03T15:00:00Z", "2026-12-03T16:00:00Z",
    )  # fmt: skip
    assert event["recurrence"] == ["RRULE:FREQ=DAILY;COUNT=3"]
    assert agreed(ready) == ["01 13 Daily", "02 13 Daily", "03 15 Talk", "04 15 Talk", "05 15 Talk"]
    old, new = ready.people.event(name), ready.people.event(event["google_event_id"])
    assert old["recurrence"] == ["RRULE:FREQ=DAILY;UNTIL=20261203T125959Z"]
    assert (new["location"], new["colorId"], new["attendees"]) == (
        "Rua 1", "5", old["attendees"],
    )  # fmt: skip
    assert new["start"]["timeZone"] == ZONE


def test_the_whole_series_changes_from_its_first_occurrence_on(api: Api, ready: Mirror) -> None:
    name = series(ready)

    answer = api("manager").patch(following(name, 1), {"start_time": at(1, 15).isoformat()})

    assert answer.json()["google_event_id"] == name
    assert agreed(ready) == [f"0{day} 15 Daily" for day in range(1, 6)]


def test_exceptions_before_stay_and_later_ones_are_as_all(api: Api, ready: Mirror) -> None:
    """As Google does: what follows is new, so nothing of it has been moved or cancelled yet."""
    name = series(ready)
    ready.people.move_event(occurrence(name, 2), at(2, 18), at(2, 19))
    ready.people.move_event(occurrence(name, 4), at(4, 9), at(4, 10))
    ready.people.cancel_event(occurrence(name, 5))
    ready.synced()

    assert api("manager").patch(following(name, 3), {"title": "Talk"}).status_code == 200

    assert agreed(ready) == ["01 13 Daily", "02 18 Daily", "03 13 Talk", "04 13 Talk", "05 13 Talk"]


def test_an_exception_names_the_place_in_its_series(api: Api, ready: Mirror) -> None:
    name = series(ready)
    ready.people.change_event(occurrence(name, 3), summary="Special")
    ready.synced()

    assert api("manager").patch(following(name, 3), {"location": "Rua 2"}).status_code == 200

    assert agreed(ready) == [f"0{day} 13 Daily" for day in range(1, 6)]


def test_days_are_split_as_times_are(api: Api, ready: Mirror) -> None:
    made = ready.people.create_event(
        "Fair", date(2026, 12, 1), recurrence=["RRULE:FREQ=DAILY;COUNT=4"]
    )
    ready.synced()

    answer = api("manager").patch(f"{URL}/{made['id']}_20261203?scope=following", {"title": "Talk"})

    assert (answer.json()["start_date"], answer.json()["end_date"]) == ("2026-12-03", "2026-12-04")
    assert ready.people.event(made["id"])["recurrence"] == ["RRULE:FREQ=DAILY;UNTIL=20261202"]
    shown = api("manager").get(URL).json()["data"]
    assert [(e["start_date"][8:], e["summary"]) for e in shown] == [
        ("01", "Fair"), ("02", "Fair"), ("03", "Talk"), ("04", "Talk"),
    ]  # fmt: skip


def test_the_video_call_goes_on(api: Api, ready: Mirror) -> None:
    entry = {"entryPointType": "video", "uri": "https://meet.google.com/abc-defg-hij"}
    ready_made = {"conferenceId": "abc-defg-hij", "entryPoints": [entry]}
    name = series(ready)
    ready.people.change_event(name)
    with ready.google.google.store.transaction():
        calendar = ready.google.google.calendars.get(ready.people.user, "primary")
        ready.google.google.editing.patch(calendar, name, {"conferenceData": ready_made}, version=1)
    ready.synced()

    event = api("manager").patch(following(name, 3), {"title": "Talk"}).json()

    assert event["meet_link"] == entry["uri"]


def test_nothing_new_splits_nothing(api: Api, ready: Mirror) -> None:
    name = series(ready)

    answer = api("manager").patch(following(name, 3), {"title": "Daily"})

    assert (answer.status_code, answer.json()["google_event_id"]) == (200, name)
    assert len(ready.people.events()) == 1
    assert not EventCreation.objects.exists()


def test_a_repeat_meets_the_same_series(api: Api, ready: Mirror) -> None:
    name = series(ready)
    client, body = api("manager"), {"title": "Talk"}

    first = client.patch(following(name, 3), body)
    second = client.patch(following(name, 3), body)

    assert (second.status_code, second.json()) == (200, first.json())
    assert len(agreed(ready)) == 5
    assert len(ready.people.events()) == 2


@pytest.mark.parametrize("method", ["insert", "patch", "list"])
@pytest.mark.parametrize("kind", ["reset_after_commit", "timeout_after_commit"])
def test_a_lost_answer_splits_once(api: Api, ready: Mirror, method: str, kind: str) -> None:
    name = series(ready)
    plan(ready, method, kind, times=1, **({"seconds": 0} if "timeout" in kind else {}))

    assert api("manager").patch(following(name, 3), {"title": "Talk"}).status_code == 200

    assert agreed(ready) == ["01 13 Daily", "02 13 Daily", "03 13 Talk", "04 13 Talk", "05 13 Talk"]


@pytest.mark.parametrize("method", ["insert", "patch", "list"])
def test_where_google_fails_halfway_a_repeat_goes_on(
    api: Api, ready: Mirror, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipedesk.google.service.sleep", lambda _seconds: None)
    name, client = series(ready), api("manager")
    plan(ready, method, "status", status=500, reason="backendError", times=20)
    assert client.patch(following(name, 3), {"title": "Talk"}).status_code == 503
    ready.google.google.faults.clear()

    assert client.patch(following(name, 3), {"title": "Talk"}).status_code == 200

    assert agreed(ready) == ["01 13 Daily", "02 13 Daily", "03 13 Talk", "04 13 Talk", "05 13 Talk"]


def test_other_fields_changed_meanwhile_go_on_as_well(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, genuine, raced = series(ready), google_client.patch_event, []

    def late(*args: Any, **options: Any) -> Any:
        if not raced:
            raced.append(ready.people.change_event(name, location="Rua 1"))
        return genuine(*args, **options)

    monkeypatch.setattr(google_client, "patch_event", late)
    answer = api("manager").patch(following(name, 3), {"title": "Talk"})

    assert (answer.status_code, answer.json()["location"]) == (200, "Rua 1")
    assert len(agreed(ready)) == 5


@pytest.mark.parametrize("field", ["summary", "recurrence"])
def test_the_same_changed_meanwhile_is_409_with_both_versions_and_undone(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    name, genuine, raced = series(ready), google_client.patch_event, []
    theirs = {"summary": "Theirs", "recurrence": ["RRULE:FREQ=DAILY;COUNT=4"]}[field]

    def late(*args: Any, **options: Any) -> Any:
        if not raced:
            raced.append(ready.people.change_event(name, **{field: theirs}))
        return genuine(*args, **options)

    monkeypatch.setattr(google_client, "patch_event", late)
    answer = api("manager").patch(following(name, 3), {"title": "Ours"})

    assert answer.status_code == 409
    named = {detail["field"] for detail in answer.json()["details"]}
    assert {f"google.{field}", f"yours.{field}"} <= named
    assert [event["id"] for event in ready.people.events()] == [name]
    assert not EventCreation.objects.exists()
    assert len(agreed(ready)) == 5 - (field == "recurrence")


def test_a_series_cancelled_meanwhile_is_409_and_comes_not_back(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, genuine = series(ready), google_client.insert_event

    def late(*args: Any, **options: Any) -> Any:
        made = genuine(*args, **options)
        ready.people.cancel_event(name)
        return made

    monkeypatch.setattr(google_client, "insert_event", late)

    assert api("manager").patch(following(name, 3), {"title": "Talk"}).status_code == 409
    assert agreed(ready) == []


@pytest.mark.parametrize(
    "body",
    [
        {"end_time": "2026-12-01T12:00:00Z"}, {"recurrence": ["RRULE:FREQ=SOMETIMES"]},
        {"all_day": True, "start_time": "2026-12-03", "end_time": "2026-12-03"},
        {"start_time": "2026-12-04T13:00:00Z"}, {"nothing": 1},
    ],
)  # fmt: skip
def test_a_body_that_breaks_a_rule_is_422_and_splits_nothing(
    api: Api, ready: Mirror, body: dict[str, Any]
) -> None:
    name = series(ready, "RRULE:FREQ=WEEKLY;BYDAY=TU,TH")
    before = (rows(), ready.people.event(name))

    assert api("manager").patch(following(name, 3), body).status_code == 422

    assert (rows(), ready.people.event(name)) == before
    assert not EventCreation.objects.exists()


def test_a_new_weekday_comes_with_its_rules(api: Api, ready: Mirror) -> None:
    name = series(ready, "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=4")
    rules = ["RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=2"]

    answer = api("manager").patch(
        following(name, 8), {"start_time": at(9).isoformat(), "recurrence": rules}
    )

    assert answer.status_code == 200
    assert agreed(ready) == ["01 13 Daily", "09 13 Daily", "16 13 Daily"]


def test_following_needs_an_occurrence_of_a_series(api: Api, ready: Mirror) -> None:
    name, client = series(ready), api("manager")
    for method in (client.patch, client.delete):
        assert method(f"{URL}/{name}?scope=following", {"title": "x"}).status_code == 400
        assert method(following(name, 9), {"title": "x"}).status_code == (
            404 if method == client.patch else 204
        )
    gap = f"{URL}/{name}_20261203T140000Z?scope=following"
    assert client.patch(gap, {"title": "x"}).status_code == 404
    assert client.delete(gap).status_code == 404
    assert len(agreed(ready)) == 5


def test_a_dry_run_names_all_who_would_hear_of_it(api: Api, ready: Mirror) -> None:
    name, client = series(ready), api("manager")
    for day, guest in ((2, "before@x.example"), (4, "after@x.example")):
        ready.people.change_event(occurrence(name, day), attendees=[{"email": guest}])
    ready.synced()
    before = (rows(), ready.people.events())
    query = f"{following(name, 3)}&dry_run=true&notify=all"

    changing = client.patch(query, {"add_attendees": ["eva@y.example"]})
    ending = client.delete(query)

    assert changing.json() == {"recipients": ["after@x.example", "bob@x.example", "eva@y.example"]}
    assert ending.json() == {"recipients": ["after@x.example", "bob@x.example"]}
    assert (rows(), ready.people.events()) == before
    assert not EventCreation.objects.exists()


def test_every_write_of_a_split_tells_google_whom_to_write_to(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, asked, execute = series(ready), [], google_client.execute
    ready.people.move_event(occurrence(name, 4), at(4, 9), at(4, 10))
    ready.synced()

    def heard(request: Any) -> dict[str, Any]:
        asked.append((request.method, request.uri))
        return execute(request)

    monkeypatch.setattr(google_client, "execute", heard)
    api("manager").patch(following(name, 3), {"title": "Talk", "notify": "external"})

    sent = [(method, uri) for method, uri in asked if method != "GET"]
    assert [method for method, _ in sent] == ["POST", "PATCH", "DELETE"]
    assert all("sendUpdates=externalOnly" in uri for _, uri in sent)


def test_who_made_the_series_is_the_author_of_both_parts(api: Api, ready: Mirror) -> None:
    client = api("sales")
    body = {
        "title": "Daily", "startTime": at(1).isoformat(), "endTime": at(1, 14).isoformat(),
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"],
    }  # fmt: skip
    name = client.post(URL, body).json()["google_event_id"]

    api("manager").patch(following(name, 3), {"title": "Talk"})

    assert {event.author for event in CalendarEvent.objects.all()} == {client.user}


def test_what_people_said_of_the_series_goes_for_what_follows(api: Api, ready: Mirror) -> None:
    name, client, lead = series(ready), api("manager"), LeadFactory()
    client.post(f"{URL}/{name}/links", {"type": "lead", "id": str(lead.pk)})

    event = client.patch(following(name, 3), {"title": "Talk"}).json()

    for shown in (event, client.get(f"{URL}/{name}").json()):
        assert [link["id"] for link in shown["linked"]] == [str(lead.pk)]


def test_strangers_do_not_split_a_series_through_an_exception_of_theirs(
    api: Api, ready: Mirror
) -> None:
    name, client = series(ready), api("sales")
    LeadContactFactory(
        lead=LeadFactory(owner=client.user), contact=ContactFactory(email="mine@x.example")
    )
    ready.people.change_event(occurrence(name, 3), attendees=[{"email": "mine@x.example"}])
    ready.synced()

    for scope in ("following", "all"):
        url = f"{URL}/{occurrence(name, 3)}?scope={scope}"
        assert client.patch(url, {"title": "Mine"}).status_code == 403
        assert client.delete(url).status_code == 403
    only = client.patch(f"{URL}/{occurrence(name, 3)}", {"title": "Mine"})
    assert only.status_code == 200
    assert len(agreed(ready)) == 5


# --- Cancelling ----------------------------------------------------------------------------


def test_an_occurrence_and_all_that_follow_are_cancelled(api: Api, ready: Mirror) -> None:
    name, client = series(ready), api("manager")
    ready.people.move_event(occurrence(name, 2), at(2, 18), at(2, 19))
    ready.people.move_event(occurrence(name, 4), at(4, 9), at(4, 10))
    ready.synced()

    assert client.delete(following(name, 3)).status_code == 204

    assert agreed(ready) == ["01 13 Daily", "02 18 Daily"]
    assert client.delete(following(name, 3)).status_code == 204


def test_all_is_cancelled_from_the_first_occurrence_on(api: Api, ready: Mirror) -> None:
    name = series(ready)

    assert api("manager").delete(following(name, 1)).status_code == 204

    assert agreed(ready) == []


@pytest.mark.parametrize("method", ["patch", "list"])
def test_a_lost_answer_ends_the_series_once(api: Api, ready: Mirror, method: str) -> None:
    name = series(ready)
    plan(ready, method, "reset_after_commit", times=1)

    assert api("manager").delete(following(name, 3)).status_code == 204

    assert agreed(ready) == ["01 13 Daily", "02 13 Daily"]


# --- Death ---------------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["a repeat", "a sync and a repeat", "the job"])
def test_death_at_every_step_of_a_split_loses_no_day_and_doubles_none(
    api: Api,
    ready: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    clock: time_machine.Traveller,
    after: str,
) -> None:
    steps, number = Steps(monkeypatch), 0
    while True:
        number += 1
        client, name = api("manager"), series(ready)
        ready.people.move_event(occurrence(name, 4), at(4, 9), at(4, 10))
        ready.synced()

        def ask() -> Any:
            return client.patch(  # noqa: B023
                following(name, 3),  # noqa: B023
                {"title": "Talk"},
            )

        lived = steps.run(ask, number)
        if after == "the job":
            clock.shift(timedelta(minutes=6))
            close_creations()
            ready.synced()
        else:
            if after != "a repeat":
                ready.synced()
            assert ask().status_code == 200
        days = agreed(ready)
        whole = [f"0{day} 13 Daily" for day in range(1, 6)]
        whole[3] = "04 09 Daily"
        assert days in (
            ["01 13 Daily", "02 13 Daily", "03 13 Talk", "04 13 Talk", "05 13 Talk"],
            whole if after == "the job" else days[:0],
        )
        assert not EventCreation.objects.filter(state="writing").exists()
        for event in CalendarEvent.objects.not_cancelled().filter(recurring_event_id=None):
            ready.people.cancel_event(event.google_event_id)
        ready.synced()
        if lived:
            break
    assert number > 15


@pytest.mark.parametrize("synced", [False, True])
def test_death_at_every_step_of_ending_a_series_leaves_it_whole_or_ended(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch, synced: bool
) -> None:
    steps, client, number = Steps(monkeypatch), api("manager"), 0
    while True:
        number += 1
        name = series(ready)
        ready.people.move_event(occurrence(name, 4), at(4, 9), at(4, 10))
        ready.synced()

        def ask() -> Any:
            return client.delete(following(name, 3))  # noqa: B023

        lived = steps.run(ask, number)
        if synced:
            ready.synced()
        assert ask().status_code == 204
        assert agreed(ready) == ["01 13 Daily", "02 13 Daily"]
        ready.people.cancel_event(name)
        ready.synced()
        if lived:
            break
    assert number > 10
