"""Starting benches: from the command line, on a database that is thrown away."""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from tests.figures import Figure, as_document, as_table, machine


@dataclass(frozen=True)
class Bench:
    """A bench: what it is about, how to measure it, and its sizes in full and in short."""

    title: str
    measure: Callable[..., Iterable[Figure]]
    full: Mapping[str, int]
    short: Mapping[str, int]


@contextmanager
def own_database() -> Iterator[None]:
    """A fresh database with every migration, gone afterwards."""
    name = settings.DATABASES["default"]["NAME"]
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = f"{name}-bench"
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(str(name), verbosity=0)


@dataclass(frozen=True)
class Run:
    """What a bench found, and on which machine."""

    title: str
    figures: list[Figure]
    machine: dict[str, Any]

    @property
    def met(self) -> bool:
        """Whether every limit is kept."""
        return all(figure.met is not False for figure in self.figures)


def run(bench: Bench, sizes: Mapping[str, int]) -> Run:
    """Measure on a database of its own."""
    # What the product reports while it works is not what is measured.
    logging.disable(logging.WARNING)
    # However a bench ends, nothing it started is left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with own_database():
        return Run(bench.title, list(bench.measure(**sizes)), machine())


def report(runs: Sequence[Run], *, as_json: bool) -> None:
    """Print the figures."""
    if as_json:
        benches = [
            {"title": run.title, "machine": run.machine, "figures": as_document(run.figures)}
            for run in runs
        ]
        print(json.dumps(benches, indent=2))  # noqa: T201
        return
    for run in runs:
        told = ", ".join(f"{name} {value}" for name, value in run.machine.items())
        print(f"{as_table(run.title, run.figures)}\n   {told}\n")  # noqa: T201
