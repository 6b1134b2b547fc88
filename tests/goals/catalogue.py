"""Which measurement shows which goal, and on which databases."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

BOTH = ("postgres", "sqlite")


@dataclass(frozen=True)
class Goal:
    """A goal and the command that measures it.

    A `command` beginning with `pytest` is a part of the suite; others print their figures as JSON.
    `databases`: on which it is measured, one after the other.
    """

    title: str
    command: tuple[str, ...]
    databases: tuple[str, ...] = ("postgres",)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_suite(self) -> bool:
        """Whether pytest measures it."""
        return self.command[0] == "pytest"

    def words(self) -> list[str]:
        """What to run."""
        return [sys.executable, "-m", *self.command]


def _bench(name: str) -> tuple[str, ...]:
    return ("tests.bench", name, "--full", "--json")


def _suite(*paths: str) -> tuple[str, ...]:
    return ("pytest", "-q", "-p", "no:randomly", *paths)


LIVES = "tests/gcalendar/calendar_life"
GOALS: dict[str, Goal] = {
    "G1": Goal("Push messages for a minute", _bench("sustained"), BOTH),
    "G2": Goal("A burst of push messages", _bench("burst"), BOTH),
    "G3": Goal("From Google to the API", _bench("arrivals")),
    "G4": Goal("10,000 push messages, few list calls", _bench("pushes")),
    "G5": Goal("Events applied", _bench("events"), BOTH),
    "G6": Goal("Jobs of the queue", _bench("messages"), BOTH),
    "G7": Goal(
        "Death at every step", _suite("tests/crashes"), environment={"CRASHES": "1"}
    ),
    "G8": Goal(
        "Random lives, planted bugs", _suite(LIVES), environment={"CALENDAR_LIFE_RUNS": "500"}
    ),
    "G9": Goal("Named faults", _suite("-m", "fault"), BOTH),
    "G10": Goal("Chaos", ("tests.chaos", "--seed", "1", "2", "3", "--json")),
    "G11": Goal("A queue that stands still", _bench("wedge")),
    "G12": Goal("Schedules looked at by many", _bench("schedules"), BOTH),
}  # fmt: skip
