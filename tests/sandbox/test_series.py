"""Recurring events: what incremental lists show after a change, as recorded from Google."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from pipedesk.sandbox.server import SandboxServer
from tests.sandbox.test_listing import full_list

START = datetime(2025, 3, 24, 13, tzinfo=UTC)


@pytest.fixture
def series(sandbox: SandboxServer) -> dict[str, Any]:
    """A daily series of five."""
    return sandbox.calendar.create_event(
        "Daily", START, time_zone="America/Chicago", recurrence=["RRULE:FREQ=DAILY;COUNT=5"]
    )


def instance(series: dict[str, Any], day: int) -> str:
    return f"{series['id']}_202503{day}T130000Z"


def test_a_moved_instance_comes_with_its_master_under_one_etag(
    calendar: Any, sandbox: SandboxServer, series: dict[str, Any]
) -> None:
    _, token = full_list(calendar)
    later = START + timedelta(days=1, hours=3)
    moved_id = instance(series, 25)
    sandbox.calendar.move_event(moved_id, later, later + timedelta(hours=1))

    master, moved = full_list(calendar, syncToken=token)[0]

    assert (master["id"], moved["id"]) == (series["id"], moved_id)
    assert (master["etag"], master["updated"]) == (moved["etag"], moved["updated"])
    assert moved["recurringEventId"] == series["id"]
    assert moved["originalStartTime"]["dateTime"] == "2025-03-25T08:00:00-05:00"
    assert moved["start"] != moved["originalStartTime"]
    assert "recurrence" not in moved


def test_a_deleted_instance_comes_as_a_skeleton_with_its_master(
    calendar: Any, sandbox: SandboxServer, series: dict[str, Any]
) -> None:
    _, token = full_list(calendar)
    sandbox.calendar.cancel_event(instance(series, 25))

    master, gone = full_list(calendar, syncToken=token)[0]

    assert master["id"] == series["id"]
    assert set(gone) == {
        "kind", "etag", "id", "status", "recurringEventId", "originalStartTime",
    }  # fmt: skip
    assert full_list(calendar)[0][1]["status"] == "cancelled"


def test_a_deleted_series_comes_as_one_tombstone(
    calendar: Any, sandbox: SandboxServer, series: dict[str, Any]
) -> None:
    sandbox.calendar.cancel_event(instance(series, 25))
    sandbox.calendar.change_event(instance(series, 26), summary="Other")
    _, token = full_list(calendar)
    sandbox.calendar.cancel_event(series["id"])

    delta = full_list(calendar, syncToken=token)[0]

    assert [(item["id"], item["status"]) for item in delta] == [(series["id"], "cancelled")]
    assert full_list(calendar)[0] == []


def test_this_and_following_makes_a_new_master(
    calendar: Any, sandbox: SandboxServer, series: dict[str, Any]
) -> None:
    sandbox.calendar.cancel_event(instance(series, 25))
    _, token = full_list(calendar)
    new = sandbox.calendar.split_series(instance(series, 26), summary="Late", shift_hours=1)

    delta = full_list(calendar, syncToken=token)[0]

    assert new["id"] == f"{series['id']}_R20250326T130000"
    assert new["iCalUID"] == f"{new['id']}@google.com"
    assert [item["id"] for item in delta] == [series["id"], instance(series, 25), new["id"]]
    assert delta[0]["recurrence"] == ["RRULE:FREQ=DAILY;UNTIL=20250326T045959Z"]
    starts = [
        item["start"]["dateTime"]
        for item in calendar.events()
        .instances(calendarId="primary", eventId=new["id"])
        .execute()["items"]
    ]
    assert starts == [f"2025-03-{day}T09:00:00-05:00" for day in (26, 27, 28)]


def test_instances_are_the_series_day_by_day(
    calendar: Any, sandbox: SandboxServer, series: dict[str, Any]
) -> None:
    sandbox.calendar.cancel_event(instance(series, 25))
    query = {"calendarId": "primary", "eventId": series["id"]}
    shown = calendar.events().instances(**query).execute()["items"]
    assert [item["id"] for item in shown] == [instance(series, day) for day in (24, 26, 27, 28)]
    everything = calendar.events().instances(**query, showDeleted=True).execute()["items"]
    assert len(everything) == 5


def test_single_events_expand_a_series_at_constant_local_time(
    calendar: Any, sandbox: SandboxServer
) -> None:
    sandbox.calendar.create_event(
        "Weekly",
        datetime(2025, 3, 3, 14, tzinfo=UTC),
        time_zone="America/Chicago",
        recurrence=["RRULE:FREQ=WEEKLY;COUNT=2", "EXDATE;TZID=America/Chicago:20250303T080000"],
    )
    shown = (
        calendar.events()
        .list(calendarId="primary", singleEvents=True, orderBy="startTime")
        .execute()["items"]
    )
    assert [item["start"]["dateTime"] for item in shown] == ["2025-03-10T08:00:00-05:00"]


def test_an_rdate_only_series_is_accepted_and_a_broken_rule_is_not(
    sandbox: SandboxServer, calendar: Any
) -> None:
    made = sandbox.calendar.create_event(
        "Odd", START, time_zone="UTC", recurrence=["RDATE;TZID=UTC:20250401T130000"]
    )
    shown = calendar.events().instances(calendarId="primary", eventId=made["id"]).execute()
    assert len(shown["items"]) == 2
    body = {
        "start": {"dateTime": "2025-03-24T13:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2025-03-24T14:00:00Z", "timeZone": "UTC"},
        "recurrence": ["RRULE:FREQ=SOMETIMES"],
    }
    with pytest.raises(HttpError) as failure:
        calendar.events().insert(calendarId="primary", body=body).execute()
    assert failure.value.status_code == 400


def test_free_busy_counts_occurrences(
    calendar: Any, sandbox: SandboxServer, series: dict[str, Any]
) -> None:
    query = {
        "timeMin": "2025-03-25T00:00:00Z",
        "timeMax": "2025-03-27T00:00:00Z",
        "items": [{"id": "primary"}, {"id": "nobody@example.com"}],
    }
    calendars = calendar.freebusy().query(body=query).execute()["calendars"]
    assert [period["start"] for period in calendars["primary"]["busy"]] == [
        "2025-03-25T13:00:00.000Z",
        "2025-03-26T13:00:00.000Z",
    ]
    assert calendars["nobody@example.com"]["errors"][0]["reason"] == "notFound"
