"""drain_queue: what is queued is done here, what comes meanwhile stays."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ

from pipedesk.core import draining, tasks
from pipedesk.core.jobs import wake

pytestmark = pytest.mark.django_db(transaction=True)

BEAT = "pipedesk.core.tasks.beat"


def drain(*options: str) -> dict[str, object]:
    out = StringIO()
    call_command("drain_queue", "--json", *options, stdout=out)
    return dict(json.loads(out.getvalue()))


def test_what_is_queued_is_done_and_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[bool] = []
    monkeypatch.setattr(tasks, "beat", lambda: beats.append(True))
    for _ in range(3):
        wake(BEAT)

    assert drain()["done"] == 3
    assert not OrmQ.objects.exists()
    assert len(beats) == 3


def test_what_comes_meanwhile_is_left_to_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    run = draining._run

    def busy(payload: str) -> str:
        wake(BEAT)
        return run(payload)

    monkeypatch.setattr(draining, "_run", busy)
    wake(BEAT)

    drained = drain()

    assert (drained["done"], drained["waiting"]) == (1, 1)
    assert OrmQ.objects.count() == 1


def test_messages_a_worker_holds_are_waited_for_and_reported() -> None:
    wake(BEAT)
    OrmQ.objects.update(lock=timezone.now() + timedelta(minutes=5))
    with pytest.raises(CommandError) as failure:
        drain("--wait", "1")

    assert failure.value.returncode == 3
    assert OrmQ.objects.count() == 1


def test_a_job_that_fails_or_was_signed_with_another_key_is_named_and_dropped() -> None:
    wake("pipedesk.core.tasks.gone")
    wake(BEAT)
    OrmQ.objects.create(key="pipedesk", payload="signed:otherwise", lock=timezone.now())
    wake(BEAT)
    out = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("drain_queue", "--json", stdout=out)

    assert failure.value.returncode == 3
    report = json.loads(out.getvalue())
    assert report["done"] == 2
    assert len(report["faults"]) == 2
    assert not OrmQ.objects.exists()


def test_a_dry_run_counts() -> None:
    wake(BEAT)

    assert drain("--dry-run")["waiting"] == 1
    assert OrmQ.objects.count() == 1
