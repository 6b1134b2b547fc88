"""Each bench runs; what it measures on sizes this small says nothing."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.bench.__main__ import BENCHES

TINY = {
    "calendar": {"events": 120, "small": 60, "rounds": 1},
    "worklist": {"leads": 40, "small": 20, "rounds": 1},
    "pushes": {"messages": 100, "calendars": 2, "meetings": 2},
    "folder_trees": {"leads": 1, "within_s": 60},
    "sqlite_load": {"seconds": 4, "people": 3},
    "wedge": {"kills": 1, "patience_s": 5},
}
PROCESSES = {"pushes", "folder_trees", "sqlite_load", "wedge"}
# The same on either database, and long: in one of the two runs.
ONCE = {"sqlite_load", "wedge"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.e2e] if name in PROCESSES else []) for name in BENCHES],
)
def test_every_bench_runs(name: str, transactional_db: None) -> None:
    if name in ONCE and connection.vendor != "sqlite":
        pytest.skip("runs with SQLite's tests")
    figures = list(BENCHES[name].measure(**TINY[name]))

    assert len(figures) > 3
    assert all(len(figure.cells()) == 4 for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)
