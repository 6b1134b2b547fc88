"""What a piece of work costs: processor time here and in the database, statements, memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """Of one piece of work in this thread. SQLite's share is in `cpu_s`."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    database_s: float = 0.0
    statements: int = 0

    @property
    def both_s(self) -> float:
        """Processor time of the application and its database."""
        return self.cpu_s + self.database_s


@contextmanager
def cost() -> Iterator[Cost]:
    """Measure what is inside; the figures are there afterwards.

    The database's share is told in hundredths of a second: measure enough at once.
    """
    spent = Cost()

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        spent.statements += 1
        return execute(sql, params, many, context)

    before = database_s()
    started, cpu = time.perf_counter(), time.thread_time()
    try:
        with connection.execute_wrapper(count):
            yield spent
    finally:
        spent.seconds = time.perf_counter() - started
        spent.cpu_s = time.thread_time() - cpu
        spent.database_s = database_s() - before


def mean_of(costs: Sequence[Cost]) -> Cost:
    """The means: of pieces so small that the database's share is a tick or none."""
    count = len(costs)
    return Cost(
        sum(one.seconds for one in costs) / count,
        sum(one.cpu_s for one in costs) / count,
        sum(one.database_s for one in costs) / count,
        round(sum(one.statements for one in costs) / count),
    )


def typical(work: Callable[[], Any], rounds: int, times: int = 1) -> Cost:
    """The medians over `rounds` of doing it `times` in a row, per time; warmed up by one."""
    work()
    seen = []
    for _ in range(rounds):
        with cost() as spent:
            for _ in range(times):
                work()
        seen.append(spent)
    return Cost(
        median(one.seconds for one in seen) / times,
        median(one.cpu_s for one in seen) / times,
        # Told too roughly for a median of short ones.
        sum(one.database_s for one in seen) / rounds / times,
        round(median(one.statements for one in seen) / times),
    )


def database_s() -> float:
    """Processor time that the database's process of this connection has used so far."""
    if connection.vendor != "postgresql":
        return 0.0
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def forget_peak() -> None:
    """Let `peak_mb` count from here."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mb(pid: int | str = "self") -> float:
    """The most memory a process had resident so far; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def scans(work: Callable[[], Any], *tables: str) -> list[str]:
    """The lines of the plans of what `work` reads that go through a whole table of these."""
    statements: list[str] = []
    connection.force_debug_cursor = True
    connection.queries_log.clear()
    try:
        work()
        statements = [query["sql"] for query in connection.queries if "SELECT" in query["sql"]]
    finally:
        connection.force_debug_cursor = False
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    found = []
    with connection.cursor() as cursor:
        for statement in statements:
            if not statement.startswith("SELECT"):
                continue
            cursor.execute(f"{explain} {statement}".replace("%", "%%"), [])
            found += [str(row[-1]).strip() for row in cursor.fetchall()]
    return [line for line in found if _is_scan(line) and any(table in line for table in tables)]


def _is_scan(line: str) -> bool:
    if connection.vendor == "postgresql":
        return "Seq Scan" in line
    return line.startswith("SCAN") and "USING" not in line
