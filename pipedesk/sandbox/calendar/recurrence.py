"""Occurrences of a recurring event, minimal: what ``instances`` and ``singleEvents`` need."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice

from dateutil.rrule import rruleset, rrulestr

from pipedesk.sandbox.calendar.times import is_all_day, moment_of, zone_of
from pipedesk.sandbox.errors import Json, bad_request

MAX_OCCURRENCES = 730


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
        first = datetime.combine(date.fromisoformat(start["date"]), datetime.min.time())
        lines = [line.replace("T000000Z", "") for line in recurrence]
    else:
        zone = zone_of(start.get("timeZone") or calendar_zone)
        first = moment_of(start, calendar_zone).astimezone(zone)
        lines = recurrence
    rules = rrulestr("\n".join(lines), dtstart=first, forceset=True, tzids=zone_of)
    if isinstance(rules, rruleset) and not any(line.startswith("RRULE") for line in lines):
        rules.rdate(first)
    return iter(rules)


def _point(moment: datetime, like: Json) -> Json:
    if is_all_day(like):
        return {"date": moment.date().isoformat()}
    return {"dateTime": moment.isoformat(), "timeZone": like["timeZone"]}
