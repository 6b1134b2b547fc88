"""Push to mirror with real workers, and workers killed while they talk to Google."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from gcalendar.models import EventAppearance, MirroredCalendar
from gcalendar.tasks import sync_calendar
from gdrive.models import DriveSyncState
from pipedesk.core.models import Heartbeat
from pipedesk.core.tasks import sweep
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


def test_d43_i12_f37_a_thousand_messages_in_a_moment_are_three_list_calls_and_none_is_lost(
    google: SandboxServer,
) -> None:
    calendar = MirroredCalendar.objects.create(
        calendar_id="primary", subject="ana@pipedesk.example"
    )
    channel = CalendarChannelFactory(mirrored_calendar=calendar)
    sync_calendar_once(calendar)
    before = list_calls(google)
    environment = {"GOOGLE_API_ROOT_URL": google.root_url}
    with manage("run_worker", "--beat", "1", **environment), gunicorn(**environment) as port:
        wait_until_working()
        google.calendar.create_event("Visit", START, START + timedelta(hours=1))
        codes = sent(port, [message(channel, Message_Number=str(n)) for n in range(100, 1100)])
        google.calendar.create_event("Another", START, START + timedelta(hours=1))
        assert sent(port, [message(channel, Message_Number="1100")]) == [200]
        wait_for(lambda: is_at_rest(calendar), 30, "nothing is left to do")

    assert codes == [200] * 1000
    assert Receipt.objects.count() == 1001
    assert calendar.requested == 1002
    assert seen(calendar) == 2
    assert list_calls(google) - before <= 3


def sync_calendar_once(calendar: MirroredCalendar) -> None:
    MirroredCalendar.objects.request(calendar.pk)
    sync_calendar(calendar.pk)
    OrmQ.objects.all().delete()


def sent(port: int, messages: list[dict[str, str]]) -> list[int]:
    """The answers' codes, of messages that come in on many connections at once."""

    def send(part: list[dict[str, str]]) -> list[int]:
        codes = []
        with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as wire:
            for headers in part:
                wire.request("POST", CALENDAR.path, headers=headers)
                answer = wire.getresponse()
                answer.read()
                codes.append(answer.status)
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


def busy() -> list[int]:
    return list(ChannelStop.objects.filter(attempts=1).values_list("pk", flat=True))


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
