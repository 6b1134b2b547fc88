"""Events as the API shows them: from rows of the mirror, masked for whom they do not concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gcalendar.addresses import guests_in
from gcalendar.linking import Links, Meeting, links_of
from gcalendar.models import CalendarEvent, CalendarEventArchive, MirroredCalendar
from gcalendar.occurrences import RULE_ERROR
from pipedesk.accounts.models import User, UserRole

OWN = ("pk", "start_time", "end_time", "start_date", "end_date", "original_start_time")
SHARED = (
    "google_event_id", "calendar_id", "ical_uid", "summary", "description", "all_day", "time_zone",
    "status", "meet_link", "html_link", "organizer_email", "attendees", "recurrence",
    "recurring_event_id", "created_at", "updated_at",
)  # fmt: skip
HIDDEN = (
    "private", "parse_error", "location", "original_start_time", "author_id", "series_id",
    "source__visibility",
)  # fmt: skip
COLUMNS = (*OWN, "event_id", *(f"event__{name}" for name in (*SHARED, *HIDDEN)))
# Of the contract, in its order; `location` is ours.
FIELDS = (
    "id", "google_event_id", "calendar_id", "ical_uid", "summary", "description", "location",
    "start_time", "end_time", "all_day", "start_date", "end_date", "time_zone", "status",
    "meet_link", "html_link", "organizer_email", "attendees", "recurrence", "recurring_event_id",
    "original_start_time", "linked", "created_at", "updated_at",
)  # fmt: skip
# What is left of a meeting for whom it does not concern.
TIMES = frozenset({
    "id", "google_event_id", "calendar_id", "start_time", "end_time", "all_day", "start_date",
    "end_date", "time_zone", "status", "created_at", "updated_at",
})  # fmt: skip
BUSY = "Busy"


def stamp_of(original_start: datetime, *, all_day: bool) -> str:
    """The end of an instance's id at Google: its original start in UTC, or its date."""
    return f"{original_start.astimezone(UTC):{'%Y%m%d' if all_day else '%Y%m%dT%H%M%SZ'}}"


def read_stamp(stamp: str) -> datetime | None:
    """The original start such a stamp means, or None."""
    pattern = "%Y%m%d" if len(stamp) == 8 else "%Y%m%dT%H%M%SZ"
    try:
        return datetime.strptime(stamp, pattern).replace(tzinfo=UTC)
    except ValueError:
        return None


def row_of(event: CalendarEvent | CalendarEventArchive) -> dict[str, Any]:
    """The columns of a meeting itself, such as a series as a whole."""
    row: dict[str, Any] = {name: getattr(event, name) for name in OWN if name != "pk"}
    row |= {f"event__{name}": getattr(event, name) for name in (*SHARED, *HIDDEN[:-1])}
    row["event__source__visibility"] = event.source.visibility if event.source else None
    # Its own start is no place within a series.
    return row | {"event_id": event.pk, "series": True}


@dataclass(frozen=True)
class Viewer:
    """Who looks: whether everything is open to them, else their address and id."""

    user: User

    @property
    def sees_all(self) -> bool:
        """Managers and admins see every meeting whole, but for private ones."""
        return self.user.role in (UserRole.Role.ADMIN, UserRole.Role.MANAGER)

    @property
    def address(self) -> str:
        """Lower case; empty where the person has none."""
        return (self.user.email or "").lower()

    def may_read(self, row: Mapping[str, Any], links: Links) -> bool:
        """Whether more than times is this person's business."""
        if row["event__source__visibility"] == MirroredCalendar.Visibility.BUSY:
            return False
        guests = guests_in(row["event__attendees"])
        if self.attends(row["event__organizer_email"], guests):
            return True
        if row["event__private"]:
            return False
        if self.sees_all or row["event__author_id"] == self.user.pk:
            return True
        return self.user.pk in links.owner_ids

    def attends(self, organizer: str | None, guests: Iterable[str]) -> bool:
        """Whether this person organises a meeting or is invited to it."""
        return bool(self.address) and self.address in {*guests, organizer}


def rendered(rows: Iterable[Mapping[str, Any]], viewer: Viewer) -> list[dict[str, Any]]:
    """The rows in the shape of the contract; two queries for what they are linked to."""
    rows = list(rows)
    links = links_of([meeting_in(row) for row in rows])
    return [_rendered(row, links[row["event_id"]], viewer) for row in rows]


def meeting_in(row: Mapping[str, Any]) -> Meeting:
    """Of the columns those that say what a meeting touches."""
    guests = tuple(guests_in(row["event__attendees"]))
    return Meeting(row["event_id"], row["event__series_id"], guests)


def _rendered(row: Mapping[str, Any], links: Links, viewer: Viewer) -> dict[str, Any]:
    values = {name: row[f"event__{name}"] for name in SHARED}
    values |= {name: row[name] for name in OWN if name in row}
    values |= {"id": row["event_id"], "location": row["event__location"]}
    values["original_start_time"] = row["event__original_start_time"]
    values["attendees"] = values["attendees"] or []
    values["linked"] = [
        {"type": kind, "id": str(pk), "source": whence} for (kind, pk), whence in links.rows.items()
    ]
    readable = not row["event__parse_error"].startswith(RULE_ERROR)
    if values["recurrence"] and readable and "series" not in row:
        values |= _as_instance(row)
    if not viewer.may_read(row, links):
        values |= {name: None for name in FIELDS if name not in TIMES}
        values |= {"summary": BUSY, "attendees": [], "linked": []}
    return {name: values[name] for name in FIELDS}


def _as_instance(row: Mapping[str, Any]) -> dict[str, Any]:
    """What makes an occurrence of a series: Google's id of it, and where it belongs."""
    series_id = row["event__google_event_id"]
    stamp = stamp_of(row["original_start_time"], all_day=row["event__all_day"])
    return {
        "google_event_id": f"{series_id}_{stamp}",
        "recurring_event_id": series_id,
        "original_start_time": row["original_start_time"],
        "recurrence": None,
    }
