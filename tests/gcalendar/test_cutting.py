"""The rules of a series cut in two: together they say what the whole said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gcalendar.cutting import Cut, UncuttableError
from gcalendar.recurrence import Series, UnreadableRuleError, goes_on, takes_place, unroll

SAO_PAULO, BERLIN = ZoneInfo("America/Sao_Paulo"), ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def timed(*lines: str, zone: ZoneInfo = SAO_PAULO, start: datetime | None = None) -> Series:
    start = start or datetime(2026, 12, 1, 10, tzinfo=zone)
    return Series(lines, start.astimezone(UTC), start.astimezone(UTC) + timedelta(hours=1), zone)


def all_day(*lines: str, start: date = date(2026, 12, 1)) -> Series:
    at = datetime.combine(start, datetime.min.time(), SAO_PAULO).astimezone(UTC)
    end = start + timedelta(days=1)
    return Series(lines, at, at + timedelta(days=1), SAO_PAULO, start, end)


def starts(series: Series) -> list[datetime]:
    return [slot.original_start for slot in unroll(series, (), NOW)]


WHOLE = [
    timed("RRULE:FREQ=DAILY;COUNT=6"),
    timed("RRULE:COUNT=6;FREQ=DAILY"),
    timed("RRULE:FREQ=DAILY;UNTIL=20261206T130000Z"),
    timed("RRULE:UNTIL=20261206T235959Z;FREQ=DAILY"),
    timed("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;COUNT=7"),
    timed("RRULE:FREQ=MONTHLY;BYDAY=1TU;UNTIL=20270801T000000Z"),
    timed("RRULE:FREQ=WEEKLY"),
    timed("RRULE:FREQ=DAILY;COUNT=6", "EXDATE:20261203T130000Z,20261205T130000Z"),
    timed("RRULE:FREQ=WEEKLY", "EXDATE;TZID=America/Sao_Paulo:20261215T100000"),
    timed("RRULE:FREQ=DAILY;COUNT=4", "RDATE:20261220T130000Z,20261222T130000Z"),
    timed("RDATE;TZID=America/Sao_Paulo:20261205T100000,20261207T150000"),
    timed("RRULE:FREQ=DAILY;COUNT=9", zone=BERLIN, start=datetime(2027, 3, 25, 9, tzinfo=BERLIN)),
    all_day("RRULE:FREQ=DAILY;COUNT=6"),
    all_day("RRULE:FREQ=DAILY;UNTIL=20261206", "EXDATE;VALUE=DATE:20261204"),
    all_day("RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15;COUNT=5"),
]  # fmt: skip


@pytest.mark.parametrize("series", WHOLE, ids=lambda series: " ".join(series.lines))
def test_both_parts_together_are_the_whole(series: Series) -> None:
    whole = starts(series)
    for turn in whole[1:6]:
        cut = Cut(series, turn)
        old = Series(tuple(cut.before()), series.starts_at, series.ends_at, series.zone,
                     series.first_on, series.last_on)  # fmt: skip
        first = moved(series, turn)
        try:
            new = Series(tuple(cut.after(first)), first.starts_at, first.ends_at, first.zone,
                         first.first_on, first.last_on)  # fmt: skip
        except UncuttableError:
            # A turn that a single date makes has no rhythm of its own; the first part has.
            assert len(series.lines) == 2
            assert "RDATE" in series.lines[1]
        else:
            assert starts(new) == [start for start in whole if start >= turn]
        assert starts(old) == [start for start in whole if start < turn]
        assert goes_on(series, turn)
        assert not goes_on(old, turn)
        assert takes_place(series, turn)


def moved(series: Series, turn: datetime, by: timedelta = timedelta()) -> Series:
    """The series from its turn on, without rules, and later by so much."""
    length = series.ends_at - series.starts_at
    if series.first_on is None or series.last_on is None:
        return Series((), turn + by, turn + by + length, series.zone)
    on = turn.date() + by
    at = datetime.combine(on, datetime.min.time(), series.zone).astimezone(UTC)
    return Series((), at, at + length, series.zone, on, on + (series.last_on - series.first_on))


def test_the_end_of_a_rule_moves_along() -> None:
    series = timed("RRULE:FREQ=DAILY;UNTIL=20261205T130000Z")
    turn = datetime(2026, 12, 3, 13, tzinfo=UTC)

    first = moved(series, turn, timedelta(hours=5))
    lines = Cut(series, turn).after(first)

    assert lines == ["RRULE:FREQ=DAILY;UNTIL=20261206T025959Z"]
    new = Series(tuple(lines), first.starts_at, first.ends_at, first.zone)
    assert [f"{start:%d %H}" for start in starts(new)] == ["03 18", "04 18", "05 18"]


def test_a_series_of_days_ends_on_a_day() -> None:
    series = all_day("RRULE:FREQ=DAILY;UNTIL=20261205")
    turn = datetime(2026, 12, 3, tzinfo=UTC)

    assert Cut(series, turn).before() == ["RRULE:FREQ=DAILY;UNTIL=20261202"]
    later = moved(series, turn, timedelta(days=2))
    assert Cut(series, turn).after(later) == ["RRULE:FREQ=DAILY;UNTIL=20261207"]


@pytest.mark.parametrize(
    ("lines", "by"),
    [
        (("RRULE:FREQ=WEEKLY;BYDAY=TU",), timedelta(days=1)),
        (("RRULE:FREQ=WEEKLY", "EXDATE:20261215T130000Z"), timedelta(hours=1)),
        (("RRULE:FREQ=WEEKLY", "RRULE:FREQ=DAILY;INTERVAL=7"), timedelta()),
        (("RRULE:FREQ=WEEKLY;INTERVAL=2", "RDATE:20261208T130000Z"), timedelta()),
        (("RRULE:FREQ=WEEKLY", "EXRULE:FREQ=MONTHLY"), timedelta()),
    ],
)
def test_rules_that_do_not_fit_any_more_are_for_people_to_say(
    lines: tuple[str, ...], by: timedelta
) -> None:
    series, turn = timed(*lines), datetime(2026, 12, 8, 13, tzinfo=UTC)

    with pytest.raises(UncuttableError):
        Cut(series, turn).after(moved(series, turn, by))


def test_days_do_not_become_times() -> None:
    turn = datetime(2026, 12, 3, tzinfo=UTC)
    with pytest.raises(UncuttableError):
        Cut(all_day("RRULE:FREQ=DAILY"), turn).after(moved(timed(), turn))


def test_a_rule_nobody_can_read_is_not_cut() -> None:
    with pytest.raises(UnreadableRuleError):
        Cut(timed("RRULE:FREQ=SOMETIMES"), NOW).before()
