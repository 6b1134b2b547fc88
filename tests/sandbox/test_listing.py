"""events.list: full lists, deltas, tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from googleapiclient.errors import HttpError

from pipedesk.sandbox.server import SandboxServer

START = datetime(2026, 11, 23, 13, tzinfo=UTC)


def reason_of(failure: pytest.ExceptionInfo[HttpError]) -> tuple[int, str]:
    return failure.value.status_code, failure.value.error_details[0]["reason"]


def full_list(calendar: Any, **query: Any) -> tuple[list[dict[str, Any]], str]:
    """Every item of every page, and the sync token."""
    items: list[dict[str, Any]] = []
    request = calendar.events().list(calendarId="primary", **query)
    while request is not None:
        answer = request.execute()
        assert ("nextPageToken" in answer) != ("nextSyncToken" in answer)
        items += answer["items"]
        request = calendar.events().list_next(request, answer)
    return items, answer["nextSyncToken"]


def test_a_fresh_calendar_is_empty_and_gives_a_token(calendar: Any) -> None:
    items, token = full_list(calendar)
    assert items == []
    assert token


def test_pages_hold_each_event_once_and_only_the_last_has_the_sync_token(
    calendar: Any, sandbox: SandboxServer
) -> None:
    made = {
        sandbox.calendar.create_event(f"e{n}", START + timedelta(hours=n))["id"] for n in range(7)
    }
    items, _ = full_list(calendar, maxResults=3)
    assert [item["summary"] for item in items] == [f"e{n}" for n in range(7)]
    assert {item["id"] for item in items} == made


def test_a_page_holds_250_events_unless_asked_and_never_more_than_2500(
    calendar: Any, sandbox: SandboxServer
) -> None:
    for number in range(2501):
        sandbox.calendar.create_event(f"e{number}", START)
    lists = calendar.events()
    assert len(lists.list(calendarId="primary").execute()["items"]) == 250
    assert len(lists.list(calendarId="primary", maxResults=9999).execute()["items"]) == 2500


def test_a_delta_holds_only_what_changed_since_and_ends_in_a_new_token(
    calendar: Any, sandbox: SandboxServer
) -> None:
    kept = sandbox.calendar.create_event("kept", START)
    gone = sandbox.calendar.create_event("gone", START)
    _, token = full_list(calendar)

    sandbox.calendar.cancel_event(gone["id"])
    new = sandbox.calendar.create_event("new", START)
    delta, token = full_list(calendar, syncToken=token)

    assert [item["id"] for item in delta] == [gone["id"], new["id"]]
    assert {key: delta[0][key] for key in ("id", "status")} == {
        "id": gone["id"],
        "status": "cancelled",
    }
    assert "start" not in delta[0]
    assert full_list(calendar, syncToken=token)[0] == []
    assert kept["id"] in {item["id"] for item in full_list(calendar)[0]}


def test_an_event_changed_while_paging_is_not_missed(calendar: Any, sandbox: SandboxServer) -> None:
    first = [sandbox.calendar.create_event(f"e{n}", START)["id"] for n in range(4)]
    request = calendar.events().list(calendarId="primary", maxResults=2)
    answer = request.execute()
    sandbox.calendar.change_event(first[0], summary="changed")
    seen = {item["id"]: item["summary"] for item in answer["items"]}
    while (request := calendar.events().list_next(request, answer)) is not None:
        answer = request.execute()
        seen.update({item["id"]: item["summary"] for item in answer["items"]})
    assert seen[first[0]] == "changed"
    assert set(seen) == set(first)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeMin", "2026-01-01T00:00:00Z"),
        ("timeMax", "2026-01-01T00:00:00Z"),
        ("updatedMin", "2026-01-01T00:00:00Z"),
        ("q", "x"),
        ("iCalUID", "x"),
        ("orderBy", "updated"),
        ("privateExtendedProperty", "a=b"),
        ("sharedExtendedProperty", "a=b"),
        ("showDeleted", False),
    ],
)
def test_a_sync_token_does_not_go_with_filters(calendar: Any, name: str, value: Any) -> None:
    _, token = full_list(calendar)
    with pytest.raises(HttpError) as failure:
        calendar.events().list(calendarId="primary", syncToken=token, **{name: value}).execute()
    assert failure.value.status_code == 400


def test_a_sync_token_belongs_to_its_query(calendar: Any) -> None:
    _, token = full_list(calendar)
    with pytest.raises(HttpError) as failure:
        calendar.events().list(
            calendarId="primary", syncToken=token, eventTypes=["default"]
        ).execute()
    assert failure.value.status_code == 400


def test_expired_and_unknown_tokens_answer_410(calendar: Any, sandbox: SandboxServer) -> None:
    _, token = full_list(calendar)
    sandbox.google.expire_tokens()
    for dead in (token, "nonsense"):
        with pytest.raises(HttpError) as failure:
            calendar.events().list(calendarId="primary", syncToken=dead).execute()
        assert reason_of(failure) == (410, "fullSyncRequired")
        assert failure.value.error_details[0]["location"] == "syncToken"


def test_a_token_of_another_user_answers_410(service_of: Any, sandbox: SandboxServer) -> None:
    ana, bob = service_of("calendar"), service_of("calendar", "bob@pipedesk.example")
    shared = sandbox.calendar.create_calendar("Team")
    bob.calendarList().insert(body={"id": shared}).execute()
    token = ana.events().list(calendarId=shared).execute()["nextSyncToken"]
    with pytest.raises(HttpError) as failure:
        bob.events().list(calendarId=shared, syncToken=token).execute()
    assert reason_of(failure) == (410, "fullSyncRequired")


def test_a_foreign_page_token_answers_400(calendar: Any, sandbox: SandboxServer) -> None:
    for number in range(3):
        sandbox.calendar.create_event(f"e{number}", START)
    page = calendar.events().list(calendarId="primary", maxResults=1).execute()["nextPageToken"]
    for query in ({"pageToken": "x"}, {"pageToken": page, "q": "e"}):
        with pytest.raises(HttpError) as failure:
            calendar.events().list(calendarId="primary", **query).execute()
        assert failure.value.status_code == 400


def test_time_min_bounds_the_end_and_time_max_the_start(
    calendar: Any, sandbox: SandboxServer
) -> None:
    sandbox.calendar.create_event("at 13", START)
    at_14 = START + timedelta(hours=1)
    query = {"calendarId": "primary"}
    later = calendar.events().list(timeMin=at_14.isoformat(), **query).execute()
    running = (
        calendar.events()
        .list(timeMin=(at_14 - timedelta(minutes=1)).isoformat(), **query)
        .execute()
    )
    earlier = calendar.events().list(timeMax=START.isoformat(), **query).execute()
    assert [later["items"], earlier["items"]] == [[], []]
    assert len(running["items"]) == 1


def test_ordered_lists_give_no_sync_token(calendar: Any, sandbox: SandboxServer) -> None:
    sandbox.calendar.create_event("late", START + timedelta(days=1))
    sandbox.calendar.create_event("early", START)
    answer = (
        calendar.events()
        .list(calendarId="primary", singleEvents=True, orderBy="startTime")
        .execute()
    )
    assert [item["summary"] for item in answer["items"]] == ["early", "late"]
    assert "nextSyncToken" not in answer


def test_deleted_events_show_only_on_demand(calendar: Any, sandbox: SandboxServer) -> None:
    gone = sandbox.calendar.create_event("gone", START)
    sandbox.calendar.cancel_event(gone["id"])
    assert full_list(calendar)[0] == []
    shown = full_list(calendar, showDeleted=True)[0]
    assert [(item["id"], item["status"]) for item in shown] == [(gone["id"], "cancelled")]


def test_events_are_found_by_their_private_property(calendar: Any, sandbox: SandboxServer) -> None:
    properties = {"private": {"deal": "42"}}
    made = sandbox.calendar.create_event("x", START, extendedProperties=properties)
    sandbox.calendar.create_event("y", START, id=uuid4().hex)
    found = calendar.events().list(calendarId="primary", privateExtendedProperty="deal=42")
    assert [item["id"] for item in found.execute()["items"]] == [made["id"]]


def test_updated_min_shows_deleted_events_and_has_a_limit(
    calendar: Any, sandbox: SandboxServer
) -> None:
    gone = sandbox.calendar.create_event("gone", START)
    sandbox.calendar.cancel_event(gone["id"])
    now = sandbox.google.clock.now()
    query = {"calendarId": "primary", "updatedMin": (now - timedelta(days=1)).isoformat()}
    shown = calendar.events().list(**query).execute()["items"]
    assert [(item["id"], item["status"]) for item in shown] == [(gone["id"], "cancelled")]
    query["updatedMin"] = (now - timedelta(days=40)).isoformat()
    with pytest.raises(HttpError) as failure:
        calendar.events().list(**query).execute()
    assert reason_of(failure) == (410, "updatedMinTooLongAgo")
