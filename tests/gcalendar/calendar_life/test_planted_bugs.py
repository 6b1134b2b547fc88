"""Random lives find each planted bug (`tests/gcalendar/planted_bugs.py`)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.gcalendar.calendar_life.test_calendar_life import CalendarLife, busy_google
from tests.gcalendar.planted_bugs import PLANTED
from tests.living import finds_a_fault

__all__ = ["busy_google"]

ENOUGH_LIVES = 100


@pytest.mark.django_db
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("bug", PLANTED, ids=[bug.__name__ for bug in PLANTED])
def test_g8_a_planted_bug_is_found(
    bug: Callable[[pytest.MonkeyPatch], None], busy_google: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)

    assert finds_a_fault(CalendarLife, ENOUGH_LIVES), "the lives are blind to it"
