"""`python -m tests.chaos --seed 1 2 3 --seconds 60`: exit code 1 when a limit is missed."""

from __future__ import annotations

import argparse
import sys

from django.db import connection

import tests.bench  # noqa: F401  makes Django ready
from tests.bench.running import Run, report
from tests.chaos.ground import running_ground
from tests.chaos.running import wreak
from tests.figures import machine


def main() -> None:
    """Each seed on a product of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # The machine's figures name the server's version; tables it needs none.
    connection.settings_dict["NAME"] = "postgres"
    runs = []
    for seed in options.seed:
        with running_ground() as ground:
            figures = list(wreak(ground, seed, options.seconds))
            title = f"Chaos, seed {seed}, {options.seconds:g} s"
            runs.append(Run(title, figures, machine()))
            if not options.json:
                report(runs[-1:], as_json=False)
            for row in ground.behind():
                print("behind:", *row, file=sys.stderr)  # noqa: T201
    if options.json:
        report(runs, as_json=True)
    raise SystemExit(0 if all(run.met for run in runs) else 1)


if __name__ == "__main__":
    main()
