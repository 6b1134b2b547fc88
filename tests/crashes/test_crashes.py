"""Death at any step of eight scenarios changes nothing in the end (see enumerator.py).

`CRASHES=1` dies at every step with every page size (`make crashes`), `CRASHES=7` at every seventh;
else it is a sample.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

from tests.crashes.calendar_scenarios import Delta, Meeting, Push, RefusedCursor, Renewal
from tests.crashes.drive_scenarios import Applying, Tree, Upload
from tests.crashes.enumerator import Scenario, enumerate_crashes, lines
from tests.crashes.world import World
from tests.figures import Figure, as_table, machine

KINDS: list[type[Scenario]] = [
    Push, Delta, RefusedCursor, Renewal, Tree, Applying, Meeting, Upload,
]  # fmt: skip
SIZES = (1, 2, 250)
# Every so many steps. A sample takes each scenario with one page size.
SAMPLE, EVERY = 45, int(os.environ.get("CRASHES", "0"))


# The dead close no files.
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_g7_f1_f2_f3_f4_f5_f6_f43_death_at_any_step_changes_nothing_in_the_end(
    world: World, tell: Callable[[Figure], None]
) -> None:
    outcomes = [
        enumerate_crashes(
            kind(world), size, every=EVERY or SAMPLE, first=1 + number % (EVERY or SAMPLE)
        )
        for number, kind in enumerate(KINDS)
        for size in (SIZES if EVERY else SIZES[number % 3 :][:1])
    ]

    violations = [text for one in outcomes for text in one.violations]
    points = sum(one.tried for one in outcomes)
    figures = [
        Figure("points", points, at_least=500 if EVERY else None),
        Figure("violations", len(violations), at_most=0),
    ]
    for figure in figures:
        tell(figure)
    told = (lines(outcomes), as_table("crashes", figures), str(machine()))
    sys.stdout.write("\n" + "\n".join(told) + "\n")
    assert all(one.points > 30 for one in outcomes)
    assert violations == []
    assert all(figure.met is not False for figure in figures)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_f1_f2_f3_f4_f5_death_at_every_step_of_a_delta_leaves_the_old_rows_or_the_new(
    world: World,
) -> None:
    outcome = enumerate_crashes(Delta(world), size=250)

    assert outcome.violations == []
    assert outcome.tried == outcome.points > 30
