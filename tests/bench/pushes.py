"""Push messages, with real processes: `python -m tests.bench.pushes` (goals G1 to G4).

So many messages for so many calendars from eight connections at once; what is kept of them, how
often Google is asked, when all is applied. Then how long a meeting takes from Google to the API.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.bench.figures import Figure
from tests.bench.running import Bench, main
from tests.e2e.product import Product, eventually

Request = tuple[str, str, Mapping[str, str]]

CONNECTIONS = 8
URL = "/webhooks/google-calendar"
CHANNELS = """
import json
from tests.factories.gcalendar import CalendarFactory
from tests.factories.webhooks import CalendarChannelFactory, message
made = []
for n in range(%(calendars)d):
    calendar = CalendarFactory(subject=f"u{n}@pipedesk.example", calendar_id="primary")
    made.append(message(CalendarChannelFactory(mirrored_calendar=calendar)))
print(json.dumps(made))
"""
STATE = """
import json
from django.db.models import F, Sum
from gcalendar.models import MirroredCalendar
from webhooks.models import Receipt
behind = MirroredCalendar.objects.filter(requested__gt=F("applied")).count()
kept = Receipt.objects.filter(message_number__gte=100).count()
print(json.dumps({"receipts": kept, "behind": behind}))
"""


def measure(messages: int, calendars: int, meetings: int) -> Iterable[Figure]:
    """Figures of so many messages for so many calendars, then of so many new meetings."""
    folder = Path(tempfile.mkdtemp(prefix="pipedesk-measure-"))
    product = Product.prepare(folder)
    try:
        product.start_sandbox()
        product.start_web()
        product.start_worker()
        yield from _flood(product, messages, calendars)
        yield from _arrivals(product, meetings)
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _flood(product: Product, messages: int, calendars: int) -> Iterable[Figure]:
    made = product.manage("shell", "-v0", "-c", CHANNELS % {"calendars": calendars})
    headers: list[dict[str, str]] = json.loads(made)
    empty_s, _, _ = _sent(product, [("GET", "/healthz", {})] * messages)
    product.in_google("DELETE", "/_sandbox/requests")
    numbers = count(100)
    pushes = [
        ("POST", URL, {**headers[n % calendars], "X-Goog-Message-Number": str(next(numbers))})
        for n in range(messages)
    ]
    took_s, times, refused = _sent(product, pushes)
    ended = time.monotonic()
    while (now := _state(product))["behind"]:
        assert time.monotonic() - ended < 120, (now, product.log("worker")[-2000:])
    drained_s = time.monotonic() - ended
    requests = product.in_google("GET", "/_sandbox/requests")
    yield Figure("messages", messages / took_s, "/s", at_least=150)
    yield Figure("messages, against an empty view", empty_s / took_s, "×", at_least=0.5)
    yield Figure("messages, median", 1000 * median(times), "ms")
    yield Figure("messages, 99 of 100", 1000 * quantiles(times, n=100)[98], "ms", at_most=250)
    yield Figure("messages refused", refused, at_most=0)
    yield Figure("messages accepted and not kept", messages - now["receipts"], at_most=0)
    yield Figure("all applied after", drained_s, "s", at_most=10)
    yield Figure(
        "list calls per message", requests.get("calendar.events.list", 0) / messages, at_most=0.1
    )


def _state(product: Product) -> dict[str, int]:
    found: dict[str, int] = json.loads(product.manage("shell", "-v0", "-c", STATE))
    return found


def _sent(product: Product, requests: Sequence[Request]) -> tuple[float, list[float], int]:
    """Seconds for all, seconds of each, and how many were not answered with 200."""

    def send(part: Sequence[Request]) -> list[tuple[float, int]]:
        connection = HTTPConnection("127.0.0.1", int(product.environment["PORT"]), timeout=30)
        seen = []
        for method, path, headers in part:
            began = time.perf_counter()
            connection.request(method, path, headers=dict(headers))
            answer = connection.getresponse()
            answer.read()
            seen.append((time.perf_counter() - began, answer.status))
        connection.close()
        return seen

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        parts = list(pool.map(send, (requests[n::CONNECTIONS] for n in range(CONNECTIONS))))
    took_s = time.perf_counter() - started
    seen = [one for part in parts for one in part]
    return took_s, [seconds for seconds, _ in seen], sum(status != 200 for _, status in seen)


def _arrivals(product: Product, meetings: int) -> Iterable[Figure]:
    product.manage("add_calendar", "primary")
    product.manage("renew_channels")
    product.manage("sync_calendars")
    times = [_arrival(product, f"arrival{number}") for number in range(meetings)]
    yield Figure("a meeting from Google to the API, median", median(times), "s", at_most=0.5)
    yield Figure(
        "a meeting from Google to the API, 95 of 100",
        quantiles(times, n=20, method="inclusive")[18], "s", at_most=1.5,
    )  # fmt: skip


def _arrival(product: Product, word: str) -> float:
    body = {
        "summary": word,
        "start": {"dateTime": "2027-03-01T10:00:00Z"},
        "end": {"dateTime": "2027-03-01T11:00:00Z"},
    }
    product.in_google("POST", "/calendar/v3/calendars/primary/events", json=body)
    started = time.perf_counter()

    def is_there() -> Any:
        return product.api("GET", f"/api/calendar/events?q={word}").json()["data"]

    eventually(is_there, 30, 0.02, f"{word} arrives")
    return time.perf_counter() - started


BENCH = Bench(
    "Push messages",
    measure,
    full={"messages": 10_000, "calendars": 100, "meetings": 40},
    short={"messages": 2_000, "calendars": 20, "meetings": 10},
)

if __name__ == "__main__":
    main(BENCH)
