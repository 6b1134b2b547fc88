"""What is broken and has to come back: web, two machines' workers, a database server, a Google."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2

from tests.bench.sending import CHANNELS
from tests.database import own_postgres, restart_postgres
from tests.e2e.product import Product, descendants, eventually
from tests.processes import children

WORKERS = ("worker", "worker2")
# Noticing a queue that stands still takes 90 s in production: too long for a minute of chaos.
WATCH = ("--beat", "3", "--stall", "15")
CALENDARS = 4
LEADS = 3
PARTS = re.compile(r"(ready for work|monitoring|pushing tasks) at (\d+)")


class Ground:
    """The running product, and ways to hurt it."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.url = product.environment["DATABASE_URL"]
        self.channels: dict[str, dict[str, str]] = {}  # whose calendar -> headers of a push

    def prepare(self) -> None:
        """Everything runs; calendars and folders are followed; some leads have their folders."""
        product = self.product
        product.start_sandbox()
        product.start_web()
        product.manage("sync_calendars")
        product.manage("sync_drive")
        product.manage("renew_channels", "--all")
        made = product.manage("shell", "-v0", "-c", CHANNELS % {"calendars": CALENDARS})
        self.channels = json.loads(made)
        for name in WORKERS:
            product.start_worker(name, *WATCH)
        for number in range(LEADS):
            product.api("POST", "/api/leads", json={"legal_name": f"Antes {number}"})
        eventually(self.is_at_rest, 60, 0.5, "the folders of the first leads")

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the database answers."""
        connection = psycopg2.connect(self.url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def _work_tables(self) -> list[str]:
        found = self.rows(
            "SELECT a.table_name FROM information_schema.columns a"
            " WHERE a.column_name = 'lease_gen' AND a.table_schema = 'public'"
        )
        return [str(table) for (table,) in found]

    def behind(self) -> list[tuple[Any, ...]]:
        """Rows with something requested that is not applied, dead ones too, and why."""
        statement = (
            "SELECT id, requested, applied, attempts, queued_at, lease_until, next_attempt_at,"
            " dead_at, last_error, now() FROM {table} WHERE requested > applied"
        )
        return [
            (table, *row)
            for table in self._work_tables()
            for row in self.rows(statement.format(table=table))
        ]

    def is_at_rest(self) -> bool:
        """Whether nothing is left to do; False too while the database is away."""
        try:
            return not self.behind()
        except psycopg2.Error:
            return False

    def part(self, name: str, kind: str) -> list[int]:
        """Living processes of a cluster that do this, as its log tells."""
        process = self.product.processes.get(name)
        below = set(descendants(process.pid)) if process else set()
        said = PARTS.findall(self.product.log(name))
        return [int(pid) for what, pid in said if what == kind and int(pid) in below]

    def head(self, name: str, generation: int) -> list[int]:
        """The cluster's main process (1) or the guard of its pool (2)."""
        pids = [self.product.processes[name].pid]
        with suppress(FileNotFoundError):
            for _ in range(generation):
                pids = [child for pid in pids for child in children(pid)][:1]
            return pids
        return []

    def kill_cluster(self, name: str) -> None:
        """kill -9 of all of a machine's workers, and what its process manager does then."""
        self.product.kill_worker(name)
        self.product.start_worker(name, *WATCH, wait=False)

    def kill_web_worker(self, chosen: int) -> bool:
        """kill -9 of a process that answers requests; gunicorn replaces it."""
        pids = children(self.product.processes["web"].pid)
        return bool(pids) and kill(pids[chosen % len(pids)])

    def restart_database(self) -> None:
        """The server ends at once, as in a crash, and starts again."""
        restart_postgres(self.url)

    def cut_connections(self) -> None:
        """Every connection to the database is closed by the server."""
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    def plan(self, *faults: dict[str, Any]) -> None:
        """What Google will do wrong."""
        self.product.in_google("POST", "/_sandbox/faults", json=list(faults))

    def calm(self) -> None:
        """Google does everything right again."""
        self.product.in_google("DELETE", "/_sandbox/faults")


def kill(pid: int) -> bool:
    """kill -9; False when nobody was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def running_ground() -> Iterator[Ground]:
    """A running product on servers of its own; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pipedesk-chaos-"))
    with own_postgres(durable=True) as url:
        product = Product.prepare(
            folder,
            DATABASE_URL=url.replace("/pipedesk", "/postgres"),
            SYNC_POLL_INTERVAL_S="60",
            LOG_FORMAT="console",
        )
        try:
            ground = Ground(product)
            ground.prepare()
            yield ground
        finally:
            product.stop()
            shutil.rmtree(folder, ignore_errors=True)
