"""What the queue tells about itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ
from pytest_django import Settings

from gdrive.models import DriveSyncState
from pipedesk.core.jobs import CLOCK_SKEW_S, send, waiting_since
from tests.redis_server import BINARY, RedisServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_of_a_queue_nobody_serves_any_more_hides_no_lost_one() -> None:
    """The queue's name was changed: what was left under the old one waits for ever."""
    long_ago = timezone.now() - timedelta(days=3)
    OrmQ.objects.create(key="its-former-name", payload="", lock=long_ago)
    row = DriveSyncState.objects.create(
        requested=1, queued_at=timezone.now() - timedelta(minutes=2)
    )

    assert waiting_since() is None
    assert DriveSyncState.objects.rewake() == 1
    row.refresh_from_db()
    assert row.queued_at is not None


def test_nobody_relies_for_ever_on_a_wake_up_that_seems_to_wait() -> None:
    """The oldest message may be passed over again and again: the queue is no strict line."""
    now = timezone.now()
    OrmQ.objects.create(key=Conf.PREFIX, payload="", lock=now - timedelta(hours=1))
    DriveSyncState.objects.create(drive_id="a", requested=1, queued_at=now - timedelta(minutes=9))
    assert DriveSyncState.objects.rewake() == 0

    DriveSyncState.objects.update(queued_at=now - timedelta(minutes=11))
    assert DriveSyncState.objects.rewake() == 1


@pytest.fixture
def redis(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RedisServer]:
    """A Redis that carries the messages."""
    if BINARY is None:
        pytest.skip("no Redis is installed (Debian: redis-tools)")
    server = RedisServer(tmp_path)
    server.start()
    cluster = {key: value for key, value in settings.Q_CLUSTER.items() if key != "orm"}
    settings.Q_CLUSTER = {**cluster, "redis": server.url}
    monkeypatch.setattr(Conf, "ORM", None)
    monkeypatch.setattr(Conf, "REDIS", server.url)
    yield server
    server.kill()


def test_a_long_queue_in_redis_is_not_made_longer_by_the_sweeper(redis: RedisServer) -> None:
    """Otherwise all that waits is sent again every 30 seconds, and the queue never ends."""
    now = timezone.now()
    assert waiting_since() is None
    with time_machine.travel(now - timedelta(minutes=5)):
        send("pipedesk.core.tasks.beat")
    send("pipedesk.core.tasks.beat")
    found = waiting_since()
    assert found is not None
    assert abs((now - found).total_seconds() - 300 - CLOCK_SKEW_S) < 5

    row = DriveSyncState.objects.create(requested=1, queued_at=now - timedelta(minutes=4))
    assert DriveSyncState.objects.rewake() == 0  # it may be one of those behind the first
    with redis.client() as client:
        client.flushall()
    assert DriveSyncState.objects.rewake() == 1
    row.refresh_from_db()
    assert row.queued_at is not None
    assert row.queued_at > now


def test_a_message_in_redis_nobody_can_read_stops_no_sweep(redis: RedisServer) -> None:
    with redis.client() as client:
        client.rpush(f"django_q:{Conf.PREFIX}:q", "rubbish")

    assert waiting_since() is None
