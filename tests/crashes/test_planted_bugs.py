"""The enumerator reports each planted bug (`tests/gcalendar/planted_bugs.py`)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.crashes.calendar_scenarios import CalendarScenario, Delta, Push, RefusedCursor
from tests.crashes.enumerator import enumerate_crashes
from tests.crashes.world import World
from tests.gcalendar.planted_bugs import PLANTED

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# In which scenario each shows.
SHOWN_BY: dict[str, type[CalendarScenario]] = {
    "token_first": Delta,
    "no_transaction": Delta,
    "refusal_ignored": RefusedCursor,
    "no_sweep": RefusedCursor,
    "lost_wake_up": Push,
}


@pytest.mark.parametrize("bug", PLANTED, ids=[bug.__name__ for bug in PLANTED])
def test_a_planted_bug_is_reported(
    bug: Callable[[pytest.MonkeyPatch], None], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = SHOWN_BY[bug.__name__](world)
    furnish = scenario.furnish

    def planted(size: int) -> None:
        furnish(size)
        bug(monkeypatch)

    monkeypatch.setattr(scenario, "furnish", planted)

    # Pages that hold everything: what comes during the sync is on none of them.
    outcome = enumerate_crashes(scenario, 250, every=15)

    assert outcome.violations, "the enumerator is blind to it"
    assert all("AssertionError" in text for text in outcome.violations), outcome.violations
