"""Busy times of a calendar."""

from datetime import datetime

from pipedesk.sandbox.calendar.events import Events, is_cancelled
from pipedesk.sandbox.calendar.times import moment_of
from pipedesk.sandbox.clock import rfc3339
from pipedesk.sandbox.errors import Json


def busy_periods(events: Events, calendar: Json, low: datetime, high: datetime) -> list[Json]:
    """Periods between two moments taken by opaque events, occurrences included, not merged."""
    found: list[tuple[datetime, datetime]] = []
    for _, event in events.changed_since(calendar["id"], 0):
        if is_cancelled(event) or "recurringEventId" in event:
            continue
        members = events.instances(calendar, event) if "recurrence" in event else [event]
        for member in members:
            if is_cancelled(member) or member.get("transparency") == "transparent":
                continue
            start = moment_of(member["start"], calendar["timeZone"])
            end = moment_of(member["end"], calendar["timeZone"])
            if start < high and end > low:
                found.append((start, end))
    return [{"start": rfc3339(start), "end": rfc3339(end)} for start, end in sorted(found)]
