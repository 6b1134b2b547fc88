"""When a meeting could be: what is nobody's busy time and everybody's working time. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from gcalendar.spans import Span, common, merged, without
from gcalendar.working_hours import WorkingHours

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def free_for_all(
    since: datetime,
    until: datetime,
    busy: Iterable[Iterable[Span]],
    zones: Collection[ZoneInfo],
    hours: WorkingHours,
) -> list[Span]:
    """Between two moments, the hours in which nobody is busy and each zone is at work."""
    free = [(since.astimezone(UTC), until.astimezone(UTC))] if since < until else []
    for zone in set(zones):
        free = common(free, hours.spans(zone, since, until))
    return without(free, merged(span for spans in busy for span in spans))


def suggested(free: Iterable[Span], length: timedelta, step: timedelta, at_most: int) -> list[Span]:
    """The first slots of this length that fit, one at each step of the clock in UTC."""
    return list(islice(_slots(free, length, step), at_most))


def _slots(free: Iterable[Span], length: timedelta, step: timedelta) -> Iterator[Span]:
    for start, end in free:
        at = EPOCH - (EPOCH - start) // step * step  # the first step that is not before it
        while at + length <= end:
            yield at, at + length
            at += step
