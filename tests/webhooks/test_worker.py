"""Push to mirror with real workers, and workers killed while they talk to Google."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from math import ceil
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from gcalendar.models import (
    CalendarEvent,
    CalendarSyncState,
    EventAppearance,
    MirroredCalendar,
)
from gcalendar.tasks import sync_calendar
from gdrive.models import DriveSyncState
from pipedesk.core.bursts import LONGEST_S
from pipedesk.core.models import Heartbeat
from pipedesk.core.tasks import sweep
from pipedesk.core.work import LOST_AFTER_S
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.webhooks import CalendarChannelFactory, message
from tests.processes import Running, descendants, gunicorn, manage, pool, wait_for
from webhooks.channels import ensure, stop
from webhooks.kinds import CALENDAR, DRIVE
from webhooks.models import ChannelStop, Receipt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

START = datetime(2027, 1, 12, 10, tzinfo=UTC)
CONNECTIONS = 8


@pytest.fixture(autouse=True)
def nothing_by_the_clock(live_server: LiveServer, settings: Settings) -> None:
    settings.WEBHOOK_BASE_URL = live_server.url
    Schedule.objects.all().delete()


def wait_until_working() -> None:
    wait_for(lambda: Heartbeat.objects.filter(name="queue").exists(), 30, "workers work")


def kill_everything(worker: Running) -> None:
    for pid in (worker.pid, *descendants(worker.pid)):
        os.kill(pid, signal.SIGKILL)
    worker.process.wait(10)


def seen(calendar: MirroredCalendar) -> int:
    return EventAppearance.objects.filter(mirrored_calendar=calendar).count()


def list_calls(google: SandboxServer) -> int:
    return int(google.google.requests.as_json().get("calendar.events.list", 0))


def test_a_change_in_google_is_mirrored_by_a_worker_within_five_seconds(
    google: SandboxServer,
) -> None:
    calendar = MirroredCalendar.objects.create(
        calendar_id="primary", subject="ana@pipedesk.example"
    )
    ensure(CALENDAR, calendar.pk)
    with manage("run_worker", "--beat", "1", GOOGLE_API_ROOT_URL=google.root_url):
        wait_until_working()
        google.calendar.create_event("Visit", START, START + timedelta(hours=1))
        wait_for(lambda: seen(calendar) == 1, 5, "the meeting is here")

    wait_for(lambda: Receipt.objects.count() == 2, 5, "handshake and push were kept")


# As fast as they are answered, and some dozens a second.
@pytest.mark.parametrize(("messages", "pause_s"), [(1000, 0.0), (100, 0.05)])
@pytest.mark.parametrize("latency_s", [0.0, 0.05])
def test_d43_i12_f37_a_burst_of_messages_is_three_list_calls_and_none_is_lost(
    google: SandboxServer, messages: int, pause_s: float, latency_s: float
) -> None:
    calendar = MirroredCalendar.objects.create(
        calendar_id="primary", subject="ana@pipedesk.example"
    )
    channel = CalendarChannelFactory(mirrored_calendar=calendar)
    sync_calendar_once(calendar)
    google.google.faults.latency_s = latency_s
    before = list_calls(google)
    environment = {"GOOGLE_API_ROOT_URL": google.root_url}
    with manage("run_worker", "--beat", "1", **environment), gunicorn(**environment) as port:
        wait_until_working()
        google.calendar.create_event("Visit", START, START + timedelta(hours=1))
        numbers, began = range(100, 100 + messages), time.monotonic()
        codes = sent(port, [message(channel, Message_Number=str(n)) for n in numbers], pause_s)
        google.calendar.create_event("Another", START, START + timedelta(hours=1))
        assert sent(port, [message(channel, Message_Number="1100")]) == [200]
        took_s = time.monotonic() - began
        wait_for(lambda: is_at_rest(calendar), 30, "nothing is left to do")

    assert codes == [200] * messages
    assert Receipt.objects.count() == messages + 1
    assert calendar.requested == messages + 2
    assert seen(calendar) == 2
    # Three, and one more for each three seconds that a busy machine takes longer.
    assert list_calls(google) - before <= 2 + ceil(took_s / LONGEST_S)


def sync_calendar_once(calendar: MirroredCalendar) -> None:
    MirroredCalendar.objects.request(calendar.pk)
    sync_calendar(calendar.pk)
    OrmQ.objects.all().delete()


def sent(port: int, messages: list[dict[str, str]], pause_s: float = 0) -> list[int]:
    """The answers' codes, of messages on many connections at once, with pauses on each."""

    def send(part: list[dict[str, str]]) -> list[int]:
        codes = []
        with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as wire:
            for headers in part:
                wire.request("POST", CALENDAR.path, headers=headers)
                answer = wire.getresponse()
                answer.read()
                codes.append(answer.status)
                time.sleep(pause_s)
        return codes

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        parts = threads.map(send, (messages[n::CONNECTIONS] for n in range(CONNECTIONS)))
        return [code for part in parts for code in part]


