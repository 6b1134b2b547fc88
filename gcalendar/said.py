"""What people said of meetings: that they belong to a record, or that they do not."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from gcalendar.models import ArchivedEventLink, EventLink
from gcalendar.models.link import KINDS
from pipedesk.core.chunks import chunks

Record = tuple[str, uuid.UUID]  # its kind and key
TABLES = (EventLink, ArchivedEventLink)


@dataclass
class Said:
    """For each meeting: True where it belongs to a record, False where it does not."""

    words: dict[int, dict[Record, bool]] = field(default_factory=lambda: defaultdict(dict))

    def __bool__(self) -> bool:
        return bool(self.words)

    def of(self, event_id: int, series_id: int | None) -> Mapping[Record, bool]:
        """All that goes for a meeting: what was said of its series, then what of itself."""
        own = self.words.get(event_id, {})
        if series_id is None or series_id not in self.words:
            return own
        return {**self.words[series_id], **own}

    def keys(self, kind: str) -> set[uuid.UUID]:
        """The records of one kind that anything was said of."""
        return {pk for words in self.words.values() for name, pk in words if name == kind}


def said_of_meetings(event_ids: Collection[int]) -> Said:
    """All that was said of these, live or archived; one statement for 500 of them."""
    return _read(Q(event__in=ids) for ids in chunks(sorted(event_ids)))


def said_around(event_ids: Collection[int]) -> Said:
    """The same, of their exceptions too."""
    said = said_of_meetings(event_ids)
    said.words |= _read(Q(event__series__in=ids) for ids in chunks(sorted(event_ids))).words
    return said


def said_of(records: Mapping[str, Collection[uuid.UUID]]) -> Said:
    """All that was said of these records; one statement for 500 of a kind."""
    return _read(
        Q(**{f"{kind}__in": ids}) for kind, keys in records.items() for ids in chunks(sorted(keys))
    )


def _read(conditions: Iterable[Q]) -> Said:
    said = Said()
    for event_id, record, linked in _rows(conditions):
        said.words[event_id][record] = linked
    return said


def _rows(conditions: Iterable[Q]) -> Iterator[tuple[int, Record, bool]]:
    for condition in conditions:
        live, archived = (
            table.objects.filter(condition).order_by().values_list("event_id", "revoked", *KINDS)
            for table in TABLES
        )
        rows: Iterable[Any] = live.union(archived, all=True)
        for event_id, revoked, *keys in rows:
            for kind, pk in zip(KINDS, keys, strict=True):
                if pk is not None:
                    yield event_id, (kind, pk), not revoked
