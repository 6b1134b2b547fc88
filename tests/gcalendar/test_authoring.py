"""POST and DELETE /api/calendar/events: each meeting exactly once, here only what Google has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from crm.models import LeadActivityStats
from gcalendar import client as google_client
from gcalendar.models import CalendarEvent, EventCreation, MirroredCalendar
from gcalendar.tasks import close_creations
from pipedesk.accounts.models import User
from pipedesk.core.models import StoredAnswer
from pipedesk.core.pruning import prune
from pipedesk.sandbox.calendar.events import PendingConference
from tests.dying import Died
from tests.factories.accounts import UserFactory
from tests.factories.crm import ContactFactory, LeadContactFactory, LeadFactory
from tests.gcalendar.conftest import Mirror, at, rows, shown, writes

Api = Callable[..., Any]
URL = "/api/calendar/events"
KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
# Statements at most, those of transactions included, however many are invited.
CREATING, CANCELLING = 46, 26
BODY = {
    "title": "Visit",
    "startTime": "2026-12-01T10:00:00-03:00",
    "endTime": "2026-12-01T11:00:00-03:00",
}


@pytest.fixture
def ready(mirror: Mirror) -> Mirror:
    """Ana's primary calendar, synced once."""
    mirror.synced()
    return mirror


def made(mirror: Mirror) -> list[dict[str, Any]]:
    return mirror.people.events()


def post(api: Api, role: str = "manager", **fields: Any) -> Any:
    return api(role).post(URL, {**BODY, **fields})


def plan(mirror: Mirror, method: str, kind: str, **fault: Any) -> None:
    mirror.google.google.faults.plan({"method": f"events\\.{method}", "kind": kind, **fault})


# --- Creating ------------------------------------------------------------------------------


def test_a_meeting_is_created_in_google_and_here(api: Api, ready: Mirror) -> None:
    answer = post(
        api, description="Talk", location="Rua 1", time_zone="America/Sao_Paulo",
        attendees=["Bob@X.example", "bob@x.example", "eva@y.example"], calendarId="primary",
    )  # fmt: skip

    assert answer.status_code == 201, answer.json()
    event, (item,) = answer.json(), made(ready)
    assert (item["summary"], item["description"], item["location"]) == ("Visit", "Talk", "Rua 1")
    assert item["start"] == {
        "dateTime": "2026-12-01T10:00:00-03:00", "timeZone": "America/Sao_Paulo",
    }  # fmt: skip
    assert [guest["email"] for guest in item["attendees"]] == ["bob@x.example", "eva@y.example"]
    assert event["google_event_id"] == item["id"]
    assert event["start_time"] == "2026-12-01T13:00:00Z"
    assert answer["Location"] == f"{URL}/{event['id']}"
    got = api("manager").get(f"{URL}/{event['id']}")
    assert got.json() == event
    assert got["ETag"] == answer["ETag"]


def test_d32_the_echo_of_our_own_write_is_no_second_write(api: Api, ready: Mirror) -> None:
    post(api, create_meet_link=False)
    before, stamps = rows(), writes()

    ready.synced()

    assert (rows(), writes()) == (before, stamps)
    assert len(made(ready)) == 1


def test_d34_the_meet_link_comes_with_a_later_sync_and_is_one_conference(
    api: Api, ready: Mirror
) -> None:
    plan(ready, "insert", "timeout_after_commit", seconds=0, times=1)
    event = post(api).json()
    request = made(ready)[0]["conferenceData"]["createRequest"]
    assert request["requestId"] == event["google_event_id"]

    pending = PendingConference("ana@pipedesk.example", event["google_event_id"])
    ready.google.google.complete_conference(pending)
    ready.synced()

    link = api("manager").get(f"{URL}/{event['id']}").json()["meet_link"]
    assert link.startswith("https://meet.google.com/")
    (item,) = made(ready)
    assert item["hangoutLink"] == link


@pytest.mark.parametrize("name", ["createMeetLink", "addMeetLink", "add_meet_link"])
def test_no_link_is_made_where_none_is_wanted(api: Api, ready: Mirror, name: str) -> None:
    assert post(api, **{name: False}).status_code == 201
    assert "conferenceData" not in made(ready)[0]


def test_d23_an_all_day_meeting_has_dates_and_no_zone(api: Api, ready: Mirror) -> None:
    answer = post(api, all_day=True, startTime="2026-12-28", endTime="2026-12-29")

    (item,) = made(ready)
    assert (item["start"], item["end"]) == ({"date": "2026-12-28"}, {"date": "2026-12-29"})
    event = answer.json()
    assert (event["all_day"], event["start_date"], event["end_date"]) == (
        True, "2026-12-28", "2026-12-29",
    )  # fmt: skip


