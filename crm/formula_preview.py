"""Who would move if the priority formula were another. Nothing is written."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q
from django.db.models.functions import Abs

from crm import priority, scoring
from crm.priority import BOUNDS, Formula
from crm.rescoring import scored

SHOWN: Final = 20


@dataclass(frozen=True)
class Bucket:
    """How many leads are in a bucket, and how many would be."""

    name: str
    label: str
    before: int
    after: int


@dataclass(frozen=True)
class Move:
    """A lead whose score would be another."""

    lead_id: uuid.UUID
    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Preview:
    """What a formula would do to the leads people work on."""

    buckets: tuple[Bucket, ...]
    up: int
    down: int
    moves: tuple[Move, ...]


def preview(formula: Formula, now: datetime) -> Preview:
    """Compare the stored scores with those of this formula; the biggest moves are named.

    Scores set by hand stay, and leads that left the work list are left alone. Two queries.
    """
    leads: Any = scored().annotate(fresh=scoring.effective(now, formula))
    counts = {
        f"{name}_{when}": Count("pk", filter=_within(name, column))
        for name in BOUNDS
        for when, column in (("before", "priority_score"), ("after", "fresh"))
    }
    moved = {
        "up": Count("pk", filter=Q(fresh__gt=F("priority_score"))),
        "down": Count("pk", filter=Q(fresh__lt=F("priority_score"))),
    }
    counted = leads.aggregate(**counts, **moved)
    movers = leads.exclude(fresh=F("priority_score")).order_by(
        Abs(F("fresh") - F("priority_score")).desc(), "pk"
    )
    return Preview(
        tuple(
            Bucket(
                name,
                str(priority.DESCRIPTIONS[name]),
                counted[f"{name}_before"],
                counted[f"{name}_after"],
            )
            for name in BOUNDS
        ),
        counted["up"],
        counted["down"],
        tuple(
            Move(*row)
            for row in movers.values_list("pk", "title", "priority_score", "fresh")[:SHOWN]
        ),
    )


def _within(bucket: str, column: str) -> Q:
    lowest, above = BOUNDS[bucket]
    condition = Q() if lowest is None else Q(**{f"{column}__gte": lowest})
    return condition if above is None else condition & Q(**{f"{column}__lt": above})
