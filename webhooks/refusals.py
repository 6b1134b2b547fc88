"""Who sends us nonsense, and how much of it. Valid messages are never counted."""

from __future__ import annotations

import time

from django.core.cache import cache
from redis import RedisError

WINDOW_S = 60
REFUSALS_PER_WINDOW = 300


def too_many(address: str) -> int:
    """Count one refused message; returns the seconds to wait when the address floods us.

    While nothing can be counted nobody floods: the message is refused all the same.
    """
    now = int(time.time())
    key = f"webhooks:refused:{address}:{now // WINDOW_S}"
    try:
        cache.add(key, 0, 2 * WINDOW_S)
        count = cache.incr(key)
    except (ValueError, OSError, RedisError):  # pushed out between the two calls, or no cache
        return 0
    return WINDOW_S - now % WINDOW_S if count > REFUSALS_PER_WINDOW else 0
