"""A queue whose lock died with its holder, goal G11: `python -m tests.bench wedge`.

An idle worker of django-q2 waits for a message with the queue's lock in hand, and dies with it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

from tests.bench.running import Bench
from tests.e2e.product import Product, descendants, eventually, product_with_google
from tests.figures import Figure

STALL_S = 15
LIMIT_S = 105.0
READY = re.compile(r"ready for work at (\d+)")
SEND = "from pipedesk.core.jobs import send; print(send('pipedesk.core.tasks.beat'))"
DONE = "from pipedesk.core.jobs import is_finished; print(is_finished('%s'))"


def measure(kills: int, patience_s: int) -> Iterable[Figure]:
    """So many kills under the watchdog; then one of a plain cluster, waited for so long."""
    with product_with_google() as product:
        plain_s = _plain(product, patience_s)
        product.start_worker("worker", "--beat", "2", "--stall", str(STALL_S))
        times = [_seconds_until_done(product, LIMIT_S) for _ in range(kills)]
    yield Figure("killed while idle", kills)
    yield Figure("recovered", sum(seconds < LIMIT_S for seconds in times), at_least=kills)
    yield Figure("longest until the next job was done", max(times), "s", at_most=LIMIT_S)
    yield Figure(f"plain qcluster, done within {patience_s} s", plain_s < patience_s, at_most=0)


def _plain(product: Product, patience_s: int) -> float:
    """Without the watchdog; killed again when the workers happened not to hold the lock."""
    product.start("worker", sys.executable, "manage.py", "qcluster")
    try:
        return max(_seconds_until_done(product, patience_s) for _ in range(3))
    finally:
        product.kill_worker()


def _seconds_until_done(product: Product, at_most_s: float) -> float:
    """Kill the idle workers; seconds until a job sent afterwards is done, or all there are."""
    eventually(lambda: len(_idle(product)) == 2, 60, what="two workers wait")
    time.sleep(1)  # nothing is to be done, and both wait
    for pid in _idle(product):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    message = product.manage("shell", "-v0", "-c", SEND).split()[-1]
    while (waited_s := time.monotonic() - began) < at_most_s:
        if product.manage("shell", "-v0", "-c", DONE % message).split()[-1] == "True":
            break
    return waited_s


def _idle(product: Product) -> list[int]:
    below = set(descendants(product.processes["worker"].pid))
    return [pid for text in READY.findall(product.log("worker")) if (pid := int(text)) in below]


BENCH = Bench(
    "A queue that stands still",
    measure,
    full={"kills": 5, "patience_s": 20},
    short={"kills": 2, "patience_s": 20},
)
