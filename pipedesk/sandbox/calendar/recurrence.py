"""Occurrences of a recurring event, minimal: what ``instances`` and ``singleEvents`` need."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice

from dateutil.rrule import rruleset, rrulestr

from pipedesk.sandbox.calendar.times import is_all_day, moment_of, zone_of
from pipedesk.sandbox.errors import Json, bad_request

MAX_OCCURRENCES = 730
_ONCE = "RRULE:FREQ=DAILY;COUNT=1"
_UTC_UNTIL = re.compile(r"(UNTIL=\d{8})T\d{6}Z?")


def check_rules(recurrence: list[str], start: Json, calendar_zone: str) -> None:
    """Raise GoogleError 400 for rules that cannot be read, or that carry DTSTART."""
    if any(not line.startswith(("RRULE", "EXRULE", "RDATE", "EXDATE")) for line in recurrence):
        raise bad_request("Invalid recurrence rule.", "invalid")
    try:
        next(_moments(recurrence, start, calendar_zone), None)
    except (ValueError, TypeError, IndexError, AttributeError):
        raise bad_request("Invalid recurrence rule.", "invalid") from None


def occurrences(master: Json, calendar_zone: str) -> Iterator[tuple[Json, Json]]:
    """``(start, end)`` of the first occurrences of a series, in order."""
    start, end = master["start"], master["end"]
    duration = moment_of(end, calendar_zone) - moment_of(start, calendar_zone)
    for moment in islice(_moments(master["recurrence"], start, calendar_zone), MAX_OCCURRENCES):
        yield _point(moment, start), _point(_end_of(moment, duration, start), start)


def _end_of(moment: datetime, duration: timedelta, start: Json) -> datetime:
    if is_all_day(start):
        return moment + timedelta(days=max(1, round(duration / timedelta(days=1))))
    return (moment.astimezone(tz=None) + duration).astimezone(moment.tzinfo)


def _moments(recurrence: list[str], start: Json, calendar_zone: str) -> Iterator[datetime]:
    """Occurrences' starts: naive for all-day events, else local time of the start's zone."""
    if is_all_day(start):
        first = datetime.combine(date.fromisoformat(start["date"]), time.min)
        lines = [_UTC_UNTIL.sub(r"\1", line) for line in recurrence]
    else:
        first = moment_of(start, calendar_zone).astimezone(zone_of(start["timeZone"]))
        lines = recurrence
    dated = [line for line in lines if line.startswith("RDATE")]
    ruled = [line for line in lines if line not in dated]
    if not any(line.startswith("RRULE") for line in ruled):
        ruled.append(_ONCE)
    rules = rrulestr(
        "\n".join(ruled),
        dtstart=first,
        forceset=True,
        tzids=zone_of,
    )
    if not isinstance(rules, rruleset):
        raise TypeError(recurrence)  # forceset makes a set
    for line in dated:
        for moment in _dates_of(line, first):
            rules.rdate(moment)
    return iter(rules)


def _dates_of(line: str, first: datetime) -> list[datetime]:
    """The moments of an RDATE line; dateutil knows no TZID there."""
    head, _, values = line.partition(":")
    zone = next(
        (zone_of(part[5:]) for part in head.split(";") if part.startswith("TZID=")), first.tzinfo
    )
    moments = []
    for value in values.split(","):
        moment = datetime.fromisoformat(value)
        if first.tzinfo is None:
            moment = moment.replace(tzinfo=None)
        elif moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        moments.append(moment)
    return moments


def _point(moment: datetime, like: Json) -> Json:
    if is_all_day(like):
        return {"date": moment.date().isoformat()}
    return {"dateTime": moment.isoformat(), "timeZone": like["timeZone"]}
