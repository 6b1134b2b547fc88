"""Dropping what is only kept for a while. The queue itself never prunes its results."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.db import models
from django.utils import timezone
from django_q.models import Task

from pipedesk.core.signals import pruning

KEEP_SUCCESSES = timedelta(days=7)
KEEP_FAILURES = timedelta(days=30)
AT_ONCE = 10_000


def prune(*, dry_run: bool = False) -> dict[str, int]:
    """Ask every room to drop its old rows; returns what -> how many."""
    counts: dict[str, int] = {}
    for _receiver, dropped in pruning.send(sender=None, dry_run=dry_run):
        counts.update(cast("dict[str, int]", dropped))
    return counts


def drop(rows: models.QuerySet[Any], *, dry_run: bool) -> int:
    """Delete the rows without loading them, some thousand in one statement; returns how many.

    Whatever ends this in between, the statement's time-out too, what went stays gone.
    """
    if dry_run:
        return rows.count()
    count, some = 0, rows.order_by("pk").values("pk")[:AT_ONCE]
    while dropped := rows.model._base_manager.filter(pk__in=some)._raw_delete(rows.db):  # noqa: SLF001
        count += dropped
    return count


def drop_results(dry_run: bool, **kwargs: Any) -> dict[str, int]:
    """Receiver: results of jobs, a week of successes and a month of failures."""
    now = timezone.now()
    results = Task.objects.order_by()
    return {
        "job results": drop(
            results.filter(success=True, stopped__lt=now - KEEP_SUCCESSES)
            | results.filter(success=False, stopped__lt=now - KEEP_FAILURES),
            dry_run=dry_run,
        )
    }
