"""What a calendar no longer shows: tombstones, and what a full list left out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from gcalendar.archive import bring_back, resting
from gcalendar.matching import Reach
from gcalendar.models import (
    ArchivedAppearance,
    CalendarEvent,
    EventAppearance,
    MirroredCalendar,
)
from gcalendar.occurrences import refresh
from gcalendar.parsing import CANCELLED
from gcalendar.speaking import hand_over
from pipedesk.core.chunks import chunks


def drop(calendar: MirroredCalendar, event_ids: set[int]) -> int:
    """Settle meetings that this calendar no longer shows, exceptions of theirs included.

    A meeting that no calendar shows is cancelled; its other columns stay. Returns how many.
    For one that others show another one speaks, which is read anew.
    """
    exceptions: set[int] = set()
    for ids in chunks(sorted(event_ids)):
        rows = EventAppearance.objects.on(calendar).live().filter(event__series__in=ids)
        exceptions.update(rows.values_list("event_id", flat=True))
    for ids in chunks(sorted(exceptions)):
        EventAppearance.objects.on(calendar).filter(event__in=ids).update(status=CANCELLED)
    alive = EventAppearance.objects.live().filter(event=OuterRef("pk"))
    count = 0
    for ids in chunks(sorted(event_ids | exceptions)):
        gone = CalendarEvent.objects.filter(~Exists(alive), pk__in=ids).not_cancelled()
        count += gone.update(status=CANCELLED)
    shown_here = EventAppearance.objects.on(calendar).live().filter(event=OuterRef("pk"))
    for ids in chunks(sorted(event_ids | exceptions)):
        left = CalendarEvent.objects.filter(~Exists(shown_here), pk__in=ids)
        hand_over(calendar, list(left.values_list("pk", flat=True)))
    return count


@dataclass(frozen=True)
class Unseen:
    """Appearances that a full list did not contain.

    `gone`: events that no longer exist. `reverted`: exceptions of series that are still there;
    the series' own occurrence shows again. `shown`: how many the calendar showed before.
    `archived`: Google's ids of archived ones that no longer exist.
    """

    gone: frozenset[int]
    reverted: frozenset[int]
    shown: int
    archived: frozenset[str] = frozenset()

    @property
    def lost(self) -> int:
        """How many the calendar would show no more."""
        return len(self.gone) + len(self.archived)

    @classmethod
    def of(
        cls, calendar: MirroredCalendar, seen: Collection[str], generation: int | None
    ) -> Unseen:
        """Compare the mirror with the ids a full list had (and with the marks of its slices)."""
        rows = EventAppearance.objects.on(calendar)
        listed: set[int] = set()
        missing: list[tuple[int, int, int | None, str | None]] = []
        shown = 0
        for pk, event_id, series_id, google_id, status, marked in rows.values_list(
            "pk", "event_id", "event__series_id", "google_event_id", "status", "generation"
        ).iterator():
            shown += status != CANCELLED
            if google_id in seen or (generation is not None and marked == generation):
                if status != CANCELLED:
                    listed.add(event_id)
            else:
                missing.append((pk, event_id, series_id, status))
        reverted = {pk for pk, _, series_id, _ in missing if series_id in listed}
        gone = {pk for pk, _, _, status in missing if status != CANCELLED} - reverted
        shown_before = ArchivedAppearance.objects.filter(mirrored_calendar=calendar)
        live = shown_before.exclude(status=CANCELLED).order_by()
        archived = dict(live.values_list("google_event_id", "generation"))
        lacking = {
            google_id
            for google_id, marked in archived.items()
            if google_id not in seen and (generation is None or marked != generation)
        }
        shown += len(archived)
        return cls(frozenset(gone), frozenset(reverted), shown, frozenset(lacking))


def came_before(calendar: MirroredCalendar, listed: Collection[str], generation: int) -> bool:
    """Whether earlier slices of the full list under way had every one of these events already."""
    everywhere = (
        EventAppearance.objects.on(calendar),
        ArchivedAppearance.objects.filter(mirrored_calendar=calendar),
    )
    marked = sum(
        shown.filter(google_event_id__in=ids, generation=generation).count()
        for ids in chunks(sorted(listed))
        for shown in everywhere
    )
    return bool(listed) and marked >= len(listed)


def sweep(calendar: MirroredCalendar, unseen: Unseen, now: datetime) -> Reach:
    """Take what was not in the full list off this calendar; returns whose meetings moved."""
    event_ids: set[int] = set()
    series_ids: set[int] = set()
    gone = unseen.gone | _brought_back(calendar, unseen.archived)
    for ids in chunks(sorted(gone | unseen.reverted)):
        rows = EventAppearance.objects.filter(pk__in=ids)
        for event_id, series_id in rows.values_list("event_id", "event__series_id"):
            event_ids.add(event_id)
            if series_id is not None:
                series_ids.add(series_id)
    for ids in chunks(sorted(gone)):
        EventAppearance.objects.filter(pk__in=ids).update(status=CANCELLED)
    for ids in chunks(sorted(unseen.reverted)):
        EventAppearance.objects.filter(pk__in=ids).delete()
    drop(calendar, event_ids)
    refresh(event_ids | series_ids, now)
    return Reach(event_ids | series_ids)


def _brought_back(calendar: MirroredCalendar, google_ids: Collection[str]) -> frozenset[int]:
    """The appearances of archived events, among the live ones again."""
    bring_back({row.event_id for row in resting(calendar, sorted(google_ids)).values()})
    found: set[int] = set()
    for ids in chunks(sorted(google_ids)):
        rows = EventAppearance.objects.on(calendar).live().filter(google_event_id__in=ids)
        found.update(rows.values_list("pk", flat=True))
    return frozenset(found)