def is_at_rest(calendar: MirroredCalendar) -> bool:
    calendar.refresh_from_db()
    return calendar.applied == calendar.requested and calendar.queued_at is None


def stop_slowly(google: SandboxServer) -> str:
    """A job that waits for Google, and a worker that has its lease; returns the channel's id."""
    drive = DriveSyncState.objects.create(drive_id="")
    channel, _ = ensure(DRIVE, drive.pk)
    google.google.faults.latency_s = 20
    assert stop(DRIVE, channel) is not None
    wait_for(lambda: bool(busy()), 20, "a worker has the lease")
    return str(channel.channel_id)


def let_the_lease_end(google: SandboxServer) -> None:
    """What two minutes of waiting do, at once."""
    google.google.faults.latency_s = 0
    ChannelStop.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sweep()  # unless a watchdog was first


def is_live(google: SandboxServer, channel_id: str) -> bool:
    row = google.google.channels.get(channel_id)
    assert row is not None
    return bool(row["live"])


def test_f1_a_job_whose_workers_are_killed_is_done_by_the_next_ones(google: SandboxServer) -> None:
    environment = {"GOOGLE_API_ROOT_URL": google.root_url}
    with manage("run_worker", "--beat", "1", "--stall", "5", **environment) as worker:
        wait_until_working()
        channel_id = stop_slowly(google)
        for pid in pool(worker)[:2]:
            os.kill(pid, signal.SIGKILL)
        let_the_lease_end(google)
        wait_for(lambda: not ChannelStop.objects.exists(), 40, "the channel was stopped")

    assert not is_live(google, channel_id)


def test_f1_a_job_killed_with_everything_is_done_after_the_start(google: SandboxServer) -> None:
    environment = {"GOOGLE_API_ROOT_URL": google.root_url}
    with manage("run_worker", "--beat", "1", **environment) as worker:
        wait_until_working()
        channel_id = stop_slowly(google)
        kill_everything(worker)
    let_the_lease_end(google)
    with manage("run_worker", "--beat", "1", **environment):
        wait_for(lambda: not ChannelStop.objects.exists(), 30, "the channel was stopped")

    assert not is_live(google, channel_id)


def test_f50_a_worker_that_stood_still_past_its_lease_writes_nothing(
    google: SandboxServer,
) -> None:
    calendar = MirroredCalendar.objects.create(
        calendar_id="primary", subject="ana@pipedesk.example"
    )
    MirroredCalendar.objects.request(calendar.pk)
    sync_calendar(calendar.pk)
    google.calendar.create_event("Visit", START, START + timedelta(hours=1))
    with manage("run_worker", "--beat", "60", GOOGLE_API_ROOT_URL=google.root_url) as worker:
        wait_until_working()
        workers = pool(worker)[:2]
        google.google.faults.latency_s = 2
        before = list_calls(google)
        MirroredCalendar.objects.request(calendar.pk)
        wait_for(lambda: list_calls(google) > before, 20, "a worker asks Google")
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        google.google.faults.latency_s = 0
        let_leases_end(MirroredCalendar)
        google.calendar.create_event("Later", START, START + timedelta(hours=2))
        sync_calendar(calendar.pk)  # the worker of another machine
        everything = stored_of_calendars()
        assert seen(calendar) == 2

        time.sleep(2)  # the answer lies before the one that stands still
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        lost = f"lease of MirroredCalendar {calendar.pk} lost"
        wait_for(lambda: lost in worker.output(), 20, "it noticed")

    assert stored_of_calendars() == everything


