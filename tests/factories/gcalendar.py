"""The smallest valid rows of the calendar mirror."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import factory

from gcalendar.models import (
    CalendarEvent,
    CalendarSyncState,
    EventAppearance,
    EventOccurrence,
    MirroredCalendar,
)

START = datetime(2026, 12, 1, 13, tzinfo=UTC)


class CalendarFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MirroredCalendar

    calendar_id = factory.Sequence(lambda n: f"c{n}@group.calendar.google.com")
    subject = "ana@pipedesk.example"


class SyncStateFactory(factory.django.DjangoModelFactory):
    """The active row of a calendar, with a cursor and without a channel."""

    class Meta:
        model = CalendarSyncState

    mirrored_calendar = factory.SubFactory(CalendarFactory)
    calendar_id = factory.SelfAttribute("mirrored_calendar.calendar_id")


class EventFactory(factory.django.DjangoModelFactory):
    """A meeting that no calendar shows; see AppearanceFactory."""

    class Meta:
        model = CalendarEvent

    google_event_id = factory.Sequence(lambda n: f"event{n}")
    summary = factory.Sequence(lambda n: f"Meeting {n}")
    status = "confirmed"
    start_time = START
    end_time = factory.LazyAttribute(lambda event: event.start_time + timedelta(hours=1))


class AppearanceFactory(factory.django.DjangoModelFactory):
    """A meeting and a calendar that shows it."""

    class Meta:
        model = EventAppearance

    mirrored_calendar = factory.SubFactory(CalendarFactory)
    event = factory.SubFactory(
        EventFactory,
        source=factory.SelfAttribute("..mirrored_calendar"),
        calendar_id=factory.SelfAttribute("source.calendar_id"),
    )
    calendar_id = factory.SelfAttribute("mirrored_calendar.calendar_id")
    google_event_id = factory.SelfAttribute("event.google_event_id")
    status = factory.SelfAttribute("event.status")


class OccurrenceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = EventOccurrence

    event = factory.SubFactory(EventFactory)
    start_time = START
    end_time = factory.LazyAttribute(lambda slot: slot.start_time + timedelta(hours=1))
    original_start_time = factory.SelfAttribute("start_time")
