"""Meetings older than the retention, with their guests, times and where they were seen.

Rows move here as they are and move back as they are: a meeting has one id, wherever it lies.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gcalendar.models.calendar import MirroredCalendar
from gcalendar.models.event import AppearanceModel, AttendeeModel, EventModel
from gcalendar.models.link import EventLinkQuerySet, LinkModel, link_constraints
from gcalendar.models.occurrence import EventOccurrenceQuerySet, OccurrenceModel
from pipedesk.core.models import column_index


class CalendarEventArchive(EventModel):
    """A meeting older than the retention; `id` is the one it had among the live ones."""

    id = models.IntegerField(primary_key=True)
    archived_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    series = models.ForeignKey(
        "self",
        verbose_name=_("series"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="exceptions",
        db_index=False,
    )

    class Meta:
        db_table = "calendar_events_archive"
        verbose_name = _("archived event")
        verbose_name_plural = _("archived events")
        ordering = ("start_time", "id")
        indexes = (
            column_index("calendar_events_archive", "start_time"),
            column_index("calendar_events_archive", "end_time"),
            # A meeting that shows up again is looked for by its iCalendar identity.
            column_index("calendar_events_archive", "ical_uid"),
            column_index("calendar_events_archive", "series_id"),
            column_index("calendar_events_archive", "source_id"),
            column_index("calendar_events_archive", "author_id"),
        )


class ArchivedAppearance(AppearanceModel):
    """Where an archived meeting is seen, so that a sync knows it and leaves it where it is."""

    event = models.ForeignKey(
        CalendarEventArchive, on_delete=models.CASCADE, related_name="appearances", db_index=False
    )
    mirrored_calendar = models.ForeignKey(
        MirroredCalendar, on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta:
        db_table = "calendar_event_appearances_archive"
        verbose_name = _("archived appearance")
        verbose_name_plural = _("archived appearances")
        ordering = ("id",)
        indexes = (column_index("calendar_event_appearances_archive", "event_id"),)
        constraints = (
            models.UniqueConstraint(
                fields=["mirrored_calendar", "google_event_id"],
                name="uq_calendar_event_appearances_archive",
            ),
        )


class ArchivedAttendee(AttendeeModel):
    """A guest of an archived meeting."""

    event = models.ForeignKey(
        CalendarEventArchive,
        on_delete=models.CASCADE,
        related_name="attendee_rows",
        db_index=False,
    )

    class Meta:
        db_table = "calendar_event_attendees_archive"
        verbose_name = _("archived guest")
        verbose_name_plural = _("archived guests")
        ordering = ("id",)
        indexes = (
            # The meetings of a person.
            column_index("calendar_event_attendees_archive", "email"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["event", "email"], name="uq_calendar_event_attendees_archive"
            ),
        )


class ArchivedEventLink(LinkModel):
    """What was said of a meeting that lies in the archive."""

    event = models.ForeignKey(
        CalendarEventArchive, on_delete=models.CASCADE, related_name="link_rows", db_index=False
    )

    objects = EventLinkQuerySet.as_manager()

    class Meta:
        db_table = "calendar_event_links_archive"
        verbose_name = _("archived link")
        verbose_name_plural = _("archived links")
        ordering = ("id",)
        indexes = (
            column_index("calendar_event_links_archive", "event_id"),
            column_index("calendar_event_links_archive", "user_id"),
        )
        constraints = link_constraints("calendar_event_links_archive")


class ArchivedOccurrenceQuerySet(EventOccurrenceQuerySet):
    """Times of archived meetings."""

    appearances: ClassVar[type[Any]] = ArchivedAppearance
    events: ClassVar[type[Any]] = CalendarEventArchive
    guests: ClassVar[type[Any]] = ArchivedAttendee
    links: ClassVar[type[Any]] = ArchivedEventLink


class ArchivedOccurrence(OccurrenceModel):
    """A time at which an archived meeting took place."""

    event = models.ForeignKey(
        CalendarEventArchive, on_delete=models.CASCADE, related_name="occurrences", db_index=False
    )

    objects = ArchivedOccurrenceQuerySet.as_manager()

    class Meta:
        db_table = "calendar_event_occurrences_archive"
        verbose_name = _("archived occurrence")
        verbose_name_plural = _("archived occurrences")
        ordering = ("start_time", "id")
        indexes = (
            # A date range of the archive.
            column_index("calendar_event_occurrences_archive", "start_time"),
            column_index("calendar_event_occurrences_archive", "end_time"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["event", "original_start_time"],
                name="uq_calendar_event_occurrences_archive",
            ),
        )
