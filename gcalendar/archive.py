"""Meetings older than the retention go to tables of their own, and come back when Google moves one.

A meeting goes with its guests, times and appearances; a series with its exceptions, once all of
it is over. It keeps its id. Statistics and timelines read both sides, so nothing changes there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from gcalendar.creating import one_creator_at_a_time
from gcalendar.matching import Reach, follow
from gcalendar.models import (
    ArchivedAppearance,
    ArchivedAttendee,
    ArchivedEventLink,
    ArchivedOccurrence,
    CalendarEvent,
    CalendarEventArchive,
    EventAppearance,
    EventAttendee,
    EventLink,
    EventOccurrence,
    MirroredCalendar,
    RecurrenceRule,
)
from gcalendar.occurrences import series_of
from gcalendar.parsing import CANCELLED, ParsedEvent
from gcalendar.recurrence import UnreadableRuleError, is_over
from pipedesk.core.chunks import CHUNK, chunks

BATCH: Final = 200  # meetings and series in one transaction
# Live table -> archive. What belongs to a meeting follows it.
CHILDREN: Final[tuple[tuple[type[Any], type[Any]], ...]] = (
    (EventAttendee, ArchivedAttendee),
    (EventAppearance, ArchivedAppearance),
    (EventOccurrence, ArchivedOccurrence),
    (EventLink, ArchivedEventLink),
)


# --- Going ----------------------------------------------------------------------------------
def put_away(older_than: timedelta, *, dry_run: bool = False) -> Iterator[int]:
    """Archive what has been over for so long; after each batch says how many it was.

    Each batch is a transaction: whatever ends this in between, the next run goes on.
    """
    before, last = timezone.now() - older_than, 0
    while True:
        heads = _old(before).filter(pk__gt=last).order_by("pk")
        ids = list(heads.values_list("pk", flat=True)[:BATCH])
        if not ids:
            return
        last = ids[-1]
        with transaction.atomic():
            yield len(_ripe(ids, before)) if dry_run else _put_away(ids, before)


def _put_away(head_ids: Sequence[int], before: datetime) -> int:
    """Move those of these that are over for good, with their exceptions."""
    # A sync holds its calendar's row when it writes: meanwhile none of these can move.
    families = CalendarEvent.objects.families(head_ids)
    shown = EventAppearance.objects.filter(event__in=families.values("pk"))
    calendars = MirroredCalendar.objects.filter(pk__in=shown.values("mirrored_calendar"))
    list(calendars.order_by("pk").select_for_update().values_list("pk", flat=True))
    one_creator_at_a_time()
    ids = _ripe(head_ids, before)
    if ids:
        reach = Reach(set(ids), _guests_of(ids))
        _move(ids, CalendarEvent, CalendarEventArchive, CHILDREN)
        # Who counts meetings at this moment may have seen them on both sides, or on none.
        follow(reach)
    return len(ids)


def _old(before: datetime) -> Any:
    """Meetings and series, not exceptions, that may be over; a series began before."""
    ended = Q(end_time__lt=before) | Q(end_time=None, start_time__lt=before)
    forgotten = Q(end_time=None, start_time=None, status=CANCELLED, updated_at__lt=before)
    return CalendarEvent.objects.filter(ended | forgotten, series=None)


def _ripe(head_ids: Sequence[int], before: datetime) -> list[int]:
    """Those of these meetings that are over, series first, then their exceptions."""
    later = Q(end_time__gte=before) | Q(end_time=None, start_time__gte=before)
    open_exceptions = CalendarEvent.objects.filter(later, series=OuterRef("pk"))
    ahead = EventOccurrence.objects.filter(event=OuterRef("pk"), end_time__gte=before)
    heads = _old(before).filter(~Exists(open_exceptions), ~Exists(ahead), pk__in=head_ids)
    over = [event.pk for event in heads.order_by("pk") if _is_over(event, before)]
    exceptions = CalendarEvent.objects.filter(series__in=over).order_by("pk")
    return over + list(exceptions.values_list("pk", flat=True))


def _is_over(event: CalendarEvent, before: datetime) -> bool:
    """Whether no rule of the series leads beyond; the times that are stored end in 18 months."""
    if not event.recurrence or event.status == CANCELLED or event.start_time is None:
        return True
    try:
        return is_over(series_of(event), before)
    except UnreadableRuleError:
        return True  # it is shown at its first start only


# --- Coming back ----------------------------------------------------------------------------
def resting(calendar: MirroredCalendar, google_ids: Sequence[str]) -> dict[str, ArchivedAppearance]:
    """What this calendar shows of these, of archived meetings."""
    found: dict[str, ArchivedAppearance] = {}
    for ids in chunks(google_ids):
        rows = ArchivedAppearance.objects.filter(mirrored_calendar=calendar)
        found.update((row.google_event_id, row) for row in rows.filter(google_event_id__in=ids))
    return found


def bring_back_for(
    calendar: MirroredCalendar, items: Iterable[ParsedEvent], known: Collection[str]
) -> set[int]:
    """Bring back the meetings that these items of a list mean; `known` are live ones' ids.

    By where they were seen, and for what this calendar never showed by uid or Google's id.
    Returns the ids of what came back.
    """
    google_ids, uids = set(), set()
    for item in items:
        google_ids |= {item.google_event_id, item.recurring_event_id or item.google_event_id}
        if item.google_event_id not in known and item.ical_uid:
            uids.add(item.ical_uid)
    google_ids -= set(known)
    event_ids: set[int] = set()
    for ids in chunks(sorted(google_ids)):
        here = ArchivedAppearance.objects.filter(mirrored_calendar=calendar)
        event_ids.update(here.filter(google_event_id__in=ids).values_list("event_id", flat=True))
        same = CalendarEventArchive.objects.filter(google_event_id__in=ids)
        event_ids.update(same.values_list("pk", flat=True))
    for some in chunks(sorted(uids)):
        same = CalendarEventArchive.objects.filter(ical_uid__in=some)
        event_ids.update(same.values_list("pk", flat=True))
    return bring_back(event_ids)


def bring_back(event_ids: Collection[int]) -> set[int]:
    """Move meetings back among the live ones, series and exceptions together."""
    if not event_ids:
        return set()
    one_creator_at_a_time()
    heads: set[int] = set()
    for ids in chunks(sorted(event_ids)):
        rows = CalendarEventArchive.objects.filter(pk__in=ids)
        heads.update(series or pk for pk, series in rows.values_list("pk", "series_id"))
    moved: set[int] = set()
    for ids in chunks(sorted(heads)):
        family = CalendarEventArchive.objects.filter(Q(pk__in=ids) | Q(series__in=ids))
        found = list(family.order_by("pk").values_list("pk", flat=True))
        _move(found, CalendarEventArchive, CalendarEvent, [(b, a) for a, b in CHILDREN])
        _write_rules(found)
        moved.update(found)
    return moved


def bring_back_told_by(calendar: MirroredCalendar) -> None:
    """Bring back all that this calendar shows, before it changes or goes."""
    shown = ArchivedAppearance.objects.filter(mirrored_calendar=calendar).order_by()
    bring_back(set(shown.values_list("event_id", flat=True)))


# --- Both ways ------------------------------------------------------------------------------
def _move(
    ids: Collection[int],
    source: type[Any],
    target: type[Any],
    children: Sequence[tuple[type[Any], type[Any]]],
) -> None:
    """Copy meetings and what belongs to them, column by column, then drop the originals."""
    for some in chunks(sorted(ids)):
        # Whoever says something of a meeting holds its row meanwhile.
        list(source.objects.filter(pk__in=some).order_by("pk").select_for_update(of=("self",)))
        _copy(source.objects.filter(pk__in=some), target)
        for origin, destination in children:
            _copy(origin.objects.filter(event__in=some), destination, without="id")
    for some in chunks(sorted(ids)):
        source.objects.filter(pk__in=some).delete()


def _copy(rows: Any, target: type[Any], *, without: str = "") -> None:
    names = _columns(rows.model) & _columns(target) - {without}
    copies = [target(**row) for row in rows.values(*sorted(names))]
    target.objects.bulk_create(copies, batch_size=CHUNK)


def _columns(model: type[Any]) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields}  # noqa: SLF001  (public API)


def _guests_of(ids: Sequence[int]) -> set[str]:
    found: set[str] = set()
    for some in chunks(ids):
        guests = EventAttendee.objects.filter(event__in=some).order_by()
        found.update(guests.values_list("email", flat=True))
    return found


def _write_rules(ids: Sequence[int]) -> None:
    """The lines of series once more: they stand in the archived row itself."""
    for some in chunks(ids):
        rows = [
            RecurrenceRule(event_id=pk, position=position, rule=rule)
            for pk, rules in CalendarEvent.objects.filter(pk__in=some).values_list(
                "pk", "recurrence"
            )
            for position, rule in enumerate(rules or ())
        ]
        RecurrenceRule.objects.bulk_create(rows, batch_size=CHUNK)
