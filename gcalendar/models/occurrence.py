"""When meetings take place: the rules of series, and the times lists are read from."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from gcalendar.models.calendar import MirroredCalendar
from gcalendar.models.event import CalendarEvent, EventAppearance, EventAttendee
from gcalendar.models.link import EventLink
from gcalendar.searching import mentioning
from pipedesk.core.models import column_index

# What lasts longer is rare enough for an index of its own (migration 0006).
LONG = timedelta(days=2)


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


class EventOccurrenceQuerySet(models.QuerySet[Any]):
    """Times of meetings, live or archived (see gcalendar.models.archive)."""

    appearances: ClassVar[type[Any]] = EventAppearance
    events: ClassVar[type[Any]] = CalendarEvent
    guests: ClassVar[type[Any]] = EventAttendee
    links: ClassVar[type[Any]] = EventLink

    def shown(self) -> Self:
        """Of meetings that some calendar on the registry tells of."""
        return self.filter(event__source__isnull=False)

    def overlapping(self, since: datetime | None, until: datetime | None) -> Self:
        """That end after `since` and start before `until`; None is no bound.

        One statement where there is a `since`: without a first start, whoever reads them in order
        would go through all of the past.
        """
        rows = self
        if since is not None:
            rows = rows.filter(end_time__gt=since, start_time__gte=self.earliest_start(since))
        return rows if until is None else rows.filter(start_time__lt=until)

    def earliest_start(self, moment: datetime) -> datetime:
        """A time before which nothing starts that still runs at the moment; one statement."""
        before = moment - LONG
        rows = type(self)(self.model).filter(end_time__gt=moment, start_time__lt=before)
        if connection.vendor == "postgresql":
            # True of each of them; the index of the long ones is only used when told.
            length = models.F("end_time") - models.F("start_time")
            rows = rows.annotate(
                length=models.ExpressionWrapper(length, models.DurationField())
            ).filter(length__gt=LONG)
        found: datetime | None = rows.aggregate(first=models.Min("start_time"))["first"]
        return found or before

    def with_status(self, statuses: Collection[str]) -> Self:
        """Of meetings with one of these statuses."""
        return self.filter(event__status__in=statuses)

    def taking_place(self) -> Self:
        """Of meetings that nobody cancelled."""
        return self.exclude(event__status="cancelled")

    def on(self, calendars: Collection[MirroredCalendar], *, live: bool = True) -> Self:
        """Of meetings that one of these calendars shows (`live`: has not cancelled)."""
        rows: models.QuerySet[Any] = self.appearances.objects.filter(
            event=models.OuterRef("event"), mirrored_calendar__in=calendars
        )
        return self.filter(models.Exists(rows.exclude(status="cancelled") if live else rows))

    def mentioning(self, words: str) -> Self:
        """Of meetings with all these words in title, description or place."""
        return self.filter(mentioning(words, "event__"))

    def touching(
        self, addresses: Collection[str], linked: Collection[int], hidden: Collection[int]
    ) -> Self:
        """Of meetings to which one of these lower-case addresses is invited, or that are linked,
        without those that are hidden.
        """
        guests = self.guests.objects.filter(email__in=addresses).exclude(event__in=hidden)
        attended: models.QuerySet[Any, Any] = guests.order_by().values("event")
        if linked:
            events = self.events.objects.filter(pk__in=linked).order_by().values("pk")
            attended = attended.union(events)
        return self.filter(event__in=attended)

    def open_to(self, user_id: UUID, address: str, own: models.QuerySet[Any, Any] | None) -> Self:
        """Of meetings a person may know all of.

        Those they attend; of what is not private those they made, and those that guests with one
        of the addresses `own` attend or people linked with leads of theirs (None: all).
        """
        readable = models.Q(event__private=False)
        if own is not None:
            readable &= models.Q(event__author=user_id) | self._invited(own) | self._linked(user_id)
        if address:
            readable |= models.Q(event__organizer_email=address)
            readable |= models.Q(self._invited([address]))
        known = self.exclude(event__source__visibility=MirroredCalendar.Visibility.BUSY)
        return known.filter(readable)

    def _invited(self, addresses: models.QuerySet[Any, Any] | Collection[str]) -> models.Exists:
        guests = self.guests.objects.filter(event=models.OuterRef("event"), email__in=addresses)
        return models.Exists(guests)

    def _linked(self, user_id: UUID) -> models.Exists:
        """Whether somebody linked a lead of this user's, or a contact of one."""
        event, owned = models.OuterRef("event"), models.Q(lead__owner=user_id)
        owned |= models.Q(contact__leads__owner=user_id)
        here = models.Q(event=event) | models.Q(event=models.OuterRef("event__series"))
        return models.Exists(self.links.objects.filter(here, owned, revoked=False))


class OccurrenceModel(models.Model):
    """The columns of a time beside its meeting."""

    original_start_time = models.DateTimeField()
    start_time = models.DateTimeField()
    end_time = models.DateTimeField()
    # Of all-day series; the end is exclusive.
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.start_time}"


class EventOccurrence(OccurrenceModel):
    """A time at which a meeting takes place: what lists are read from.

    A single meeting has one row; a series one for each occurrence that its rules give within the
    rolling window and that no exception replaces or cancels.
    """

    event = models.ForeignKey(
        CalendarEvent, on_delete=models.CASCADE, related_name="occurrences", db_index=False
    )

    objects = EventOccurrenceQuerySet.as_manager()

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
