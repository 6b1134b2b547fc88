"""What is in Google Calendar, read from the sandbox's own memory: plain values, none of our code.

This is what the mirror is compared with once the dust has settled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr

from pipedesk.sandbox.google import Google

Event = dict[str, Any]
# Which occurrence of which meeting: its iCalendar uid, and where the rules of its series put it.
Identity = tuple[str, datetime | None]


@dataclass(frozen=True)
class PlainSlot:
    """A meeting, or an occurrence of a series, as a person sees it; times in UTC."""

    starts_at: datetime
    ends_at: datetime
    dates: tuple[date, date] | None
    title: str | None
    guests: frozenset[tuple[str, str | None]]
    is_private: bool
    is_free: bool

    def times_only(self) -> PlainSlot:
        """What is kept of it where nobody may know more."""
        return replace(self, title=None, guests=frozenset())


class PlainCalendar:
    """Everything that stands in all calendars."""

    def __init__(self, google: Google) -> None:
        with google.store.transaction():
            rows = list(google.store.table("events").values())
            calendars = list(google.store.table("calendars").values())
        self.zones = {row["body"]["id"]: row["body"]["timeZone"] for row in calendars}
        self.all = [(row["calendar"], row["body"]) for row in rows]
        listed = [row for row in rows if row["position"] is not None]
        listed.sort(key=lambda row: int(row["position"]))
        self.listed: list[tuple[str, Event]] = [(row["calendar"], row["body"]) for row in listed]

    def live(self) -> list[tuple[str, Event]]:
        """What takes place, each with its calendar, in order of last change."""
        return [(where, event) for where, event in self.listed if event["status"] != "cancelled"]

    def places(self, event_id: str) -> list[str]:
        """The calendars that show this event."""
        return [where for where, event in self.live() if event["id"] == event_id]

    def series_place(self, event_id: str) -> list[str]:
        """The calendars that show this event, or the series it is an instance of."""
        return self.places(event_id) or self.places(event_id.rpartition("_")[0])

    def titled(self, title: str) -> int:
        """How many events of this title there ever were, instances not counted."""
        return sum(
            event.get("summary") == title and "recurringEventId" not in event
            for _, event in self.all
        )

    def has_past(self, event: Event) -> bool:
        """Whether a series has lost instances nobody but Google knows of any more."""
        return any(
            each["id"].startswith(f"{event['id']}_") and each["status"] == "cancelled"
            for _, each in self.all
        )

    def etags(self, calendar_id: str) -> dict[str, str]:
        """What one calendar lists and is not cancelled."""
        return {event["id"]: event["etag"] for where, event in self.live() if where == calendar_id}

    def slots(
        self, calendars: Iterable[tuple[str, bool]], since: datetime, until: datetime
    ) -> dict[Identity, PlainSlot]:
        """What these calendars show in that time, each occurrence once.

        Whether only times may be kept stands beside the calendar's id.
        """
        found: dict[Identity, PlainSlot] = {}
        for calendar_id, times_only in sorted(calendars, key=lambda pair: not pair[1]):
            for identity, slot in self._slots_of(calendar_id, until):
                if since < slot.starts_at < until:
                    found[identity] = slot.times_only() if times_only else slot
        return found

    def _slots_of(self, calendar_id: str, until: datetime) -> Iterator[tuple[Identity, PlainSlot]]:
        zone = ZoneInfo(self.zones[calendar_id])
        here = [event for where, event in self.listed if where == calendar_id]
        taken: dict[str, set[datetime]] = defaultdict(set)
        for event in here:
            if "recurringEventId" in event:
                taken[event["recurringEventId"]].add(identity_of(event["originalStartTime"], zone))
        for event in here:
            if event["status"] != "cancelled":
                yield from _shown(event, taken[event["id"]], zone, until)


def _shown(
    event: Event, taken: set[datetime], zone: ZoneInfo, until: datetime
) -> Iterator[tuple[Identity, PlainSlot]]:
    """What an event gives to see; of a series what no exception stands for."""
    slot, uid = _slot(event, zone), event["iCalUID"]
    if "recurringEventId" in event:
        yield (uid, identity_of(event["originalStartTime"], zone)), slot
    elif "recurrence" not in event:
        yield (uid, None), slot
    else:
        for identity, each in unrolled(event, slot, zone, until):
            if identity not in taken:
                yield (uid, identity), each


def moment_of(point: Event, zone: ZoneInfo) -> datetime:
    """A start or an end in UTC; a day begins at midnight of the calendar's zone."""
    if "date" in point:
        return datetime.combine(date.fromisoformat(point["date"]), time(), zone).astimezone(UTC)
    return datetime.fromisoformat(point["dateTime"]).astimezone(UTC)


def identity_of(point: Event, zone: ZoneInfo) -> datetime:
    """Where the rules put an occurrence; a day is the same in all zones."""
    if "date" in point:
        return datetime.combine(date.fromisoformat(point["date"]), time(), UTC)
    return moment_of(point, zone)


def unrolled(
    event: Event, first: PlainSlot, zone: ZoneInfo, until: datetime
) -> Iterator[tuple[datetime, PlainSlot]]:
    """The occurrences of a series until then, each with its identity."""
    if first.dates is None:
        wall = ZoneInfo(event["start"]["timeZone"])
        length = first.ends_at - first.starts_at
        for start in _walls(event["recurrence"], first.starts_at.astimezone(wall)):
            starts_at = start.astimezone(UTC)
            if starts_at > until:
                return
            yield starts_at, replace(first, starts_at=starts_at, ends_at=starts_at + length)
        return
    days = first.dates[1] - first.dates[0]
    for start in _walls(event["recurrence"], datetime.combine(first.dates[0], time())):
        dates = (start.date(), start.date() + days)
        starts_at, ends_at = (datetime.combine(on, time(), zone).astimezone(UTC) for on in dates)
        if starts_at > until:
            return
        identity = datetime.combine(dates[0], time(), UTC)
        yield identity, replace(first, starts_at=starts_at, ends_at=ends_at, dates=dates)


def _walls(lines: list[str], first: datetime) -> Iterator[datetime]:
    """The starts on the wall of the series' zone; the first one counts whatever the rules say."""
    rules = rrulestr("\n".join(lines), dtstart=first, forceset=True)
    assert isinstance(rules, rruleset)
    rules.rdate(first)
    return iter(rules)


def _slot(event: Event, zone: ZoneInfo) -> PlainSlot:
    start, end = event["start"], event["end"]
    return PlainSlot(
        starts_at=moment_of(start, zone),
        ends_at=moment_of(end, zone),
        dates=(date.fromisoformat(start["date"]), date.fromisoformat(end["date"]))
        if "date" in start
        else None,
        title=event.get("summary"),
        guests=frozenset(
            (guest["email"].lower(), guest.get("responseStatus"))
            for guest in event.get("attendees", ())
        ),
        is_private=event.get("visibility") in {"private", "confidential"},
        is_free=event.get("transparency") == "transparent",
    )
