"""When to look again although nobody called."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.db import transaction

from pipedesk.core.work import Work, WorkQuerySet

W = TypeVar("W", bound=Work, covariant=True)

ERROR_POLL_S = 3600.0
# A mirror not refreshed for so many poll periods is stale.
STALE_PERIODS = 3


def is_stale(as_of: datetime | None, now: datetime) -> bool:
    """Whether a mirror is further behind than polls alone explain."""
    period = timedelta(seconds=settings.SYNC_POLL_INTERVAL_S * STALE_PERIODS)
    return as_of is None or as_of <= now - period


def next_poll_at(now: datetime, period_s: float | None = None) -> datetime:
    """One period from `now` (SYNC_POLL_INTERVAL_S), 25 % more or less: not all ask at once."""
    period_s = period_s or settings.SYNC_POLL_INTERVAL_S
    return now + timedelta(seconds=period_s * random.uniform(0.75, 1.25))  # noqa: S311


class PolledQuerySet(WorkQuerySet[W]):
    """Rows with a `next_poll_at`: mirrors that are looked at although nobody called."""

    def due(self, now: datetime) -> Self:
        """Those to look at now."""
        return self.filter(next_poll_at__lte=now)

    def poll(self, now: datetime) -> None:
        """Ask for the work of all that are due; of two that poll at once only one asks.

        What was given up is tried again too, but seldom: Google's bad day must not end the mirror.
        """
        for row in self.due(now):
            one, period_s = self.filter(pk=row.pk), ERROR_POLL_S if row.dead_at else None
            with transaction.atomic(using=self.db):
                taken = one.due(now).update(next_poll_at=next_poll_at(now, period_s))
                if taken and not one.revive():
                    self.request(row.pk)
