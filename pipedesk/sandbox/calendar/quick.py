"""Words of "quick add" to an event: a day, a time, and what is left as the title.

Google's own understanding is not documented; this is the least of it:
https://support.google.com/calendar/answer/36604
"""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipedesk.sandbox.errors import Json

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY = re.compile(rf"\b(?:on )?(today|tomorrow|{'|'.join(DAYS)}|\d{{4}}-\d\d-\d\d)\b", re.IGNORECASE)
TIME = re.compile(
    r"\b(?:at )?(?:(1[0-2]|0?[1-9])(?::([0-5]\d))? ?(am|pm)|([01]?\d|2[0-3]):([0-5]\d))\b",
    re.IGNORECASE,
)


def read(text: str, now: datetime, zone: ZoneInfo) -> Json:
    """Title, start and end: an hour from the next full one where the text names no time."""
    day, left = _taken(DAY, text)
    clock, left = _taken(TIME, left)
    summary = " ".join(left.split()) or text.strip()
    local = now.astimezone(zone)
    if day is not None and clock is None:
        on = _day(day[1].lower(), local.date())
        days = {"start": on, "end": on + timedelta(days=1)}
        return {"summary": summary, **{k: {"date": v.isoformat()} for k, v in days.items()}}
    if clock is None:
        start = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    else:
        on = _day(day[1].lower(), local.date()) if day else local.date()
        start = datetime.combine(on, _time(clock), zone)
    times = {"start": start, "end": start + timedelta(hours=1)}
    points = {k: {"dateTime": v.isoformat(), "timeZone": zone.key} for k, v in times.items()}
    return {"summary": summary, **points}


def _taken(pattern: re.Pattern[str], text: str) -> tuple[re.Match[str] | None, str]:
    found = pattern.search(text)
    return (found, text[: found.start()] + text[found.end() :]) if found else (None, text)


def _day(word: str, today: date) -> date:
    if word in DAYS:
        return today + timedelta(days=(DAYS.index(word) - today.weekday()) % 7 or 7)
    if word in {"today", "tomorrow"}:
        return today + timedelta(days=word == "tomorrow")
    try:
        return date.fromisoformat(word)
    except ValueError:
        return today


def _time(found: re.Match[str]) -> time:
    if found[3] is None:
        return time(int(found[4]), int(found[5]))
    return time(int(found[1]) % 12 + (12 if found[3].lower() == "pm" else 0), int(found[2] or 0))
