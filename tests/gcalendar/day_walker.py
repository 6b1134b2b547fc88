"""Occurrences of a rule found by walking from day to day: slow, and nothing like the product.

It reads the rule's parts and not its text, and no library unrolls anything here. What a local
time means where clocks change is RFC 5545's: of two the earlier, in a gap as before the gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def wall(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A time on a wall, in no zone."""
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001


@dataclass(frozen=True)
class Rule:
    """One RRULE. `by_day`: ordinal (0: every) and weekday; `until` is on the wall clock."""

    frequency: str
    interval: int = 1
    by_day: tuple[tuple[int, int], ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    by_set_pos: int = 0
    week_start: int = 0
    count: int = 0
    until: datetime | None = None

    def text(self, zone: ZoneInfo) -> str:
        """As Google writes it."""
        parts = [f"FREQ={self.frequency}", f"INTERVAL={self.interval}"]
        if self.by_day:
            days = [f"{ordinal or ''}{DAYS[weekday]}" for ordinal, weekday in self.by_day]
            parts.append("BYDAY=" + ",".join(days))
        if self.by_month_day:
            parts.append("BYMONTHDAY=" + ",".join(map(str, self.by_month_day)))
        if self.by_month:
            parts.append("BYMONTH=" + ",".join(map(str, self.by_month)))
        if self.by_set_pos:
            parts.append(f"BYSETPOS={self.by_set_pos}")
        if self.week_start:
            parts.append(f"WKST={DAYS[self.week_start]}")
        if self.count:
            parts.append(f"COUNT={self.count}")
        if self.until:
            parts.append(f"UNTIL={instant(self.until, zone):%Y%m%dT%H%M%SZ}")
        return "RRULE:" + ";".join(parts)


def walk(rule: Rule, first: datetime, last: datetime) -> Iterator[datetime]:
    """The naive local times from `first` on, up to `last`."""
    found = 0
    for day in _days(rule, first.date(), last.date()):
        moment = datetime.combine(day, first.time())
        if moment < first:
            continue
        if (rule.until and moment > rule.until) or (rule.count and found == rule.count):
            return
        found += 1
        yield moment


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment a local time means, in UTC."""
    before, after = (
        (local + timedelta(days=side)).replace(tzinfo=UTC).astimezone(zone).utcoffset()
        for side in (-1, 1)
    )
    assert before is not None
    assert after is not None
    moments = [(local - offset).replace(tzinfo=UTC) for offset in (before, after)]
    real = [one for one in moments if one.astimezone(zone).replace(tzinfo=None) == local]
    return min(real, default=moments[0])


def changes_of_the_clock(zone: ZoneInfo, year: int) -> list[datetime]:
    """Midnights (UTC) of the days in which the zone's clocks are changed."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(366)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [day for day, now, then in zip(days, offsets, offsets[1:], strict=False) if now != then]


def _days(rule: Rule, first: date, last: date) -> Iterator[date]:
    """The days the rule names, whole sets even where they begin before the first."""
    day = first.replace(day=1) if rule.by_set_pos else first
    group: list[date] = []
    while day <= last:
        if _fits(rule, first, day):
            if not rule.by_set_pos:
                yield day
            else:
                group.append(day)
        day += timedelta(days=1)
        if rule.by_set_pos and day.day == 1:  # BYSETPOS is only asked of months here
            place = rule.by_set_pos - 1 if rule.by_set_pos > 0 else rule.by_set_pos
            yield from group[place : place + 1 or None]
            group = []


def _fits(rule: Rule, first: date, day: date) -> bool:
    if rule.by_month and day.month not in rule.by_month:
        return False
    if rule.by_month_day and not {day.day, day.day - _length(day) - 1} & set(rule.by_month_day):
        return False
    if rule.by_day and not any(_is_nth(day, *named) for named in rule.by_day):
        return False
    months = (day.year - first.year) * 12 + day.month - first.month
    match rule.frequency:
        case "DAILY":
            return (day - first).days % rule.interval == 0
        case "WEEKLY":
            weeks = (_monday(day, rule.week_start) - _monday(first, rule.week_start)).days // 7
            named = bool(rule.by_day) or day.weekday() == first.weekday()
            return named and weeks % rule.interval == 0
        case "MONTHLY":
            named = bool(rule.by_day or rule.by_month_day) or day.day == first.day
            return named and months % rule.interval == 0
    named = bool(rule.by_day or rule.by_month_day) or day.day == first.day
    in_month = bool(rule.by_month) or day.month == first.month
    return named and in_month and (day.year - first.year) % rule.interval == 0


def _is_nth(day: date, ordinal: int, weekday: int) -> bool:
    """Whether the day is the month's first Monday, last Friday, any Tuesday."""
    forward, back = (day.day - 1) // 7 + 1, -((_length(day) - day.day) // 7 + 1)
    return day.weekday() == weekday and ordinal in {0, forward, back}


def _length(day: date) -> int:
    """How many days its month has."""
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day


def _monday(day: date, week_start: int) -> date:
    """The first day of its week."""
    return day - timedelta(days=(day.weekday() - week_start) % 7)
