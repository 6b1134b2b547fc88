"""How often somebody may call the API: a count per person or address and window of time.

The counters live in the cache that all processes share (CACHE_URL), not in the database.
"""

from __future__ import annotations

import math
import re
import time
from functools import cache as remembered
from http import HTTPStatus

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _
from redis import RedisError
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.views import APIView

from pipedesk.accounts.addresses import client_address
from pipedesk.accounts.models import User

PERIODS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
RATE = re.compile(r"([1-9]\d{0,8})/(s|sec|second|m|min|minute|h|hour|d|day)")
RETRY_AFTER_S = 5  # while the counters cannot be reached


class CountersDown(APIException):
    """Nobody can say how often the caller was here: no answer, rather than no limit."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = _("The service is not complete right now; try again in a moment.")
    wait = RETRY_AFTER_S


@remembered
def read_rate(rate: str) -> tuple[int, int]:
    """Calls and seconds of a rate such as `60/min`. Raises ValueError."""
    found = RATE.fullmatch(rate)
    if found is None:
        msg = f"{rate!r} is no rate; write one such as 60/min"
        raise ValueError(msg)
    return int(found[1]), PERIODS_S[found[2][0]]


def count(scope: str, who: str, rate: str) -> None:
    """Count a call. Raises Throttled above the rate, CountersDown when nothing can be counted.

    Windows do not slide: at a border of two, somebody may call twice the rate in a row.
    """
    limit, window_s = read_rate(rate)
    now = time.time()
    window = int(now // window_s)
    key = f"throttle:{scope}:{who}:{window}"
    try:
        calls = _counted(key, 2 * window_s)
    except (OSError, RedisError):
        raise CountersDown from None
    if calls > limit:
        raise Throttled(wait=max(1, math.ceil((window + 1) * window_s - now)))


def _counted(key: str, lasts_s: int) -> int:
    try:
        return cache.incr(key)
    except ValueError:
        # Of several first calls one makes the counter; then all count on it.
        cache.add(key, 0, lasts_s)
        return cache.incr(key)


class ThrottledView(APIView):
    """A view that counts its callers: people one by one, all others by address.

    Whoever sends a bad token is nobody: guessing tokens ends at the limit of addresses, and
    takes nothing from people with good ones behind the same address.
    """

    def perform_authentication(self, request: Request) -> None:
        """Find out who calls, and count it."""
        try:
            user = request.user
        except AuthenticationFailed:
            self._count_address(request)
            raise
        if isinstance(user, User):
            count("user", str(user.pk), settings.API_THROTTLE_USER)
        else:
            self._count_address(request)

    @staticmethod
    def _count_address(request: Request) -> None:
        count("anon", client_address(request._request), settings.API_THROTTLE_ANON)  # noqa: SLF001
