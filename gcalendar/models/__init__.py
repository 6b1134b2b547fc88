"""The mirror of Google Calendar."""

from gcalendar.models.archive import (
    ArchivedAppearance,
    ArchivedAttendee,
    ArchivedEventLink,
    ArchivedOccurrence,
    CalendarEventArchive,
)
from gcalendar.models.calendar import CalendarSyncState, MirroredCalendar
from gcalendar.models.creation import EventCreation
from gcalendar.models.event import CalendarEvent, EventAppearance, EventAttendee
from gcalendar.models.link import EventLink
from gcalendar.models.occurrence import EventOccurrence, RecurrenceRule

__all__ = [
    "ArchivedAppearance",
    "ArchivedAttendee",
    "ArchivedEventLink",
    "ArchivedOccurrence",
    "CalendarEvent",
    "CalendarEventArchive",
    "CalendarSyncState",
    "EventAppearance",
    "EventAttendee",
    "EventCreation",
    "EventLink",
    "EventOccurrence",
    "MirroredCalendar",
    "RecurrenceRule",
]
