"""How long a meeting takes from Google to our API, goal G3: `python -m tests.bench arrivals`.

Google takes its time for each answer, as it does. First nothing else happens; then messages for
many calendars come in at full speed for a while, and all they ask for is to be done soon after.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from statistics import median, quantiles
from typing import Any

from tests.bench.pushes import APPLIED_WITHIN_S, CONNECTIONS, EVENTS, running_product
from tests.bench.running import Bench
from tests.bench.sending import Sender
from tests.e2e.product import Product, eventually
from tests.figures import Figure

GOOGLE_TAKES_S = 0.05


def measure(meetings: int, seconds: int, calendars: int) -> Iterable[Figure]:
    """Figures of so many meetings one by one, then of a flood that lasts so long."""
    with running_product() as product:
        product.in_google("POST", "/_sandbox/latency", json={"seconds": GOOGLE_TAKES_S})
        product.manage("add_calendar", "primary")
        product.manage("renew_channels")
        product.manage("sync_calendars")
        times = [_arrival(product, f"arrival{number}") for number in range(meetings)]
        yield Figure("from Google to the API, median", median(times), "s", at_most=0.5)
        late = quantiles(times, n=20, method="inclusive")[18]
        yield Figure("from Google to the API, 95 of 100", late, "s", at_most=1.5)
        sender = Sender(product, calendars)
        flood = sender.send_for(seconds, CONNECTIONS)
        drained_s = sender.drained_s()
        yield Figure("messages of the flood", flood.per_s, "/s", at_least=150)
        yield Figure("all applied after the flood", drained_s, "s", at_most=APPLIED_WITHIN_S)


def _arrival(product: Product, word: str) -> float:
    body = {
        "summary": word,
        "start": {"dateTime": "2027-03-01T10:00:00Z"},
        "end": {"dateTime": "2027-03-01T11:00:00Z"},
    }
    product.in_google("POST", EVENTS, json=body)
    started = time.perf_counter()

    def is_there() -> Any:
        return product.api("GET", f"/api/calendar/events?q={word}").json()["data"]

    eventually(is_there, 30, 0.02, f"{word} arrives")
    return time.perf_counter() - started


BENCH = Bench(
    "From Google to the API",
    measure,
    full={"meetings": 60, "seconds": 20, "calendars": 100},
    short={"meetings": 10, "seconds": 5, "calendars": 20},
)
