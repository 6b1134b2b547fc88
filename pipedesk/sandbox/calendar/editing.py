"""What callers and people do to events: insert, change, delete, move.

https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

import re
import secrets
from typing import Any

from pipedesk.sandbox.calendar import quick
from pipedesk.sandbox.calendar.events import Events, has_pending_conference, is_cancelled
from pipedesk.sandbox.calendar.recurrence import check_rules
from pipedesk.sandbox.calendar.times import check_range, normalised, zone_of
from pipedesk.sandbox.clock import Clock, rfc3339
from pipedesk.sandbox.errors import (
    GoogleError,
    Json,
    bad_request,
    invalid_value,
    precondition_failed,
    required,
)

CLIENT_ID = re.compile(r"[a-v0-9]{5,1024}\Z")
OWN_FIELDS = frozenset(
    {
        "kind",
        "etag",
        "id",
        "status",
        "htmlLink",
        "created",
        "updated",
        "creator",
        "organizer",
        "iCalUID",
        "sequence",
        "eventType",
        "recurringEventId",
        "originalStartTime",
        "hangoutLink",
    }
)
"""Fields a caller's body does not change (``status`` apart, which is handled by name)."""


class Editing:
    """Changes to events. ``calendar`` is always the calendar's JSON, already seen by the user."""

    def __init__(self, events: Events, clock: Clock) -> None:
        self._events = events
        self._clock = clock

    def insert(self, calendar: Json, user: str, body: Json, *, version: int = 0) -> Json:
        """Create an event; ``version`` is ``conferenceDataVersion``.

        Raises GoogleError 409 ``duplicate`` when the id was ever used on this calendar.
        """
        event_id = body.get("id") or secrets.token_hex(13)
        if not CLIENT_ID.match(event_id):
            raise invalid_value("resource.id", "Invalid resource id value.")
        if self._events.find(calendar["id"], event_id) is not None:
            raise GoogleError(409, "duplicate", "The requested identifier already exists.")
        event = {**self._skeleton(calendar, user, event_id), **_content(body, {}, version)}
        event["status"] = body.get("status") or "confirmed"
        event["iCalUID"] = body.get("iCalUID") or f"{event_id}@google.com"
        return self._events.save(calendar, _checked(event, calendar["timeZone"]))

    def import_event(self, calendar: Json, user: str, body: Json, *, version: int = 0) -> Json:
        """Add a private copy of an existing event, or update the copy with this iCalUID."""
        uid = body.get("iCalUID")
        if not uid:
            raise required("resource.iCalUID")
        for known in self._events.with_uid(calendar["id"], uid):
            if not is_cancelled(known) and "recurringEventId" not in known:
                return self.update(calendar, known["id"], body, version=version)
        return self.insert(calendar, user, {**body, "id": None}, version=version)

    def update(
        self,
        calendar: Json,
        event_id: str,
        body: Json,
        *,
        version: int = 0,
        if_match: str | None = None,
    ) -> Json:
        """Replace the whole event; what the body leaves out is cleared."""
        old = self._current(calendar, event_id, if_match)
        kept = {name: value for name, value in old.items() if name in OWN_FIELDS}
        if not version and "conferenceData" in old:
            kept["conferenceData"] = old["conferenceData"]
        return self._change(
            calendar, old, kept, {"reminders": {"useDefault": True}, **body}, version
        )

    def patch(
        self,
        calendar: Json,
        event_id: str,
        body: Json,
        *,
        version: int = 0,
        if_match: str | None = None,
    ) -> Json:
        """Merge the body into the event; null clears, arrays are replaced."""
        old = self._current(calendar, event_id, if_match)
        return self._change(calendar, old, old, _merged(old, body), version, patch=body)

    def delete(self, calendar: Json, event_id: str, *, if_match: str | None = None) -> None:
        """Cancel an event. Raises GoogleError 410 ``deleted`` the second time."""
        event = self._current(calendar, event_id, if_match)
        if is_cancelled(event):
            raise GoogleError(410, "deleted", "Resource has been deleted")
        if "recurringEventId" in event:
            self._events.take_away(calendar, event)
        else:  # a meeting that was a series once may have exceptions left
            self._events.drop_series(calendar, event)

    def move(self, calendar: Json, event_id: str, destination: Json) -> Json:
        """Change the organizing calendar; a cancelled event stays behind."""
        event = self._current(calendar, event_id, None)
        if "recurringEventId" in event:
            raise bad_request("Cannot change the organizer of an instance.", "invalid")
        if self._events.find(destination["id"], event_id) is not None:
            raise GoogleError(409, "duplicate", "The requested identifier already exists.")
        self.delete(calendar, event_id)
        organizer = _person(destination)
        return self._events.save(destination, {**event, "organizer": organizer})

    def quick_add(self, calendar: Json, user: str, text: str) -> Json:
        """An event of the day, the time and the title that the text names."""
        if not text.strip():
            raise required("text")
        zone = zone_of(calendar["timeZone"])
        return self.insert(calendar, user, quick.read(text, self._clock.now(), zone))

    def complete_conference(self, calendar: Json, event_id: str) -> None:
        """Turn a pending Meet request into a link, as Google does some moments later."""
        event = self._events.find(calendar["id"], event_id)
        if event is None or not has_pending_conference(event):
            return
        code = "-".join(secrets.token_hex(2)[:length] for length in (3, 4, 3))
        link = f"https://meet.google.com/{code}"
        request = {**event["conferenceData"]["createRequest"], "status": {"statusCode": "success"}}
        conference = {
            "createRequest": request,
            "conferenceId": code,
            "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
            "entryPoints": [{"entryPointType": "video", "uri": link, "label": link[8:]}],
        }
        self._events.save(calendar, {**event, "conferenceData": conference, "hangoutLink": link})

    def _current(self, calendar: Json, event_id: str, if_match: str | None) -> Json:
        event = self._events.get(calendar, event_id)
        if if_match not in {None, "*", event.get("etag")}:
            raise precondition_failed()
        return event

    def _change(
        self,
        calendar: Json,
        old: Json,
        kept: Json,
        body: Json,
        version: int,
        *,
        patch: Json | None = None,
    ) -> Json:
        status = body.get("status") or "confirmed"
        if status == "cancelled" and not is_cancelled(old):
            self.delete(calendar, old["id"])
            return self._events.get(calendar, old["id"])
        own = {name: value for name, value in kept.items() if name in OWN_FIELDS}
        event = {**own, **_content(body, old, version), "status": status}
        if "conferenceData" in kept and "conferenceData" not in event:
            event["conferenceData"] = kept["conferenceData"]
        event = _checked(event, calendar["timeZone"])
        if (event["start"], event["end"]) != (old["start"], old["end"]):
            event["sequence"] = old.get("sequence", 0) + 1
        only_reminders = patch is not None and set(patch) == {"reminders"}
        return self._events.save(calendar, event, keep_updated=only_reminders)

    def _skeleton(self, calendar: Json, user: str, event_id: str) -> Json:
        return {
            "kind": "calendar#event",
            "id": event_id,
            "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
            "created": rfc3339(self._clock.now()),
            "creator": {"email": user, **({"self": True} if user == calendar["id"] else {})},
            "organizer": _person(calendar),
            "sequence": 0,
            "reminders": {"useDefault": True},
            "eventType": "default",
        }


