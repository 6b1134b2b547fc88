"""Stored events: rows, lookups, and what one change does to a whole series."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipedesk.sandbox.calendar.recurrence import occurrences
from pipedesk.sandbox.calendar.times import stamp_of
from pipedesk.sandbox.channels import Happening
from pipedesk.sandbox.clock import Clock, rfc3339
from pipedesk.sandbox.errors import Json, not_found
from pipedesk.sandbox.store import Feed, Index, Store


def event_key(calendar_id: str, event_id: str) -> str:
    """The key of an event's row; ids are unique per calendar only."""
    return f"{calendar_id}\n{event_id}"


def calendar_topic(calendar_id: str) -> str:
    """The topic of channels on a calendar's events."""
    return f"calendar/{calendar_id}"


@dataclass(frozen=True)
class PendingConference:
    """A Meet link was asked for and is not there yet."""

    calendar_id: str
    event_id: str


def is_cancelled(event: Json) -> bool:
    """Whether only a tombstone is left of the event."""
    return event.get("status") == "cancelled"


def has_pending_conference(event: Json) -> bool:
    """Whether a Meet link was asked for and is not there yet."""
    request = event.get("conferenceData", {}).get("createRequest", {})
    return bool(request.get("status", {}).get("statusCode") == "pending")


class Events:
    """Events of all calendars.

    A row is ``{"calendar", "body", "position"}``; the body is the event as Google answers it, the
    position that of its last change, None once the event left every list (an exception whose series
    was deleted).
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._rows = store.table("events")
        self._series = Index(self._rows, _series_of)
        self._uids = Index(self._rows, lambda row: [_uid_key(row["calendar"], row["body"])])
        self._pending = Index(
            self._rows, lambda row: ["yes"] if has_pending_conference(row["body"]) else []
        )
        self._feed = Feed(self._rows, _place_of)

    def find(self, calendar_id: str, event_id: str) -> Json | None:
        """The stored event, also a cancelled one."""
        row = self._rows.get(event_key(calendar_id, event_id))
        return None if row is None else row["body"]

    def get(self, calendar: Json, event_id: str) -> Json:
        """The event; an untouched instance is computed from its series. Raises GoogleError 404."""
        event = self.find(calendar["id"], event_id) or self._instance(calendar, event_id)
        if event is None:
            raise not_found()
        return event

    def exceptions(self, calendar_id: str, master_id: str) -> list[Json]:
        """Changed and cancelled instances of a series that still has lists to stand in."""
        rows = map(self._rows.get, self._series.keys(event_key(calendar_id, master_id)))
        return [row["body"] for row in rows if row is not None and row["position"] is not None]

    def with_uid(self, calendar_id: str, uid: str) -> list[Json]:
        """Events with this iCalUID."""
        rows = map(self._rows.get, self._uids.keys(_uid_key(calendar_id, {"iCalUID": uid})))
        return [row["body"] for row in rows if row is not None]

    def changed_since(self, calendar_id: str, position: int) -> Iterable[tuple[int, Json]]:
        """``(position, event)`` in order of last change."""
        for place, key in self._feed.since(calendar_id, position):
            row = self._rows.get(key)
            if row is not None:
                yield place, row["body"]

    def last_position(self, calendar_id: str) -> int:
        """The position of the calendar's newest change."""
        return self._feed.last(calendar_id)

    def save(self, calendar: Json, event: Json, *, keep_updated: bool = False) -> Json:
        """Store an event and mark what a change of it marks in Google.

        A change of a series or of one of its instances brings the master and all its exceptions
        into the next incremental list, with one etag and one ``updated`` (recorded behaviour).
        """
        calendar_id = calendar["id"]
        etag = f'"{self._store.next_position():016d}"'
        stamp = {"etag": etag}
        if not keep_updated:
            stamp["updated"] = rfc3339(self._clock.now())
        saved = {**event, **stamp}
        for member in self._family(calendar_id, saved):
            self._put(calendar_id, {**member, **stamp})
        self._store.announce(Happening(calendar_topic(calendar_id), "exists"))
        if has_pending_conference(saved):
            self._store.announce(PendingConference(calendar_id, saved["id"]))
        return saved

    def pending_conferences(self) -> list[PendingConference]:
        """Events whose Meet link is still to come."""
        rows = map(self._rows.get, self._pending.keys("yes"))
        return [PendingConference(row["calendar"], row["body"]["id"]) for row in rows if row]

    def drop_series(self, calendar: Json, master: Json) -> None:
        """Delete a whole series: only the master's tombstone is listed, exceptions vanish."""
        self._drop_exceptions(calendar["id"], master["id"])
        self.save(calendar, _cancelled(master))

    def replay(self, calendar: Json, items: Iterable[Json]) -> None:
        """Store what a list of Google's contained, word for word: tombstones, missing fields.

        Nothing is filled in or stamped; the items are the next incremental list, in their order.
        """
        for item in items:
            if is_cancelled(item):
                self._drop_exceptions(calendar["id"], item["id"])
            self._put(calendar["id"], item)
        self._store.announce(Happening(calendar_topic(calendar["id"]), "exists"))

    def take_away(self, calendar: Json, event: Json) -> None:
        """Leave a cancelled event behind, as delete and a moved organizer do."""
        self.save(calendar, _cancelled(event))

    def instances(self, calendar: Json, master: Json) -> list[Json]:
        """Every occurrence of a series, changed ones as they are, cancelled ones included."""
        found = []
        for start, end in occurrences(master, calendar["timeZone"]):
            instance_id = f"{master['id']}_{stamp_of(start, calendar['timeZone'])}"
            stored = self.find(calendar["id"], instance_id)
            found.append(stored or _computed(master, instance_id, start, end))
        return found

    def _instance(self, calendar: Json, event_id: str) -> Json | None:
        master_id, _, stamp = event_id.rpartition("_")
        master = self.find(calendar["id"], master_id) if stamp else None
        if master is None or "recurrence" not in master or is_cancelled(master):
            return None
        for start, end in occurrences(master, calendar["timeZone"]):
            if stamp_of(start, calendar["timeZone"]) == stamp:
                return _computed(master, event_id, start, end)
        return None

    def _family(self, calendar_id: str, event: Json) -> list[Json]:
        """The saved event with its series around it, the master first."""
        master_id = event.get("recurringEventId")
        if master_id is None and "recurrence" not in event:
            return [event]
        master = event if master_id is None else self.find(calendar_id, master_id)
        others = self.exceptions(calendar_id, master_id or event["id"])
        family = [] if master is None or is_cancelled(master) else [master]
        family += [other for other in others if other["id"] != event["id"]]
        return [*family, event] if master_id else [event, *family[1:]]

    def _drop_exceptions(self, calendar_id: str, master_id: str) -> None:
        for exception in self.exceptions(calendar_id, master_id):
            row = {"calendar": calendar_id, "body": _cancelled(exception), "position": None}
            self._rows.put(event_key(calendar_id, exception["id"]), row)

    def _put(self, calendar_id: str, body: Json) -> None:
        row = {"calendar": calendar_id, "body": body, "position": self._store.next_position()}
        self._rows.put(event_key(calendar_id, body["id"]), row)


def _series_of(row: Json) -> list[str]:
    master_id = row["body"].get("recurringEventId")
    return [event_key(row["calendar"], master_id)] if master_id else []


def _uid_key(calendar_id: str, body: Json) -> str:
    return event_key(calendar_id, str(body.get("iCalUID")))


def _place_of(row: Json) -> tuple[str, int] | None:
    return None if row["position"] is None else (row["calendar"], row["position"])


def _cancelled(event: Json) -> Json:
    return {**event, "status": "cancelled"}


def _computed(master: Json, instance_id: str, start: Json, end: Json) -> Json:
    instance = {name: value for name, value in master.items() if name != "recurrence"}
    return {
        **instance,
        "id": instance_id,
        "recurringEventId": master["id"],
        "originalStartTime": start,
        "start": start,
        "end": end,
    }
