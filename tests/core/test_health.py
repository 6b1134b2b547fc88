"""/healthz and /readyz."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from pipedesk.core.models import Heartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def beating() -> None:
    Heartbeat.objects.update_or_create(name="queue", defaults={"beat_at": timezone.now()})


@pytest.mark.parametrize("address", ["/healthz", "/healthz/"])
def test_the_process_is_up_whatever_else_is_not(client: Client, address: str) -> None:
    assert client.get(address).json() == {"status": "ok"}


def test_ready_when_database_migrations_and_queue_work(client: Client, beating: None) -> None:
    for address in ("/readyz", "/readyz/"):
        answer = client.get(address)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def fault_of(client: Client) -> str:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    return str(answer.json()["details"][0]["field"])


def test_a_silent_queue_is_not_ready(client: Client) -> None:
    Heartbeat.objects.all().delete()
    assert fault_of(client) == "queue"

    Heartbeat.objects.create(name="queue", beat_at=timezone.now() - timedelta(seconds=121))
    assert fault_of(client) == "queue"


def test_a_missing_migration_is_not_ready(client: Client, beating: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="core").delete()

    assert fault_of(client) == "migrations"


def test_a_database_that_is_away_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise DatabaseError("host=10.0.0.1 refused")

    monkeypatch.setattr("pipedesk.core.health.MigrationExecutor", away)

    assert fault_of(client) == "database"
    assert b"10.0.0.1" not in client.get("/readyz").content
