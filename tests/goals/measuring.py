"""Running what a goal says, and reading its figures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.goals.catalogue import Goal

ROOT = Path(__file__).resolve().parents[2]
FAULT = re.compile(r"f(\d+)_")
Json = dict[str, Any]


def measured(goal: Goal, database: str) -> Json:
    """`{"title", "database", "machine", "figures"}` of one measurement, whether limits are met or not.

    Raises AssertionError when it ended without figures.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = goal.words() + ([f"--junitxml={report}"] if goal.is_suite else [])
        done = subprocess.run(
            words,
            cwd=ROOT, env={**os.environ, **goal.environment, "TEST_DATABASE": database},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        if goal.is_suite:
            assert report.exists(), done.stdout
            return _of_suite(report, goal.title)
        assert done.stdout.strip(), f"{goal.title}: exit code {done.returncode}"
        return _of_benches(json.loads(done.stdout))


def _of_benches(runs: list[Json]) -> Json:
    """Several runs (the seeds of chaos) as one, each figure under its run's title."""
    figures = [
        {
            **figure,
            "name": figure["name"] if len(runs) == 1 else f"{run['title']}: {figure['name']}",
        }
        for run in runs
        for figure in run["figures"]
    ]
    return {"machine": runs[-1]["machine"], "figures": figures}
