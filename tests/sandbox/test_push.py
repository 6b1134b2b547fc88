"""Push messages: headers, order, retries, coalescing, faults."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import pytest

from pipedesk.sandbox.server import SandboxServer
from tests.sandbox.receiver import Receiver, receiving

START = datetime(2026, 11, 23, 13, tzinfo=UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


def watch_events(calendar: Any, receiver: Receiver, **body: Any) -> dict[str, Any]:
    request = {"id": uuid4().hex, "type": "web_hook", "address": receiver.address, **body}
    answer: dict[str, Any] = calendar.events().watch(calendarId="primary", body=request).execute()
    return answer


def test_the_sync_message_comes_first_with_every_header_and_no_body(
    calendar: Any, receiver: Receiver
) -> None:
    channel = watch_events(calendar, receiver, token="s3cret")
    message = receiver.wait_for(1)[0]

    assert {name: message[name] for name in message if name.startswith("x-goog")} == {
        "x-goog-channel-id": channel["id"],
        "x-goog-channel-token": "s3cret",
        "x-goog-channel-expiration": message["x-goog-channel-expiration"],
        "x-goog-message-number": "1",
        "x-goog-resource-id": channel["resourceId"],
        "x-goog-resource-state": "sync",
        "x-goog-resource-uri": channel["resourceUri"],
    }
    expires = parsedate_to_datetime(message["x-goog-channel-expiration"])
    assert int(expires.timestamp()) == int(channel["expiration"]) // 1000
    assert message["content-type"] == "application/json; utf-8"
    assert message["content-length"] == "0"
    assert receiver.bodies == [b""]


def test_create_change_and_delete_are_told_as_exists_with_growing_numbers(
    calendar: Any, sandbox: SandboxServer, receiver: Receiver
) -> None:
    watch_events(calendar, receiver)
    receiver.wait_for(1)
    event = sandbox.calendar.create_event("x", START)
    receiver.wait_for(2)
    sandbox.calendar.change_event(event["id"], summary="y")
    receiver.wait_for(3)
    sandbox.calendar.cancel_event(event["id"])
    messages = receiver.wait_for(4)
    assert receiver.states == ["sync", "exists", "exists", "exists"]
    numbers = [int(message["x-goog-message-number"]) for message in messages]
    assert numbers == sorted(set(numbers))


def test_a_burst_is_told_in_one_message(
    calendar: Any, sandbox: SandboxServer, receiver: Receiver
) -> None:
    sandbox.google.pusher.coalesce_s = 0.3
    watch_events(calendar, receiver)
    receiver.wait_for(1)
    for number in range(20):
        sandbox.calendar.create_event(f"e{number}", START)
    assert sandbox.google.pusher.wait_until_idle()
    assert receiver.states == ["sync", "exists"]


def test_a_busy_receiver_is_tried_again_with_the_same_number(
    calendar: Any, receiver: Receiver
) -> None:
    receiver.statuses = [503, 500]
    watch_events(calendar, receiver)
    messages = receiver.wait_for(3)
    assert [message["x-goog-message-number"] for message in messages] == ["1", "1", "1"]


def test_another_failure_is_not_tried_again(
    calendar: Any, sandbox: SandboxServer, receiver: Receiver
) -> None:
    receiver.statuses = [404]
    watch_events(calendar, receiver)
    receiver.wait_for(1)
    assert sandbox.google.pusher.wait_until_idle()
    assert receiver.states == ["sync"]


def test_drive_tells_its_change_log_and_a_watched_file(
    drive: Any, sandbox: SandboxServer, receiver: Receiver
) -> None:
    folder = sandbox.drive.create_folder("Deals")
    body = {"id": uuid4().hex, "type": "web_hook", "address": receiver.address}
    start = drive.changes().getStartPageToken().execute()["startPageToken"]
    drive.changes().watch(pageToken=start, body=body).execute()
    receiver.wait_for(1)
    sandbox.drive.rename(folder, "Won")
    receiver.wait_for(2)
    assert receiver.states == ["sync", "change"]

    drive.files().watch(fileId=folder, body={**body, "id": uuid4().hex}).execute()
    receiver.wait_for(3)
    sandbox.drive.rename(folder, "Lost")
    about_file = [
        message for message in receiver.wait_for(5) if message["x-goog-resource-state"] == "update"
    ]
    assert [message["x-goog-changed"] for message in about_file] == ["properties"]


def test_a_stopped_and_an_expired_channel_stay_silent(
    calendar: Any, sandbox: SandboxServer, receiver: Receiver
) -> None:
    stopped = watch_events(calendar, receiver)
    watch_events(calendar, receiver, params={"ttl": "60"})
    receiver.wait_for(2)
    calendar.channels().stop(
        body={"id": stopped["id"], "resourceId": stopped["resourceId"]}
    ).execute()
    sandbox.google.clock.shift(61)
    sandbox.calendar.create_event("x", START)
    assert sandbox.google.pusher.wait_until_idle()
    assert receiver.states == ["sync", "sync"]


@pytest.mark.parametrize(("kind", "states"), [("lost", []), ("doubled", ["exists"] * 2)])
def test_push_faults_lose_and_double(
    calendar: Any, sandbox: SandboxServer, receiver: Receiver, kind: str, states: list[str]
) -> None:
    watch_events(calendar, receiver)
    receiver.wait_for(1)
    sandbox.google.faults.plan({"push": "exists", "kind": kind})
    sandbox.calendar.create_event("x", START)
    time.sleep(sandbox.google.pusher.coalesce_s)
    assert sandbox.google.pusher.wait_until_idle()
    assert receiver.states == ["sync", *states]


def test_a_delayed_message_is_overtaken_by_a_later_one(
    calendar: Any, sandbox: SandboxServer, receiver: Receiver
) -> None:
    watch_events(calendar, receiver)
    receiver.wait_for(1)
    sandbox.google.faults.plan({"push": "exists", "kind": "delayed", "seconds": 0.6})
    sandbox.calendar.create_event("x", START)
    time.sleep(0.2)
    sandbox.calendar.create_event("y", START)
    messages = receiver.wait_for(3)
    numbers = [int(message["x-goog-message-number"]) for message in messages]
    assert numbers[2] < numbers[1]


def test_a_forged_message_carries_a_wrong_token(
    calendar: Any, sandbox: SandboxServer, receiver: Receiver
) -> None:
    watch_events(calendar, receiver, token="right")
    receiver.wait_for(1)
    sandbox.google.faults.plan({"push": "exists", "kind": "forged"})
    sandbox.calendar.create_event("x", START)
    tokens = [message["x-goog-channel-token"] for message in receiver.wait_for(3)]
    assert tokens == ["right", "forged", "right"]
