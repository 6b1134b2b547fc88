"""Pages of a list: by number, or by a cursor that stays in place while others write."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, F, Model, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.utils.encoders import JSONEncoder

from pipedesk.core.fields import read_moment
from pipedesk.core.parsers import POISON
from pipedesk.core.problems import BadQuery
from pipedesk.core.query import Parameter, integer

DEFAULT_PER_PAGE = 20
MAX_PER_PAGE = 100
TOTAL_CAP = 10_000
PAGING = (
    integer("page", minimum=1, maximum=1_000_000, description="From 1."),
    integer("page_size", "pageSize", "limit", minimum=1, maximum=MAX_PER_PAGE),
    Parameter(
        "cursor",
        str,
        keep_empty=True,
        description="Empty starts; then next_cursor or previous_cursor of an answer.",
    ),
)
# For lists whose contract also knows `offset`.
OFFSET = integer("offset", minimum=0, maximum=100_000_000)


@dataclass(frozen=True)
class Key:
    """One part of an order: a field or annotation; `nullable` ones are last, ascending or not."""

    name: str
    descending: bool = False
    nullable: bool = False


@dataclass(frozen=True)
class Order:
    """A total order of rows; the last key is the primary key. `name` binds cursors to it.

    `mirrored`: the exact mirror image of what the keys say, missing values first.
    """

    name: str
    keys: tuple[Key, ...]
    mirrored: bool = False

    def apply(self, rows: QuerySet[Any], *, backwards: bool = False) -> QuerySet[Any]:
        """The rows in this order, or in its exact mirror image."""
        backwards = backwards != self.mirrored
        terms = []
        for key in self.keys:
            nulls = {"nulls_first" if backwards else "nulls_last": True} if key.nullable else {}
            descending = key.descending != backwards
            terms.append(F(key.name).desc(**nulls) if descending else F(key.name).asc(**nulls))
        return rows.order_by(*terms)

    def beyond(self, values: Sequence[Any], *, backwards: bool) -> Q:
        """The rows after the one with these key values, or before it."""
        backwards = backwards != self.mirrored
        alternatives = []
        same = Q()
        for key, value in zip(self.keys, values, strict=True):
            further = _further(key, value, backwards=backwards)
            if further is not None:
                alternatives.append(same & further)
            same &= Q(**{f"{key.name}__isnull": True}) if value is None else Q(**{key.name: value})
        first = self.keys[0]
        condition = reduce(or_, alternatives)
        if not first.nullable:
            # Says the same once more in a way that an index can start from.
            side = "lte" if first.descending != backwards else "gte"
            condition = Q(**{f"{first.name}__{side}": values[0]}) & condition
        return condition


def _further(key: Key, value: Any, *, backwards: bool) -> Q | None:
    """Rows whose key lies beyond `value`; None where none can."""
    if value is None:
        return Q(**{f"{key.name}__isnull": False}) if backwards else None
    side = "lt" if key.descending != backwards else "gt"
    further = Q(**{f"{key.name}__{side}": value})
    if key.nullable and not backwards:
        further |= Q(**{f"{key.name}__isnull": True})
    return further


def order_named(name: str, keys: Mapping[str, Key], tie: str = "id") -> Order:
    """The order by one of these keys; `-` before the name mirrors it. Ties are broken by `tie`."""
    natural = name.removeprefix("-")
    return Order(name, (keys[natural], Key(tie)), mirrored=name != natural)


def natural_order(model: type[Model]) -> Order:
    """The order the model's Meta names, ending in the primary key."""
    meta = model._meta  # noqa: SLF001  (documented by Django)
    keys = [
        Key(str(name).removeprefix("-"), descending=str(name).startswith("-"))
        for name in meta.ordering or ()
    ]
    if meta.pk is not None and meta.pk.name not in [key.name for key in keys]:
        keys.append(Key(meta.pk.name))
    return Order("natural", tuple(keys))


@dataclass(frozen=True)
class Page:
    """The rows of one page and the `pagination` member of its answer."""

    rows: list[Any]
    pagination: dict[str, Any]


