"""The priority of a lead: the score with its parts, and the three buckets. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

HOT: Final = 70
WARM: Final = 40
MAX_SCORE: Final = 100

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
    *,
    status_weight: int,
    origin_weight: int,
    last_interaction_at: datetime | None,
    meeting_ahead: bool,
    engagement: int,
    now: datetime,
) -> list[Part]:
    """The parts of a score, the clamp and the rounding to a whole number being the last one."""
    found = [
        Part("status", status_weight),
        Part("origin", origin_weight),
        Part("recency", _recency(last_interaction_at, now)),
        Part("meeting", 25 if meeting_ahead else 0),
        Part("engagement", min(max(engagement, 0), 100) / 5),
    ]
    total = math.fsum(part.points for part in found)
    # Halves round up, as people do; the last part closes the sum.
    score = min(max(math.floor(total + 0.5), 0), MAX_SCORE)
    return [*found, Part("clamp", score - total)]


def score(found: list[Part]) -> int:
    """The score these parts add up to."""
    return round(math.fsum(part.points for part in found))


def _recency(last_interaction_at: datetime | None, now: datetime) -> float:
    if last_interaction_at is None:
        return 0
    days = max((now - last_interaction_at) // timedelta(days=1), 0)
    return 40 * max(0, 30 - days) / 30
