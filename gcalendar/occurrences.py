"""When meetings take place, as rows: computed again when a meeting or its series moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from gcalendar.models import CalendarEvent, EventAppearance, EventOccurrence
from gcalendar.parsing import CANCELLED, zone_named
from gcalendar.recurrence import Series, Slot, UnreadableRuleError, unroll
from pipedesk.core.chunks import CHUNK, chunks
from pipedesk.core.inserting import insert

RULE_ERROR = "recurrence:"
COLUMNS = (
    "status", "recurrence", "start_time", "end_time", "time_zone", "all_day", "start_date",
    "end_date", "parse_error",
)  # fmt: skip


def refresh(event_ids: Collection[int], now: datetime) -> None:
    """Bring the rows of these meetings in line with their times, rules and exceptions.

    Only rows that differ are written. A rule that cannot be read sets `parse_error`; such a
    series is shown at its first start only.
    """
    for ids in chunks(sorted(event_ids)):
        taken, stored = _taken(ids), _stored(ids)
        wanted: dict[int, list[Slot]] = {}
        judged: list[CalendarEvent] = []
        for event in CalendarEvent.objects.filter(pk__in=ids).only(*COLUMNS):
            wanted[event.pk], error = _slots_of(event, taken[event.pk], now)
            if event.parse_error != error:
                event.parse_error = error
                judged.append(event)
        CalendarEvent.objects.bulk_update(judged, ["parse_error"], batch_size=CHUNK)
        _write(stored, wanted)


def series_of(event: CalendarEvent) -> Series:
    """What the times of a series that has a start follow from."""
    starts_at = event.start_time
    assert starts_at is not None  # noqa: S101  (for the type only)
    return Series(
        tuple(event.recurrence or ()),
        starts_at.astimezone(UTC),
        max(event.end_time or starts_at, starts_at).astimezone(UTC),
        zone_named(event.time_zone) or ZoneInfo("UTC"),
        event.start_date if event.all_day else None,
        event.end_date if event.all_day else None,
    )


def _slots_of(
    event: CalendarEvent, taken: Collection[datetime], now: datetime
) -> tuple[list[Slot], str]:
    """The slots, and what is wrong with the event."""
    if event.start_time is None:
        return [], event.parse_error
    single = Slot(
        event.start_time,
        event.start_time,
        max(event.end_time or event.start_time, event.start_time),
        event.start_date,
        event.end_date,
    )
    if not event.recurrence or event.status == CANCELLED:
        return [single], event.parse_error
    try:
        slots = unroll(series_of(event), taken, now)
    except UnreadableRuleError as failure:
        return [single], f"{RULE_ERROR} {failure}"[:500]
    readable = event.parse_error.startswith(RULE_ERROR)
    return slots, "" if readable else event.parse_error


def _taken(ids: Sequence[int]) -> dict[int, set[datetime]]:
    """The identities that exceptions stand for, moved and cancelled ones alike.

    A guest who cancels one day of a series for himself takes it from nobody else: a cancelled
    exception counts when every calendar that shows the series knows of it.
    """
    exceptions = CalendarEvent.objects.filter(series__in=ids, original_start_time__isnull=False)
    rows = exceptions.values_list("pk", "series_id", "original_start_time", "status")
    known = _calendars_of(EventAppearance.objects.filter(event__series__in=ids))
    series = _calendars_of(EventAppearance.objects.live().filter(event__in=ids)) if known else {}
    taken: dict[int, set[datetime]] = defaultdict(set)
    for pk, series_id, original_start, status in rows:
        if series_id is None or original_start is None or pk not in known:
            continue
        if status != CANCELLED or series.get(series_id, set()) <= known[pk]:
            taken[series_id].add(original_start)
    return taken


def _calendars_of(appearances: QuerySet[EventAppearance]) -> dict[int, set[int]]:
    calendars: dict[int, set[int]] = defaultdict(set)
    for event_id, calendar_id in appearances.values_list("event_id", "mirrored_calendar_id"):
        calendars[event_id].add(calendar_id)
    return calendars


def _key(slot: Slot | EventOccurrence) -> tuple[object, ...]:
    if isinstance(slot, Slot):
        return (slot.original_start, slot.starts_at, slot.ends_at, slot.starts_on, slot.ends_on)
    return (
        slot.original_start_time, slot.start_time, slot.end_time, slot.start_date, slot.end_date,
    )  # fmt: skip


def _stored(ids: Sequence[int]) -> dict[int, dict[tuple[object, ...], int]]:
    rows: dict[int, dict[tuple[object, ...], int]] = defaultdict(dict)
    for occurrence in EventOccurrence.objects.filter(event__in=ids).order_by():
        rows[occurrence.event_id][_key(occurrence)] = occurrence.pk
    return rows


def _write(stored: dict[int, dict[tuple[object, ...], int]], wanted: dict[int, list[Slot]]) -> None:
    surplus: list[int] = []
    missing: list[EventOccurrence] = []
    for event_id, slots in wanted.items():
        rows = stored.get(event_id, {})
        keys = {_key(slot): slot for slot in slots}
        surplus += [pk for key, pk in rows.items() if key not in keys]
        missing += _occurrences(event_id, (slot for key, slot in keys.items() if key not in rows))
    for ids in chunks(surplus):
        EventOccurrence.objects.filter(pk__in=ids).delete()
    insert(missing)


def _occurrences(event_id: int, slots: Iterable[Slot]) -> Iterable[EventOccurrence]:
    for slot in slots:
        yield EventOccurrence(
            event_id=event_id,
            original_start_time=slot.original_start,
            start_time=slot.starts_at,
            end_time=slot.ends_at,
            start_date=slot.starts_on,
            end_date=slot.ends_on,
        )
