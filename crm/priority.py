"""The priority of a lead: the score with its parts, and the three buckets. Pure.

`crm.scoring` says the same in SQL.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

HOT: Final = 70
WARM: Final = 40
MAX_SCORE: Final = 100
# What a person who names a bucket means.
SCORES: Final[dict[str, int]] = {"hot": 85, "warm": 55, "cold": 20}

DESCRIPTIONS: Final[dict[str, Promise]] = {
    "hot": _("Alta prioridade"),
    "warm": _("Prioridade média"),
    "cold": _("Baixa prioridade"),
}
# Bucket -> (lowest score, first score above), None where open.
BOUNDS: Final[dict[str, tuple[int | None, int | None]]] = {
    "hot": (HOT, None),
    "warm": (WARM, HOT),
    "cold": (None, WARM),
}
# Points are told in 1024ths: both decimals and binary fractions hold them exactly, so that
# they add up wherever and in whatever order a client adds them.
GRAIN: Final = 1024


class Formula(Protocol):
    """The numbers of the formula (crm.models.PriorityFormula)."""

    @property
    def recency_points(self) -> int:
        """Points of a fresh interaction."""

    @property
    def recency_days(self) -> int:
        """Whole days until they are gone."""

    @property
    def meeting_points(self) -> int:
        """Points of a meeting ahead."""

    @property
    def engagement_points(self) -> int:
        """Points of full engagement."""


@dataclass(frozen=True)
class Part:
    """One part of a score; the parts add up to it exactly."""

    name: str
    points: float


def bucket(score: int) -> str:
    """`hot`, `warm` or `cold`."""
    if score >= HOT:
        return "hot"
    return "warm" if score >= WARM else "cold"


def description(score: int) -> str:
    """The bucket in words."""
    return str(DESCRIPTIONS[bucket(score)])


def parts(
    formula: Formula,
    *,
    status_weight: int,
    origin_weight: int,
    last_interaction_at: datetime | None,
    meeting_ahead: bool,
    engagement: int,
    now: datetime,
) -> list[Part]:
    """The parts of a score, the clamp and the rounding to a whole number being the last one."""
    exact = {
        "status": Fraction(status_weight),
        "origin": Fraction(origin_weight),
        "recency": _recency(formula, last_interaction_at, now),
        "meeting": Fraction(formula.meeting_points if meeting_ahead else 0),
        "engagement": Fraction(formula.engagement_points * min(max(engagement, 0), 100), 100),
    }
    # Halves round up, as people do; the last part closes the sum of what is told.
    whole = min(max(math.floor(sum(exact.values()) + Fraction(1, 2)), 0), MAX_SCORE)
    told = [Part(name, round(points * GRAIN) / GRAIN) for name, points in exact.items()]
    return [*told, Part("clamp", whole - math.fsum(part.points for part in told))]


def score(found: list[Part]) -> int:
    """The score these parts add up to."""
    return round(math.fsum(part.points for part in found))


def _recency(formula: Formula, last_interaction_at: datetime | None, now: datetime) -> Fraction:
    if last_interaction_at is None:
        return Fraction(0)
    days = max((now - last_interaction_at) // timedelta(days=1), 0)
    left = max(0, formula.recency_days - days)
    return Fraction(formula.recency_points * left, formula.recency_days)
