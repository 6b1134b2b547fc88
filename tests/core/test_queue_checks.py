"""Settings that lose or double work stop the start, each with its own message."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django_q.models import Schedule

from pipedesk.core.queue_checks import schedule_faults, schedule_row_faults, shortest_retry_s
from pipedesk.core.schedules import write_schedules


def faults_with(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> list[str]:
    cluster = {**settings.Q_CLUSTER, **changes}
    monkeypatch.setattr(
        settings, "Q_CLUSTER", {key: value for key, value in cluster.items() if value is not None}
    )
    return [fault.id for fault in run_checks() if str(fault.id).startswith("pipedesk.E02")]


def test_the_settings_as_they_are_have_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults_with(monkeypatch) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"orm": "replica"}, "pipedesk.E020"),
        ({"retry": 120}, "pipedesk.E021"),
        ({"queue_limit": 50}, "pipedesk.E021"),
        ({"bulk": 10}, "pipedesk.E021"),
        ({"guard_cycle": 0.4}, "pipedesk.E022"),
        ({"guard_cycle": 2}, "pipedesk.E022"),
        ({"save_limit": -1}, "pipedesk.E023"),
    ],
)
def test_a_fault_in_the_queues_settings_is_named(
    changes: dict[str, Any], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert faults_with(monkeypatch, **changes) == [fault]


def test_the_retry_formula_is_the_measured_one() -> None:
    cluster = {"workers": 2, "bulk": 2, "queue_limit": 4, "timeout": 60}

    assert shortest_retry_s(cluster) == 4 * 63 + 30


def test_a_connection_pool_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    databases = copy.deepcopy(settings.DATABASES)
    databases["default"].setdefault("OPTIONS", {})["pool"] = True
    monkeypatch.setattr(settings, "DATABASES", databases)

    assert faults_with(monkeypatch) == ["pipedesk.E024"]


def test_redis_with_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    databases = copy.deepcopy(settings.DATABASES)
    databases["default"]["ENGINE"] = "django.db.backends.sqlite3"
    monkeypatch.setattr(settings, "DATABASES", databases)

    assert faults_with(monkeypatch, orm=None, redis="redis://127.0.0.1") == ["pipedesk.E025"]


def test_redis_with_postgresql_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    databases = copy.deepcopy(settings.DATABASES)
    databases["default"]["ENGINE"] = "django.db.backends.postgresql"
    monkeypatch.setattr(settings, "DATABASES", databases)

    assert faults_with(monkeypatch, orm=None, redis="redis://127.0.0.1") == []


@pytest.mark.parametrize(
    "entry",
    [
        ("pipedesk.core.tasks.nothing", 1),
        ("nowhere.at.all", 1),
        ("pipedesk.core.tasks.sweep", 0),
        ("pipedesk.core.tasks.sweep", 0.5),
        "pipedesk.core.tasks.sweep",
    ],
)
def test_a_schedule_that_could_not_run_is_refused(entry: Any) -> None:
    assert [fault.id for fault in schedule_faults({"broken": entry})] == ["pipedesk.E026"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"func": "os.system"},
        {"args": "(malformed"},
        {"kwargs": "{'q_options': {'timeout': 9999}}"},
        {"hook": "os.system"},
        {"name": "somebody's own"},
    ],
)
def test_a_row_the_settings_do_not_know_is_refused(changes: dict[str, str]) -> None:
    write_schedules()
    assert schedule_row_faults() == []

    Schedule.objects.filter(func="pipedesk.core.tasks.sweep").update(**changes)
    assert [fault.id for fault in schedule_row_faults()] == ["pipedesk.E027"]
