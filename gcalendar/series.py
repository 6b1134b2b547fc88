"""The stored occurrences of series: computed again when a series or an exception moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef

from gcalendar.models import CalendarEvent, EventAppearance, EventOccurrence
from gcalendar.parsing import CANCELLED, zone_named
from gcalendar.recurrence import Series, Slot, UnreadableRuleError, unroll

CHUNK = 500
RULE_ERROR = "recurrence:"


def refresh(event_ids: Collection[int], now: datetime) -> None:
    """Bring the occurrences of these events in line with their rules and exceptions.

    Only rows that differ are written. Events that are no series (any more) lose theirs. A rule
    that cannot be read sets `parse_error`; such a series is shown at its first start only.
    """
    ids = sorted(event_ids)
    for start in range(0, len(ids), CHUNK):
        _refresh_chunk(ids[start : start + CHUNK], now)


def _refresh_chunk(ids: list[int], now: datetime) -> None:
    masters = CalendarEvent.objects.filter(pk__in=ids).only(
        "status", "recurrence", "start_time", "end_time", "time_zone", "all_day", "start_date",
        "end_date", "expanded", "parse_error",
    )  # fmt: skip
    taken = _taken(ids)
    stored = _stored(ids)
    wanted: dict[int, list[Slot]] = {}
    judged: list[CalendarEvent] = []
    for master in masters:
        slots, error = _slots_of(master, taken[master.pk], now)
        wanted[master.pk] = slots or []
        expanded = slots is not None
        if (master.expanded, master.parse_error) != (expanded, error):
            master.expanded, master.parse_error = expanded, error
            judged.append(master)
    CalendarEvent.objects.bulk_update(judged, ["expanded", "parse_error"], batch_size=CHUNK)
    _write(stored, wanted)


def _slots_of(
    master: CalendarEvent, taken: Collection[datetime], now: datetime
) -> tuple[list[Slot] | None, str]:
    """The slots, or None for what is no readable series; and what is wrong with it."""
    if not master.recurrence or master.start_time is None or master.end_time is None:
        return None, master.parse_error
    if master.status == CANCELLED:
        return [], master.parse_error
    series = Series(
        tuple(master.recurrence),
        master.start_time.astimezone(UTC),
        master.end_time.astimezone(UTC),
        zone_named(master.time_zone) or ZoneInfo("UTC"),
        master.start_date if master.all_day else None,
        master.end_date if master.all_day else None,
    )
    try:
        slots = unroll(series, taken, now)
    except UnreadableRuleError as failure:
        return None, f"{RULE_ERROR} {failure}"[:500]
    readable = master.parse_error.startswith(RULE_ERROR)
    return slots, "" if readable else master.parse_error


def _taken(ids: list[int]) -> dict[int, set[datetime]]:
    """The identities that exceptions stand for, moved and cancelled ones alike."""
    seen = EventAppearance.objects.filter(event=OuterRef("pk"))
    exceptions = CalendarEvent.objects.filter(
        Exists(seen), series__in=ids, original_start_time__isnull=False
    ).values_list("series_id", "original_start_time")
    taken: dict[int, set[datetime]] = defaultdict(set)
    for series_id, original_start in exceptions:
        if series_id is not None and original_start is not None:
            taken[series_id].add(original_start)
    return taken


def _key(slot: Slot | EventOccurrence) -> tuple[object, ...]:
    if isinstance(slot, Slot):
        return (slot.original_start, slot.starts_at, slot.ends_at, slot.starts_on, slot.ends_on)
    return (
        slot.original_start_time, slot.start_time, slot.end_time, slot.start_date, slot.end_date,
    )  # fmt: skip


def _stored(ids: list[int]) -> dict[int, dict[tuple[object, ...], int]]:
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
    for start in range(0, len(surplus), CHUNK):
        EventOccurrence.objects.filter(pk__in=surplus[start : start + CHUNK]).delete()
    EventOccurrence.objects.bulk_create(missing, batch_size=CHUNK)


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
