"""Which event at Google a call means: a meeting, a series, or an occurrence of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from django.utils.translation import gettext as _

from gcalendar.authoring import Target
from gcalendar.event_rows import stamp_of
from gcalendar.models import CalendarEvent, EventAppearance, MirroredCalendar
from gcalendar.recurrence import identity_of_date
from pipedesk.core.problems import BadQuery

THIS, FOLLOWING, ALL = SCOPES = ("this", "following", "all")


@dataclass(frozen=True)
class Scoped:
    """What a change is about.

    `whole`: the row that has its words: the meeting, the exception, or the series. `slot`: the
    time of an occurrence that is no exception. `target` is None when no calendar shows it.
    `turn`: with FOLLOWING the original start from which on, else None.
    """

    whole: CalendarEvent
    slot: Mapping[str, Any] | None
    scope: str
    target: Target | None
    turn: datetime | None = None

    @classmethod
    def of(cls, event: CalendarEvent, slot: Mapping[str, Any] | None, scope: str | None) -> Self:
        """Apply `scope` (None: the occurrence, where one is named, else all).

        Raises BadQuery for a part of a series where no occurrence is named.
        """
        is_part = slot is not None or event.recurring_event_id is not None
        if not is_part:
            if event.recurrence and scope in {THIS, FOLLOWING}:
                raise BadQuery("scope", _("Name one of the occurrences, not the series."))
            return cls(event, None, ALL, target_of(event))
        if scope == ALL:
            whole = event if slot is not None else event.series or event
            return cls(whole, slot, ALL, target_of(whole))
        if scope == FOLLOWING:
            turn = slot["original_start_time"] if slot is not None else event.original_start_time
            series = event if slot is not None else event.series
            if series is None:
                raise BadQuery("scope", _("The series of this meeting is not mirrored."))
            return cls.following(series, turn)
        return cls(event, slot, scope or THIS, target_of(event, slot))

    @classmethod
    def following(cls, series: CalendarEvent, turn: datetime | None) -> Self:
        """A series from an original start on; from its first one on it is all of it."""
        if turn is None or turn <= first_of(series):
            return cls(series, None, ALL, target_of(series))
        return cls(series, None, FOLLOWING, target_of(series), turn)

    @property
    def guests(self) -> list[dict[str, Any]]:
        """Who is invited, also to exceptions only; but for private ones, of which nobody tells."""
        found = list(self.whole.attendees or ())
        if self.whole.recurrence and self.scope != THIS:
            exceptions = self.whole.exceptions.not_cancelled().filter(private=False)
            if self.turn is not None:
                exceptions = exceptions.filter(original_start_time__gte=self.turn)
            for guests in exceptions.values_list("attendees", flat=True):
                found += guests or ()
        return found


def first_of(series: CalendarEvent) -> datetime:
    """The original start of the first occurrence of a series."""
    if series.all_day and series.start_date is not None:
        return identity_of_date(series.start_date)
    return series.start_time or datetime.max.replace(tzinfo=UTC)


def target_of(event: CalendarEvent, slot: Mapping[str, Any] | None = None) -> Target | None:
    """The event on the calendar to write to: the organiser's, else the one that tells of it."""
    rows = EventAppearance.objects.live().filter(event=event).select_related("mirrored_calendar")
    shown = [
        row
        for row in rows.order_by("pk")
        if row.mirrored_calendar.state != MirroredCalendar.State.DISABLED
    ]
    if not shown:
        return None

    def distance(row: EventAppearance) -> tuple[bool, bool]:
        calendar = row.mirrored_calendar
        return calendar.google_id != event.organizer_email, calendar.pk != event.source_id

    row = min(shown, key=distance)
    if slot is None:
        return Target(
            row.mirrored_calendar,
            row.google_event_id,
            row.etag,
            event.recurring_event_id,
            event.original_start_time,
        )
    original_start = slot["original_start_time"]
    stamp = stamp_of(original_start, all_day=event.all_day)
    return Target(
        row.mirrored_calendar,
        f"{row.google_event_id}_{stamp}",
        None,
        row.google_event_id,
        original_start,
    )
