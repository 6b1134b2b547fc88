"""How many jobs the queue does in a second, goal G6: `python -m tests.bench messages`.

Jobs that do nothing, by real workers: sent at once, done when the queue has forgotten them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection

from tests.bench.running import Bench
from tests.e2e.product import product_with_google
from tests.figures import Figure

LOCKED = "database is locked"
RUN = """
import json, time
from django.db import transaction
from django_q.models import OrmQ, Task
from pipedesk.core.jobs import send
with transaction.atomic():
    ids = [send("pipedesk.core.tasks.beat") for _ in range(%(jobs)d)]
began = time.perf_counter()
while OrmQ.objects.exists():
    assert time.perf_counter() - began < 120, OrmQ.objects.count()
    time.sleep(0.05)
took_s = time.perf_counter() - began
done = Task.objects.filter(pk__in=ids, success=True).count()
print(json.dumps({"took_s": took_s, "done": done}))
"""


def measure(jobs: int) -> Iterable[Figure]:
    """Figures of so many jobs."""
    with product_with_google(WEBHOOK_BASE_URL="") as product:
        product.start_worker()
        ran = json.loads(product.manage("shell", "-v0", "-c", RUN % {"jobs": jobs}))
        locked = product.log("worker").count(LOCKED)
    wanted = 100 if connection.vendor == "postgresql" else 150
    yield Figure("jobs", jobs)
    yield Figure("jobs done and acknowledged", jobs / ran["took_s"], "/s", at_least=wanted)
    yield Figure("jobs not done", jobs - ran["done"], at_most=0)
    yield Figure(f"“{LOCKED}” in the log", locked, at_most=0)


BENCH = Bench("Jobs of the queue", measure, full={"jobs": 600}, short={"jobs": 200})
