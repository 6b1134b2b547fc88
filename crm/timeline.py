"""What happened with a record, newest first. Each room registers a source; this one knows none.

Entries are ordered by (moment, kind, the source's own key), so the order is total and a cursor
names a place in it that stays where it is while others write.
"""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from pipedesk.accounts.models import User
from pipedesk.core.pagination import TOTAL_CAP, Order, read_cursor, write_cursor
from pipedesk.core.problems import BadQuery

# What people are told an entry is.
KINDS: Final = ("meeting", "audit", "drive", "interaction")
# Whence entries come. At the same moment, the first of these is the newest.
PLACES: Final = ("meeting", "archived_meeting", "audit", "drive", "interaction")
SHOWN_AS: Final = {"archived_meeting": "meeting"}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """Whose timeline: `lead`, `deal`, `contact` or `company`, and its id."""

    entity_type: str
    entity_id: uuid.UUID
    _known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, name: str, look: Callable[[], Any]) -> Any:
        """What `look` finds out, asked for once however many sources and pages need it."""
        if name not in self._known:
            self._known[name] = look()
        return self._known[name]


@dataclass(frozen=True)
class Entry:
    """What people are shown. `by` is the id of a user, or the lower-case e-mail of one."""

    id: str
    title: str
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    by: str | None = None


class Source(Protocol):
    """Where entries of one kind come from.

    `order` is newest first, its first key the moment, no key nullable, and total. `rows` are
    `.values()` with the order's keys in them. `entries` takes the same number of queries
    whatever the number of rows.
    """

    order: Order

    def rows(self, record: Record) -> QuerySet[Any, Any]:
        """All of the record's, in no order."""

    def entries(self, rows: Sequence[Row], viewer: User) -> list[Entry]:
        """These rows as this user may see them, one entry per row."""


SOURCES: dict[str, Source] = {}


def source(kind: str) -> Any:
    """Register a class as the source of the entries of this kind; see PLACES."""

    def register(cls: type[Source]) -> type[Source]:
        if kind not in PLACES:
            raise LookupError(kind)
        SOURCES[kind] = cls()
        return cls

    return register


@dataclass(frozen=True)
class Place:
    """Between two entries: after the one with these key values, or (`backwards`) before it."""

    kind: str
    values: Sequence[Any]
    backwards: bool = False

    def beyond(self, kind: str) -> Q:
        """The rows of that kind's source that lie beyond this place."""
        order = SOURCES[kind].order
        if kind == self.kind:
            return order.beyond(self.values, backwards=self.backwards)
        # Of the same moment, kinds further down the list come after this place.
        is_after = PLACES.index(kind) > PLACES.index(self.kind)
        side = "gt" if self.backwards else "lt"
        side += "e" if is_after != self.backwards else ""
        return Q(**{f"{order.keys[0].name}__{side}": self.values[0]})


@dataclass(frozen=True)
class Stretch:
    """A page of entries and where to go on from it."""

    entries: list[dict[str, Any]]
    next_cursor: str | None
    previous_cursor: str | None


def read_place(cursor: str, record: Record) -> Place:
    """The place a cursor names. Raises BadQuery unless we wrote it."""
    kind, _dot, rest = cursor.partition(".")
    if kind not in SOURCES:
        raise BadQuery("cursor", _("The cursor is not one of this list in this order."))
    known = SOURCES[kind]
    backwards, values = read_cursor(rest, known.rows(record), known.order)
    return Place(kind, values, backwards)


def stretch(
    record: Record, viewer: User, kinds: Collection[str], cursor: str, per_page: int
) -> Stretch:
    """The entries beyond the cursor's place (empty: the newest). Raises BadQuery."""
    place = read_place(cursor, record) if cursor else None
    backwards = place is not None and place.backwards
    found = list(_merged(record, kinds, place, per_page + 1))
    more, chosen = len(found) > per_page, found[:per_page]
    if backwards:
        chosen.reverse()
    has_next, has_previous = (True, more) if backwards else (more, place is not None)
    return Stretch(
        _shown(chosen, viewer),
        _cursor(chosen[-1]) if chosen and has_next else None,
        _cursor(chosen[0], backwards=True) if chosen and has_previous else None,
    )


