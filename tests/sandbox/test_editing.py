"""Events: insert, change, delete, move, import; ids, etags, Meet."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from googleapiclient.errors import HttpError

from pipedesk.sandbox.server import SandboxServer

START = datetime(2026, 11, 23, 13, tzinfo=UTC)
BODY = {
    "summary": "Visit",
    "start": {"dateTime": "2026-11-23T10:00:00-03:00"},
    "end": {"dateTime": "2026-11-23T11:00:00-03:00"},
}


def refused(request: Any) -> tuple[int, str]:
    """Status and reason of the error a request ends in."""
    with pytest.raises(HttpError) as failure:
        request.execute()
    return failure.value.status_code, failure.value.error_details[0]["reason"]


def test_an_inserted_event_has_what_google_fills_in(calendar: Any) -> None:
    event_id = uuid4().hex
    event = calendar.events().insert(calendarId="primary", body={**BODY, "id": event_id}).execute()
    assert event["id"] == event_id
    assert event["status"] == "confirmed"
    assert event["iCalUID"] == f"{event_id}@google.com"
    assert event["organizer"]["email"] == "ana@pipedesk.example"
    assert event["start"] == {
        "dateTime": "2026-11-23T10:00:00-03:00",
        "timeZone": "America/Sao_Paulo",
    }
    assert calendar.events().get(calendarId="primary", eventId=event_id).execute() == event


def test_a_used_id_is_a_duplicate_even_after_delete(calendar: Any) -> None:
    body = {**BODY, "id": uuid4().hex}
    calendar.events().insert(calendarId="primary", body=body).execute()
    assert refused(calendar.events().insert(calendarId="primary", body=body)) == (409, "duplicate")
    calendar.events().delete(calendarId="primary", eventId=body["id"]).execute()
    assert refused(calendar.events().insert(calendarId="primary", body=body)) == (409, "duplicate")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "UPPER-case"}, "invalid"),
        ({"end": {"dateTime": "2026-11-23T09:00:00-03:00"}}, "timeRangeEmpty"),
        ({"end": {"date": "2026-11-24"}}, "invalid"),
        ({"end": None}, "required"),
        ({"recurrence": ["RRULE:FREQ=DAILY"]}, "required"),
        ({"attendees": [{"email": "nobody"}]}, "invalid"),
        ({"start": {"dateTime": "2026-11-23T10:00:00-03:00", "timeZone": "Mars/X"}}, "invalid"),
        ({"summary": 7}, "parseError"),
        ({"unheardOf": True}, "parseError"),
    ],
)
def test_a_bad_body_is_refused(calendar: Any, changes: dict[str, Any], reason: str) -> None:
    request = calendar.events().insert(calendarId="primary", body={**BODY, **changes})
    assert refused(request) == (400, reason)
    assert calendar.events().list(calendarId="primary").execute()["items"] == []


def test_patch_merges_and_null_clears(calendar: Any, sandbox: SandboxServer) -> None:
    properties = {"private": {"a": "1", "b": "2"}}
    event = sandbox.calendar.create_event(
        "x", START, location="Rua A", extendedProperties=properties
    )
    patch = {"location": None, "extendedProperties": {"private": {"b": None, "c": "3"}}}
    changed = (
        calendar.events().patch(calendarId="primary", eventId=event["id"], body=patch).execute()
    )
    assert "location" not in changed
    assert changed["extendedProperties"] == {"private": {"a": "1", "c": "3"}}
    assert changed["summary"] == "x"
    assert changed["etag"] != event["etag"]


def test_update_replaces_the_whole_event(calendar: Any, sandbox: SandboxServer) -> None:
    event = sandbox.calendar.create_event("x", START, location="Rua A")
    changed = (
        calendar.events().update(calendarId="primary", eventId=event["id"], body=BODY).execute()
    )
    assert "location" not in changed
    assert (changed["id"], changed["created"]) == (event["id"], event["created"])


def test_a_moved_event_counts_its_sequence_up(sandbox: SandboxServer) -> None:
    event = sandbox.calendar.create_event("x", START)
    renamed = sandbox.calendar.change_event(event["id"], summary="y")
    moved = sandbox.calendar.move_event(event["id"], START, START + timedelta(hours=3))
    assert [event["sequence"], renamed["sequence"], moved["sequence"]] == [0, 0, 1]


def test_reminders_change_the_etag_but_not_updated(calendar: Any, sandbox: SandboxServer) -> None:
    event = sandbox.calendar.create_event("x", START)
    time.sleep(0.002)
    body = {"reminders": {"useDefault": False}}
    changed = calendar.events().patch(calendarId="primary", eventId=event["id"], body=body)
    answer = changed.execute()
    assert answer["updated"] == event["updated"]
    assert answer["etag"] != event["etag"]


@pytest.mark.parametrize("method", ["patch", "update", "delete"])
def test_a_stale_etag_fails_the_precondition(
    calendar: Any, sandbox: SandboxServer, method: str
) -> None:
    event = sandbox.calendar.create_event("x", START)
    sandbox.calendar.change_event(event["id"], summary="y")
    body = {} if method == "delete" else {"body": BODY}
    request = getattr(calendar.events(), method)(calendarId="primary", eventId=event["id"], **body)
    request.headers["If-Match"] = event["etag"]
    assert refused(request) == (412, "conditionNotMet")
    assert sandbox.calendar.event(event["id"])["summary"] == "y"


def test_an_unchanged_event_is_not_sent_again(calendar: Any, sandbox: SandboxServer) -> None:
    event = sandbox.calendar.create_event("x", START)
    request = calendar.events().get(calendarId="primary", eventId=event["id"])
    request.headers["If-None-Match"] = event["etag"]
    with pytest.raises(HttpError) as failure:
        request.execute()
    assert failure.value.status_code == 304


def test_deleting_twice_answers_410_and_get_still_shows_the_event(
    calendar: Any, sandbox: SandboxServer
) -> None:
    event = sandbox.calendar.create_event("x", START)
    request = {"calendarId": "primary", "eventId": event["id"]}
    calendar.events().delete(**request).execute()
    assert refused(calendar.events().delete(**request)) == (410, "deleted")
    assert calendar.events().get(**request).execute()["status"] == "cancelled"


def test_a_meeting_that_was_a_series_takes_its_exceptions_along(calendar: Any) -> None:
    body = {**BODY, "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}
    for point in ("start", "end"):
        body[point] = {**BODY[point], "timeZone": "America/Sao_Paulo"}
    events = calendar.events()
    master = events.insert(calendarId="primary", body=body).execute()["id"]
    second = events.instances(calendarId="primary", eventId=master).execute()["items"][1]["id"]
    renamed = {"summary": "Another"}
    events.patch(calendarId="primary", eventId=second, body=renamed).execute()
    events.patch(calendarId="primary", eventId=master, body={"recurrence": None}).execute()

    events.delete(calendarId="primary", eventId=master).execute()

    assert events.list(calendarId="primary").execute()["items"] == []


def test_a_cancelled_event_comes_back_with_status_confirmed(
    calendar: Any, sandbox: SandboxServer
) -> None:
    event = sandbox.calendar.create_event("x", START)
    sandbox.calendar.cancel_event(event["id"])
    revived = (
        calendar.events()
        .patch(calendarId="primary", eventId=event["id"], body={"status": "confirmed"})
        .execute()
    )
    assert revived["status"] == "confirmed"
    assert [each["id"] for each in sandbox.calendar.events()] == [event["id"]]


def test_an_unknown_event_and_calendar_answer_404(calendar: Any) -> None:
    events = calendar.events()
    assert refused(events.get(calendarId="primary", eventId="nosuchid")) == (404, "notFound")
    assert refused(events.list(calendarId="x@group.calendar.google.com")) == (404, "notFound")


def test_an_all_day_event_keeps_its_dates(calendar: Any, sandbox: SandboxServer) -> None:
    event = sandbox.calendar.create_event("Fair", date(2026, 11, 28))
    seen = calendar.events().get(calendarId="primary", eventId=event["id"]).execute()
    assert (seen["start"], seen["end"]) == ({"date": "2026-11-28"}, {"date": "2026-11-29"})


def test_a_moved_organizer_leaves_a_tombstone_behind(calendar: Any, sandbox: SandboxServer) -> None:
    team = sandbox.calendar.create_calendar("Team")
    event = sandbox.calendar.create_event("x", START)
    moved = (
        calendar.events()
        .move(calendarId="primary", eventId=event["id"], destination=team)
        .execute()
    )
    assert moved["organizer"]["email"] == team
    assert sandbox.calendar.events() == []
    assert [each["id"] for each in sandbox.calendar.events(calendar_id=team)] == [event["id"]]


def test_importing_the_same_uid_twice_keeps_one_event(
    calendar: Any, sandbox: SandboxServer
) -> None:
    for summary in ("first", "second"):
        body = {**BODY, "summary": summary, "iCalUID": "abc@example.com"}
        calendar.events().import_(calendarId="primary", body=body).execute()
    assert [event["summary"] for event in sandbox.calendar.events()] == ["second"]


@pytest.mark.parametrize(
    ("text", "summary", "start"),
    [
        ("Call ACME", "Call ACME", "2026-12-01T10:00:00"),
        ("Call ACME tomorrow 3pm", "Call ACME", "2026-12-02T15:00:00"),
        ("Call ACME on 2026-12-24 14:30", "Call ACME", "2026-12-24T14:30:00"),
        ("12:15 am Friday call", "call", "2026-12-04T00:15:00"),
        ("Lunch at 9:05", "Lunch", "2026-12-01T09:05:00"),
        ("Fair on 2026-12-24", "Fair", "2026-12-24"),
        ("Fair on 2026-13-45", "Fair", "2026-12-01"),
        ("tomorrow", "tomorrow", "2026-12-02"),
    ],
)
def test_quick_add_reads_day_time_and_title(
    calendar: Any, text: str, summary: str, start: str
) -> None:
    with time_machine.travel(datetime(2026, 12, 1, 12, 20, tzinfo=UTC)):
        event = calendar.events().quickAdd(calendarId="primary", text=text).execute()
    assert event["summary"] == summary
    assert (event["start"].get("dateTime") or event["start"]["date"]).startswith(start)


def test_quick_add_of_nothing_is_refused(calendar: Any) -> None:
    assert refused(calendar.events().quickAdd(calendarId="primary", text=" ")) == (400, "required")


def test_a_meet_link_is_pending_first_and_there_a_moment_later(
    calendar: Any, sandbox: SandboxServer
) -> None:
    create = {"requestId": "r1", "conferenceSolutionKey": {"type": "hangoutsMeet"}}
    event = (
        calendar.events()
        .insert(
            calendarId="primary",
            conferenceDataVersion=1,
            body={**BODY, "conferenceData": {"createRequest": create}},
        )
        .execute()
    )
    assert event["conferenceData"]["createRequest"]["status"] == {"statusCode": "pending"}
    assert "entryPoints" not in event["conferenceData"]

    deadline = time.monotonic() + 5
    while "hangoutLink" not in sandbox.calendar.event(event["id"]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    ready = calendar.events().get(calendarId="primary", eventId=event["id"]).execute()
    assert ready["conferenceData"]["createRequest"]["status"] == {"statusCode": "success"}
    assert ready["conferenceData"]["entryPoints"][0]["uri"] == ready["hangoutLink"]

    again = (
        calendar.events()
        .patch(
            calendarId="primary",
            eventId=event["id"],
            conferenceDataVersion=1,
            body={"conferenceData": {"createRequest": create}},
        )
        .execute()
    )
    assert again["hangoutLink"] == ready["hangoutLink"]


def test_without_a_conference_version_conference_data_is_ignored(calendar: Any) -> None:
    body = {**BODY, "conferenceData": {"createRequest": {"requestId": "r1"}}}
    event = calendar.events().insert(calendarId="primary", body=body).execute()
    assert "conferenceData" not in event
