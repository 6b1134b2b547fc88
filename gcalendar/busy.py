"""Who is busy when, from the mirror: times only, whatever else is known of a meeting."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from gcalendar.matching import DECLINED
from gcalendar.models import (
    ArchivedAppearance,
    ArchivedAttendee,
    ArchivedOccurrence,
    EventAppearance,
    EventAttendee,
    EventOccurrence,
    MirroredCalendar,
)
from gcalendar.parsing import CANCELLED, STATUSES, zone_named
from gcalendar.spans import Span, merged, within


class Side(NamedTuple):
    """Where meetings lie."""

    appearances: type[Any]
    guests: type[Any]
    times: type[Any]


LIVE = Side(EventAppearance, EventAttendee, EventOccurrence)
ARCHIVE = Side(ArchivedAppearance, ArchivedAttendee, ArchivedOccurrence)
TAKING_PLACE = [status for status in STATUSES if status != CANCELLED]
# A date begins somewhere else so much earlier or later than where its event was read.
ALL_DAY_SLACK = timedelta(hours=27)
TIMES = ("start_time", "end_time", "start_date", "end_date")


@dataclass(frozen=True)
class Diary:
    """When the person (or room, or team) of a mirrored calendar is busy, in UTC."""

    calendar: MirroredCalendar
    busy: list[Span]

    @property
    def zone(self) -> ZoneInfo:
        """The calendar's own zone."""
        return zone_of(self.calendar)


def zone_of(calendar: MirroredCalendar) -> ZoneInfo:
    """A calendar's zone; the installation's where Google's cannot be read."""
    return zone_named(calendar.time_zone) or ZoneInfo(settings.TIME_ZONE)


def calendars_of(addresses: Collection[str]) -> dict[str, MirroredCalendar]:
    """The followed calendars of these lower-case addresses; of two mirrors the fresher one.

    A calendar is its own address's, not of whoever it is read as: Ana may read Bia's.
    """
    rows = MirroredCalendar.objects.enabled().at(addresses)
    return {row.address: row for row in rows.order_by(F("as_of").asc(nulls_first=True), "pk")}


def diaries(
    calendars: Mapping[str, MirroredCalendar], since: datetime, until: datetime
) -> dict[str, Diary]:
    """By address, when these are busy between two moments; three statements, six for the past.

    Busy is who shows an event in the own calendar, or is a guest of one that the own calendar
    does not show yet; not who declined it, cancelled it (or one day of it) in the own calendar,
    or marked it as free there.
    """
    spans: dict[str, list[Span]] = {address: [] for address in calendars}
    addresses = {calendar.pk: address for address, calendar in calendars.items()}
    # Only what is over is in the archive.
    for side in (LIVE, ARCHIVE) if since < timezone.now() else (LIVE,):
        running = _at_some_time(side, since - ALL_DAY_SLACK, until + ALL_DAY_SLACK)
        for pk, *times in _shown(side, list(addresses), running):
            address = addresses[pk]
            spans[address].append(_span(zone_of(calendars[address]), *times))
        for address, *times in _invited(side, list(spans), running):
            spans[address].append(_span(zone_of(calendars[address]), *times))
    return {
        address: Diary(calendar, within(merged(spans[address]), since, until))
        for address, calendar in calendars.items()
    }


def _at_some_time(side: Side, since: datetime, until: datetime) -> Q:
    """Of a meeting that takes place at some time between two moments; asks where to begin."""
    return Q(
        event__source__isnull=False,
        event__status__in=TAKING_PLACE,
        event__occurrences__start_time__gte=side.times.objects.earliest_start(since),
        event__occurrences__start_time__lt=until,
        event__occurrences__end_time__gt=since,
    )


def _shown(side: Side, pks: Sequence[int], running: Q) -> Any:
    """Calendar and times of what these calendars show as busy."""
    day_off = side.appearances.objects.filter(
        event__series=OuterRef("event"),
        event__original_start_time=OuterRef("event__occurrences__original_start_time"),
        mirrored_calendar=OuterRef("mirrored_calendar"),
        status=CANCELLED,
    )
    declined = side.guests.objects.filter(
        event=OuterRef("event"),
        email=OuterRef("mirrored_calendar__google_id"),
        response_status=DECLINED,
    )
    rows = side.appearances.objects.filter(
        running,
        ~Exists(day_off),
        ~Exists(declined),
        mirrored_calendar__in=pks,
        status__in=TAKING_PLACE,
        transparent=False,
    )
    return rows.order_by().values_list("mirrored_calendar", *_times())


def _invited(side: Side, addresses: Collection[str], running: Q) -> Any:
    """Address and times of what somebody is invited to, and the own calendar never showed."""
    own = side.appearances.objects.filter(
        event=OuterRef("event"), mirrored_calendar__google_id=OuterRef("email")
    )
    rows = side.guests.objects.filter(
        running,
        Q(response_status=None) | ~Q(response_status=DECLINED),
        ~Exists(own),
        email__in=addresses,
        event__transparent=False,
    )
    return rows.order_by().values_list("email", *_times())


def _times() -> Iterator[str]:
    return (f"event__occurrences__{name}" for name in TIMES)


def _span(
    zone: ZoneInfo, start: datetime, end: datetime, first: date | None, last: date | None
) -> Span:
    """A time as a person with a clock in this zone spends it: dates are days of this clock."""
    if first is None:
        return start, end
    behind = last or first + timedelta(days=1)
    midnights = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, behind))
    return next(midnights), next(midnights)
