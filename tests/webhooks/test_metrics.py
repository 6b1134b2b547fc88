"""GET /metrics: figures for whoever has the token."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from gcalendar.models import MirroredCalendar
from gdrive.models import DriveSyncState
from pipedesk.core import heartbeat
from pipedesk.core.jobs import send
from tests.factories.webhooks import CalendarChannelFactory

TOKEN = "a-token-of-the-operators"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def ask(client: Client, token: str = TOKEN) -> Any:
    return client.get("/metrics", headers={"Authorization": f"Bearer {token}"})


def figures(client: Client) -> dict[tuple[str, ...], float]:
    answer = ask(client)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_without_the_token_there_is_nothing(client: Client, settings: Settings) -> None:
    assert client.get("/metrics").status_code == 404
    assert ask(client, "another").status_code == 404
    assert ask(client, "ção").status_code == 404
    settings.METRICS_TOKEN = ""
    assert ask(client, "").status_code == 404
    assert ask(client).status_code == 404


def test_it_tells_what_is_behind_given_up_and_how_old_things_are(client: Client) -> None:
    CalendarChannelFactory()
    MirroredCalendar.objects.update(state="ok", as_of=timezone.now())
    behind = DriveSyncState.objects.create(drive_id="behind")
    DriveSyncState.objects.create(drive_id="dead", dead_at=timezone.now(), requested=1)
    DriveSyncState.objects.request(behind.pk)
    send("pipedesk.core.tasks.beat")
    heartbeat.record(heartbeat.QUEUE)

    found = figures(client)

    assert found["pipedesk_work_behind", "gdrive.drivesyncstate"] == 1
    assert found["pipedesk_work_given_up", "gdrive.drivesyncstate"] == 1
    assert found["pipedesk_work_behind", "gdrive.drivefoldertree"] == 0
    assert found["pipedesk_queue_messages",] == 2
    assert found["pipedesk_failed_jobs",] == 0
    assert 0 <= found["pipedesk_heartbeat_age_seconds", "queue"] < 60
    assert found["pipedesk_mirrors", "calendar", "ok"] == 1
    assert found["pipedesk_mirrors", "drive", "error"] == 1
    assert 0 <= found["pipedesk_mirror_lag_seconds", "calendar"] < 60
    # Of a calendar and of two drives.
    assert sum(count for name, count in found.items() if name[0] == "pipedesk_channels") == 3