def total(record: Record, kinds: Collection[str]) -> int:
    """How many entries there are, in one query; TOTAL_CAP + 1 stands for more than the cap."""
    counted = [SOURCES[kind].rows(record).order_by() for kind in _known(kinds)]
    if not counted:
        return 0
    rows: QuerySet[Any, Any] = counted[0].values_list("pk")
    if len(counted) > 1:
        first, *others = (one.values_list(Value(1)) for one in counted)
        rows = first.union(*others, all=True)
    return rows[: TOTAL_CAP + 1].count()


def _known(kinds: Collection[str]) -> list[str]:
    wanted = [kind for kind in PLACES if not kinds or SHOWN_AS.get(kind, kind) in kinds]
    return [kind for kind in wanted if kind in SOURCES]


def _merged(
    record: Record, kinds: Collection[str], place: Place | None, limit: int
) -> Iterable[tuple[str, Row]]:
    """The first rows beyond the place, walking away from it."""
    backwards = place is not None and place.backwards
    streams = []
    for kind in _known(kinds):
        rows, order = SOURCES[kind].rows(record), SOURCES[kind].order
        if place is not None:
            rows = rows.filter(place.beyond(kind))
        nearest = order.apply(rows, backwards=backwards)[:limit]
        streams.append([(kind, row) for row in nearest])
    merged = heapq.merge(*streams, key=_newness, reverse=not backwards)
    return [pair for _number, pair in zip(range(limit), merged, strict=False)]


def _newness(pair: tuple[str, Row]) -> tuple[datetime, int]:
    """What entries of different kinds are ordered by; each source's own are in order already."""
    kind, row = pair
    return row[SOURCES[kind].order.keys[0].name], -PLACES.index(kind)


def _cursor(pair: tuple[str, Row], *, backwards: bool = False) -> str:
    kind, row = pair
    return f"{kind}.{write_cursor(SOURCES[kind].order, row, backwards=backwards)}"


def _shown(pairs: Sequence[tuple[str, Row]], viewer: User) -> list[dict[str, Any]]:
    """The entries as the API gives them, with all their authors from one query."""
    of_kind: dict[str, list[Row]] = {}
    for kind, row in pairs:
        of_kind.setdefault(kind, []).append(row)
    rendered = {kind: SOURCES[kind].entries(rows, viewer) for kind, rows in of_kind.items()}
    people = _people({entry.by for entries in rendered.values() for entry in entries if entry.by})
    following = {kind: iter(entries) for kind, entries in rendered.items()}
    return [_document(kind, row, next(following[kind]), people) for kind, row in pairs]


def _document(
    kind: str, row: Row, entry: Entry, people: Mapping[str, dict[str, str]]
) -> dict[str, Any]:
    shown_as = SHOWN_AS.get(kind, kind)
    return {
        "id": f"{shown_as}-{entry.id}",
        "type": shown_as,
        "title": entry.title,
        "description": entry.description,
        "metadata": entry.metadata,
        "createdAt": row[SOURCES[kind].order.keys[0].name],
        "createdBy": people.get(entry.by) if entry.by else None,
    }


def _people(marks: set[str]) -> dict[str, dict[str, str]]:
    """Users by id and by e-mail. An id of nobody stands for itself, an e-mail of nobody not."""
    ids = {mark for mark in marks if "@" not in mark}
    people = {pk: {"id": pk, "name": pk} for pk in ids}
    if not marks:
        return people
    known = User.objects.alias(address=Lower("email")).filter(
        Q(pk__in=[pk for pk in ids if _is_uuid(pk)]) | Q(address__in=marks - ids)
    )
    for user in known:
        person = {"id": str(user.pk), "name": str(user)}
        people |= {str(user.pk): person, (user.email or "").lower(): person}
    return people


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
