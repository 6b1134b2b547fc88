"""Series in every zone, across its changes of the clocks, judged by walking day by day.

`ZONE_RULES=all` plays every zone there is and `ZONE_RULES_RUNS` is the number of rules made up;
without them the suite plays a sample, always the same.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gcalendar.recurrence import WINDOW, Series, unroll
from tests.gcalendar.day_walker import Rule, changes_of_the_clock, instant, walk, wall

RUNS = int(os.environ.get("ZONE_RULES_RUNS", "150"))
ZONES: Final = sorted(available_timezones() - {"localtime", "Factory"})
PLAYED: Final = ZONES if os.environ.get("ZONE_RULES") == "all" else ZONES[::12]
YEAR = 2027
HOUR = timedelta(hours=1)
RULES: Final = (
    Rule("DAILY", count=12),
    Rule("WEEKLY", interval=2, count=6),
    Rule("MONTHLY", interval=6, count=3),
    Rule("DAILY", interval=3, until=wall(YEAR + 1, 1, 10, 2, 30)),
)


def check(zone: ZoneInfo, rule: Rule, first: datetime) -> None:
    """Ours is what walking finds, to the second."""
    starts_at = instant(first, zone)
    if starts_at.astimezone(zone).replace(tzinfo=None) != first:
        return  # no clock ever shows this: a series cannot begin there
    now = starts_at + timedelta(days=200)
    series = Series((rule.text(zone),), starts_at, starts_at + HOUR, zone)

    found = [(slot.starts_at, slot.ends_at) for slot in unroll(series, (), now)]

    walked = walk(rule, first, (now + WINDOW + timedelta(days=2)).replace(tzinfo=None))
    moments = [instant(local, zone) for local in walked]
    assert moments[0] == starts_at
    wanted = [(one, one + HOUR) for one in moments if one < now + WINDOW]
    assert found == wanted, (zone.key, rule.text(zone), first)


@pytest.mark.parametrize("name", PLAYED)
def test_a_series_across_each_change_of_the_clocks(name: str) -> None:
    zone = ZoneInfo(name)
    for change in changes_of_the_clock(zone, YEAR) or [wall(YEAR, 3, 28)]:
        for minutes in range(0, 24 * 60, 90):
            local = wall(change.year, change.month, change.day) + timedelta(minutes=minutes)
            for rule in RULES:
                check(zone, rule, local - timedelta(days=6))


weekdays = st.integers(0, 6)


@st.composite
def rules(draw: st.DrawFn, first: datetime) -> Rule:
    """A rule of each shape people make in Google's own form; it names the first day."""
    shape = draw(st.sampled_from(["plain", "days", "nth day", "month days", "last of days"]))
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    end = {"count": draw(st.integers(1, 30))}
    interval = draw(st.integers(1, 4))
    own, nth = first.weekday(), (first.day - 1) // 7 + 1
    if shape == "days" and frequency in {"DAILY", "WEEKLY", "MONTHLY"}:
        days = {own, *draw(st.sets(weekdays, max_size=4))}
        by_day = tuple((0, day) for day in sorted(days))
        start = draw(weekdays) if frequency == "WEEKLY" else 0
        return Rule(frequency, interval, by_day, week_start=start, **end)
    if shape == "nth day" and nth < 5:
        month = (first.month,) if frequency == "YEARLY" else ()
        frequency = frequency if frequency == "YEARLY" else "MONTHLY"
        return Rule(frequency, interval, ((nth, own),), by_month=month, **end)
    if shape == "month days":
        days = {first.day, *draw(st.sets(st.sampled_from([1, 15, 30, 31, -1, -2]), max_size=3))}
        months = {first.month, *draw(st.sets(st.integers(1, 12), max_size=3))}
        frequency = "YEARLY" if frequency == "YEARLY" else "MONTHLY"
        by_month = tuple(sorted(months)) if frequency == "YEARLY" or draw(st.booleans()) else ()
        return Rule(frequency, interval, (), tuple(sorted(days)), by_month, **end)
    if shape == "last of days":
        return Rule("MONTHLY", interval, tuple((0, day) for day in range(5)), by_set_pos=-1, **end)
    return Rule(frequency, interval, **end)


@pytest.mark.timeout(max(180, RUNS / 50))
@settings(max_examples=RUNS, deadline=None, derandomize="ZONE_RULES_RUNS" not in os.environ)
@given(data=st.data())
def test_any_rule_in_any_zone(data: st.DataObject) -> None:
    zone = ZoneInfo(data.draw(st.sampled_from(ZONES)))
    changes = changes_of_the_clock(zone, YEAR) or [wall(YEAR, 10, 31)]
    near = data.draw(st.sampled_from(changes))
    away = timedelta(
        days=data.draw(st.integers(-40, 3)), minutes=data.draw(st.integers(0, 24 * 4 - 1)) * 15
    )
    first = wall(near.year, near.month, near.day) + away
    rule = data.draw(rules(first))
    assume(next(walk(rule, first, first + timedelta(days=1)), None) == first)

    check(zone, rule, first)
