"""Google's event JSON to a frozen dataclass. Pure, and never raises for one bad event.

https://developers.google.com/workspace/calendar/api/v3/reference/events#resource
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gcalendar.recurrence import identity_of_date

CANCELLED = "cancelled"
STATUSES = ("confirmed", "tentative", CANCELLED)
PRIVATE = ("private", "confidential")
# Google's ids have up to 1,024 characters; PostgreSQL indexes up to 2,700 bytes.
MAX_KEY_LENGTH = 1024
MAX_EMAIL_LENGTH = 320
# Our mark on an event: the record it was made for, as `lead:<its id>`.
ENTITY_PROPERTY = "pipedesk_entity"
ENTITIES = ("contact", "lead", "company", "deal")
ATTENDEE_TEXTS = ("email", "displayName", "responseStatus")
ATTENDEE_FLAGS = ("organizer", "self", "optional", "resource")
# Fields we store or knowingly leave out. An event with others is kept as Google sent it, too.
# fmt: off
KNOWN_FIELDS = frozenset({
    "kind", "etag", "id", "status", "htmlLink", "created", "updated", "summary", "description",
    "location", "colorId", "creator", "organizer", "start", "end", "endTimeUnspecified",
    "recurrence", "recurringEventId", "originalStartTime", "transparency", "visibility",
    "iCalUID", "sequence", "attendees", "attendeesOmitted", "extendedProperties", "hangoutLink",
    "conferenceData", "gadget", "anyoneCanAddSelf", "guestsCanInviteOthers", "guestsCanModify",
    "guestsCanSeeOtherGuests", "privateCopy", "locked", "reminders", "source",
    "workingLocationProperties", "outOfOfficeProperties", "focusTimeProperties",
    "birthdayProperties", "attachments", "eventType",
})
# fmt: on


@dataclass(frozen=True)
class Moment:
    """A start or an end: an instant, and for all-day events the date Google said."""

    at: datetime
    on: date | None = None
    zone: str = "UTC"


@dataclass(frozen=True)
class ParsedEvent:
    """An event as one calendar shows it.

    `stub`: a tombstone, of which only the id can be relied on. `error`: why it could not be read;
    such an event is stored raw and hides nothing of the others. `entity`: kind and id of the
    record it was made for, as far as the event says.
    """

    google_event_id: str
    etag: str | None = None
    status: str = "confirmed"
    summary: str | None = None
    description: str | None = None
    location: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    ical_uid: str | None = None
    recurrence: tuple[str, ...] = ()
    recurring_event_id: str | None = None
    original_start: datetime | None = None
    html_link: str | None = None
    meet_link: str | None = None
    organizer_email: str | None = None
    attendees: tuple[dict[str, Any], ...] = ()
    private: bool = False
    transparent: bool = False
    updated: datetime | None = None
    entity: tuple[str, UUID] | None = None
    raw: Mapping[str, Any] | None = field(default=None, hash=False)
    error: str = ""

    @property
    def cancelled(self) -> bool:
        """Whether this calendar no longer shows the event."""
        return self.status == CANCELLED

    @property
    def stub(self) -> bool:
        """Whether only the id (of an exception: its series and original start) is known."""
        return self.cancelled and self.start is None

    @property
    def all_day(self) -> bool:
        """Whether Google named dates instead of times."""
        return self.start is not None and self.start.on is not None

    def times_only(self) -> ParsedEvent:
        """What may be stored of a calendar that shows others only when somebody is busy."""
        return replace(
            self,
            summary=None,
            description=None,
            location=None,
            html_link=None,
            meet_link=None,
            organizer_email=None,
            attendees=(),
            entity=None,
            raw=None,
        )


@lru_cache(maxsize=512)
def zone_named(name: str | None) -> ZoneInfo | None:
    """The zone of this IANA name, or None if there is no such zone."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder of the database
        return None


def text(value: Any) -> str | None:
    """A string the databases take: without NUL, lone surrogates replaced; empty is None."""
    if not isinstance(value, str):
        return None
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode("utf-8")
    return value.replace("\x00", "") or None


def key(value: Any) -> str | None:
    """A string that an index takes; one of absurd length is stood for by its hash."""
    kept = text(value)
    if kept is None or len(kept) <= MAX_KEY_LENGTH:
        return kept
    return f"sha256:{hashlib.sha256(kept.encode()).hexdigest()}"


