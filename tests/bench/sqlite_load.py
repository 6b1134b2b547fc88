"""The whole product on SQLite under load: `python -m tests.bench sqlite_load`.

Web and workers write one file at once. Nobody who asks may be told that it is locked.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles

from tests.bench.running import Bench
from tests.bench.sending import URL, Sender
from tests.e2e.product import Product, eventually
from tests.figures import Figure

LOCKED = "database is locked"
BEHIND = """
from django.apps import apps
from pipedesk.core.work import Work
kinds = [model for model in apps.get_models() if issubclass(model, Work)]
print(sum(model.objects.behind().count() for model in kinds))
"""


def measure(seconds: int, people: int) -> Iterable[Figure]:
    """So many people for so long: they make leads, change and list them; Google sends messages."""
    folder = Path(tempfile.mkdtemp(prefix="pipedesk-sqlite-"))
    # Whatever database this run itself is on.
    product = Product.prepare(
        folder, DATABASE_URL=f"sqlite:///{folder}/product.sqlite3", API_THROTTLE_USER="1000000/min"
    )
    try:
        product.start_sandbox()
        product.start_web()
        product.start_worker()
        channels = list(Sender(product, calendars=4).headers.values())
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(people) as crowd:
            parts = list(
                crowd.map(lambda number: _person(product, channels, number, until), range(people))
            )
        eventually(lambda: _behind(product) == 0, 300, 1, "all that was asked for is done")
        told = sum(product.log(name).count(LOCKED) for name in ("web", "worker"))
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)
    answers = Counter(status for part in parts for status, _ in part)
    times = [took_s for part in parts for _, took_s in part]
    yield Figure("requests", len(times) / seconds, "/s")
    yield Figure("99 of 100", 1000 * quantiles(times, n=100)[98], "ms")
    broken = sum(count for code, count in answers.items() if code >= 500)
    refused = sum(count for code, count in answers.items() if 400 <= code < 500)
    yield Figure("answers 5xx", broken, at_most=0)
    yield Figure("answers 4xx", refused, at_most=0)
    yield Figure(f"“{LOCKED}” in the logs", told, at_most=0)


def _behind(product: Product) -> int:
    return int(product.manage("shell", "-v0", "-c", BEHIND).split()[-1])


def _person(
    product: Product, channels: list[dict[str, str]], number: int, until: float
) -> list[tuple[int, float]]:
    """What one of them was answered, and how long each answer took."""
    seen: list[tuple[int, float]] = []
    turn = 0

    def ask(method: str, path: str, **options: object) -> object:
        began = time.perf_counter()
        answer = product.api(method, path, **options)
        seen.append((answer.status_code, time.perf_counter() - began))
        return answer.json() if answer.content else None

    while time.monotonic() < until:
        turn += 1
        made = ask("POST", "/api/leads", json={"legal_name": f"Carga {number}-{turn}"})
        lead = made["id"] if isinstance(made, dict) and "id" in made else None
        for _ in range(3):
            ask("GET", "/api/leads/sales-view")
            headers = {
                **channels[turn % len(channels)],
                "X-Goog-Message-Number": str(100 + number * 1_000_000 + len(seen)),
            }
            ask("POST", URL, headers=headers)
        if lead:
            ask("PATCH", f"/api/leads/{lead}", json={"title": f"Volta {turn}"})
    return seen


BENCH = Bench(
    "SQLite under web and workers",
    measure,
    full={"seconds": 300, "people": 4},
    short={"seconds": 20, "people": 4},
)
