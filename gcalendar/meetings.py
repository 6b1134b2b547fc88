"""The rows of meetings: columns from Google's item, and writes of many at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.utils import timezone

from gcalendar.addresses import answers_in
from gcalendar.models import CalendarEvent, EventAttendee, RecurrenceRule
from gcalendar.parsing import ParsedEvent
from pipedesk.core.chunks import CHUNK, chunks
from pipedesk.core.inserting import insert

CONTENT = (
    "summary", "description", "start_time", "end_time", "meet_link", "html_link", "status",
    "organizer_email", "attendees", "location", "ical_uid", "all_day", "start_date", "end_date",
    "time_zone", "recurrence", "recurring_event_id", "original_start_time", "private",
    "transparent", "raw", "parse_error",
)  # fmt: skip
IDENTITY = ("google_event_id", "calendar_id", "source_id", "series_id", "google_updated_at")


def state_of(event: CalendarEvent) -> dict[str, Any]:
    """The columns that Google decides, to see later whether one moved."""
    return {name: getattr(event, name) for name in (*CONTENT, *IDENTITY)}


def write_meetings(events: Collection[tuple[CalendarEvent, dict[str, Any]]]) -> tuple[int, int]:
    """Write meetings that differ from their earlier state, with guests and rules.

    Returns how many were created and changed.
    """
    new = [event for event, _ in events if not event.pk]
    changed = [event for event, before in events if event.pk and state_of(event) != before]
    guests = [e for e, before in events if e.pk and e.attendees != before["attendees"]]
    rules = [e for e, before in events if e.pk and e.recurrence != before["recurrence"]]
    for event in changed:
        event.updated_at = timezone.now()
    insert(new)
    CalendarEvent.objects.bulk_create(
        changed,
        batch_size=CHUNK,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*CONTENT, *IDENTITY, "updated_at"],
    )
    for ids in chunks([event.pk for event in guests]):
        EventAttendee.objects.filter(event__in=ids).delete()
    for ids in chunks([event.pk for event in rules]):
        RecurrenceRule.objects.filter(event__in=ids).delete()
    _add_guests([*new, *guests])
    _add_rules([*new, *rules])
    return len(new), len(changed)


def columns_of(item: ParsedEvent) -> dict[str, Any]:
    """What Google says of a meeting, as values of our columns."""
    start, end = item.start, item.end
    columns: dict[str, Any] = {
        name: getattr(item, name)
        for name in ("summary", "description", "location", "html_link", "meet_link",
                     "organizer_email", "status", "recurring_event_id", "private", "transparent",
                     "raw")
    }  # fmt: skip
    return columns | {
        "start_time": start.at if start else item.original_start,
        "end_time": end.at if end else None,
        "all_day": item.all_day,
        "start_date": start.on if start else None,
        "end_date": end.on if end and item.all_day else None,
        "time_zone": start.zone if start else None,
        "attendees": list(item.attendees) or None,
        "recurrence": list(item.recurrence) or None,
        "original_start_time": item.original_start,
        "parse_error": item.error,
    }


def _add_guests(events: list[CalendarEvent]) -> None:
    rows = [
        EventAttendee(event=event, email=address, response_status=answer)
        for event in events
        for address, answer in answers_in(event.attendees).items()
    ]
    insert(rows)


def _add_rules(events: list[CalendarEvent]) -> None:
    rows = [
        RecurrenceRule(event=event, position=position, rule=rule)
        for event in events
        for position, rule in enumerate(event.recurrence or ())
    ]
    insert(rows)
