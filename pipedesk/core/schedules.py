"""The jobs that run by the clock: settings.SCHEDULES, written to the database after migrate.

A malformed schedule stops all of them, and a schedule can name any function there is; so
they come from the code alone, and whatever else is found in the table is removed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import Schedule

from pipedesk.core.models import Heartbeat

LOCK = "schedules"
# Machines' clocks differ; by more than this only after one was set back.
CLOCKS_AGREE_WITHIN = timedelta(minutes=5)


def columns(job: str, minutes: int) -> dict[str, Any]:
    """What a schedule's row must say, but for its name and when it runs next."""
    return {
        "func": job,
        "schedule_type": Schedule.MINUTES,
        "minutes": minutes,
        "repeats": -1,
        "args": None,
        "kwargs": None,
        "hook": None,
        "cron": None,
        "cluster": None,
        "intended_date_kwarg": None,
    }


def write_schedules(**kwargs: Any) -> None:
    """Make the table say what the settings say; safe to run twice, and twice at once."""
    tables = connection.introspection.table_names()
    if not {"django_q_schedule", "heartbeats"} <= set(tables):
        return  # a partial migrate
    with transaction.atomic():
        # q2's table has no unique name: one row of ours is the lock.
        Heartbeat.objects.bulk_create([Heartbeat(name=LOCK)], ignore_conflicts=True)
        Heartbeat.objects.select_for_update().get(name=LOCK)
        known: dict[str, Schedule] = {}
        for row in Schedule.objects.order_by("pk"):
            if row.name in settings.SCHEDULES and row.name not in known:
                known[row.name] = row
            else:
                row.delete()
        for name, (job, minutes) in settings.SCHEDULES.items():
            _write(known.get(name), name, columns(job, minutes))


def _write(row: Schedule | None, name: str, wanted: dict[str, Any]) -> None:
    if row is None:
        Schedule.objects.create(name=name, **wanted)
    elif any(getattr(row, column) != value for column, value in wanted.items()):
        Schedule.objects.filter(pk=row.pk).update(**wanted)


def bring_back() -> int:
    """Make due what a clock that was set back has left in the future; returns how many.

    The queue goes by the machine's clock: without this it would do nothing for as long.
    """
    now = timezone.now()
    ahead = [
        pk
        for pk, next_run, minutes in Schedule.objects.values_list("pk", "next_run", "minutes")
        if next_run > now + timedelta(minutes=minutes or 0) + CLOCKS_AGREE_WITHIN
    ]
    return int(Schedule.objects.filter(pk__in=ahead).update(next_run=now)) if ahead else 0
