"""Running what a goal says, and reading its figures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.figures import Figure, host
from tests.goals.catalogue import Goal

ROOT = Path(__file__).resolve().parents[2]
MARKS = re.compile(r"test_((?:[a-z]\d+_)+)")
Json = dict[str, Any]


def measure(goal: Goal, database: str) -> tuple[list[Figure], Json]:
    """Its figures on this database, and the machine they were taken on.

    Raises RuntimeError when there are none.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = [*goal.words(), *([f"--junitxml={report}"] if goal.is_suite else [])]
        environment = {**os.environ, **goal.environment, "TEST_DATABASE": database}
        done = subprocess.run(
            words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        try:
            if goal.is_suite:
                return list(_of_suite(ElementTree.parse(report))), host()  # noqa: S314  (ours)
            return _of_benches(json.loads(done.stdout))
        except (OSError, ValueError) as failure:
            msg = f"{' '.join(words)} ended with {done.returncode}, without figures"
            raise RuntimeError(msg) from failure


def _of_benches(runs: list[Json]) -> tuple[list[Figure], Json]:
    """Several runs (the seeds of chaos) as one, each figure with its run's title."""
    several = len(runs) > 1
    known = {field.name for field in fields(Figure)}
    figures = []
    for run in runs:
        for told in run["figures"]:
            figure = {key: value for key, value in told.items() if key in known}
            figure["name"] = f"{run['title']}: {told['name']}" if several else told["name"]
            figures.append(Figure(**figure))
    return figures, runs[-1]["machine"]


def _of_suite(report: ElementTree.ElementTree) -> Iterable[Figure]:
    """What its tests told, how many there were, and which named faults were played."""
    cases = list(report.iter("testcase"))
    failed = [case for case in cases if {child.tag for child in case} & {"failure", "error"}]
    skipped = [case for case in cases if case.find("skipped") is not None]
    passed = [case for case in cases if case not in failed and case not in skipped]
    for found in report.iter("property"):
        if found.get("name") == "figure":
            yield Figure(**json.loads(found.get("value") or ""))
    yield Figure("tests passed", len(passed), at_least=1)
    yield Figure("tests failed", len(failed), at_most=0)
    yield Figure("tests skipped", len(skipped))
    marks = [MARKS.match(case.get("name") or "") for case in passed]
    faults = {one for mark in marks if mark for one in mark[1].split("_") if one.startswith("f")}
    if faults:
        yield Figure("named faults played", len(faults))