def test_d23_a_series_always_has_a_zone(api: Api, ready: Mirror) -> None:
    answer = post(api, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])

    assert answer.status_code == 201
    assert made(ready)[0]["start"]["timeZone"]
    listed = api("manager").get(URL).json()["data"]
    assert [event["start_time"][:10] for event in listed] == [
        "2026-12-01", "2026-12-08", "2026-12-15",
    ]  # fmt: skip


BAD: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "summary"),
    ({"endTime": BODY["startTime"]}, "end_time"),
    ({"endTime": "2026-12-01T09:00:00-03:00"}, "end_time"),
    ({"endTime": "2026-12-01T11:00:00"}, "end_time"),
    ({"startTime": "2026-12-01"}, "start_time"),
    ({"all_day": True, "startTime": "2026-12-28", "endTime": "2026-12-28"}, "end_time"),
    ({"attendees": ["nobody"]}, "attendees.0"),
    ({"attendees": "bob@x.example"}, "attendees"),
    ({"time_zone": "Mars/Base"}, "time_zone"),
    ({"recurrence": ["RRULE:FREQ=SOMETIMES"]}, "recurrence"),
    ({"recurrence": ["DTSTART:20261201"]}, "recurrence"),
    ({"notify": "everyone"}, "notify"),
    ({"calendarId": "nobody@x.example"}, "calendar_id"),
    ({"entityType": "lead"}, "entity_id"),
    ({"entityType": "lead", "entityId": str(uuid4())}, "entity_id"),
    ({"tittle": "x"}, "tittle"),
]


@pytest.mark.parametrize(("fields", "named"), BAD)
def test_a_body_that_breaks_a_rule_is_422_and_changes_nothing(
    api: Api, ready: Mirror, fields: dict[str, Any], named: str
) -> None:
    answer = post(api, **fields)

    assert answer.status_code == 422, answer.json()
    assert named in [detail["field"] for detail in answer.json()["details"]]
    assert (made(ready), EventCreation.objects.count()) == ([], 0)


def test_without_a_calendar_nothing_is_written(api: Api, db: None) -> None:
    assert post(api).status_code == 409


def test_the_caller_s_own_calendar_comes_first(api: Api, ready: Mirror) -> None:
    bea = UserFactory(role="sales", email="Bea@pipedesk.example")
    hers = Mirror(ready.google, "bea@pipedesk.example")
    hers.synced()

    assert api("sales", user=bea).post(URL, BODY).status_code == 201
    assert post(api, title="Other").status_code == 201

    assert [item["summary"] for item in made(hers)] == ["Visit"]
    assert [item["summary"] for item in made(ready)] == ["Other"]


def test_d28_an_answer_that_is_lost_after_the_insert_leaves_one_meeting(
    api: Api, ready: Mirror
) -> None:
    plan(ready, "insert", "timeout_after_commit", seconds=0, times=1)

    answer = post(api)

    assert answer.status_code == 201
    assert [item["id"] for item in made(ready)] == [answer.json()["google_event_id"]]
    assert shown() == ["Visit"]


@pytest.mark.parametrize("kind", ["reset_after_commit", "reset_before"])
def test_d29_a_connection_closed_after_the_post_leaves_one_meeting(
    api: Api, ready: Mirror, kind: str
) -> None:
    """The HTTP library sends it again by itself."""
    plan(ready, "insert", kind, times=1)

    answer = post(api)

    assert answer.status_code == 201
    assert [item["id"] for item in made(ready)] == [answer.json()["google_event_id"]]
    assert ready.google.google.requests.count("calendar.events.insert") == 2
    assert shown() == ["Visit"]


