"""`python -m tests.goals [G1 …] [--runs 3]`: measure, write var/goals/G1.json, print the table.

Exit code 1 when a limit is missed. Of several runs the median is shown and the worst one judged.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from tests.figures import Figure, as_table
from tests.goals.catalogue import GOALS
from tests.goals.measuring import ROOT, measure

FOLDER = ROOT / "var" / "goals"


@dataclass(frozen=True)
class Measured:
    """A figure over all runs: the median, and the run furthest from keeping its limit."""

    middle: Figure
    worst: Figure

    @classmethod
    def over(cls, runs: Sequence[Figure]) -> Measured:
        """The same figure of several runs."""
        high = runs[0].at_least is None
        values = [figure.value for figure in runs]
        middle = replace(runs[0], value=median(values))
        return cls(middle, replace(middle, value=max(values) if high else min(values)))

    def document(self) -> dict[str, Any]:
        """For a machine to read."""
        told = asdict(self.middle)
        return {**told, "worst": self.worst.value, "met": self.worst.met}


def measured(name: str, runs: int) -> dict[str, Any]:
    """The goal's document: its figures on each of its databases."""
    goal = GOALS[name]
    found = []
    for database in goal.databases:
        taken = [measure(goal, database) for _ in range(runs)]
        figures = [Measured.over(same) for same in zip(*(it for it, _ in taken), strict=True)]
        told = [figure.document() for figure in figures]
        found.append({"database": database, "machine": taken[-1][1], "figures": told})
        print(as_table(f"{name} {goal.title}, {database}", (it.worst for it in figures)))  # noqa: T201
        print("   " + ", ".join(f"{key} {value}" for key, value in taken[-1][1].items()))  # noqa: T201
    return {"goal": name, "title": goal.title, "runs": runs, "measured": found}


def met(document: dict[str, Any]) -> bool:
    """Whether every limit was kept in every run."""
    return all(
        figure["met"] is not False for part in document["measured"] for figure in part["figures"]
    )


def main() -> None:
    """The goals that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="GOAL", help=", ".join(GOALS))
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    if unknown := set(options.names) - GOALS.keys():
        parser.error(f"there is no goal {', '.join(sorted(unknown))}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    verdicts = {}
    for name in options.names or GOALS:
        document = measured(name, options.runs)
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")
        verdicts[name] = met(document)
    print("  ".join(f"{name} {'ok' if kept else 'MISSED'}" for name, kept in verdicts.items()))  # noqa: T201
    raise SystemExit(0 if all(verdicts.values()) else 1)


if __name__ == "__main__":
    main()
