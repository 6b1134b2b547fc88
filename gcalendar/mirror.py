"""Writing what one calendar shows into the mirror: only what really moved, set by set.

A meeting is one row however many calendars show it. An item finds its meeting by its appearance
on this calendar, then by what iCalendar calls it (uid and original start), then it is new. All
functions run inside the caller's transaction, after it has proven its lease.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from gcalendar import archive
from gcalendar.addresses import guests_in
from gcalendar.creating import one_creator_at_a_time
from gcalendar.dropping import drop
from gcalendar.matching import Reach
from gcalendar.meetings import columns_of, state_of, write_meetings
from gcalendar.models import (
    ArchivedAppearance,
    CalendarEvent,
    EventAppearance,
    MirroredCalendar,
)
from gcalendar.noting import note
from gcalendar.occurrences import refresh
from gcalendar.parsing import CANCELLED, ParsedEvent
from gcalendar.speaking import SILENT, shows_times_only
from pipedesk.core.chunks import CHUNK, chunks


@dataclass
class Counts:
    """What a write did to meetings, and whose they are."""

    created: int = 0
    changed: int = 0
    cancelled: int = 0
    reach: Reach = field(default_factory=Reach)

    def __iadd__(self, other: Counts) -> Counts:
        self.created += other.created
        self.changed += other.changed
        self.cancelled += other.cancelled
        self.reach |= other.reach
        return self


def forget_etags(calendar: MirroredCalendar) -> None:
    """Let the next list be read as if every event of it had moved."""
    EventAppearance.objects.on(calendar).update(etag=None)
    ArchivedAppearance.objects.filter(mirrored_calendar=calendar).update(etag=None)


def store(
    calendar: MirroredCalendar, items: Iterable[ParsedEvent], generation: int | None = None
) -> Counts:
    """Write the items that moved; of several of one event the last one counts.

    `generation` marks what was seen, for the sweep at the end of a full sync in slices.
    """
    if shows_times_only(calendar):
        items = (item.times_only() for item in items)
    latest = {item.google_event_id: item for item in items}
    counts = Counts()
    marked: set[str] = set()
    # Series first: their exceptions look them up.
    for exceptions in (False, True):
        batch = [i for i in latest.values() if bool(i.recurring_event_id) is exceptions]
        writing = _Writing(calendar, generation)
        counts += writing.write(batch)
        marked |= writing.written
    if generation is not None:
        for ids in chunks(sorted(latest.keys() - marked)):
            for shown in (EventAppearance.objects, ArchivedAppearance.objects):
                shown.filter(mirrored_calendar=calendar, google_event_id__in=ids).update(
                    generation=generation, updated_at=F("updated_at")
                )
    return counts


@dataclass
class _Writing:
    """One batch on its way into the tables."""

    calendar: MirroredCalendar
    generation: int | None
    written: set[str] = field(default_factory=set)
    known: dict[str, EventAppearance] = field(default_factory=dict)
    events: dict[int, CalendarEvent] = field(default_factory=dict)
    elsewhere: dict[int, list[EventAppearance]] = field(default_factory=dict)
    masters: dict[str, CalendarEvent] = field(default_factory=dict)
    touched_ids: set[int] = field(default_factory=set)
    dropped_ids: set[int] = field(default_factory=set)

    def write(self, batch: list[ParsedEvent]) -> Counts:
        """Write what moved of the batch."""
        self._load_appearances(batch)
        unknown = [i.google_event_id for i in batch if i.google_event_id not in self.known]
        resting = archive.resting(self.calendar, unknown)
        moved = [item for item in batch if self._moved(item, resting)]
        if not moved:
            return Counts()
        if returned := archive.bring_back_for(self.calendar, moved, self.known):
            self._load_appearances(moved)
        self._load_events(moved)
        placed = self._placed(moved)
        counts = self._write_events(placed)
        self._write_appearances(placed)
        note((event.pk, item.entity) for item, event in placed if item.entity)
        self._link_early_exceptions(placed)
        counts.cancelled = drop(self.calendar, self.dropped_ids)
        refresh(self.touched_ids, timezone.now())
        counts.reach.event_ids |= self.touched_ids | returned
        return counts

    # --- Reading ---------------------------------------------------------------------------
    def _load_appearances(self, batch: list[ParsedEvent]) -> None:
        for ids in chunks([item.google_event_id for item in batch]):
            for row in EventAppearance.objects.on(self.calendar).filter(google_event_id__in=ids):
                self.known[row.google_event_id] = row

    def _moved(self, item: ParsedEvent, resting: Mapping[str, ArchivedAppearance]) -> bool:
        row = self.known.get(item.google_event_id) or resting.get(item.google_event_id)
        if row is None:
            # A tombstone of what was never here; of an exception it still takes its slot away.
            return not item.cancelled or bool(item.recurring_event_id)
        if item.updated and row.google_updated_at and item.updated < row.google_updated_at:
            return False
        return item.etag is None or item.etag != row.etag or item.status != row.status

    def _load_events(self, moved: list[ParsedEvent]) -> None:
        unknown = [item for item in moved if item.google_event_id not in self.known]
        known = {item.google_event_id for item in moved} & self.known.keys()
        if unknown:
            one_creator_at_a_time()
        self._load_masters(moved)
        for ids in chunks(sorted({self.known[google_id].event_id for google_id in known})):
            self._remember(CalendarEvent.objects.filter(pk__in=ids))
        for uids in chunks(sorted({uid for i in unknown if (uid := self._uid(i))})):
            self._remember(CalendarEvent.objects.filter(ical_uid__in=uids))
        for google_ids in chunks([item.google_event_id for item in unknown]):
            self._remember(CalendarEvent.objects.filter(google_event_id__in=google_ids))
        shown = defaultdict(list)
        for ids in chunks(sorted(self.events)):
            rows = EventAppearance.objects.filter(event__in=ids).order_by("pk")
            for row in rows.select_related("mirrored_calendar"):
                shown[row.event_id].append(row)
        self.elsewhere = shown

    def _load_masters(self, moved: list[ParsedEvent]) -> None:
        for ids in chunks(sorted({i.recurring_event_id for i in moved if i.recurring_event_id})):
            rows = EventAppearance.objects.on(self.calendar).filter(google_event_id__in=ids)
            for row in rows.select_related("event"):
                self.masters[row.google_event_id] = row.event

    def _remember(self, rows: Iterable[CalendarEvent]) -> None:
        self.events.update((row.pk, row) for row in rows)

    # --- Deciding --------------------------------------------------------------------------
    def _uid(self, item: ParsedEvent) -> str | None:
        """Its iCalendar uid; a cancelled exception has none of its own, it is its series'."""
        master = self.masters.get(item.recurring_event_id or "")
        return item.ical_uid or (master.ical_uid if master else None)

    def _placed(self, moved: list[ParsedEvent]) -> list[tuple[ParsedEvent, CalendarEvent]]:
        """Each item with its meeting; new meetings have no primary key yet."""
        by_uid: dict[tuple[str | None, datetime | None], list[CalendarEvent]] = defaultdict(list)
        for event in self.events.values():
            by_uid[event.ical_uid, event.original_start_time].append(event)
        by_google_id = {event.google_event_id: event for event in self.events.values()}
        placed = []
        for item in moved:
            row = self.known.get(item.google_event_id)
            found = self.events[row.event_id] if row else self._same_meeting(item, by_uid)
            event = found or self._new_event(item, by_google_id)
            by_google_id.setdefault(event.google_event_id, event)
            placed.append((item, event))
        return placed

    def _same_meeting(
        self,
        item: ParsedEvent,
        by_uid: dict[tuple[str | None, datetime | None], list[CalendarEvent]],
    ) -> CalendarEvent | None:
        uid = self._uid(item)
        if uid is None:
            return None
        for event in by_uid[uid, item.original_start]:
            shown = self.elsewhere.get(event.pk, ())
            here = [row for row in shown if row.mirrored_calendar_id == self.calendar.pk]
            # One calendar that shows two events of one uid means two meetings.
            if all(row.status == CANCELLED for row in here):
                return event
        return None

    def _new_event(self, item: ParsedEvent, taken: dict[str, CalendarEvent]) -> CalendarEvent:
        google_id = item.google_event_id
        if google_id in taken:
            # Ids are unique per calendar only: another meeting has this one.
            google_id = f"{google_id}@{self.calendar.pk}"
        return CalendarEvent(google_event_id=google_id)

    def _tells(self, item: ParsedEvent, event: CalendarEvent) -> bool:
        """Whether this calendar's words go into the columns of the meeting."""
        if not event.pk:
            return True
        if item.cancelled or (item.error and event.source_id is not None):
            return False
        if event.source_id == self.calendar.pk:
            told_at = event.google_updated_at
            return not (item.updated and told_at and item.updated < told_at)
        shown = [
            row
            for row in self.elsewhere.get(event.pk, ())
            if row.mirrored_calendar_id == event.source_id and row.status != CANCELLED
        ]
        if not shown:
            return True
        source = shown[0].mirrored_calendar
        # One calendar speaks for a meeting, or two copies would overwrite each other for ever.
        return not shows_times_only(self.calendar) and (
            shows_times_only(source) or source.state in SILENT
        )

    # --- Writing ---------------------------------------------------------------------------
    def _write_events(self, placed: list[tuple[ParsedEvent, CalendarEvent]]) -> Counts:
        befores: dict[int, tuple[CalendarEvent, dict[str, Any]]] = {}
        for item, event in placed:
            befores.setdefault(id(event), (event, state_of(event)))
            if self._tells(item, event):
                self._fill(item, event)
            elif item.error:
                event.raw, event.parse_error = item.raw, item.error
        created, changed = write_meetings(befores.values())
        self._note(placed)
        guests = {
            guest for _event, before in befores.values() for guest in guests_in(before["attendees"])
        }
        return Counts(created, changed, reach=Reach(addresses=guests))

    def _fill(self, item: ParsedEvent, event: CalendarEvent) -> None:
        for name, value in columns_of(item).items():
            setattr(event, name, value)
        event.ical_uid = self._uid(item)
        event.google_updated_at = item.updated
        if event.source_id != self.calendar.pk:
            event.source_id = self.calendar.pk
            event.calendar_id = self.calendar.google_id or self.calendar.calendar_id
        if event.series_id is None and (master := self.masters.get(item.recurring_event_id or "")):
            event.series_id = master.pk

    def _note(self, placed: list[tuple[ParsedEvent, CalendarEvent]]) -> None:
        for item, event in placed:
            if item.cancelled:
                self.dropped_ids.add(event.pk)
            self.touched_ids.add(event.pk)
            if event.series_id is not None:
                self.touched_ids.add(event.series_id)

    def _write_appearances(self, placed: list[tuple[ParsedEvent, CalendarEvent]]) -> None:
        rows = [
            EventAppearance(
                event=event,
                mirrored_calendar=self.calendar,
                calendar_id=self.calendar.google_id or self.calendar.calendar_id,
                google_event_id=item.google_event_id,
                etag=item.etag,
                status=item.status,
                transparent=item.transparent,
                google_updated_at=item.updated,
                generation=self.generation or 0,
            )
            for item, event in placed
        ]
        mark = [] if self.generation is None else ["generation"]
        EventAppearance.objects.bulk_create(
            rows,
            batch_size=CHUNK,
            update_conflicts=True,
            unique_fields=["mirrored_calendar", "google_event_id"],
            update_fields=["event", "calendar_id", "etag", "status", "transparent",
                           "google_updated_at", "updated_at", *mark],
        )  # fmt: skip
        self.written.update(item.google_event_id for item, _ in placed)

    def _link_early_exceptions(self, placed: list[tuple[ParsedEvent, CalendarEvent]]) -> None:
        """Exceptions that an earlier slice brought before their series."""
        new = {
            item.google_event_id: event.pk
            for item, event in placed
            if item.recurrence and item.google_event_id not in self.known
        }
        here = EventAppearance.objects.on(self.calendar).filter(event=OuterRef("pk"))
        for ids in chunks(sorted(new)):
            orphans = CalendarEvent.objects.filter(
                Exists(here), series__isnull=True, recurring_event_id__in=ids
            )
            for pk, master_id in orphans.values_list("pk", "recurring_event_id"):
                CalendarEvent.objects.filter(pk=pk).update(series=new[str(master_id)])
