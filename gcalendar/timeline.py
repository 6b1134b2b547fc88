"""Meetings on the timelines of the people who attend them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm.timeline import Entry, Record, Row, source
from gcalendar.circles import circle_of, touching
from gcalendar.event_rows import COLUMNS, Viewer, rendered, stamp_of
from gcalendar.models import (
    ArchivedAttendee,
    ArchivedOccurrence,
    CalendarEvent,
    CalendarEventArchive,
    EventAttendee,
    EventOccurrence,
)
from pipedesk.accounts.models import User
from pipedesk.core.pagination import Key, Order

METADATA = {
    "eventId": "id",
    "googleEventId": "google_event_id",
    "calendarId": "calendar_id",
    "status": "status",
    "startTime": "start_time",
    "endTime": "end_time",
    "allDay": "all_day",
    "startDate": "start_date",
    "endDate": "end_date",
    "location": "location",
    "meetLink": "meet_link",
    "htmlLink": "html_link",
    "organizerEmail": "organizer_email",
    "attendees": "attendees",
}


@source("meeting")
class Meetings:
    """Each time a meeting of the record's people takes place, cancelled ones included."""

    # The row's own key is no part: a row is made anew when its meeting moves.
    order = Order(
        "meeting",
        (
            Key("start_time", descending=True),
            Key("event_id", descending=True),
            Key("original_start_time", descending=True),
        ),
    )

    events: type[Any] = CalendarEvent
    guests: type[Any] = EventAttendee
    times: type[Any] = EventOccurrence

    def rows(self, record: Record) -> QuerySet[Any, Any]:
        """The times, once each however many of the people or calendars show them."""
        named = record.entity_type, record.entity_id
        circle = record.once("gcalendar", lambda: circle_of(*named))
        theirs = touching(circle, named, self.events, self.guests)
        times: QuerySet[Any, Any] = self.times.objects.shown().touching(*theirs)
        return times.values(*COLUMNS)

    def entries(self, rows: Sequence[Row], viewer: User) -> list[Entry]:
        """The meetings as the calendar shows them: "Busy" where they are not this user's."""
        events = rendered(rows, Viewer(viewer))
        return [_entry(row, event) for row, event in zip(rows, events, strict=True)]


@source("archived_meeting")
class ArchivedMeetings(Meetings):
    """The same of meetings in the archive."""

    events = CalendarEventArchive
    guests = ArchivedAttendee
    times = ArchivedOccurrence


def _entry(row: Row, event: Mapping[str, Any]) -> Entry:
    stamp = stamp_of(row["original_start_time"], all_day=False)
    return Entry(
        id=f"{row['event_id']}-{stamp}",
        title=event["summary"] or _("(no title)"),
        description=event["description"],
        metadata={name: event[column] for name, column in METADATA.items()},
        by=(event["organizer_email"] or "").lower() or None,
    )
