"""Meetings, where they are seen, and who is invited."""

from __future__ import annotations

from collections.abc import Collection
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from gcalendar.models.calendar import MirroredCalendar
from pipedesk.core.models import TimeStampedModel, TimeStampedQuerySet, column_index


class EventModel(TimeStampedModel):
    """The columns of a meeting, live or archived."""

    google_event_id = models.CharField(_("Google's id"), unique=True)
    calendar_id = models.CharField(_("calendar"), default="primary", db_default="primary")
    summary = models.CharField(_("title"), null=True, blank=True)
    description = models.TextField(_("description"), null=True, blank=True)
    start_time = models.DateTimeField(_("start"), null=True, blank=True)
    end_time = models.DateTimeField(_("end"), null=True, blank=True)
    meet_link = models.CharField(_("Meet link"), null=True, blank=True)
    html_link = models.CharField(_("link"), null=True, blank=True)
    status = models.CharField(_("status"), null=True, blank=True)
    organizer_email = models.CharField(_("organiser"), null=True, blank=True)
    attendees = models.JSONField(_("guests"), null=True, blank=True)
    location = models.TextField(_("place"), null=True, blank=True)
    ical_uid = models.CharField(null=True, blank=True)
    # All-day events keep their dates (end exclusive, as Google's) beside the timestamps.
    all_day = models.BooleanField(_("all day"), default=False, db_default=False)
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    time_zone = models.CharField(_("time zone"), null=True, blank=True)
    recurrence = models.JSONField(_("recurrence"), null=True, blank=True)
    recurring_event_id = models.CharField(null=True, blank=True)
    original_start_time = models.DateTimeField(null=True, blank=True)
    private = models.BooleanField(_("private"), default=False, db_default=False)
    # "Show as available": it takes nobody's time.
    transparent = models.BooleanField(_("free"), default=False, db_default=False)
    # Google's item where ours cannot say everything (fields we do not know, poison events).
    raw = models.JSONField(null=True, blank=True)
    parse_error = models.TextField(default="", db_default="", blank=True)
    # Whose words the columns hold. Another calendar takes over when this one drops the meeting
    # or may only say when it is.
    source = models.ForeignKey(
        MirroredCalendar,
        verbose_name=_("as told by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    google_updated_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Who created it here; it counts as theirs whoever's calendar it stands on.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("created by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.summary or self.google_event_id


class CalendarEventQuerySet(TimeStampedQuerySet["CalendarEvent"]):
    """Meetings."""

    def not_cancelled(self) -> Self:
        """Meetings that take place."""
        return self.exclude(status="cancelled")

    def families(self, ids: Collection[int]) -> Self:
        """These meetings and the exceptions of the series among them, in no order."""
        return self.filter(models.Q(pk__in=ids) | models.Q(series__in=ids)).order_by()


class CalendarEvent(EventModel):
    """A meeting, stored once however many calendars show it (see appearances).

    It is cancelled when none of them shows it any more.
    """

    # The series this meeting is an exception of.
    series = models.ForeignKey(
        "self",
        verbose_name=_("series"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="exceptions",
        db_index=False,
    )

    objects = CalendarEventQuerySet.as_manager()

    class Meta:
        db_table = "calendar_events"
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("start_time", "id")
        indexes = (
            column_index("calendar_events", "status"),
            column_index("calendar_events", "start_time"),
            column_index("calendar_events", "end_time"),
            # A meeting seen on a second calendar is found by its iCalendar identity.
            column_index("calendar_events", "ical_uid", "original_start_time"),
            # The exceptions of a series.
            column_index("calendar_events", "recurring_event_id"),
            column_index("calendar_events", "series_id"),
            column_index("calendar_events", "source_id"),
            column_index("calendar_events", "author_id"),
        )


class EventAppearanceQuerySet(TimeStampedQuerySet["EventAppearance"]):
    """Where meetings are seen."""

    def on(self, calendar: MirroredCalendar) -> Self:
        """What one calendar shows, in no order."""
        return self.filter(mirrored_calendar=calendar).order_by()

    def live(self) -> Self:
        """What is not cancelled there."""
        return self.exclude(status="cancelled")


class AppearanceModel(TimeStampedModel):
    """The columns of an appearance beside its meeting and its calendar."""

    calendar_id = models.CharField(_("calendar"))
    google_event_id = models.CharField(_("Google's id"))
    etag = models.CharField(null=True, blank=True)
    status = models.CharField(_("status"), null=True, blank=True)
    # Each guest's copy says for itself whether it takes time.
    transparent = models.BooleanField(_("free"), default=False, db_default=False)
    google_updated_at = models.DateTimeField(null=True, blank=True)
    generation = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.calendar_id}: {self.google_event_id}"


class EventAppearance(AppearanceModel):
    """A meeting as one calendar shows it: under which id, with which etag and status.

    `generation` is the full sync that last saw it; rows an ended full sync did not see are
    swept, because a full list has no tombstones.
    """

    event = models.ForeignKey(
        CalendarEvent, on_delete=models.CASCADE, related_name="appearances", db_index=False
    )
    mirrored_calendar = models.ForeignKey(
        MirroredCalendar, on_delete=models.CASCADE, related_name="appearances", db_index=False
    )

    objects = EventAppearanceQuerySet.as_manager()

    class Meta:
        db_table = "calendar_event_appearances"
        verbose_name = _("appearance")
        verbose_name_plural = _("appearances")
        ordering = ("id",)
        indexes = (
            column_index("calendar_event_appearances", "event_id"),
            column_index("calendar_event_appearances", "google_event_id"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["mirrored_calendar", "google_event_id"],
                name="uq_calendar_event_appearances",
            ),
        )


class AttendeeModel(models.Model):
    """The columns of a guest beside the meeting; `email` is lower case."""

    email = models.CharField(_("e-mail"), max_length=320)
    response_status = models.CharField(_("answer"), null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.email


class EventAttendee(AttendeeModel):
    """A guest of a meeting, so that people are found by an index and not inside JSON."""

    event = models.ForeignKey(
        CalendarEvent, on_delete=models.CASCADE, related_name="attendee_rows", db_index=False
    )

    class Meta:
        db_table = "calendar_event_attendees"
        verbose_name = _("guest")
        verbose_name_plural = _("guests")
        ordering = ("id",)
        indexes = (
            # The meetings of a person.
            column_index("calendar_event_attendees", "email"),
        )
        constraints = (
            models.UniqueConstraint(fields=["event", "email"], name="uq_calendar_event_attendees"),
        )
