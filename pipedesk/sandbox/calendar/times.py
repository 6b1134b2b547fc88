"""Start and end of events: reading, checking, comparing."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from pipedesk.sandbox.errors import GoogleError, Json, bad_request, required


def zone_of(name: str) -> ZoneInfo:
    """The time zone. Raises GoogleError 400 when there is none of this name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise bad_request(f"Invalid time zone definition: {name}.", "invalid") from None


def is_all_day(moment: Json) -> bool:
    """Whether an event's start or end is a date."""
    return bool(moment.get("date"))


def moment_of(point: Json, calendar_zone: str) -> datetime:
    """A start or end as an aware moment; a date begins at midnight of the calendar's zone."""
    zone = zone_of(point.get("timeZone") or calendar_zone)
    if is_all_day(point):
        return datetime.combine(date.fromisoformat(point["date"]), time.min, zone)
    moment = datetime.fromisoformat(point["dateTime"])
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def normalised(point: Json | None, name: str, calendar_zone: str) -> Json:
    """A start or end as Google answers it: offset and zone filled in.

    Raises GoogleError 400 when it is missing or says both date and time.
    """
    point = {key: value for key, value in (point or {}).items() if value is not None}
    if ("date" in point) == ("dateTime" in point):
        if point.get("date"):
            raise bad_request(f"Invalid {name} time.", "invalid")
        raise required(name, f"Missing {name} time.")
    if is_all_day(point):
        return {"date": point["date"]}
    moment = moment_of(point, calendar_zone)
    zone_name = point.get("timeZone") or calendar_zone
    local = moment if moment.tzinfo is not UTC else moment.astimezone(zone_of(zone_name))
    return {"dateTime": local.replace(microsecond=0).isoformat(), "timeZone": zone_name}


def check_range(start: Json, end: Json, calendar_zone: str) -> None:
    """Raise GoogleError 400 when the end is before the start or of the other kind."""
    if is_all_day(start) != is_all_day(end):
        raise bad_request("Bad Request: start and end must be both dates or both times.", "invalid")
    first, last = moment_of(start, calendar_zone), moment_of(end, calendar_zone)
    if last < first or (is_all_day(start) and last == first):
        raise GoogleError(
            400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar"
        )


def stamp_of(original_start: Json, calendar_zone: str) -> str:
    """The suffix of an instance's id: its original start, ``20250325`` or ``20250325T130000Z``."""
    if is_all_day(original_start):
        return date.fromisoformat(original_start["date"]).strftime("%Y%m%d")
    return moment_of(original_start, calendar_zone).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
