"""The goals are measured by commands that exist, and what they print is read."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.bench.__main__ import BENCHES
from tests.figures import Figure
from tests.goals.__main__ import Measured, met
from tests.goals.catalogue import GOALS, Goal
from tests.goals.measuring import ROOT, measure


def test_there_are_twelve_and_each_names_a_measurement_that_exists() -> None:
    assert list(GOALS) == [f"G{number}" for number in range(1, 13)]
    for goal in GOALS.values():
        tool, *words = goal.command
        paths = [word for word in words if word.startswith("tests/")]
        assert all((ROOT / path).exists() for path in paths)
        assert tool in {"tests.bench", "tests.chaos", "pytest"}
        assert tool != "tests.bench" or words[0] in BENCHES


def test_the_median_of_several_runs_is_told_and_the_worst_is_judged() -> None:
    fast, slow = (Figure("rate", value, "/s", at_least=150) for value in (200, 100))
    found = Measured.over([fast, slow, fast])

    assert found.middle.value == 200
    assert found.worst.value == 100
    assert not met({"measured": [{"figures": [found.document()]}]})
    assert met({"measured": [{"figures": [Measured.over([fast, fast]).document()]}]})


@pytest.mark.e2e
def test_a_part_of_the_suite_tells_its_tests_and_its_figures(tmp_path: Path) -> None:
    figure = Figure("lives", 3, at_least=2)
    told = json.dumps(asdict(figure))  # what the fixture `tell` does
    part = tmp_path / "test_part.py"
    part.write_text(
        f"def test_f3_d1_told(record_property): record_property('figure', {told!r})\n"
        "def test_f7_broken(): raise AssertionError\n",
        encoding="utf-8",
    )
    goal = Goal("A part", ("pytest", "-c", "pyproject.toml", str(part)))

    figures, machine = measure(goal, "sqlite")

    assert figures[0] == figure
    counted = {each.name: (each.value, each.met) for each in figures[1:]}
    assert counted == {
        "tests passed": (1, True),
        "tests failed": (1, False),
        "tests skipped": (0, None),
        "named faults played": (1, None),
    }
    assert machine["cores"]


@pytest.mark.e2e
def test_what_ends_without_figures_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="without figures"):
        measure(Goal("Nothing", ("tests.bench", "no-such-bench")), "sqlite")
