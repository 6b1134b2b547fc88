"""Occurrences of a series from its RRULE, EXRULE, RDATE and EXDATE lines. Pure.

Rules are unrolled on the wall clock of the series' zone, so that a meeting at nine stays at nine
across a change of daylight saving time; all-day series are unrolled on dates.
https://datatracker.ietf.org/doc/html/rfc5545#section-3.8.5
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

WINDOW = timedelta(days=548)  # 18 months back and ahead
MAX_OCCURRENCES = 5_000
# What no meeting needs, and what could keep a worker busy for minutes.
TOO_FINE = ("SECONDLY", "MINUTELY", "HOURLY")
SEVERAL_A_DAY = re.compile(r"BY(?:HOUR|MINUTE|SECOND)=[^;]*,", re.IGNORECASE)
# The calendar repeats itself every 400 years, and the library looks for a match until the year
# 9999: 7,600 years later a rule that never matches is given up twenty times sooner.
LATER_YEARS = 7600
UNTIL = re.compile(r"UNTIL=(\d{8}(?:T\d{6})?)(Z?)", re.IGNORECASE)
WALL_TIME = "%Y%m%dT%H%M%S"


class UnreadableRuleError(ValueError):
    """The lines of a series say nothing we can unroll; the message says which part."""


@contextmanager
def readable() -> Iterator[None]:
    """Turn whatever a strange rule raises into an UnreadableRuleError."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, IndexError) as failure:
        raise UnreadableRuleError(str(failure) or type(failure).__name__) from failure


@dataclass(frozen=True)
class Series:
    """What the occurrences follow from. `first_on` and `last_on` (exclusive) of all-day series."""

    lines: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    first_on: date | None = None
    last_on: date | None = None


@dataclass(frozen=True)
class Slot:
    """One occurrence. `original_start` is its identity: where the rules put it."""

    original_start: datetime
    starts_at: datetime
    ends_at: datetime
    starts_on: date | None = None
    ends_on: date | None = None


def identity_of_date(on: date) -> datetime:
    """The identity of an all-day occurrence: the same in every zone."""
    return datetime.combine(on, time(), UTC)


def unroll(series: Series, taken: Collection[datetime], now: datetime) -> list[Slot]:
    """The occurrences within 18 months of `now`, without the identities in `taken`.

    Raises UnreadableRuleError.
    """
    earliest = now - WINDOW - (series.ends_at - series.starts_at)
    with readable():
        slots = takewhile(lambda slot: slot.starts_at < now + WINDOW, _slots(series))
        inside = (s for s in slots if s.starts_at > earliest and s.original_start not in taken)
        return list(islice(inside, MAX_OCCURRENCES))


def is_over(series: Series, before: datetime) -> bool:
    """Whether no occurrence ends at `before` or later. Raises UnreadableRuleError."""
    with readable():
        return all(slot.ends_at < before for slot in _slots(series))


def goes_on(series: Series, turn: datetime) -> bool:
    """Whether the rules put an occurrence at `turn` or later. Raises UnreadableRuleError."""
    with readable():
        return any(slot.original_start >= turn for slot in _slots(series))


def takes_place(series: Series, identity: datetime) -> bool:
    """Whether the rules put an occurrence just there. Raises UnreadableRuleError."""
    with readable():
        slots = takewhile(lambda slot: slot.original_start <= identity, _slots(series))
        return any(slot.original_start == identity for slot in slots)


def _slots(series: Series) -> Iterator[Slot]:
    for later in _walls(series):
        wall = later.replace(year=later.year - LATER_YEARS)
        if series.first_on is not None and series.last_on is not None:
            starts_on = wall.date()
            ends_on = starts_on + (series.last_on - series.first_on)
            yield Slot(
                identity_of_date(starts_on),
                _midnight(starts_on, series.zone),
                _midnight(ends_on, series.zone),
                starts_on,
                ends_on,
            )
        else:
            starts_at = wall.replace(tzinfo=series.zone).astimezone(UTC)
            yield Slot(starts_at, starts_at, starts_at + (series.ends_at - series.starts_at))


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), zone).astimezone(UTC)


