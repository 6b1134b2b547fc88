"""When meetings take place: the rules of series, and the times lists are read from."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from gcalendar.models.event import CalendarEvent
from pipedesk.core.models import column_index


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
    """A time at which a meeting takes place: what lists are read from.

    A single meeting has one row; a series one for each occurrence that its rules give within the
    rolling window and that no exception replaces or cancels.
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