def stored_of_calendars() -> list[Any]:
    """Every column of the calendars, their cursors and what they show."""
    models = (MirroredCalendar, CalendarSyncState, CalendarEvent, EventAppearance)
    return [list(model._base_manager.order_by("pk").values_list()) for model in models]


def test_f59_workers_and_web_wait_for_a_writer_that_holds_the_database_for_ten_seconds(
    google: SandboxServer, is_postgres: bool
) -> None:
    if is_postgres:
        pytest.skip("PostgreSQL locks rows, not the database")
    calendar = MirroredCalendar.objects.create(
        calendar_id="primary", subject="ana@pipedesk.example"
    )
    channel = CalendarChannelFactory(mirrored_calendar=calendar)
    google.calendar.create_event("Visit", START, START + timedelta(hours=1))
    codes: list[int] = []

    def push() -> None:
        codes.append(Client().post(CALENDAR.path, headers=message(channel)).status_code)
        connection.close()

    with manage("run_worker", "--beat", "0.5", GOOGLE_API_ROOT_URL=google.root_url) as worker:
        wait_until_working()
        google.google.faults.latency_s = 1  # the worker comes back while the database is held
        MirroredCalendar.objects.request(calendar.pk)
        wait_for(lambda: attempts_of(calendar) == 1, 20, "a worker has the lease")
        pusher = threading.Thread(target=push)
        with transaction.atomic():
            MirroredCalendar.objects.filter(pk=calendar.pk).update(summary="held")
            pusher.start()
            time.sleep(10)
        pusher.join()
        wait_for(lambda: is_at_rest(calendar), 20, "both requests were answered")
        assert calendar.last_error == ""

        said = worker.output()
        assert "locked" not in said
        assert "rror" not in said
        assert "no beat" not in said
    assert codes == [200]
    assert seen(calendar) == 1


def attempts_of(calendar: MirroredCalendar) -> int:
    calendar.refresh_from_db()
    return calendar.attempts


def busy() -> list[int]:
    return list(ChannelStop.objects.filter(attempts=1).values_list("pk", flat=True))


def test_f54_work_whose_message_was_signed_with_a_key_before_is_done_all_the_same(
    google: SandboxServer, settings: Settings
) -> None:
    calendar = MirroredCalendar.objects.create(
        calendar_id="primary", subject="ana@pipedesk.example"
    )
    google.calendar.create_event("Visit", START, START + timedelta(hours=1))
    MirroredCalendar.objects.request(calendar.pk)
    MirroredCalendar.objects.update(queued_at=Now() - timedelta(seconds=LOST_AFTER_S))
    rotated = {"SECRET_KEY": "another-key-" * 6, "GOOGLE_API_ROOT_URL": google.root_url}
    with manage("run_worker", "--beat", "1", **rotated) as worker:
        wait_for(lambda: is_at_rest(calendar), 40, "what was asked for is done")
        assert "whose wake-up was lost" in worker.output()

    assert seen(calendar) == 1
    assert settings.Q_CLUSTER["retry"] * 2 >= LOST_AFTER_S


def test_f58_workers_whose_connections_are_all_cut_go_on(
    google: SandboxServer, is_postgres: bool
) -> None:
    """What a restart of the database server does to them, while one talks to Google."""
    if not is_postgres:
        pytest.skip("SQLite has no server")
    environment = {"GOOGLE_API_ROOT_URL": google.root_url}
    with manage("run_worker", "--beat", "1", **environment) as worker:
        wait_until_working()
        channel_id = stop_slowly(google)
        everybody = pool(worker)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            [cut] = cursor.fetchone()
        assert cut >= len(everybody) - 1
        google.google.faults.latency_s = 0
        let_leases_end(ChannelStop)
        sweep()  # or a new cluster was there before it
        wait_for(lambda: not ChannelStop.objects.exists(), 60, "the channel was stopped")

    assert not is_live(google, channel_id)
