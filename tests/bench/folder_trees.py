"""How fast folder trees grow: `python -m tests.bench folder_trees --size leads=10000`.

The sandbox and the real workers, all as processes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from tests.bench.costs import peak_mb
from tests.bench.running import Bench
from tests.e2e.product import Product, descendants, product_with_google
from tests.figures import Figure

SEED = """
from django.db import transaction
from crm.models import Lead
from gdrive.models import DriveFolderTree
leads = [Lead(title=f"Lead {n:05}") for n in range(%(leads)d)]
Lead.objects.bulk_create(leads, batch_size=2000)
trees = [DriveFolderTree(entity_type="lead", entity_id=str(lead.pk)) for lead in leads]
DriveFolderTree.objects.bulk_create(trees, batch_size=2000)
with transaction.atomic():
    for tree in trees:
        DriveFolderTree.objects.request(tree.pk)
"""
STATE = """
import json
from gdrive.models import DriveFolderNode, DriveFolderTree
print(json.dumps({
    "ready": DriveFolderTree.objects.filter(state="ready").count(),
    "failed": DriveFolderTree.objects.exclude(last_error="").count(),
    "folders": DriveFolderNode.objects.filter(state="created").count(),
}))
"""
SEEDED_AT_ONCE = 1000
LOOK_EVERY_S = 10.0


def state(product: Product) -> dict[str, int]:
    """How many trees are ready, failed, and how many folders there are."""
    found: dict[str, int] = json.loads(product.manage("shell", "-v0", "-c", STATE))
    return found


def measure(leads: int, within_s: int) -> Iterable[Figure]:
    """Figures of growing the trees of so many leads, for at most `within_s`."""
    with product_with_google(WEBHOOK_BASE_URL="") as product:
        yield from _measured(product, leads, within_s)


def _measured(product: Product, leads: int, within_s: int) -> Iterable[Figure]:
    product.manage("sync_drive")
    for start in range(0, leads, SEEDED_AT_ONCE):
        product.manage("shell", "-c", SEED % {"leads": min(SEEDED_AT_ONCE, leads - start)})
    product.in_google("DELETE", "/_sandbox/requests")
    started = time.monotonic()
    product.start_worker()
    worker = product.processes["worker"].pid
    peak, now = 0.0, {"ready": 0}
    while now["ready"] < leads and time.monotonic() - started < within_s:
        time.sleep(min(LOOK_EVERY_S, max(1.0, leads / 200)))
        peak = max([peak, *map(peak_mb, [worker, *descendants(worker)])])
        now = state(product)
    took_s = time.monotonic() - started
    requests = product.in_google("GET", "/_sandbox/requests")
    reserving = requests.get("drive.files.generateIds", 0)
    calls = sum(count for method, count in requests.items() if method.startswith("drive."))
    folders = max(now["folders"], 1)
    yield Figure("trees", now["ready"], at_least=leads)
    yield Figure("trees failed", now["failed"], at_most=0)
    yield Figure("folders", now["folders"])
    yield Figure("rate", now["ready"] / took_s, "trees/s")
    yield Figure("requests per folder", (calls - reserving) / folders, at_most=1.5)
    yield Figure("reservations of ids per 1,000 folders", 1000 * reserving / folders, at_most=50)
    yield Figure("peak memory of a worker process", peak, "MB", at_most=250)
    yield Figure("peak memory of the sandbox", peak_mb(product.processes["sandbox"].pid), "MB")


BENCH = Bench(
    "Folder trees",
    measure,
    full={"leads": 1000, "within_s": 3600},
    short={"leads": 30, "within_s": 300},
)