def _person(calendar: Json) -> Json:
    return {"email": calendar["id"], "displayName": calendar["summary"], "self": True}


def _content(body: Json, old: Json, version: int) -> Json:
    """The caller's part of an event: nulls dropped, conference handled by its version."""
    content = {
        name: value for name, value in body.items() if name not in OWN_FIELDS and value is not None
    }
    if not version:
        content.pop("conferenceData", None)
    elif "createRequest" in content.get("conferenceData", {}):
        content["conferenceData"] = _requested(content["conferenceData"], old)
    for attendee in content.get("attendees", []):
        if "@" not in (attendee.get("email") or ""):
            raise bad_request("Invalid attendee email.", "invalid")
    if "attendees" in content:
        content["attendees"] = [
            {"responseStatus": "needsAction", **attendee} for attendee in content["attendees"]
        ]
    return content


def _requested(conference: Json, old: Json) -> Json:
    """A Meet request: pending, or what the same request id brought before."""
    request = conference["createRequest"]
    if not request.get("requestId"):
        raise invalid_value("conferenceData.createRequest.requestId", "Invalid conference data.")
    before: Json = old.get("conferenceData", {})
    if before.get("createRequest", {}).get("requestId") == request["requestId"]:
        return before
    key = request.get("conferenceSolutionKey") or {"type": "hangoutsMeet"}
    status = {"statusCode": "pending"}
    return {"createRequest": {**request, "conferenceSolutionKey": key, "status": status}}


def _merged(old: Any, new: Any) -> Any:
    """JSON merge patch, as ``patch`` documents it."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    merged = dict(old)
    for name, value in new.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(old.get(name), value)
    return merged


def _checked(event: Json, calendar_zone: str) -> Json:
    """The event with its times filled in. Raises GoogleError 400 for a rule broken."""
    recurrence, start = event.get("recurrence"), event.get("start") or {}
    if recurrence and start.get("dateTime") and not start.get("timeZone"):
        raise required("resource.start.timeZone", "Missing time zone definition for start time.")
    event["start"] = normalised(event.get("start"), "start", calendar_zone)
    event["end"] = normalised(event.get("end"), "end", calendar_zone)
    check_range(event["start"], event["end"], calendar_zone)
    if recurrence:
        check_rules(recurrence, event["start"], calendar_zone)
    else:
        event.pop("recurrence", None)
    return event
