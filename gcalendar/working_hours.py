"""When people work: hours of the clock on their wall, on some days of the week. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gcalendar.spans import Span, merged, within

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
# No zone changes its clock twice so soon.
PIECE = timedelta(hours=12)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class WorkingHours:
    """The minutes of a day from `opens` until before `closes`, counted from midnight.

    `days`: words of DAYS.
    """

    opens: int = 9 * 60
    closes: int = 18 * 60
    days: frozenset[str] = frozenset(DAYS[:5])

    def spans(self, zone: ZoneInfo, since: datetime, until: datetime) -> list[Span]:
        """When the clock of the zone shows working hours between two moments, in UTC.

        An hour that the clock shows twice counts twice; one that it leaves out, not at all.
        """
        pieces = _steady(zone, since.replace(second=0, microsecond=0), until)
        found = (span for piece in pieces for span in self._of_piece(*piece))
        return within(merged(found), since.astimezone(UTC), until.astimezone(UTC))

    def _of_piece(self, start: datetime, end: datetime, offset: timedelta) -> Iterator[Span]:
        wall = (start + offset).replace(tzinfo=None)
        day, last = wall.date(), (end + offset).date()
        while day <= last:
            if DAYS[day.weekday()] in self.days:
                midnight = datetime.combine(day, time(), UTC) - offset
                opens = midnight + timedelta(minutes=self.opens)
                closes = midnight + timedelta(minutes=self.closes)
                yield max(start, opens), min(end, closes)
            day += timedelta(days=1)


def _steady(
    zone: ZoneInfo, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The time between two moments in pieces of one offset each, which comes with them."""
    start, until = since.astimezone(UTC), until.astimezone(UTC)
    while start < until:
        offset, end = _offset(zone, start), min(start + PIECE, until)
        if _offset(zone, end) != offset:
            same, other = 0, (end - start) // SECOND + 1
            while other - same > 1:
                middle = (same + other) // 2
                if _offset(zone, start + middle * SECOND) == offset:
                    same = middle
                else:
                    other = middle
            end = min(start + other * SECOND, until)
        yield start, end, offset
        start = end


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
