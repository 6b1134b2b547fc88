"""The mirror of Google Calendar."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pipedesk.core.models import (
    TimeStampedModel,
    TimeStampedQuerySet,
    column_index,
)
from pipedesk.core.work import Work, WorkQuerySet
from pipedesk.google.channels import ChannelModel, ChannelState


class MirroredCalendarQuerySet(WorkQuerySet["MirroredCalendar"]):
    """Calendars on the registry."""

    def enabled(self) -> Self:
        """Calendars that are followed."""
        return self.exclude(state=MirroredCalendar.State.DISABLED)

    def due(self, now: datetime) -> Self:
        """Followed calendars whose safety poll is due."""
        return self.enabled().filter(next_poll_at__lte=now)


class MirroredCalendar(Work):
    """A calendar on the registry: whose, how much of it, and how its mirror stands.

    `calendar_id` is what was registered (`primary` is allowed); `google_id` is Google's own
    id of it, known after the first sync. The cursor lives on the active CalendarSyncState.
    """

    task: ClassVar[str] = "gcalendar.tasks.sync_calendar"

    class Visibility(models.TextChoices):
        FULL = "full", _("Full")
        BUSY = "busy", _("Busy only")

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        OK = "ok", _("Up to date")
        STALE = "stale", _("Stale")
        ERROR = "error", _("Error")
        DISABLED = "disabled", _("Disabled")

    calendar_id = models.CharField(_("calendar"), max_length=255, default="primary")
    google_id = models.CharField(_("Google's id"), max_length=255, null=True, blank=True)
    subject = models.EmailField(
        _("read as"),
        max_length=254,
        default="",
        db_default="",
        blank=True,
        help_text=_("The person in whose name Google is asked; empty: the configured one."),
    )
    summary = models.CharField(_("name"), max_length=500, default="", db_default="", blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="", db_default="", blank=True
    )
    access_role = models.CharField(
        _("access"), max_length=30, default="", db_default="", blank=True
    )
    visibility = models.CharField(
        _("visibility"),
        max_length=4,
        choices=Visibility.choices,
        default=Visibility.FULL,
        db_default=Visibility.FULL,
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=State.choices,
        default=State.PENDING,
        db_default=State.PENDING,
    )
    remedy = models.TextField(_("remedy"), default="", db_default="", blank=True)
    as_of = models.DateTimeField(
        _("as of"), null=True, blank=True, help_text=_("The mirror equals Google as of then.")
    )
    next_poll_at = models.DateTimeField(_("next poll"), default=timezone.now, db_default=Now())
    # A full sync under way: which generation it writes, and its place in Google's list.
    generation = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    full_sync_page_token = models.TextField(null=True, blank=True, editable=False)
    # How many rows a suspicious full list would have hidden; a second run confirms it.
    suspicious_shrink = models.PositiveIntegerField(null=True, blank=True, editable=False)

    objects = MirroredCalendarQuerySet.as_manager()

    class Meta:
        db_table = "calendars"
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ("id",)
        indexes = (
            # The sweeper and the poll look for what is due every minute.
            column_index("calendars", "next_poll_at"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["subject", "calendar_id"],
                name="uq_calendars_subject_calendar_id",
                violation_error_message=_("This calendar is on the registry already."),
            ),
            models.CheckConstraint(
                condition=models.Q(applied__lte=models.F("requested")),
                name="ck_calendars_applied_le_requested",
            ),
        )

    def __str__(self) -> str:
        return self.summary or self.google_id or self.calendar_id


class CalendarSyncStateQuerySet(TimeStampedQuerySet["CalendarSyncState"]):
    """Channels and cursors."""

    def active(self) -> Self:
        """The one row of each calendar that holds its cursor."""
        return self.filter(active=True)


class CalendarSyncState(TimeStampedModel, ChannelModel):
    """One row per channel; the active row of a calendar holds the cursor.

    A calendar that is only polled has an active row without a channel. `sync_token` is valid
    only for the query it was got with: `query_fingerprint`.
    """

    resource_id = models.CharField(_("resource id"), null=True, blank=True)
    channel_id = models.CharField(_("channel id"), unique=True, null=True, blank=True)
    calendar_id = models.CharField(_("calendar"), default="primary", db_default="primary")
    sync_token = models.TextField(null=True, blank=True, editable=False)
    expiration = models.DateTimeField(_("expires"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True, db_default=True)
    mirrored_calendar = models.ForeignKey(
        MirroredCalendar,
        verbose_name=_("calendar"),
        on_delete=models.CASCADE,
        related_name="sync_states",
        db_index=False,
    )
    query_fingerprint = models.CharField(max_length=64, null=True, blank=True, editable=False)

    objects = CalendarSyncStateQuerySet.as_manager()

    class Meta:
        db_table = "calendar_sync_states"
        verbose_name = _("calendar channel")
        verbose_name_plural = _("calendar channels")
        ordering = ("id",)
        indexes = (
            column_index("calendar_sync_states", "expiration"),
            column_index("calendar_sync_states", "active"),
            column_index("calendar_sync_states", "mirrored_calendar_id"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["mirrored_calendar"],
                condition=models.Q(active=True),
                name="uq_calendar_sync_states_active",
                violation_error_message=_("The calendar has an active channel already."),
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=ChannelState.values),
                name="ck_calendar_sync_states_state",
            ),
        )

    def __str__(self) -> str:
        return self.channel_id or f"{self.calendar_id} ({_('polling only')})"


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
    # Google's item where ours cannot say everything (fields we do not know, poison events).
    raw = models.JSONField(null=True, blank=True)
    parse_error = models.TextField(default="", db_default="", blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.summary or self.google_event_id


class CalendarEventQuerySet(TimeStampedQuerySet["CalendarEvent"]):
    """Meetings."""

    def not_cancelled(self) -> Self:
        """Meetings that take place."""
        return self.exclude(status="cancelled")


class CalendarEvent(EventModel):
    """A meeting, stored once however many calendars show it (see appearances).

    It is cancelled when none of them shows it any more.
    """

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
    expanded = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text=_("A series: its occurrences stand for it in lists."),
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
        )


class CalendarEventArchive(EventModel):
    """A meeting older than the retention; `id` is the one it had among the live ones."""

    id = models.IntegerField(primary_key=True)
    archived_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    class Meta:
        db_table = "calendar_events_archive"
        verbose_name = _("archived event")
        verbose_name_plural = _("archived events")
        ordering = ("start_time", "id")
        indexes = (
            column_index("calendar_events_archive", "start_time"),
            column_index("calendar_events_archive", "end_time"),
        )


class EventAppearanceQuerySet(TimeStampedQuerySet["EventAppearance"]):
    """Where meetings are seen."""

    def on(self, calendar: MirroredCalendar) -> Self:
        """What one calendar shows, in no order."""
        return self.filter(mirrored_calendar=calendar).order_by()

    def live(self) -> Self:
        """What is not cancelled there."""
        return self.exclude(status="cancelled")


class EventAppearance(TimeStampedModel):
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
    calendar_id = models.CharField(_("calendar"))
    google_event_id = models.CharField(_("Google's id"))
    etag = models.CharField(null=True, blank=True)
    status = models.CharField(_("status"), null=True, blank=True)
    google_updated_at = models.DateTimeField(null=True, blank=True)
    generation = models.PositiveBigIntegerField(default=0, db_default=0)

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

    def __str__(self) -> str:
        return f"{self.calendar_id}: {self.google_event_id}"


class EventAttendee(models.Model):
    """A guest of a meeting, so that people are found by an index and not inside JSON.

    `email` is lower case.
    """

    event = models.ForeignKey(
        CalendarEvent, on_delete=models.CASCADE, related_name="attendee_rows", db_index=False
    )
    email = models.CharField(_("e-mail"), max_length=320)
    response_status = models.CharField(_("answer"), null=True, blank=True)

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

    def __str__(self) -> str:
        return self.email


class RecurrenceRule(models.Model):
    """One RRULE, EXRULE, RDATE or EXDATE line of a series."""

    event = models.ForeignKey(
        CalendarEvent, on_delete=models.CASCADE, related_name="rules", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    rule = models.TextField()

    class Meta:
        db_table = "calendar_recurrence_rules"
        verbose_name = _("recurrence rule")
        verbose_name_plural = _("recurrence rules")
        ordering = ("event", "position", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["event", "position"], name="uq_calendar_recurrence_rules"
            ),
        )

    def __str__(self) -> str:
        return self.rule


class EventOccurrence(models.Model):
    """One occurrence of a series within the rolling window, computed from its rules.

    An occurrence that an exception replaces or cancels has no row here.
    """

    event = models.ForeignKey(
        CalendarEvent, on_delete=models.CASCADE, related_name="occurrences", db_index=False
    )
    original_start_time = models.DateTimeField()
    start_time = models.DateTimeField()
    end_time = models.DateTimeField()
    # Of all-day series; the end is exclusive.
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "calendar_event_occurrences"
        verbose_name = _("occurrence")
        verbose_name_plural = _("occurrences")
        ordering = ("start_time", "id")
        indexes = (
            # A date range of the calendar page.
            column_index("calendar_event_occurrences", "start_time"),
            column_index("calendar_event_occurrences", "end_time"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["event", "original_start_time"], name="uq_calendar_event_occurrences"
            ),
            models.CheckConstraint(
                condition=models.Q(start_time__lte=models.F("end_time")),
                name="ck_calendar_event_occurrences_order",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.start_time}"
