"""Chaos in short: `make chaos` is the long form."""

from __future__ import annotations

import os

import pytest

from tests.chaos.ground import running_ground
from tests.chaos.running import wreak
from tests.e2e.test_crashes import expire_leases

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.mark.skipif(
    not os.environ["DATABASE_URL"].startswith("postgres"), reason="it restarts a server"
)
def test_g10_nothing_is_lost_or_doubled_whatever_is_killed() -> None:
    with running_ground() as ground:
        # What waiting for the leases to run out does, at once.
        figures = list(
            wreak(ground, seed=7, seconds=15, at_peace=lambda: expire_leases(ground.product))
        )

        # How much a busy machine breaks in so short a time is no matter.
        missed = {figure.name for figure in figures if figure.met is False} - {"kills a minute"}
        assert missed == set(), ground.behind()
