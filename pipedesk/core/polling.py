"""When to look again although nobody called."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.conf import settings


def next_poll_at(now: datetime, period_s: float | None = None) -> datetime:
    """One period from `now` (SYNC_POLL_INTERVAL_S), 25 % more or less: not all ask at once."""
    period_s = period_s or settings.SYNC_POLL_INTERVAL_S
    return now + timedelta(seconds=period_s * random.uniform(0.75, 1.25))  # noqa: S311
