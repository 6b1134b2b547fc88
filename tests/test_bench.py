"""Each bench runs; what it measures on sizes this small says nothing."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.bench.__main__ import BENCHES

TINY = {
    "calendar": {"events": 120, "small": 60, "rounds": 1},
    "events": {"events": 40},
    "worklist": {"leads": 40, "small": 20, "rounds": 1},
    "pushes": {"messages": 100, "calendars": 2},
    "sustained": {"seconds": 1, "calendars": 2},
    "burst": {"seconds": 1, "connections": 16, "calendars": 2},
    "arrivals": {"meetings": 2, "seconds": 1, "calendars": 2},
    "messages": {"jobs": 20},
    "schedules": {"rounds": 2, "racers": 3},
    "folder_trees": {"leads": 1, "within_s": 60},
    "sqlite_load": {"seconds": 4, "people": 3},
    "wedge": {"kills": 1, "patience_s": 5},
}
IN_PROCESS = {"calendar", "events", "worklist"}
# The same on either database, and long: in one of the two runs.
ONCE = {"sqlite_load", "wedge", "sustained", "burst"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in IN_PROCESS else [pytest.mark.e2e]) for name in BENCHES],
)
def test_every_bench_runs(name: str, transactional_db: None) -> None:
    if name in ONCE and connection.vendor != "sqlite":
        pytest.skip("runs with SQLite's tests")
    figures = list(BENCHES[name].measure(**TINY[name]))

    assert len(figures) >= 3
    assert all(len(figure.cells()) == 4 for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)