def cleaned(value: Any) -> Any:
    """JSON with every string of it made storable."""
    if isinstance(value, str):
        return text(value) or ""
    if isinstance(value, Mapping):
        return {text(key) or "": cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [cleaned(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def parse_events(items: Iterable[Any], calendar_zone: str = "") -> list[ParsedEvent]:
    """The events of a page, in Google's order; what has no id cannot be kept."""
    zone = zone_named(calendar_zone) or UTC
    return [
        parse_event(item, zone) for item in items if isinstance(item, dict) and text(item.get("id"))
    ]


def parse_event(item: dict[str, Any], calendar_zone: tzinfo = UTC) -> ParsedEvent:
    """One event. What cannot be read ends in `error`, with the item beside it."""
    try:
        return _parsed(item, calendar_zone)
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as failure:
        return ParsedEvent(
            google_event_id=key(item.get("id")) or "",
            etag=text(item.get("etag")),
            status=_status(item),
            ical_uid=key(item.get("iCalUID")),
            recurring_event_id=key(item.get("recurringEventId")),
            updated=_updated(item),
            raw=cleaned(item),
            error=f"{type(failure).__name__}: {failure}"[:500].replace("\x00", ""),
        )


def _parsed(item: dict[str, Any], calendar_zone: tzinfo) -> ParsedEvent:
    start = _moment(item.get("start"), calendar_zone)
    original = _moment(item.get("originalStartTime"), calendar_zone)
    status = _status(item)
    if start is None and status != CANCELLED:
        msg = "the event has no start"
        raise ValueError(msg)
    organizer = item.get("organizer") or {}
    return ParsedEvent(
        google_event_id=key(item["id"]) or "",
        etag=text(item.get("etag")),
        status=status,
        summary=text(item.get("summary")),
        description=text(item.get("description")),
        location=text(item.get("location")),
        start=start,
        end=_end(item, start, calendar_zone),
        ical_uid=key(item.get("iCalUID")),
        recurrence=tuple(filter(None, map(text, item.get("recurrence") or ()))),
        recurring_event_id=key(item.get("recurringEventId")),
        original_start=_identity(original),
        html_link=text(item.get("htmlLink")),
        meet_link=_meet_link(item),
        organizer_email=_lower(organizer.get("email")),
        attendees=tuple(_attendees(item.get("attendees") or ())),
        private=item.get("visibility") in PRIVATE,
        transparent=item.get("transparency") == "transparent",
        updated=_updated(item),
        entity=_entity(item),
        raw=None if item.keys() <= KNOWN_FIELDS else cleaned(item),
    )


def _identity(original: Moment | None) -> datetime | None:
    """Which occurrence an exception stands for; all-day ones are the same in every zone."""
    if original is None:
        return None
    return identity_of_date(original.on) if original.on else original.at


def _status(item: Mapping[str, Any]) -> str:
    # A value of Google's future counts as an ordinary event.
    status = item.get("status")
    return status if status in STATUSES else "confirmed"


def _entity(item: Mapping[str, Any]) -> tuple[str, UUID] | None:
    properties = item.get("extendedProperties") or {}
    kind, _colon, name = str((properties.get("private") or {}).get(ENTITY_PROPERTY)).partition(":")
    try:
        return (kind, UUID(name)) if kind in ENTITIES else None
    except ValueError:
        return None


def _lower(value: Any) -> str | None:
    # Addresses are compared without case everywhere.
    address = text(value)
    return address.lower() if address else None


def _updated(item: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(item["updated"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _moment(value: Any, calendar_zone: tzinfo) -> Moment | None:
    if not value:
        return None
    if value.get("date"):
        return _midnight(date.fromisoformat(value["date"]), calendar_zone)
    if not value.get("dateTime"):
        return None
    zone = zone_named(text(value.get("timeZone"))) or calendar_zone
    at = datetime.fromisoformat(value["dateTime"])
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone)
    return Moment(at.astimezone(UTC), zone=str(zone))


def _midnight(on: date, zone: tzinfo) -> Moment:
    return Moment(datetime.combine(on, time(), zone).astimezone(UTC), on, str(zone))


def _end(item: Mapping[str, Any], start: Moment | None, calendar_zone: tzinfo) -> Moment | None:
    """The end; an event without one ends when it starts, an all-day one the day after."""
    end = _moment(item.get("end"), calendar_zone)
    if start is None or (end is not None and end.at >= start.at):
        return end
    if start.on is None:
        return replace(start)
    return _midnight(start.on + timedelta(days=1), calendar_zone)


def _attendees(guests: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for guest in guests:
        email = _lower(guest.get("email"))
        if email is None or len(email) > MAX_EMAIL_LENGTH:
            continue
        texts = {name: text(guest[name]) for name in ATTENDEE_TEXTS if guest.get(name)}
        flags = {name: True for name in ATTENDEE_FLAGS if guest.get(name) is True}
        yield {**texts, "email": email, **flags}


def _meet_link(item: Mapping[str, Any]) -> str | None:
    """The address of the video call, wherever Google put it."""
    conference = item.get("conferenceData") or {}
    for entry in conference.get("entryPoints") or ():
        if entry.get("entryPointType") == "video" and (link := text(entry.get("uri"))):
            return link
    return text(item.get("hangoutLink"))
