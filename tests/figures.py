"""Figures with their limits, the machine they were taken on, and the table of both."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection


@dataclass(frozen=True)
class Figure:
    """One measured value. `at_most` and `at_least` are its limits; without one it only tells."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None without one."""
        if self.at_most is None and self.at_least is None:
            return None
        high = self.at_most is None or self.value <= self.at_most
        return high and (self.at_least is None or self.value >= self.at_least)

    def cells(self) -> tuple[str, str, str, str]:
        """Verdict, name, value with unit, limit."""
        bounds = [(self.at_most, "≤"), (self.at_least, "≥")]
        limit = " ".join(f"{sign} {bound:,g}" for bound, sign in bounds if bound is not None)
        verdict = {True: "ok", False: "MISSED", None: ""}[self.met]
        return verdict, self.name, f"{_short(self.value)} {self.unit}".rstrip(), limit


def _short(value: float) -> str:
    """Three digits of a small number, all of a large one's whole part."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def host() -> dict[str, Any]:
    """What the figures were taken on, and when."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def machine() -> dict[str, Any]:
    """The host and the database."""
    with connection.cursor() as cursor:
        sqlite = connection.vendor == "sqlite"
        cursor.execute("SELECT sqlite_version()" if sqlite else "SHOW server_version")
        version = cursor.fetchone()[0]
    return {**host(), "database": f"{connection.display_name} {version}"}


def as_table(title: str, figures: Iterable[Figure]) -> str:
    """Figures as lines of text, in columns."""
    rows = [figure.cells() for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{verdict:<{widths[0]}}  {name:<{widths[1]}}  {value:>{widths[2]}}  {limit}".rstrip()
        for verdict, name, value, limit in rows
    ]
    return "\n".join([f"== {title}", *lines])


def as_document(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """Figures for a machine to read."""
    return [{**asdict(figure), "met": figure.met} for figure in figures]
