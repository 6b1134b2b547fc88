"""Calendars and calendar lists.

https://developers.google.com/workspace/calendar/api/concepts/events-calendars
"""

import secrets
from zoneinfo import ZoneInfo

from pipedesk.sandbox.errors import GoogleError, Json, invalid_value, not_found, required
from pipedesk.sandbox.store import Feed, Index, Store

DEFAULT_TIME_ZONE = "America/Sao_Paulo"
REMINDERS = [{"method": "popup", "minutes": 10}]
COLORS = ("#9fe1e7", "#b3dc6c", "#fad165", "#cd74e6", "#f691b2", "#92e1c0")


def entry_key(user: str, calendar_id: str) -> str:
    """The key of a calendar on a user's list."""
    return f"{user}\n{calendar_id}"


class Calendars:
    """Calendars by id, and for each user the list of those he sees."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._calendars = store.table("calendars")
        self._entries = store.table("calendar_list")
        self._by_user = Index(self._entries, lambda row: [row["user"]])
        self._feed = Feed(self._entries, lambda row: (row["user"], row["position"]))

    def add_account(self, user: str) -> None:
        """Give a new account its primary calendar, whose id is the e-mail address."""
        calendar = self._add(user, user, {"summary": user})
        self._list(user, calendar, {}, primary=True)

    def insert(self, user: str, body: Json) -> Json:
        """A new secondary calendar, owned by and listed for the user."""
        if not body.get("summary"):
            raise required("summary", "Missing title.")
        calendar_id = f"c_{secrets.token_hex(30)}@group.calendar.google.com"
        calendar = self._add(calendar_id, user, body)
        self._list(user, calendar, {}, primary=False)
        return calendar

    def get(self, user: str, calendar_id: str) -> Json:
        """The calendar as the user may see it; ``primary`` is his own. Raises GoogleError 404."""
        resolved = user if calendar_id == "primary" else calendar_id
        calendar = self._calendars.get(resolved)
        if calendar is None or entry_key(user, resolved) not in self._entries:
            raise not_found()
        return calendar["body"]  # type: ignore[no-any-return]

    def stored(self, calendar_id: str) -> Json | None:
        """The calendar, whoever asks."""
        row = self._calendars.get(calendar_id)
        return None if row is None else row["body"]

    def resolve(self, user: str, calendar_id: str) -> str:
        """The real id of a calendar the user may see. Raises GoogleError 404."""
        return str(self.get(user, calendar_id)["id"])

    def subscribe(self, user: str, body: Json) -> Json:
        """Put an existing calendar on the user's list. Here everybody may see every calendar."""
        calendar_id = body.get("id")
        if not calendar_id:
            raise required("resource.id")
        calendar = self._calendars.get(calendar_id)
        if calendar is None:
            raise not_found()
        if entry_key(user, calendar_id) in self._entries:
            raise GoogleError(409, "duplicate", "The requested identifier already exists.")
        settings: Json = {
            key: body[key] for key in ("colorId", "hidden", "selected") if key in body
        }
        return self._list(user, calendar["body"], settings, primary=False)

    def entry(self, user: str, calendar_id: str) -> Json:
        """A calendar as it stands on the user's list. Raises GoogleError 404."""
        row = self._entries.get(entry_key(user, self.resolve(user, calendar_id)))
        if row is None:
            raise not_found()
        return self._entry_json(row)

    def entries(self, user: str) -> list[Json]:
        """The user's list."""
        rows = (self._entries.get(key) for key in self._by_user.keys(user))
        return [self._entry_json(row) for row in rows if row is not None]

    def entries_since(self, user: str, position: int) -> list[tuple[int, Json]]:
        """``(position, entry)`` of what changed on the user's list, in order of last change."""
        rows = ((place, self._entries.get(key)) for place, key in self._feed.since(user, position))
        return [(place, self._entry_json(row)) for place, row in rows if row is not None]

    def last_position(self, user: str) -> int:
        """The position of the newest change of the user's list."""
        return self._feed.last(user)

    def _add(self, calendar_id: str, owner: str, body: Json) -> Json:
        time_zone = body.get("timeZone", DEFAULT_TIME_ZONE)
        _check_time_zone(time_zone)
        calendar: Json = {
            "kind": "calendar#calendar",
            "etag": self._etag(),
            "id": calendar_id,
            "summary": body["summary"],
            "timeZone": time_zone,
            "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        }
        for name in ("description", "location"):
            if name in body:
                calendar[name] = body[name]
        self._calendars.put(calendar_id, {"owner": owner, "body": calendar})
        return calendar

    def _list(self, user: str, calendar: Json, settings: Json, *, primary: bool) -> Json:
        color = COLORS[self._by_user.count(user) % len(COLORS)]
        row = {
            "user": user,
            "calendar": calendar["id"],
            "position": self._store.next_position(),
            "primary": primary,
            "settings": {"backgroundColor": color, "foregroundColor": "#000000", **settings},
        }
        self._entries.put(entry_key(user, calendar["id"]), row)
        return self._entry_json(row)

    def _entry_json(self, row: Json) -> Json:
        calendar = self._calendars.get(row["calendar"]) or {}
        entry: Json = {
            **calendar["body"],
            "kind": "calendar#calendarListEntry",
            "etag": f'"{row["position"]:016d}"',
            "accessRole": "owner" if calendar["owner"] == row["user"] else "writer",
            "selected": True,
            "defaultReminders": REMINDERS if row["primary"] else [],
            **row["settings"],
        }
        if row["primary"]:
            entry["primary"] = True
        return entry

    def _etag(self) -> str:
        return f'"{self._store.next_position():016d}"'


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise invalid_value("timeZone", f"Invalid time zone: {name}") from None
