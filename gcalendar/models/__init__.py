"""The mirror of Google Calendar."""

from gcalendar.models.calendar import CalendarSyncState, MirroredCalendar
from gcalendar.models.event import (
    CalendarEvent,
    CalendarEventArchive,
    EventAppearance,
    EventAttendee,
)
from gcalendar.models.occurrence import EventOccurrence, RecurrenceRule

__all__ = [
    "CalendarEvent",
    "CalendarEventArchive",
    "CalendarSyncState",
    "EventAppearance",
    "EventAttendee",
    "EventOccurrence",
    "MirroredCalendar",
    "RecurrenceRule",
]
