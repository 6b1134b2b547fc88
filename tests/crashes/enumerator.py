"""Kill a process at each of its steps, let the world recover, and compare.

A point is one step: before and after each call to Google, each transaction's begin and commit,
each statement that writes and each row that one sends. After a death leases run out, the sweeper
looks, Google and clients repeat what nobody answered; every second death takes the queue's messages
along.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.crashes.world import World


class Scenario(ABC):
    """Something the product does, and what must be so afterwards."""

    name: ClassVar[str]
    # Whether readers see what was before or what comes after, and never anything between.
    all_or_nothing: ClassVar[bool] = False

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def furnish(self, size: int) -> None:
        """The world before; Google's lists come in pages of `size`."""

    @abstractmethod
    def deed(self) -> None:
        """What the process does that dies."""

    @abstractmethod
    def repeat(self) -> None:
        """What others do again after a death: Google, a client, the clock."""

    def visible(self) -> Any:
        """What readers see."""
        return ""

    @abstractmethod
    def check(self) -> None:
        """Raises AssertionError when Google and the mirror differ or something is doubled."""


@dataclass
class Outcome:
    """What became of one scenario with one page size: its points, and how many were tried."""

    scenario: str
    size: int
    points: int = 0
    tried: int = 0
    violations: list[str] = field(default_factory=list)


def enumerate_crashes(scenario: Scenario, size: int, every: int = 1, first: int = 1) -> Outcome:
    """Die at every step, or each `every`th from `first` on. An undisturbed run comes first."""
    world, outcome = scenario.world, Outcome(scenario.name, size)
    world.begin()
    scenario.furnish(size)
    world.remember()
    before = scenario.visible()
    _live(scenario, outcome, 0, [before])
    after = scenario.visible()
    outcome.points = world.process.taken
    for fatal in range(first, outcome.points + 1, every):
        world.restore()
        outcome.tried += 1
        _live(scenario, outcome, fatal, [before, after])
    return outcome


def _live(scenario: Scenario, outcome: Outcome, fatal: int, states: list[Any]) -> None:
    world = scenario.world
    lived = world.run(scenario.deed, fatal)
    steps = world.process.taken
    try:
        if not lived:
            world.bury(queue_too=fatal % 2 == 1)
            if scenario.all_or_nothing:
                assert scenario.visible() in states, "half of it is seen"
            scenario.repeat()
        world.settle()
        world.check()
        scenario.check()
    except Exception as failure:  # noqa: BLE001  whatever goes wrong is a violation
        text = " ".join(f"{type(failure).__name__}: {failure}".split())
        outcome.violations.append(f"{scenario.name}, {outcome.size} a page, step {fatal}: {text}")
    world.process.taken = steps


def lines(outcomes: Iterable[Outcome]) -> str:
    """One line each, and the sum."""
    rows = [("scenario", "a page", "points", "tried", "violations")]
    for one in outcomes:
        numbers = (one.size, one.points, one.tried, len(one.violations))
        rows.append((one.scenario, *(str(number) for number in numbers)))
    sums = [sum(int(row[column]) for row in rows[1:]) for column in (2, 3, 4)]
    rows.append(("all", "", *(str(number) for number in sums)))
    return "\n".join(f"{row[0]:<22}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in rows)
