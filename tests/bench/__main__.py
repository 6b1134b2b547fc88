"""Every bench in short: `python -m tests.bench [NAME …] [--full] [--size leads=10000] [--json]`."""

from __future__ import annotations

import argparse

from tests.bench import (
    arrivals,
    calendar,
    events,
    folder_trees,
    messages,
    pushes,
    schedules,
    sqlite_load,
    wedge,
    worklist,
)
from tests.bench.running import Bench, report, run

BENCHES: dict[str, Bench] = {
    "calendar": calendar.BENCH,
    "events": events.BENCH,
    "worklist": worklist.BENCH,
    "pushes": pushes.AT_FULL_SPEED,
    "sustained": pushes.SUSTAINED,
    "burst": pushes.BURST,
    "arrivals": arrivals.BENCH,
    "messages": messages.BENCH,
    "schedules": schedules.BENCH,
    "folder_trees": folder_trees.BENCH,
    "sqlite_load": sqlite_load.BENCH,
    "wedge": wedge.BENCH,
}


def size(text: str) -> tuple[str, int]:
    """`leads=10000` as a pair. Raises ValueError."""
    name, _, value = text.partition("=")
    return name, int(value)


def main() -> None:
    """Measure and print; exit code 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--full", action="store_true", help="the sizes the limits are meant for")
    parser.add_argument("--size", action="append", type=size, default=[], help="another size")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHES.keys():
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    runs = []
    for name in options.names or BENCHES:
        bench, others = BENCHES[name], dict(options.size)
        if strange := others.keys() - bench.full.keys():
            parser.error(f"{name} has no size {', '.join(sorted(strange))}")
        runs.append(run(bench, {**(bench.full if options.full else bench.short), **others}))
        if not options.json:
            report(runs[-1:], as_json=False)
    if options.json:
        report(runs, as_json=True)
    raise SystemExit(0 if all(one.met for one in runs) else 1)


if __name__ == "__main__":
    main()
