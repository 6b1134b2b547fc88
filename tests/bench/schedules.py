"""Schedules that many look at, goal G12: `python -m tests.bench schedules`.

Two real clusters, and racers that all look at once, again and again: each schedule is started
once a round, and none is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from tests.bench.running import Bench
from tests.e2e.product import product_with_google
from tests.figures import Figure

SCHEDULES = 5
RACE = """
import json, time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task
from django_q.scheduler import scheduler
names = list(settings.SCHEDULES)[:%(schedules)d]
Schedule.objects.exclude(name__in=names).delete()
Schedule.objects.update(next_run=timezone.now() + timedelta(minutes=1))
def at_rest():
    began = time.monotonic()
    while OrmQ.objects.exists():
        assert time.monotonic() - began < 120, OrmQ.objects.count()
        time.sleep(0.1)
at_rest()
Task.objects.all().delete()
gate = Barrier(%(racers)d)
def look(_racer):
    gate.wait()
    try:
        scheduler()
    finally:
        connection.close()
with ThreadPoolExecutor(%(racers)d) as pool:
    for _ in range(%(rounds)d):
        Schedule.objects.update(next_run=timezone.now() - timedelta(seconds=1))
        list(pool.map(look, range(%(racers)d)))
at_rest()
started = Counter(Task.objects.filter(group__in=names).values_list("group", flat=True))
print(json.dumps([started[name] for name in names]))
"""


def measure(rounds: int, racers: int) -> Iterable[Figure]:
    """Figures of so many rounds with so many racers."""
    with product_with_google(WEBHOOK_BASE_URL="") as product:
        for name in ("worker", "worker2"):
            product.start_worker(name)
        numbers = {"rounds": rounds, "racers": racers, "schedules": SCHEDULES}
        started = json.loads(product.manage("shell", "-v0", "-c", RACE % numbers).splitlines()[-1])
    yield Figure("times that schedules were due", rounds * SCHEDULES)
    yield Figure("times they were started", sum(started))
    twice = sum(max(0, count - rounds) for count in started)
    yield Figure("started twice", twice, at_most=0)
    yield Figure("left out", sum(max(0, rounds - count) for count in started), at_most=0)


BENCH = Bench(
    "Schedules looked at by many",
    measure,
    full={"rounds": 25, "racers": 6},
    short={"rounds": 5, "racers": 6},
)
