"""What happened with a lead, and what it adds up to at a moment. Pure.

A moment counts itself: what happened at that very instant has happened, and what happened
exactly 90 days before still counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from crm.models import Interaction

Kind = Interaction.Kind

ENGAGEMENT_WINDOW: Final = timedelta(days=90)
MAX_ENGAGEMENT: Final = 100
MEETING_AHEAD: Final = 4
RECEIVED_EMAIL: Final = 3
# Points of what was logged; a logged meeting is one that was held.
POINTS: Final[dict[str, int]] = {
    Kind.CALL: 2,
    Kind.EMAIL: 2,
    Kind.MEETING: 2,
    Kind.VALUE_ASSET: 2,
    Kind.NOTE: 0,
}
TICK: Final = timedelta(microseconds=1)  # no stored time is finer


class Logged(NamedTuple):
    """One logged interaction."""

    kind: str
    direction: str
    at: datetime

    @property
    def points(self) -> int:
        """What it adds to the engagement."""
        if self.kind == Kind.EMAIL and self.direction == Interaction.Direction.RECEIVED:
            return RECEIVED_EMAIL
        return POINTS[self.kind]


@dataclass
class Activity:
    """All that is known to have happened with one lead, in no order.

    `meetings`: the starts of the meetings of its contacts, each meeting once, neither
    cancelled nor declined.
    """

    logged: list[Logged] = field(default_factory=list)
    meetings: list[datetime] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.logged or self.meetings)

    def as_of(self, moment: datetime) -> dict[str, Any]:
        """The columns of the statistics row that follow from this alone."""
        past = [row for row in self.logged if row.at <= moment]
        mirrored = [at for at in self.meetings if at <= moment]
        held = [*mirrored, *_times(past, Kind.MEETING)]
        ahead = [at for at in self.meetings if at > moment]
        emails = list(_times(past, Kind.EMAIL))
        counting = list(_counting(past, mirrored, moment))
        points = sum(points for points, _at in counting) + MEETING_AHEAD * len(ahead)
        return {
            "engagement_score": min(points, MAX_ENGAGEMENT),
            "last_email_at": max(emails, default=None),
            "last_event_at": max(held, default=None),
            "next_event_at": min(ahead, default=None),
            "last_call_at": max(_times(past, Kind.CALL), default=None),
            "last_value_asset_at": max(_times(past, Kind.VALUE_ASSET), default=None),
            "total_emails": len(emails),
            "total_events": len(held),
            "total_interactions": len(past) + len(mirrored),
            "stale_at": min(
                (
                    *(at + ENGAGEMENT_WINDOW + TICK for _points, at in counting),
                    *ahead,
                    *(row.at for row in self.logged if row.at > moment),
                ),
                default=None,
            ),
        }

    def latest(self, moment: datetime) -> tuple[datetime, str] | None:
        """When something happened last, and its kind."""
        past = [(row.at, row.kind) for row in self.logged if row.at <= moment]
        past += [(at, str(Kind.MEETING)) for at in self.meetings if at <= moment]
        return max(past, default=None)


def _times(rows: Iterable[Logged], kind: str) -> Iterator[datetime]:
    return (row.at for row in rows if row.kind == kind)


def _counting(
    past: Iterable[Logged], held: Iterable[datetime], moment: datetime
) -> Iterator[tuple[int, datetime]]:
    """Points and time of what still counts as engagement."""
    since = moment - ENGAGEMENT_WINDOW
    for row in past:
        if row.at >= since and row.points:
            yield row.points, row.at
    for at in held:
        if at >= since:
            yield POINTS[Kind.MEETING], at
