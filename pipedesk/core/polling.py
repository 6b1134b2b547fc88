"""When to look again although nobody called."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.conf import settings

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