def paginate(
    rows: QuerySet[Any] | Sequence[Any],
    query: Mapping[str, Any],
    order: Order | None = None,
    *,
    cap: int | None = None,
    count: Callable[[], int] | None = None,
    widen: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None,
) -> Page:
    """One page, as the query string asks for it (see PAGING).

    `rows` is a queryset (model instances or `.values()` with the order's keys in it), or any
    sequence that is in order already. Cursors need an order and a queryset. `cap` stops
    counting there; `count` counts in place of the queryset. `widen` makes of rows what is
    shown of them, in the same statement: `rows` then need only what filters and order read,
    which is all that a page far away is found by. Raises BadQuery.
    """
    per_page = query.get("page_size", DEFAULT_PER_PAGE)
    if "cursor" in query:
        if "page" in query or "offset" in query:
            raise BadQuery("cursor", _("Either a cursor or a page, not both."))
        if order is None or not isinstance(rows, QuerySet):
            raise BadQuery("cursor", _("This list knows pages only."))
        return _by_cursor(rows, query["cursor"], order, per_page, widen)
    start = query.get("offset", (query.get("page", 1) - 1) * per_page)
    total = _total(rows, cap, count)
    if order is not None and isinstance(rows, QuerySet):
        rows = order.apply(rows)
    is_capped = cap is not None and total > cap
    pagination = {"total": total, "page": start // per_page + 1, "per_page": per_page}
    if is_capped:
        pagination |= {"total": cap, "total_is_capped": True}
    chosen = rows[start : start + per_page] if start < total or is_capped else []
    if isinstance(chosen, QuerySet) and order is not None:
        chosen = _widened(chosen, order, widen)
    return Page(list(chosen), pagination)


def _widened(
    chosen: QuerySet[Any],
    order: Order,
    widen: Callable[[QuerySet[Any]], QuerySet[Any]] | None,
    *,
    backwards: bool = False,
) -> QuerySet[Any]:
    if widen is None:
        return chosen
    found = chosen.model._default_manager.filter(pk__in=chosen.values("pk"))  # noqa: SLF001
    return order.apply(widen(found), backwards=backwards)


def _total(
    rows: QuerySet[Any] | Sequence[Any], cap: int | None, count: Callable[[], int] | None
) -> int:
    if count is not None:
        return count()
    if not isinstance(rows, QuerySet):
        return len(rows)
    counted = rows.order_by()
    return counted.count() if cap is None else counted[: cap + 1].count()


def _by_cursor(
    rows: QuerySet[Any],
    cursor: str,
    order: Order,
    per_page: int,
    widen: Callable[[QuerySet[Any]], QuerySet[Any]] | None,
) -> Page:
    backwards, values = read_cursor(cursor, rows, order) if cursor else (False, None)
    if values is not None:
        rows = rows.filter(order.beyond(values, backwards=backwards))
    ordered = order.apply(rows, backwards=backwards)[: per_page + 1]
    found = list(_widened(ordered, order, widen, backwards=backwards))
    more, chosen = len(found) > per_page, found[:per_page]
    if backwards:
        chosen.reverse()
    has_next = more if not backwards else True
    has_previous = more if backwards else values is not None
    return Page(
        chosen,
        {
            "next_cursor": write_cursor(order, chosen[-1]) if has_next and chosen else None,
            "previous_cursor": (
                write_cursor(order, chosen[0], backwards=True) if has_previous and chosen else None
            ),
            "per_page": per_page,
        },
    )


def write_cursor(order: Order, row: Any, *, backwards: bool = False) -> str:
    """An opaque place in the list: beyond this row."""
    values = [_value(row, key.name) for key in order.keys]
    document = json.dumps([order.name, backwards, values], cls=JSONEncoder, separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def read_cursor(cursor: str, rows: QuerySet[Any], order: Order) -> tuple[bool, list[Any]]:
    """Direction and key values of a cursor. Raises BadQuery unless we wrote it for this order."""
    refusal = BadQuery("cursor", _("The cursor is not one of this list in this order."))
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        document = json.loads(base64.b64decode(padded.encode(), altchars=b"-_", validate=True))
        name, backwards, raws = document
        values = [_typed(rows, key, raw) for key, raw in zip(order.keys, raws, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, ValidationError):
        raise refusal from None
    if name != order.name or type(backwards) is not bool:
        raise refusal
    return backwards, values


def _typed(rows: QuerySet[Any], key: Key, raw: Any) -> Any:
    if raw is None:
        if not key.nullable:
            raise ValueError(key.name)
        return None
    if isinstance(raw, list | dict) or (isinstance(raw, str) and POISON.search(raw)):
        raise TypeError(key.name)
    output = F(key.name).resolve_expression(rows.query.clone()).output_field
    return read_moment(str(raw)) if isinstance(output, DateTimeField) else output.to_python(raw)


def _value(row: Any, name: str) -> Any:
    if isinstance(row, Mapping):
        return row[name]
    for part in name.split("__"):
        row = getattr(row, part, None)
    return row
