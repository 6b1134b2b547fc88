"""The rules of a series, cut in two at one of its occurrences. Pure.

https://datatracker.ietf.org/doc/html/rfc5545#section-3.3.10
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule

from gcalendar.recurrence import (
    LATER_YEARS,
    Series,
    first_wall,
    identity_of_date,
    later_wall,
    read_rule,
    readable,
    wall_of,
    wall_of_date,
)

END = re.compile(r";?(COUNT|UNTIL)=([^;]*)", re.IGNORECASE)
COUNT = re.compile(r"COUNT=(\d+)", re.IGNORECASE)


class UncuttableError(ValueError):
    """What is left of the rules cannot stand alone: somebody has to say new ones."""


@dataclass(frozen=True)
class Cut:
    """A series, and the identity of the occurrence it is cut at.

    Methods raise UnreadableRuleError.
    """

    series: Series
    turn: datetime

    def before(self) -> list[str]:
        """The lines of what comes before the turn."""
        lines = []
        for line, name, value in self._lines():
            if name in {"RRULE", "EXRULE"}:
                lines.append(self._ended(line, value))
            elif dates := [text for text, wall in self._dates(line, value) if wall < self._wall]:
                lines.append(_with_dates(line, dates))
        return lines

    def after(self, first: Series) -> list[str]:
        """The lines of what comes from the turn on, which itself is the start.

        `first`: when it takes place now, without rules; ends of rules move along with it.
        Raises UncuttableError where people have to say new rules.
        """
        if (first.first_on is None) is not (self.series.first_on is None):
            msg = "days do not become times"
            raise UncuttableError(msg)
        by = first_wall(first) - self._wall
        moves = bool(by) or first.zone != self.series.zone
        lines: list[str] = []
        for line, name, value in self._lines():
            if name in {"RRULE", "EXRULE"}:
                lines += self._rest(line, name, value, by if moves else None, first.zone)
            elif dates := [text for text, wall in self._dates(line, value) if wall > self._wall]:
                if moves:
                    msg = "single dates do not move along"
                    raise UncuttableError(msg)
                lines.append(_with_dates(line, dates))
        _check_rhythm(lines, first)
        return lines

    @property
    def _wall(self) -> datetime:
        return wall_of(self.series, self.turn)

    def _lines(self) -> Iterator[tuple[str, str, str]]:
        """Each line, what it is, and what it says."""
        for line in self.series.lines:
            head, _, value = line.strip().partition(":")
            yield line.strip(), head.partition(";")[0].upper(), value

    def _dates(self, line: str, value: str) -> Iterator[tuple[str, datetime]]:
        options = line.partition(":")[0].partition(";")[2]
        with readable():
            for text in value.split(","):
                yield text, wall_of_date(text, options, self.series)

    def _rule(self, value: str) -> rrule:
        with readable():
            return read_rule(value, self.series)

    def _ended(self, line: str, value: str) -> str:
        """The rule, over before the turn; one that is over anyway stays as it is."""
        if self._rule(value).after(later_wall(self.series, self.turn), inc=True) is None:
            return line
        if self.series.first_on is not None:
            until = f"{self.turn - timedelta(days=1):%Y%m%d}"
        else:
            until = f"{self.turn.astimezone(UTC) - timedelta(seconds=1):%Y%m%dT%H%M%SZ}"
        return f"{_endless(line)};UNTIL={until}"

    def _rest(
        self, line: str, name: str, value: str, by: timedelta | None, zone: ZoneInfo
    ) -> list[str]:
        """The rule from the turn on, if anything of it is left."""
        rule, turn = self._rule(value), later_wall(self.series, self.turn)
        following = rule.after(turn, inc=True)
        if following is None:
            return []
        if name == "EXRULE" or following != turn:
            msg = "the rule has its rhythm from the first start"
            raise UncuttableError(msg)
        if counted := COUNT.search(line):
            passed = sum(1 for _ in takewhile(lambda wall: wall < turn, rule))
            return [COUNT.sub(f"COUNT={int(counted[1]) - passed}", line)]
        if by is None or not END.search(line):
            return [line]
        last = rule[-1].replace(year=rule[-1].year - LATER_YEARS) + by
        return [f"{_endless(line)};UNTIL={self._end_of(last, zone)}"]

    def _end_of(self, last: datetime, zone: ZoneInfo) -> str:
        """The end of a rule whose last occurrence is then, on the new wall clock."""
        if self.series.first_on is not None:
            return f"{last:%Y%m%d}"
        end = datetime.combine(last, time(23, 59, 59), zone)
        return f"{end.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _endless(line: str) -> str:
    return END.sub("", line).replace(":;", ":", 1)


def _with_dates(line: str, dates: list[str]) -> str:
    return f"{line.partition(':')[0]}:{','.join(dates)}"


def _check_rhythm(lines: list[str], first: Series) -> None:
    """Raise UncuttableError unless one rule at most is left, and makes the start by itself."""
    rules = [
        value
        for name, _, value in (line.partition(":") for line in lines)
        if name.upper() == "RRULE"
    ]
    start = identity_of_date(first.first_on) if first.first_on else first.starts_at
    with readable():
        fits = all(read_rule(rule, first)[0] == later_wall(first, start) for rule in rules)
    if len(rules) > 1 or not fits:
        msg = "the rules have another rhythm than the start"
        raise UncuttableError(msg)
