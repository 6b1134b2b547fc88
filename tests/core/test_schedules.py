"""The table of schedules says what the settings say, whoever wrote what into it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q import scheduler
from django_q.models import Schedule

from pipedesk.core.schedules import write_schedules

pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> set[tuple[str | None, str, int | None]]:
    return set(Schedule.objects.values_list("name", "func", "minutes"))


EXPECTED = {(name, job, minutes) for name, (job, minutes) in settings.SCHEDULES.items()}


def test_migrate_writes_the_schedules() -> None:
    Schedule.objects.all().delete()
    call_command("migrate", verbosity=0)

    assert rows() == EXPECTED
    assert Schedule.objects.count() == len(EXPECTED)


def test_writing_again_keeps_the_rows_and_when_they_run_next() -> None:
    write_schedules()
    before = list(Schedule.objects.order_by("pk").values())
    write_schedules()

    assert list(Schedule.objects.order_by("pk").values()) == before


def test_strangers_doubles_and_changed_rows_are_put_right() -> None:
    write_schedules()
    name = next(iter(settings.SCHEDULES))
    Schedule.objects.create(name="evil", func="os.system", args="'true'")
    Schedule.objects.create(name=None, func="os.system")
    Schedule.objects.create(name=name, func="os.system")
    Schedule.objects.filter(name=name).update(
        args="(malformed", kwargs="x=", hook="os.system", repeats=0, schedule_type=Schedule.ONCE
    )
    write_schedules()

    assert rows() == EXPECTED
    row = Schedule.objects.get(name=name)
    assert (row.args, row.kwargs, row.hook, row.repeats) == (None, None, None, -1)
    assert row.schedule_type == Schedule.MINUTES


def test_a_row_that_was_due_stays_due() -> None:
    write_schedules()
    due = timezone.now() - timedelta(minutes=5)
    Schedule.objects.update(next_run=due, minutes=999)
    write_schedules()

    assert set(Schedule.objects.values_list("next_run", flat=True)) == {due}


def test_six_servers_that_migrate_at_once_write_each_schedule_once() -> None:
    Schedule.objects.all().delete()
    gate = Barrier(6)

    def migrate() -> None:
        gate.wait()
        try:
            write_schedules()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        for job in [threads.submit(migrate) for _ in range(6)]:
            job.result()

    assert rows() == EXPECTED
    assert Schedule.objects.count() == len(EXPECTED)


def test_g12_six_clusters_that_look_at_once_start_each_schedule_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_schedules()
    rounds, racers = 25, 6
    names = list(settings.SCHEDULES)[:5]
    started: list[str] = []  # by append alone: threads share it
    monkeypatch.setattr(scheduler, "async_task", lambda func, *_args, **_kw: started.append(func))
    gate = Barrier(racers)

    def look(_racer: int) -> None:
        gate.wait()
        try:
            scheduler.scheduler()
        finally:
            connection.close()

    Schedule.objects.exclude(name__in=names).delete()
    with ThreadPoolExecutor(racers) as pool:
        for _ in range(rounds):
            Schedule.objects.update(next_run=timezone.now() - timedelta(seconds=1))
            list(pool.map(look, range(racers)))

    wanted = Counter(settings.SCHEDULES[name][0] for name in names)
    assert Counter(started) == {func: count * rounds for func, count in wanted.items()}
