"""Push messages sent from many connections at once, as Google's senders do."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from statistics import median, quantiles

from tests.e2e.product import Product

Request = tuple[str, str, Mapping[str, str]]

URL = "/webhooks/google-calendar"
FIRST_NUMBER = 100
DRAINED_WITHIN_S = 120
CHANNELS = """
import json
from tests.factories.gcalendar import CalendarFactory
from tests.factories.webhooks import CalendarChannelFactory, message
made = {}
for n in range(%(calendars)d):
    calendar = CalendarFactory(subject=f"u{n}@pipedesk.example", calendar_id="primary")
    made[calendar.subject] = message(CalendarChannelFactory(mirrored_calendar=calendar))
print(json.dumps(made))
"""
STATE = """
import json
from django.db.models import F
from gcalendar.models import MirroredCalendar
from webhooks.models import Receipt
behind = MirroredCalendar.objects.filter(requested__gt=F("applied")).count()
kept = Receipt.objects.filter(message_number__gte=%(first)d).count()
print(json.dumps({"receipts": kept, "behind": behind}))
"""


@dataclass(frozen=True)
class Answered:
    """What became of messages: how long all took and each, and what they were answered with."""

    took_s: float
    times_s: list[float]
    statuses: Counter[int]

    @property
    def sent(self) -> int:
        """How many there were."""
        return len(self.times_s)

    @property
    def per_s(self) -> float:
        """How many each second."""
        return self.sent / self.took_s

    @property
    def refused(self) -> int:
        """How many were answered with anything but 200."""
        return self.sent - self.statuses[200]

    @property
    def median_ms(self) -> float:
        """How long half of them took at most."""
        return 1000 * median(self.times_s)

    @property
    def p99_ms(self) -> float:
        """How long 99 of 100 took at most."""
        return 1000 * quantiles(self.times_s, n=100)[98]


def together(parts: Sequence[Answered]) -> Answered:
    """What was measured piece by piece, as one."""
    return Answered(
        sum(part.took_s for part in parts),
        [seconds for part in parts for seconds in part.times_s],
        sum((part.statuses for part in parts), Counter()),
    )


class Sender:
    """Sends messages for so many calendars, in turn; no number is used twice."""

    def __init__(self, product: Product, calendars: int) -> None:
        self.product = product
        made = product.manage("shell", "-v0", "-c", CHANNELS % {"calendars": calendars})
        self.headers: dict[str, dict[str, str]] = json.loads(made)  # whose calendar -> a message
        self._numbers = count(FIRST_NUMBER)  # threads share it

    def message(self) -> Request:
        """The next one."""
        number = next(self._numbers)
        channels = list(self.headers.values())
        headers = {**channels[number % len(channels)], "X-Goog-Message-Number": str(number)}
        return "POST", URL, headers

    def send(self, messages: int, connections: int) -> Answered:
        """So many, as fast as they are answered."""
        made = count()
        return self._ask(self.message, lambda: next(made) < messages, connections)

    def send_for(self, seconds: float, connections: int) -> Answered:
        """As many as are answered in that time."""
        until = time.perf_counter() + seconds
        return self._ask(self.message, lambda: time.perf_counter() < until, connections)

    def ask_an_empty_view(self, times: int, connections: int) -> Answered:
        """What the server and this client cost without any work."""
        made = count()
        return self._ask(lambda: ("GET", "/healthz", {}), lambda: next(made) < times, connections)

    def _ask(
        self, request: Callable[[], Request], goes_on: Callable[[], bool], connections: int
    ) -> Answered:
        port = int(self.product.environment["PORT"])

        def part(_number: int) -> list[tuple[float, int]]:
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            seen = []
            while goes_on():
                method, path, headers = request()
                began = time.perf_counter()
                connection.request(method, path, headers=dict(headers))
                answer = connection.getresponse()
                answer.read()
                seen.append((time.perf_counter() - began, answer.status))
            connection.close()
            return seen

        started = time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            seen = [one for part in pool.map(part, range(connections)) for one in part]
        took_s = time.perf_counter() - started
        statuses = Counter(status for _, status in seen)
        return Answered(took_s, [seconds for seconds, _ in seen], statuses)

    def state(self) -> dict[str, int]:
        """How many messages were kept, and how many calendars are behind."""
        script = STATE % {"first": FIRST_NUMBER}
        found: dict[str, int] = json.loads(self.product.manage("shell", "-v0", "-c", script))
        return found

    def drained_s(self) -> float:
        """Seconds until all that was asked for is done."""
        ended = time.monotonic()
        while (now := self.state())["behind"]:
            log = self.product.log("worker")[-2000:]
            assert time.monotonic() - ended < DRAINED_WITHIN_S, (now, log)
        return time.monotonic() - ended
