"""The receiver, row by row of the contract."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.apps import apps
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django_q.models import OrmQ
from pytest_django.live_server_helper import LiveServer

from gcalendar.models import CalendarSyncState, MirroredCalendar
from gdrive.models import DriveSyncState
from pipedesk.google.channels import ChannelState
from pipedesk.sandbox.server import SandboxServer
from tests.factories.webhooks import (
    TOKEN,
    CalendarChannelFactory,
    DriveChannelFactory,
    message,
)
from tests.processes import wait_for
from webhooks import inbox
from webhooks.channels import tidy
from webhooks.kinds import KINDS
from webhooks.models import Receipt
from webhooks.refusals import REFUSALS_PER_WINDOW

pytestmark = pytest.mark.django_db(transaction=True)

CALENDAR, DRIVE = "/webhooks/google-calendar", "/webhooks/google-drive"


@pytest.fixture(autouse=True)
def fresh_counters() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def channel() -> CalendarSyncState:
    return CalendarChannelFactory()


def push(headers: dict[str, str], path: str = CALENDAR, **kwargs: Any) -> HttpResponse:
    client = Client(enforce_csrf_checks=True)
    return client.post(path, headers=headers, content_type="application/json; utf-8", **kwargs)


def requested(channel: CalendarSyncState) -> int:
    return MirroredCalendar.objects.get(pk=channel.mirrored_calendar_id).requested


@pytest.mark.parametrize("path", [CALENDAR, CALENDAR + "/", DRIVE, DRIVE + "/"])
def test_a_valid_push_is_kept_and_asks_for_one_sync(path: str, channel: CalendarSyncState) -> None:
    answer = push(message(channel), path)

    assert (answer.status_code, answer.content) == (200, b"")
    assert Receipt.objects.get().channel_id == channel.channel_id
    assert requested(channel) == 1
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize("path", [CALENDAR, DRIVE])
def test_a_drive_push_keeps_what_asked_for_the_sync(path: str) -> None:
    channel = DriveChannelFactory()

    assert push(message(channel), path).status_code == 200

    state = DriveSyncState.objects.get()
    assert state.requested == 1
    assert state.last_notification["channel_id"] == channel.channel_id
    assert state.last_notification["resource_id"] == channel.resource_id
    assert state.last_notification["resource_state"] == "change"
    assert state.last_notification["headers"]["X-Goog-Channel-Token"] == "***"


def test_the_token_is_stored_nowhere(channel: CalendarSyncState) -> None:
    push(message(channel))

    receipt = Receipt.objects.get()
    assert receipt.headers["X-Goog-Channel-Token"] == "***"
    assert receipt.headers["X-Goog-Resource-State"] == "exists"
    assert TOKEN not in str(Receipt.objects.values())
    assert TOKEN not in str(CalendarSyncState.objects.values())


def test_only_headers_on_the_list_are_kept(channel: CalendarSyncState) -> None:
    push(message(channel) | {"Cookie": "canary=1", "X-Goog-Other": "canary"})

    assert "canary" not in str(Receipt.objects.get().headers)


def test_the_channel_knows_when_it_was_last_heard(channel: CalendarSyncState) -> None:
    for number in ("7", "5"):
        push(message(channel, Message_Number=number))

    channel.refresh_from_db()
    assert channel.last_message_at is not None
    assert channel.last_message_number == 7


def test_the_handshake_is_recorded_and_queues_nothing(channel: CalendarSyncState) -> None:
    answer = push(message(channel, Resource_State="sync", Message_Number="1"))

    assert answer.status_code == 200
    assert Receipt.objects.get().resource_state == "sync"
    assert requested(channel) == 0
    assert not OrmQ.objects.exists()


def test_d40_f41_the_handshake_before_the_watch_call_returned_is_accepted() -> None:
    channel = CalendarChannelFactory(pending=True)

    answer = push(message(channel, Resource_State="sync", Message_Number="1"))

    assert answer.status_code == 200
    channel.refresh_from_db()
    assert channel.resource_id == "resource-from-google"
    assert not channel.active


def test_f7_the_same_message_again_changes_nothing(channel: CalendarSyncState) -> None:
    for _ in range(3):
        assert push(message(channel)).status_code == 200

    assert Receipt.objects.count() == 1
    assert requested(channel) == 1


def test_f7_who_hung_up_before_the_answer_and_comes_again_changes_nothing(
    channel: CalendarSyncState, live_server: LiveServer
) -> None:
    lines = [f"{name}: {value}" for name, value in message(channel).items()]
    host = urlsplit(live_server.url)
    head = [f"POST {CALENDAR} HTTP/1.1", f"Host: {host.netloc}", "Content-Length: 0", *lines]
    with socket.create_connection((host.hostname, host.port)) as google:
        google.sendall("\r\n".join([*head, "", ""]).encode())
    wait_for(lambda: requested(channel) == 1, 10, "the message was kept")

    assert push(message(channel)).status_code == 200
    assert (Receipt.objects.count(), requested(channel), OrmQ.objects.count()) == (1, 1, 1)


def test_f38_one_message_on_ten_connections_counts_once(channel: CalendarSyncState) -> None:
    gate = threading.Barrier(10)

    def send() -> int:
        gate.wait()
        try:
            return push(message(channel)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        codes = [job.result() for job in [threads.submit(send) for _ in range(10)]]

    assert codes == [200] * 10
    assert Receipt.objects.count() == 1
    assert requested(channel) == 1


@pytest.mark.parametrize("state", [ChannelState.STOPPED, ChannelState.EXPIRED])
def test_d41_f47_a_channel_we_stopped_or_that_expired_still_asks_for_a_sync(
    state: ChannelState,
) -> None:
    channel = CalendarChannelFactory(state=state, active=False)

    assert push(message(channel)).status_code == 200
    assert requested(channel) == 1


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row there is."""
    models = apps.get_models()
    return {model._meta.label: list(model._base_manager.values_list()) for model in models}


