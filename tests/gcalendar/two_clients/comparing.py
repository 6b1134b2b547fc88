"""A calendar read by our mirror and by gcal-sync: what each knows of it, compared."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gcalendar.models import EventAppearance, EventOccurrence
from gcalendar.recurrence import WINDOW
from tests.gcalendar.two_clients.other_client import Occurrence, OtherClient

NOW = datetime(2025, 3, 20, 12, tzinfo=UTC)
# The ends of the window move on while a test runs; all-day events begin in their own zone.
EDGE = timedelta(days=1)
SINCE, UNTIL = NOW - WINDOW + EDGE, NOW + WINDOW - EDGE
PAYLOADS = Path(__file__).with_name("payloads")
SHAPES = sorted(path.stem for path in PAYLOADS.glob("*.json"))


def steps_of(shape: str) -> list[dict[str, Any]]:
    """The steps of a shape: `action`, `items` of the list that follows, `occurrences` then."""
    document = json.loads((PAYLOADS / f"{shape}.json").read_text(encoding="utf-8"))
    steps: list[dict[str, Any]] = document["steps"]
    return steps


def said(at: datetime | None, on: Any) -> str:
    """A time as the other client's is written."""
    assert at is not None
    return on.isoformat() if on else at.astimezone(UTC).isoformat()


def our_events() -> dict[str, dict[str, Any]]:
    """What our rows tell of each event that takes place, by Google's id."""
    shown = EventAppearance.objects.live().select_related("event")
    return {row.google_event_id: told(row) for row in shown}


def told(row: EventAppearance) -> dict[str, Any]:
    """An event in the words of the other client."""
    event = row.event
    assert event.status != "cancelled"
    assert event.parse_error == ""
    original = event.original_start_time
    all_day_series = event.series.all_day if event.series else event.all_day
    return {
        "uid": event.ical_uid,
        "summary": event.summary or "",
        "description": event.description or "",
        "location": event.location or "",
        "start": said(event.start_time, event.start_date),
        "end": said(event.end_time, event.end_date),
        "recurrence": event.recurrence or [],
        "series": event.recurring_event_id,
        "original start": said(original, original.date() if all_day_series else None)
        if original
        else None,
        "free": row.transparent,
        "private": event.private,
        "guests": sorted(
            (guest["email"], guest.get("responseStatus", "needsAction"))
            for guest in event.attendees or ()
        ),
    }


def our_occurrences() -> set[Occurrence]:
    """Id, title, start and end of every row within the bounds."""
    rows = EventOccurrence.objects.taking_place().select_related("event")
    found = [
        (
            row.event.google_event_id,
            row.event.summary or "",
            said(row.start_time, row.start_date),
            said(row.end_time, row.end_date),
        )
        for row in rows
    ]
    return {one for one in found if SINCE <= moment(one[2]) < UNTIL}


def moment(text: str) -> datetime:
    """The beginning of a date, or a time."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def check(other: OtherClient) -> int:
    """Both have the same events at the same times; how many times."""
    assert our_events() == other.events()
    ours = our_occurrences()
    assert ours == other.occurrences(SINCE, UNTIL)
    return len(ours)
