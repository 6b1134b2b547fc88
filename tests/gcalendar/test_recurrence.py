"""Unrolling series, with recurring-ical-events as an independent judge."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from gcalendar.recurrence import WINDOW, Series, UnreadableRuleError, identity_of_date, unroll

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def series(*lines: str, first: datetime | None = None, zone: ZoneInfo = BERLIN) -> Series:
    """A meeting of an hour, at nine in Berlin on a Monday unless `first` says otherwise."""
    starts_at = (first or datetime(2026, 11, 2, 9, tzinfo=zone)).astimezone(UTC)
    return Series(lines, starts_at, starts_at + timedelta(hours=1), zone)


def all_day(*lines: str, first: date = date(2026, 11, 2), days: int = 1) -> Series:
    last = first + timedelta(days=days)
    start, end = (datetime(d.year, d.month, d.day, tzinfo=BERLIN) for d in (first, last))
    return Series(lines, start.astimezone(UTC), end.astimezone(UTC), BERLIN, first, last)


def walls(found: Series) -> list[str]:
    """Local starts."""
    slots = unroll(found, (), NOW)
    return [f"{slot.starts_at.astimezone(found.zone):%Y-%m-%d %H:%M}" for slot in slots]


def test_a_weekly_meeting_keeps_its_hour_across_a_change_of_the_clocks() -> None:
    weekly = series("RRULE:FREQ=WEEKLY;COUNT=30", first=datetime(2026, 9, 7, 9, tzinfo=BERLIN))

    assert {wall[-5:] for wall in walls(weekly)} == {"09:00"}
    slots = unroll(weekly, (), NOW)
    assert {slot.starts_at.hour for slot in slots} == {7, 8}
    assert {slot.ends_at - slot.starts_at for slot in slots} == {timedelta(hours=1)}


def test_f34_a_meeting_in_the_hour_that_does_not_exist_still_happens_that_day() -> None:
    early = series("RRULE:FREQ=DAILY;COUNT=3", first=datetime(2027, 3, 27, 2, 30, tzinfo=BERLIN))

    assert walls(early) == ["2027-03-27 02:30", "2027-03-28 03:30", "2027-03-29 02:30"]


@pytest.mark.parametrize(
    "until", ["20261105T080000Z", "20261105T225959Z", "20261105", "20261105T235959"]
)
def test_until_in_utc_local_or_as_a_date_includes_that_day(until: str) -> None:
    daily = series(f"RRULE:FREQ=DAILY;UNTIL={until}")

    assert [wall[8:10] for wall in walls(daily)] == ["02", "03", "04", "05"]


@pytest.mark.parametrize(
    "line",
    [
        "EXDATE:20261103T080000Z",
        "EXDATE;TZID=Europe/Berlin:20261103T090000",
        "EXDATE;VALUE=DATE:20261103",
        "exdate;TZID=America/New_York:20261103T030000",
    ],
)
def test_excluded_dates_are_understood_in_every_spelling(line: str) -> None:
    daily = series("RRULE:FREQ=DAILY;COUNT=3", line)

    assert [wall[8:10] for wall in walls(daily)] == ["02", "04"]


def test_a_series_of_named_dates_only_has_its_start_and_these() -> None:
    named = series("RDATE;TZID=Europe/Berlin:20261110T100000,20261112T090000/PT2H")

    assert walls(named) == ["2026-11-02 09:00", "2026-11-10 10:00", "2026-11-12 09:00"]


def test_an_excluding_rule_takes_its_days_away() -> None:
    found = series("RRULE:FREQ=DAILY;COUNT=14", "EXRULE:FREQ=WEEKLY;BYDAY=SA,SU")

    assert len(walls(found)) == 10


def test_an_all_day_series_is_dates_with_exclusive_ends() -> None:
    slots = unroll(all_day("RRULE:FREQ=WEEKLY;UNTIL=20261116", days=2), (), NOW)

    assert [(slot.starts_on, slot.ends_on) for slot in slots] == [
        (date(2026, 11, day), date(2026, 11, day + 2)) for day in (2, 9, 16)
    ]
    assert slots[0].starts_at == datetime(2026, 11, 1, 23, tzinfo=UTC)
    assert slots[0].original_start == identity_of_date(date(2026, 11, 2))


def test_slots_of_exceptions_are_left_out() -> None:
    daily = series("RRULE:FREQ=DAILY;COUNT=3")
    taken = {datetime(2026, 11, 3, 8, tzinfo=UTC)}

    assert [slot.starts_at.day for slot in unroll(daily, taken, NOW)] == [2, 4]


def test_an_endless_series_is_unrolled_for_eighteen_months_either_way() -> None:
    slots = unroll(series("RRULE:FREQ=DAILY", first=datetime(2015, 1, 1, tzinfo=BERLIN)), (), NOW)

    assert slots[0].ends_at > NOW - WINDOW
    assert NOW + WINDOW - slots[-1].starts_at < timedelta(days=1)
    assert len(slots) == 2 * 548


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=SOMETIMES",
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=MINUTELY;COUNT=9",
        "RRULE:FREQ=DAILY;BYHOUR=9,10",
        "RRULE",
        "RRULE:",
        "RRULE:FREQ=DAILY;BYDAY=XX",
        "RRULE:FREQ=DAILY\nRRULE:FREQ=DAILY",
        "RDATE:tomorrow",
        "RDATE:",
        "EXDATE;TZID=Mars/Olympus:20261103T090000",
        "DTSTART:20261103T090000",
        "\ud800",
        "",
    ],
)
def test_what_cannot_be_read_says_so(line: str) -> None:
    with pytest.raises(UnreadableRuleError):
        unroll(series(line), (), NOW)


def test_a_rule_that_never_matches_is_given_up_soon() -> None:
    started = monotonic()

    assert unroll(series("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), (), NOW) != []
    assert monotonic() - started < 3


ORACLE_RULES = [
    "RRULE:FREQ=DAILY;COUNT=40",
    "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=40",
    "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;WKST=SU;COUNT=20",
    "RRULE:FREQ=MONTHLY;BYDAY=-1MO;COUNT=12",
    "RRULE:FREQ=MONTHLY;BYMONTHDAY=31;COUNT=8",
    "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=12",
    "RRULE:FREQ=YEARLY;BYMONTH=3,11;BYDAY=1MO;COUNT=4",
    "RRULE:FREQ=DAILY;UNTIL=20270401T070000Z",
    "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=2",
]


@pytest.mark.parametrize("line", ORACLE_RULES)
def test_another_implementation_finds_the_same_occurrences(line: str) -> None:
    name, _, value = line.partition(":")
    event = icalendar.Event()
    event.add("uid", "u")
    event.add("dtstart", datetime(2026, 11, 2, 9, tzinfo=BERLIN))
    event.add("dtend", datetime(2026, 11, 2, 10, tzinfo=BERLIN))
    event.add(name.lower(), icalendar.vRecur.from_ical(value))
    calendar = icalendar.Calendar()
    calendar.add_component(event)
    judged = recurring_ical_events.of(calendar).between(NOW - WINDOW, NOW + WINDOW)
    expected = sorted(found["DTSTART"].dt.astimezone(UTC) for found in judged)

    assert [slot.starts_at for slot in unroll(series(line), (), NOW)] == expected