def test_d41_f48_an_unknown_channel_is_404_and_writes_nothing(
    channel: CalendarSyncState, google: SandboxServer
) -> None:
    headers = message(channel, Channel_ID="9b2e6f30-0000-4000-8000-000000000000")
    before = everything()

    codes = Counter(push(headers).status_code for _ in range(1000))
    for kind in KINDS.values():
        tidy(kind)  # nobody knows in whose name to stop it

    # What is over the limit is told so: that is a refusal, too.
    assert set(codes) == {404, 429}
    assert codes[404] >= REFUSALS_PER_WINDOW
    assert everything() == before
    assert google.google.requests.as_json() == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"Channel_ID": "somebody-else"},
        {"Channel_Token": "wrong"},
        {"Channel_Token": ""},
        {"Channel_Token": None},
        {"Channel_Token": f"{TOKEN},{TOKEN}"},
        {"Channel_Token": "tóken"},
        {"Resource_ID": "another-resource"},
    ],
)
def test_d42_forged_messages_get_one_and_the_same_404(
    changes: dict[str, str | None], channel: CalendarSyncState
) -> None:
    stranger = push(message(channel, Channel_ID="unknown"))
    answer = push(message(channel, **changes))

    assert answer.status_code == stranger.status_code == 404
    assert answer.content == stranger.content
    assert dict(answer.items()) == dict(stranger.items())
    assert requested(channel) == 0
    assert not Receipt.objects.exists()


def test_d42_tokens_are_compared_in_constant_time_for_strangers_too(
    channel: CalendarSyncState, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[str, str]] = []

    def spy(given: str, known: str) -> bool:
        compared.append((given, known))
        return given == known

    monkeypatch.setattr(inbox, "compare_digest", spy)
    push(message(channel))
    push(message(channel, Channel_ID="unknown"))
    push(message(channel, Channel_Token=None))

    assert len(compared) == 3
    assert all(len(given) == len(known) == 64 for given, known in compared)


def test_a_stranger_costs_as_many_queries_as_a_wrong_token(
    channel: CalendarSyncState, django_assert_num_queries: Any
) -> None:
    for changes in ({"Channel_ID": "unknown"}, {"Channel_Token": "wrong"}):
        headers = message(channel, **changes)
        with django_assert_num_queries(1):
            push(headers)


def test_a_channel_without_a_token_lets_nobody_in() -> None:
    channel = CalendarChannelFactory(token_hash=None)

    assert push(message(channel, Channel_Token=None)).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"Channel_ID": None},
        {"Channel_ID": "c" * 65},
        {"Channel_ID": "two words"},
        {"Message_Number": None},
        {"Message_Number": ""},
        {"Message_Number": "-1"},
        {"Message_Number": "1.0"},
        {"Message_Number": "٣"},
        {"Message_Number": "1" * 20},
        {"Message_Number": "2,2"},
        {"Message_Number": "7\n"},
        {"Resource_ID": None},
        {"Resource_ID": "r" * 257},
        {"Resource_ID": "nul\x00"},
        {"Resource_State": None},
        {"Resource_State": "exists\r\nX: y"},
        {"Resource_State": "s" * 41},
        {"Channel_Token": "t" * 257},
        {"Channel_Token": "bell\x07"},
        {"Resource_URI": "https://x/" + "u" * 2048},
        {"Resource_URI": "\ud800"},
        {"Channel_Expiration": "e" * 65},
    ],
)
def test_malformed_headers_are_400(
    changes: dict[str, str | None], channel: CalendarSyncState
) -> None:
    assert push(message(channel, **changes)).status_code == 400
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("number", ["0", "9223372036854775807", "9223372036854775808", "9" * 19])
def test_every_number_of_up_to_19_digits_is_accepted_once(
    number: str, channel: CalendarSyncState
) -> None:
    for _ in range(2):
        assert push(message(channel, Message_Number=number)).status_code == 200

    assert Receipt.objects.count() == 1


