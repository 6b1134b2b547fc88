"""What events in Google say of themselves: the record each was made for."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from gcalendar.models import EventLink
from gcalendar.models.link import KINDS
from gcalendar.records import MODELS
from gcalendar.said import Record
from pipedesk.core.chunks import CHUNK, chunks


def note(entities: Iterable[tuple[int, Record]]) -> None:
    """Link meetings with the records they were made for, in the caller's transaction.

    What is said already stays, and so does what somebody took back. Of a record that was merged
    the kept one is meant; an unknown one is left out.
    """
    wanted: dict[str, dict[uuid.UUID, set[int]]] = defaultdict(lambda: defaultdict(set))
    for event_id, (kind, pk) in entities:
        wanted[kind][pk].add(event_id)
    rows = [
        EventLink(event_id=event_id, **{f"{kind}_id": kept_id})
        for kind, event_ids_of in wanted.items()
        for pk, kept_id in _kept(kind, event_ids_of).items()
        for event_id in event_ids_of[pk]
    ]
    EventLink.objects.bulk_create(_unsaid(rows), batch_size=CHUNK, ignore_conflicts=True)


def _kept(kind: str, keys: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """What stands for each of these that exist: itself, or what it was merged into."""
    merged_into: dict[uuid.UUID, uuid.UUID | None] = {}
    missing = set(keys)
    while missing:
        for some in chunks(sorted(missing)):
            merged_into |= _pointers(kind, some)
        missing = {pk for pk in merged_into.values() if pk} - merged_into.keys()
    found = {pk: pk for pk in keys if pk in merged_into}
    for pk in found:
        while into := merged_into[found[pk]]:
            found[pk] = into
    return found


def _pointers(kind: str, keys: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID | None]:
    rows = MODELS[kind].objects.filter(pk__in=keys).order_by()
    if kind == "deal":  # deals are not merged
        return dict.fromkeys(rows.values_list("pk", flat=True))
    return dict(rows.values_list("pk", "merged_into"))


def _unsaid(rows: Collection[EventLink]) -> list[EventLink]:
    """Those of the rows whose meeting and record nothing is said of yet."""
    said: set[tuple[Any, ...]] = set()
    for event_ids in chunks(sorted({row.event_id for row in rows})):
        stored = EventLink.objects.filter(event__in=event_ids).order_by()
        said.update(stored.values_list("event_id", *KINDS))
    return [row for row in rows if _identity(row) not in said]


def _identity(row: EventLink) -> tuple[Any, ...]:
    return (row.event_id, *(getattr(row, f"{kind}_id") for kind in KINDS))
