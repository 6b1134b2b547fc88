"""The registry of calendars, their channels and cursors."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pipedesk.core.models import (
    TimeStampedModel,
    TimeStampedQuerySet,
    column_index,
)
from pipedesk.core.polling import PolledQuerySet, is_stale
from pipedesk.core.work import Work
from pipedesk.google.channels import ChannelModel, ChannelState


class MirroredCalendarQuerySet(PolledQuerySet["MirroredCalendar"]):
    """Calendars on the registry."""

    def enabled(self) -> Self:
        """Calendars that are followed."""
        return self.exclude(state=MirroredCalendar.State.DISABLED)

    def due(self, now: datetime) -> Self:
        """Followed calendars whose safety poll is due."""
        return super().due(now).enabled()

    def at(self, addresses: Collection[str]) -> Self:
        """Calendars with one of these lower-case addresses (see MirroredCalendar.address)."""
        registered = models.Q(calendar_id__in=addresses)
        registered |= models.Q(calendar_id="primary", subject__in=addresses)
        return self.filter(
            models.Q(google_id__in=addresses) | models.Q(registered, google_id__isnull=True)
        )


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
    # See gcalendar.full_sync_places.
    full_sync_place = models.PositiveSmallIntegerField(
        null=True, blank=True, unique=True, editable=False
    )
    full_sync_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
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

    def standing(self, now: datetime) -> State:
        """The state to show: what was given up is an error, what is old is stale."""
        state = self.State(self.state)
        if self.dead_at is not None and state != self.State.DISABLED:
            return self.State.ERROR
        return self.State.STALE if state == self.State.OK and is_stale(self.as_of, now) else state

    @property
    def address(self) -> str:
        """Google's id of it, which of a person's own calendar is their e-mail.

        As it was registered until the first sync tells.
        """
        registered = self.subject if self.calendar_id == "primary" else self.calendar_id
        return self.google_id or registered


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
        return self.channel_id or gettext("%(calendar)s (polling only)") % {
            "calendar": self.calendar_id
        }
