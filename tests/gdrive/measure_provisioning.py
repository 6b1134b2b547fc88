"""How fast folder trees grow: `python -m tests.gdrive.measure_provisioning --leads 10000`.

A PostgreSQL of our own, the sandbox, and the real workers, all as processes; prints the rate, the
requests per folder and the peak memory as JSON. Needs SECRET_KEY, no network.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.database import start_postgres
from tests.e2e.product import Product, descendants

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


def peak_mb(pid: int) -> int:
    """The most memory a process had resident so far, in MB; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def state(product: Product) -> dict[str, int]:
    """How many trees are ready, failed, and how many folders there are."""
    found: dict[str, int] = json.loads(product.manage("shell", "-v0", "-c", STATE))
    return found


def measure(product: Product, leads: int, within_s: float) -> dict[str, Any]:
    """Grow the trees of so many leads, for at most `within_s`."""
    product.start_sandbox()
    product.manage("sync_drive")
    for start in range(0, leads, SEEDED_AT_ONCE):
        product.manage("shell", "-c", SEED % {"leads": min(SEEDED_AT_ONCE, leads - start)})
    product.in_google("DELETE", "/_sandbox/requests")
    started = time.monotonic()
    product.start_worker()
    worker = product.processes["worker"].pid
    peak, now = 0, {"ready": 0}
    while now["ready"] < leads and time.monotonic() - started < within_s:
        time.sleep(min(LOOK_EVERY_S, max(1.0, leads / 200)))
        peak = max([peak, *map(peak_mb, [worker, *descendants(worker)])])
        now = state(product)
    took_s = time.monotonic() - started
    requests = product.in_google("GET", "/_sandbox/requests")
    reserving = requests.get("drive.files.generateIds", 0)
    calls = sum(count for method, count in requests.items() if method.startswith("drive."))
    return {
        **now,
        "seconds": round(took_s, 1),
        "trees_per_second": round(now["ready"] / took_s, 2),
        "requests": requests,
        "requests_per_folder": round((calls - reserving) / max(now["folders"], 1), 3),
        "reservations_per_1000_folders": round(1000 * reserving / max(now["folders"], 1), 2),
        "peak_mb_of_a_worker_process": peak,
        "peak_mb_of_the_sandbox": peak_mb(product.processes["sandbox"].pid),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=1000)
    parser.add_argument("--within", type=float, default=3600.0, metavar="SECONDS")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pipedesk-measure-"))
    os.environ["DATABASE_URL"] = start_postgres()
    product = Product.prepare(folder, WEBHOOK_BASE_URL="")
    try:
        print(json.dumps(measure(product, options.leads, options.within), indent=2))  # noqa: T201
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
