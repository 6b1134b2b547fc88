"""A sandbox in a process of its own, with a calendar of so many events."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipedesk.sandbox.server import SandboxServer

ROOT = Path(__file__).resolve().parents[2]
FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)
EVERY = timedelta(minutes=30)
SERIES_OF = 50  # every so many events one is a series
AT_ONCE = 5_000
NEW_TITLE = "Outro título"


def event_of(number: int) -> dict[str, Any]:
    """What the event of this number says; two guests each, out of a thousand people."""
    fields: dict[str, Any] = {
        "summary": f"Reunião {number}: proposta comercial",
        "description": "Pauta: escopo, preço, prazo, próximos passos. " * 4,
        "location": "Sala 3",
        "attendees": [
            {"email": f"guest{(number * step) % 1000}@customer.example"} for step in (1, 7)
        ],
    }
    if number % SERIES_OF == 0:
        fields["recurrence"] = ["RRULE:FREQ=WEEKLY;COUNT=10"]
    return fields


def fill(server: SandboxServer, events: int) -> None:
    """Put so many events into the default user's calendar, one each half hour."""
    for start in range(0, events, AT_ONCE):
        with server.google.store.transaction():
            for number in range(start, min(start + AT_ONCE, events)):
                fields = event_of(number)
                zone = "America/Sao_Paulo" if "recurrence" in fields else None
                title = fields.pop("summary")
                begins = FIRST + number * EVERY
                server.calendar.create_event(title, begins, time_zone=zone, **fields)


def rename(server: SandboxServer) -> None:
    """Give each event of the default user's calendar another title."""
    with server.google.store.transaction():
        ids = [event["id"] for event in server.calendar.events()]
        for number, event_id in enumerate(ids):
            server.calendar.change_event(event_id, summary=f"{NEW_TITLE} {number}")


class FilledGoogle:
    """The sandbox's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._say, self._hear = process.stdin, process.stdout
        self.root_url = self._hear.readline().strip()

    def rename_all(self) -> None:
        """People give each event another title."""
        self._say.write("rename\n")
        self._say.flush()
        assert self._hear.readline().strip() == "renamed"


@contextmanager
def filled_google(events: int) -> Iterator[FilledGoogle]:
    """A sandbox whose default user has so many events."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.google", str(events)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield FilledGoogle(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def main() -> None:
    """Serve until the parent closes our input or ends us; rename all at each line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=int)
    with SandboxServer(debug=False) as server:
        fill(server, parser.parse_args().events)
        print(server.root_url, flush=True)  # noqa: T201
        for _line in sys.stdin:
            rename(server)
            print("renamed", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