@pytest.mark.parametrize("headers", [{}, KEY])
def test_a_repeat_after_a_failure_meets_the_same_meeting(
    api: Api, ready: Mirror, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipedesk.google.service.sleep", lambda _seconds: None)
    plan(ready, "insert", "reset_after_commit", times=20)
    plan(ready, "get", "status", status=500, reason="backendError", times=20)
    client = api("manager")
    first = client.post(URL, BODY, headers=headers)
    assert first.status_code == 503
    assert first.json()["code"] == "google_unavailable"
    assert shown() == []
    ready.google.google.faults.clear()

    second = client.post(URL, BODY, headers=headers)
    third = client.post(URL, BODY, headers=headers)

    assert second.status_code == 201
    assert second.json()["id"] == third.json()["id"]
    assert len(made(ready)) == 1


def test_a_key_is_for_one_request(api: Api, ready: Mirror) -> None:
    client = api("manager")
    first = client.post(URL, BODY, headers=KEY)
    again = client.post(URL, BODY, headers=KEY)
    other = client.post(URL, {**BODY, "title": "Other"}, headers=KEY)
    StoredAnswer.objects.all().delete()
    kept = client.post(URL, {**BODY, "title": "Other"}, headers=KEY)

    assert (first.status_code, again.json()) == (201, first.json())
    assert (other.status_code, kept.status_code) == (422, 422)
    assert len(made(ready)) == 1


def test_a_meeting_cancelled_since_can_be_made_again(api: Api, ready: Mirror) -> None:
    client = api("manager")
    first = client.post(URL, BODY).json()
    client.delete(f"{URL}/{first['id']}")

    second = client.post(URL, BODY)

    assert second.status_code == 201
    assert second.json()["id"] != first["id"]
    assert shown() == ["Visit"]


def test_d30_a_duplicate_that_is_not_there_is_created_and_not_taken_as_done(
    api: Api, ready: Mirror
) -> None:
    plan(ready, "insert", "status", status=409, reason="duplicate", times=1)

    assert post(api).status_code == 201
    assert len(made(ready)) == 1


def test_a_duplicate_that_is_never_there_is_no_success(api: Api, ready: Mirror) -> None:
    plan(ready, "insert", "status", status=409, reason="duplicate", times=20)

    assert post(api).status_code == 503
    assert (made(ready), shown()) == ([], [])


@pytest.mark.parametrize(
    ("status", "reason", "ours"),
    [
        (403, "forbidden", 409),
        (404, "notFound", 409),
        (400, "invalid", 422),
        (401, "authError", 503),
    ],
)
def test_a_refusal_is_told_and_changes_nothing(
    api: Api, ready: Mirror, status: int, reason: str, ours: int
) -> None:
    plan(ready, "insert", "status", status=status, reason=reason, times=20)

    assert post(api).status_code == ours
    assert shown() == []


def test_d35_an_exhausted_quota_is_not_asked_again_at_once(api: Api, ready: Mirror) -> None:
    plan(ready, "insert", "status", status=403, reason="quotaExceeded", times=20)

    answer = post(api)

    assert (answer.status_code, answer["Retry-After"]) == (503, "3600")
    assert ready.google.google.requests.count("calendar.events.insert") == 1


def test_d35_who_asks_too_fast_is_slowed_down_longer_each_time(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("pipedesk.google.service.sleep", waits.append)
    plan(ready, "insert", "status", status=403, reason="rateLimitExceeded", times=1)
    plan(ready, "insert", "status", status=429, reason="rateLimitExceeded", times=1)

    assert post(api).status_code == 201
    assert len(waits) == 2
    assert waits[0] <= 1 <= waits[1]


def test_a_dry_run_names_the_recipients_and_writes_nothing(api: Api, ready: Mirror) -> None:
    guests = ["bob@x.example", "ana@pipedesk.example", "eva@pipedesk.example"]
    client = api("manager")
    for notify, expected in {
        "all": ["bob@x.example", "eva@pipedesk.example"],
        "external": ["bob@x.example"],
        "none": [],
    }.items():
        body = {**BODY, "attendees": guests, "notify": notify}
        answer = client.post(f"{URL}?dry_run=true", body)
        assert (answer.status_code, answer.json()) == (200, {"recipients": expected})
    assert client.post(f"{URL}?dry_run=true", {**BODY, "title": ""}).status_code == 422

    assert (made(ready), EventCreation.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("notify", "sent"), [(None, "none"), ("all", "all"), ("external", "externalOnly")]
)
def test_google_writes_to_whom_we_say(
    api: Api, ready: Mirror, notify: str | None, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    execute = google_client.execute

    def heard(request: Any) -> dict[str, Any]:
        asked.append(request.uri)
        return execute(request)

    monkeypatch.setattr(google_client, "execute", heard)
    event = post(api, **({"notify": notify} if notify else {})).json()
    query = f"?notify={notify}" if notify else ""
    api("manager").delete(f"{URL}/{event['id']}{query}")

    assert len(asked) == 2
    assert all(f"sendUpdates={sent}" in uri for uri in asked)


def test_the_meeting_feeds_the_lead_at_once(api: Api, ready: Mirror) -> None:
    lead = LeadFactory()
    LeadContactFactory(lead=lead, contact=ContactFactory(email="bob@x.example"))

    event = post(api, attendees=["bob@x.example"]).json()
    assert LeadActivityStats.objects.get(lead=lead).next_event_at == at(1)
    assert {"type": "lead", "id": str(lead.pk), "source": "inferred"} in event["linked"]

    api("manager").delete(f"{URL}/{event['id']}")
    stats = LeadActivityStats.objects.filter(lead=lead).first()
    assert stats is None or stats.next_event_at is None


def test_a_meeting_whose_maker_died_comes_in_by_a_sync_as_theirs(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    client = api("sales")

    def dies(*_args: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr("gcalendar.authoring.finish", dies)
        with pytest.raises(Died):
            client.post(URL, BODY)
    ready.synced()
    close_creations()
    assert EventCreation.objects.get().state == "writing"
    clock.shift(timedelta(minutes=11))

    close_creations()

    assert EventCreation.objects.get().state == "written"
    assert CalendarEvent.objects.get().author == client.user
    assert client.get(URL).json()["data"][0]["summary"] == "Visit"


def test_old_creations_are_pruned(api: Api, ready: Mirror, clock: time_machine.Traveller) -> None:
    post(api)
    clock.shift(timedelta(hours=47))
    prune(dry_run=False)
    assert EventCreation.objects.count() == 1
    clock.shift(timedelta(hours=2))

    assert prune(dry_run=False)["creations of events"] == 1
    assert not EventCreation.objects.exists()


def test_the_number_of_statements_of_a_creation(
    api: Api, ready: Mirror, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = api("manager")
    for count in (1, 50):
        guests = [f"g{n}@x.example" for n in range(count)]
        with django_assert_max_num_queries(CREATING):
            client.post(URL, {**BODY, "title": str(count), "attendees": guests})
    assert len(made(ready)) == 2


# --- Cancelling ----------------------------------------------------------------------------


def test_a_meeting_is_cancelled_in_google_and_here(api: Api, ready: Mirror) -> None:
    event = post(api).json()
    client = api("manager")

    answer = client.delete(f"{URL}/{event['google_event_id']}")

    assert answer.status_code == 204
    assert made(ready) == []
    assert client.get(f"{URL}/{event['id']}").json()["status"] == "cancelled"
    assert client.get(URL).json()["data"] == []
    ready.synced()
    assert shown() == []
    assert client.delete(f"{URL}/{event['id']}").status_code == 204


@pytest.mark.parametrize(("status", "reason"), [(410, "deleted"), (404, "notFound")])
def test_d33_what_is_gone_in_google_is_cancelled_here(
    api: Api, ready: Mirror, status: int, reason: str
) -> None:
    event = post(api).json()
    ready.people.cancel_event(event["google_event_id"])
    plan(ready, "delete", "status", status=status, reason=reason, times=1)

    assert api("manager").delete(f"{URL}/{event['id']}").status_code == 204
    assert shown() == []


@pytest.mark.parametrize(
    ("status", "reason", "ours"), [(500, "backendError", 503), (403, "forbidden", 409)]
)
def test_where_google_fails_nothing_changes_here(
    api: Api, ready: Mirror, status: int, reason: str, ours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipedesk.google.service.sleep", lambda _seconds: None)
    event = post(api, create_meet_link=False).json()
    before = rows()
    plan(ready, "delete", "status", status=status, reason=reason, times=20)

    assert api("manager").delete(f"{URL}/{event['id']}").status_code == ours
    assert rows() == before
    assert len(made(ready)) == 1


def series(mirror: Mirror, **fields: Any) -> str:
    made = mirror.people.create_event(
        "Daily", at(1), time_zone="America/Sao_Paulo",
        recurrence=["RRULE:FREQ=DAILY;COUNT=4"], **fields,
    )  # fmt: skip
    mirror.synced()
    return str(made["id"])


def days(api: Api) -> list[str]:
    return [event["start_time"][:10] for event in api("manager").get(URL).json()["data"]]


def test_one_occurrence_is_cancelled_and_stays_so(api: Api, ready: Mirror) -> None:
    master = series(ready)

    answer = api("manager").delete(f"{URL}/{master}_20261202T130000Z")

    assert answer.status_code == 204
    left = ["2026-12-01", "2026-12-03", "2026-12-04"]
    assert days(api) == left
    ready.synced()
    assert days(api) == left


def test_all_of_a_series_is_cancelled_by_any_of_its_names(api: Api, ready: Mirror) -> None:
    first, second = series(ready), series(ready)
    client = api("manager")

    assert client.delete(f"{URL}/{first}").status_code == 204
    assert client.delete(f"{URL}/{second}_20261202T130000Z?scope=all").status_code == 204

    assert days(api) == []
    ready.synced()
    assert days(api) == []


def test_a_part_of_a_series_needs_an_occurrence(api: Api, ready: Mirror) -> None:
    master = series(ready)

    assert api("manager").delete(f"{URL}/{master}?scope=this").status_code == 400
    assert api("manager").delete(f"{URL}/{master}?scope=some").status_code == 400
    assert len(days(api)) == 4


def test_a_dry_run_of_cancelling_names_the_recipients(api: Api, ready: Mirror) -> None:
    event = post(api, attendees=["bob@x.example", "eva@pipedesk.example"]).json()
    client = api("manager")

    answer = client.delete(f"{URL}/{event['id']}?dry_run=true&notify=external")

    assert (answer.status_code, answer.json()) == (200, {"recipients": ["bob@x.example"]})
    assert client.delete(f"{URL}/{event['id']}?dry_run=true").json() == {"recipients": []}
    assert shown() == ["Visit"]


def test_who_saw_an_older_meeting_does_not_cancel_it(api: Api, ready: Mirror) -> None:
    created = post(api)
    ready.people.change_event(created.json()["google_event_id"], summary="Newer")
    ready.synced()

    answer = api("manager").delete(
        f"{URL}/{created.json()['id']}", headers={"if-match": created["ETag"]}
    )

    assert answer.status_code == 412
    assert "summary" in [detail["field"] for detail in answer.json()["details"]]
    assert shown() == ["Newer"]


def test_the_number_of_statements_of_a_cancellation(
    api: Api, ready: Mirror, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = api("manager")
    for count in (1, 50):
        event = post(api, attendees=[f"g{n}@x.example" for n in range(count)]).json()
        with django_assert_max_num_queries(CANCELLING):
            client.delete(f"{URL}/{event['id']}")
    assert made(ready) == []


# --- Who may -------------------------------------------------------------------------------


def own_lead(user: User, address: str) -> None:
    LeadContactFactory(lead=LeadFactory(owner=user), contact=ContactFactory(email=address))


def test_sales_cancel_what_they_organise_made_or_what_concerns_their_leads(
    api: Api, ready: Mirror
) -> None:
    client = api("sales")
    own_lead(client.user, "mine@x.example")
    LeadContactFactory(contact=ContactFactory(email="theirs@x.example"))
    guests = {
        "own lead": ["mine@x.example"],
        "foreign": ["theirs@x.example"],
        "attends": [client.user.email],
    }
    for title, addresses in guests.items():
        assert post(api, title=title, attendees=addresses).status_code == 201
    assert client.post(URL, {**BODY, "title": "made"}).json()["summary"] == "made"
    assert post(api, title="organised").status_code == 201
    CalendarEvent.objects.filter(summary="organised").update(organizer_email=client.user.email)
    secret = post(api, title="private", attendees=["mine@x.example"]).json()
    CalendarEvent.objects.filter(pk=secret["id"]).update(private=True)

    found = {}
    for event in CalendarEvent.objects.all():
        found[event.summary] = client.delete(f"{URL}/{event.pk}").status_code

    assert found == {
        "own lead": 204, "made": 204, "organised": 204,
        "foreign": 403, "attends": 403, "private": 403,
    }  # fmt: skip
    assert sorted(filter(None, shown())) == ["attends", "foreign", "private"]


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("", 403), ("sales", 201), ("manager", 201), ("admin", 201)]
)
def test_who_may_create(api: Api, ready: Mirror, role: str | None, status: int) -> None:
    assert api(role).post(URL, BODY).status_code == status
    assert len(made(ready)) == (status == 201)


def test_what_is_nowhere_is_404(api: Api, ready: Mirror) -> None:
    for name in ("99999", "nothing", "x_20261202T130000Z"):
        assert api("manager").delete(f"{URL}/{name}").status_code == 404


def test_a_calendar_switched_off_is_not_written_to(api: Api, ready: Mirror) -> None:
    MirroredCalendar.objects.update(state="disabled")

    assert post(api).status_code == 409
    assert post(api, calendarId="primary").status_code == 422
