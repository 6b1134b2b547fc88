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


def prune(*, dry_run: bool = False) -> dict[str, int]:
    """Ask every room to drop its old rows; returns what -> how many."""
    counts: dict[str, int] = {}
    for _receiver, dropped in pruning.send(sender=None, dry_run=dry_run):
        counts.update(cast("dict[str, int]", dropped))
    return counts


def drop(rows: models.QuerySet[Any], *, dry_run: bool) -> int:
    """Delete the rows without loading them; returns how many."""
    return rows.count() if dry_run else rows._raw_delete(rows.db)  # noqa: SLF001


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