def test_a_body_over_16_kib_is_413(channel: CalendarSyncState) -> None:
    headers = message(channel)

    assert push(headers, data=b"x" * (16 * 1024)).status_code == 200
    assert push(headers, data=b"x" * (16 * 1024 + 1)).status_code == 413


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options", "trace"])
def test_other_methods_are_405(method: str, channel: CalendarSyncState) -> None:
    answer = getattr(Client(), method)(CALENDAR, headers=message(channel))

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


def test_an_address_beside_the_two_is_not_ours() -> None:
    assert Client().post("/webhooks/google-mail").status_code == 404


def test_a_locked_row_is_503_and_not_a_lost_message(channel: CalendarSyncState) -> None:
    """Another connection holds what the message needs for longer than we are ready to wait."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            MirroredCalendar.objects.update(summary="held")
            locked.set()
            done.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(10)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SET lock_timeout = '200ms'"
                if connection.vendor == "postgresql"
                else "PRAGMA busy_timeout = 200"
            )
        assert push(message(channel)).status_code == 503
    finally:
        done.set()
        holder.join()
        connection.close()

    assert not Receipt.objects.exists()
    assert push(message(channel)).status_code == 200


def test_f6_a_crash_before_the_commit_leaves_neither_receipt_nor_work(
    channel: CalendarSyncState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "_mark_heard", die)
        assert push(message(channel)).status_code == 503
    assert not Receipt.objects.exists()
    assert requested(channel) == 0
    assert not OrmQ.objects.exists()

    assert push(message(channel)).status_code == 200  # Google comes again
    assert (Receipt.objects.count(), requested(channel), OrmQ.objects.count()) == (1, 1, 1)


@time_machine.travel("2026-11-22T12:00:10Z", tick=False)
def test_a_flood_of_nonsense_is_429_and_valid_messages_pass(channel: CalendarSyncState) -> None:
    nonsense = message(channel, Message_Number="x")
    codes = [push(nonsense).status_code for _ in range(REFUSALS_PER_WINDOW + 1)]
    answer = push(message(channel, Channel_ID="unknown"))

    assert codes[:-1] == [400] * REFUSALS_PER_WINDOW
    assert codes[-1] == answer.status_code == 429
    assert answer["Retry-After"] == "50"
    assert push(message(channel)).status_code == 200
    assert push(nonsense, REMOTE_ADDR="10.1.2.3").status_code == 400


def test_f39_f40_d44_numbers_out_of_order_and_with_gaps_all_count_and_alarm_nobody(
    channel: CalendarSyncState, caplog: pytest.LogCaptureFixture
) -> None:
    for count, number in enumerate(("12", "11", "13", "5", "900"), start=1):
        assert push(message(channel, Message_Number=number)).status_code == 200
        assert (Receipt.objects.count(), requested(channel)) == (count, count)

    channel.refresh_from_db()
    assert channel.last_message_number == 900
    assert caplog.records == []


def test_d43_f37_many_messages_wake_one_worker(channel: CalendarSyncState) -> None:
    for number in range(2, 52):
        push(message(channel, Message_Number=str(number)))

    assert requested(channel) == 50
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize("state", ["add", "changed", "invented"])
def test_d46_states_a_calendar_does_not_know_are_heard_and_ignored(
    state: str, channel: CalendarSyncState
) -> None:
    assert push(message(channel, Resource_State=state)).status_code == 200
    assert Receipt.objects.count() == 1
    assert requested(channel) == 0


@pytest.mark.parametrize(("state", "asked"), [("change", 1), ("changed", 1), ("exists", 0)])
def test_d46_drive_has_words_of_its_own(state: str, asked: int) -> None:
    assert push(message(DriveChannelFactory(), Resource_State=state)).status_code == 200
    assert DriveSyncState.objects.get().requested == asked


def test_f46_each_channel_of_a_calendar_has_its_own_token(channel: CalendarSyncState) -> None:
    old = CalendarChannelFactory(
        mirrored_calendar=channel.mirrored_calendar,
        active=False,
        token_hash=inbox.token_digest("older"),
    )

    assert push(message(old, Channel_Token="older")).status_code == 200
    assert push(message(channel)).status_code == 200
    assert push(message(channel, Channel_Token="older", Message_Number="3")).status_code == 404
    assert requested(channel) == 2


def test_no_session_and_no_user_are_looked_at(
    channel: CalendarSyncState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        pytest.fail("the session middleware ran")

    monkeypatch.setattr(SessionMiddleware, "process_request", never)
    answer = push(message(channel) | {"Cookie": "sessionid=abc"})

    assert answer.status_code == 200
    assert not answer.cookies


def test_the_receiver_logs_no_token(
    channel: CalendarSyncState, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for changes in ({}, {"Resource_ID": "other"}, {"Message_Number": "x"}, {"Channel_ID": "y"}):
        push(message(channel, **changes))

    assert TOKEN not in caplog.text


def test_robots_txt_lets_googles_sender_in() -> None:
    answer = Client().get("/robots.txt")

    assert answer["Content-Type"].startswith("text/plain")
    assert re.search(r"User-agent: APIs-Google\nAllow: /webhooks/", answer.content.decode())
