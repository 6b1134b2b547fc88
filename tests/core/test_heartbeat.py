"""What /readyz reads: proof that the queue works."""

from __future__ import annotations

from pathlib import Path

import pytest
from django_q.signals import post_execute

from pipedesk.core import heartbeat
from pipedesk.core.models import Heartbeat
from pipedesk.core.tasks import beat

pytestmark = pytest.mark.django_db


def test_a_beat_that_was_run_and_never_written_down_proves_nothing() -> None:
    beat()

    assert not Heartbeat.objects.filter(name="queue").exists()


def test_any_finished_job_is_progress(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(heartbeat, "_last_row_at", float("-inf"))
    monkeypatch.setenv(heartbeat.PROGRESS_FILE, str(tmp_path / "progress"))
    post_execute.send(sender="django_q", task={})

    assert (tmp_path / "progress").exists()
    assert Heartbeat.objects.filter(name="queue").exists()


def test_a_burst_of_jobs_writes_the_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "_last_row_at", float("-inf"))
    post_execute.send(sender="django_q", task={})
    Heartbeat.objects.filter(name="queue").delete()
    post_execute.send(sender="django_q", task={})

    assert not Heartbeat.objects.filter(name="queue").exists()
