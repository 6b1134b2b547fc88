"""System checks of the queue: each of these faults was seen to lose or double work."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string
from django_q.models import Schedule

from pipedesk.core.jobs import CLOCK_SKEW_S
from pipedesk.core.schedules import columns

# A worker adds this to `timeout` before the guard kills it.
GUARD_BUFFER_S = 3


def shortest_retry_s(cluster: dict[str, Any]) -> int:
    """The `retry` below which a message waiting in a worker's memory is handed out again."""
    waiting = cluster["queue_limit"] + cluster["bulk"]
    rounds = ceil(waiting / cluster["workers"]) + 1
    return int(rounds * (cluster["timeout"] + GUARD_BUFFER_S) + CLOCK_SKEW_S)


def broker_faults(cluster: dict[str, Any], databases: dict[str, Any]) -> list[CheckMessage]:
    """Which broker, on which database."""
    found: list[CheckMessage] = []
    database = databases["default"]
    if cluster.get("orm", "default") != "default":
        found.append(
            Error(
                "The queue is in another database than the data.",
                hint="Q_CLUSTER['orm'] must be 'default': work and wake-up commit together.",
                id="pipedesk.E020",
            )
        )
    if not cluster.get("orm") and database["ENGINE"].endswith("sqlite3"):
        found.append(
            Error(
                "Redis wakes workers, and the data is in SQLite.",
                hint="Set Q_BROKER=orm, or DATABASE_URL to PostgreSQL.",
                id="pipedesk.E025",
            )
        )
    if database.get("OPTIONS", {}).get("pool"):
        found.append(
            Error(
                "A connection pool is set: the queue's processes would get each other's answers.",
                hint="Remove OPTIONS['pool'] from the database; connections are kept anyway.",
                id="pipedesk.E024",
            )
        )
    return found


def timing_faults(cluster: dict[str, Any]) -> list[CheckMessage]:
    """Numbers that do not fit each other."""
    found: list[CheckMessage] = []
    needed_s = shortest_retry_s(cluster)
    if cluster["retry"] < needed_s:
        found.append(
            Error(
                f"Q_CLUSTER['retry'] is {cluster['retry']}: a job would run twice at once.",
                hint=f"At least {needed_s} with these workers, queue_limit, bulk and timeout.",
                id="pipedesk.E021",
            )
        )
    guarded_s = cluster["timeout"] + GUARD_BUFFER_S
    if Fraction(str(guarded_s)) % Fraction(str(cluster["guard_cycle"])):
        found.append(
            Error(
                "A job over its time-out would never be stopped.",
                hint=f"Q_CLUSTER['guard_cycle'] must divide timeout + 3 ({guarded_s}) exactly.",
                id="pipedesk.E022",
            )
        )
    if cluster["save_limit"] < 0:
        found.append(
            Error(
                "Results of jobs are not saved: the watchdog sees no progress.",
                hint="Q_CLUSTER['save_limit'] must be 0; prune_logs drops old results.",
                id="pipedesk.E023",
            )
        )
    return found


def _malformed(name: str, entry: Any) -> str:
    if not (isinstance(entry, tuple) and len(entry) == 2):
        return "must be (job, minutes)"
    job, minutes = entry
    if not isinstance(minutes, int) or minutes < 1:
        return "runs every whole minute at most"
    try:
        import_string(job)
    except ImportError:
        return f"names no job: {job}"
    return ""


def schedule_faults(schedules: dict[str, Any]) -> list[CheckMessage]:
    """Schedules in the settings that could not run."""
    return [
        Error(f"SCHEDULES[{name!r}] {fault}.", id="pipedesk.E026")
        for name, entry in schedules.items()
        if (fault := _malformed(name, entry))
    ]


@register(Tags.compatibility)
def check_queue(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The queue's settings."""
    return [
        *broker_faults(settings.Q_CLUSTER, settings.DATABASES),
        *timing_faults(settings.Q_CLUSTER),
        *schedule_faults(settings.SCHEDULES),
    ]


def schedule_row_faults() -> list[CheckMessage]:
    """Rows of the schedule table that the settings do not know: they could run anything.

    No registered check: `migrate`, which runs those, is what puts the table right.
    """
    wanted = {name: columns(*entry) for name, entry in settings.SCHEDULES.items()}
    rows = Schedule.objects.order_by("pk").values("pk", "name", *columns("", 1))
    return [
        Error(
            f"The schedule row {row['pk']} is not one of settings.SCHEDULES.",
            hint="Schedules come from the code: `manage.py migrate` writes them afresh.",
            id="pipedesk.E027",
        )
        for row in rows
        if wanted.get(row["name"]) != {column: row[column] for column in columns("", 1)}
    ]
