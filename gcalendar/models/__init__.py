"""The mirror of Google Calendar."""

from gcalendar.models.archive import (
    ArchivedAppearance,
    ArchivedAttendee,
    ArchivedOccurrence,
    CalendarEventArchive,
)
from gcalendar.models.calendar import CalendarSyncState, MirroredCalendar
from gcalendar.models.creation import EventCreation
from gcalendar.models.event import CalendarEvent, EventAppearance, EventAttendee
from gcalendar.models.occurrence import EventOccurrence, RecurrenceRule

__all__ = [
    "ArchivedAppearance",
    "ArchivedAttendee",
    "ArchivedOccurrence",
    "CalendarEvent",
    "CalendarEventArchive",
    "CalendarSyncState",
    "EventAppearance",
    "EventAttendee",
    "EventCreation",
    "EventOccurrence",
    "MirroredCalendar",
    "RecurrenceRule",
]