def first_wall(series: Series) -> datetime:
    """Where the series starts on its wall clock; midnight of all-day ones."""
    if series.first_on is not None:
        return datetime.combine(series.first_on, time())
    return series.starts_at.astimezone(series.zone).replace(tzinfo=None)


def _walls(series: Series) -> Iterable[datetime]:
    """Naive wall-clock starts in order, each once, LATER_YEARS later."""
    first = _later(first_wall(series))
    every = rruleset()
    every.rdate(first)  # the first one counts also where no rule names it
    for line in series.lines:
        head, _, value = line.strip().partition(":")
        name, _, options = head.partition(";")
        name = name.upper()
        if name in {"RRULE", "EXRULE"}:
            (every.rrule if name == "RRULE" else every.exrule)(read_rule(value, series))
        elif name in {"RDATE", "EXDATE"}:
            add = every.rdate if name == "RDATE" else every.exdate
            for moment in value.split(","):
                add(_later(wall_of_date(moment, options, series)))
        else:
            msg = f"unknown line {name[:20]!r}"
            raise ValueError(msg)
    return every


def read_rule(value: str, series: Series) -> rrule:
    """The rule of one line, on wall clocks as `later_wall` has them."""
    first = _later(first_wall(series))
    rule = rrulestr(_with_wall_until(value, series), dtstart=first)
    if not isinstance(rule, rrule):
        msg = "several rules in one line"
        raise UnreadableRuleError(msg)
    return rule


def later_wall(series: Series, identity: datetime) -> datetime:
    """Where an occurrence stands on the wall clock that the rules are read on."""
    return _later(wall_of(series, identity))


def wall_of(series: Series, identity: datetime) -> datetime:
    """Where an occurrence stands on the wall clock of the series; midnight of all-day ones."""
    if series.first_on is not None:
        return identity.replace(tzinfo=None)
    return identity.astimezone(series.zone).replace(tzinfo=None)


def _later(wall: datetime) -> datetime:
    return wall.replace(year=wall.year + LATER_YEARS)


def _with_wall_until(rule: str, series: Series) -> str:
    """The rule with UNTIL on the wall clock of the series; an UNTIL date includes the day."""
    too_fine = any(f"FREQ={frequency}" in rule.upper() for frequency in TOO_FINE)
    if too_fine or SEVERAL_A_DAY.search(rule):
        msg = "the rule repeats more often than daily"
        raise ValueError(msg)

    def local(match: re.Match[str]) -> str:
        stamp, utc = match.groups()
        if series.first_on is not None or len(stamp) == 8:
            wall = datetime.strptime(stamp[:8] + "T235959", WALL_TIME)  # noqa: DTZ007
        else:
            wall = _parsed_stamp(stamp + utc, series.zone, series.zone)
        return f"UNTIL={_later(wall):{WALL_TIME}}"

    return UNTIL.sub(local, rule)


def wall_of_date(moment: str, options: str, series: Series) -> datetime:
    """An RDATE or EXDATE value on the wall clock of the series; of a period its start."""
    stamp = moment.strip().partition("/")[0]
    if series.first_on is not None:
        return datetime.strptime(stamp[:8], "%Y%m%d")  # noqa: DTZ007  a date
    if len(stamp) == 8:
        on = datetime.strptime(stamp, "%Y%m%d")  # noqa: DTZ007  a date
        return datetime.combine(on, first_wall(series).time())
    found = re.search(r"TZID=\"?([^;\"]+)", options, re.IGNORECASE)
    return _parsed_stamp(stamp, ZoneInfo(found[1]) if found else series.zone, series.zone)


def _parsed_stamp(stamp: str, spoken: ZoneInfo, wanted: ZoneInfo) -> datetime:
    """`20250326T045959`, in UTC with a Z, else in zone `spoken`, on the wall of `wanted`."""
    naive = datetime.strptime(stamp.rstrip("zZ"), WALL_TIME)  # noqa: DTZ007
    aware = naive.replace(tzinfo=UTC if stamp[-1] in "zZ" else spoken)
    return aware.astimezone(wanted).replace(tzinfo=None)
