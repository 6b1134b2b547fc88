"""Records that show what a template can do to names: the longest, and the emptiest."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Length

from gdrive import entities
from gdrive.entities import Entity

LONGEST, EMPTIEST = "longest", "emptiest"
KINDS: Final = (LONGEST, EMPTIEST)
# Columns the placeholders show; the first one is the record's name.
SHOWN: Final = {
    "company": ("name",),
    "lead": (
        "title",
        "trade_name",
        "qualified_company__name",
        "address_city",
        "address_state",
        "owner__name",
    ),
    "deal": ("title", "company__name"),
    "contact": ("name", "role"),
}


def find(entity_type: str, kind: str) -> Entity | None:
    """The record whose shown values are longest altogether, or of which most are missing.

    One pass over the table. None where there is no record.
    """
    rows: QuerySet[Any] = entities.living(entities.READERS[entity_type][0])
    columns = SHOWN[entity_type]
    score = _lengths(columns) if kind == LONGEST else _blanks(columns)
    pk = rows.annotate(_score=score).order_by("-_score", "pk").values_list("pk", flat=True).first()
    return None if pk is None else entities.find(entity_type, pk)


def _lengths(columns: tuple[str, ...]) -> Any:
    total: Any = Value(0)
    for column in columns:
        total = total + Coalesce(Length(F(column)), Value(0))
    return total


def _blanks(columns: tuple[str, ...]) -> Any:
    total: Any = Value(0)
    for column in columns:
        is_blank = Q(**{f"{column}__isnull": True}) | Q(**{column: ""})
        total = total + Case(
            When(is_blank, then=Value(1)), default=Value(0), output_field=IntegerField()
        )
    return total
