"""The Calendar methods the sandbox answers, by their id in the discovery document."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from pipedesk.sandbox.calendar.events import calendar_topic
from pipedesk.sandbox.calendar.freebusy import busy_periods
from pipedesk.sandbox.channels import CALENDAR_LIFETIME, Resource
from pipedesk.sandbox.clock import parse_rfc3339, rfc3339
from pipedesk.sandbox.errors import Json, invalid_value, not_found, required
from pipedesk.sandbox.exchange import Call, Response
from pipedesk.sandbox.google import Google

Answer = Json | Response | None


def _calendar(google: Google, call: Call) -> Json:
    return google.calendars.get(call.user, call.text("calendarId"))


def _if_match(call: Call) -> str | None:
    return call.headers.get("if-match")


def _version(call: Call) -> int:
    return call.number("conferenceDataVersion", 0)


def calendar_list_list(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendarList/list"""
    start = 0
    if call.text("syncToken"):
        start = google.listing.read_list_token(call.user, call.text("syncToken"))
    found = google.calendars.entries_since(call.user, _offset(call) or start)
    size = min(max(1, call.number("maxResults", 100)), 250)
    last = google.calendars.last_position(call.user)
    answer: Json = {
        "kind": "calendar#calendarList",
        "etag": f'"p{last:016d}"',
        "items": [entry for _, entry in found[:size]],
    }
    if len(found) > size:
        answer["nextPageToken"] = str(found[size - 1][0])
    else:
        answer["nextSyncToken"] = google.listing.list_token(call.user, last)
    return answer


def _offset(call: Call) -> int:
    token = call.text("pageToken", "0")
    if not token.isdigit():
        raise invalid_value("pageToken", "Invalid page token value.")
    return int(token)


def calendar_list_get(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendarList/get"""
    return google.calendars.entry(call.user, call.text("calendarId"))


def calendar_list_insert(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendarList/insert"""
    return google.calendars.subscribe(call.user, call.body)


def calendars_get(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendars/get"""
    return _calendar(google, call)


def calendars_insert(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/calendars/insert"""
    return google.calendars.insert(call.user, call.body)


def events_list(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/list"""
    calendar = _calendar(google, call)
    page = google.listing.page(calendar, call.user, call.parameters)
    return _events_answer(google, calendar, page.events, page.next_page_token, page.next_sync_token)


def _events_answer(
    google: Google,
    calendar: Json,
    events: list[Json],
    page_token: str | None,
    sync_token: str | None,
) -> Json:
    position = google.events.last_position(calendar["id"])
    answer: Json = {
        "kind": "calendar#events",
        "etag": f'"p{position:016d}"',
        "summary": calendar["summary"],
        "updated": rfc3339(google.clock.now()),
        "timeZone": calendar["timeZone"],
        "accessRole": "owner",
        "defaultReminders": [{"method": "popup", "minutes": 10}],
        "items": events,
    }
    if page_token is not None:
        answer["nextPageToken"] = page_token
    if sync_token is not None:
        answer["nextSyncToken"] = sync_token
    return answer


def events_get(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/get"""
    return google.events.get(_calendar(google, call), call.text("eventId"))


def events_insert(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/insert"""
    calendar = _calendar(google, call)
    return google.editing.insert(calendar, call.user, call.body, version=_version(call))


def events_import(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/import"""
    calendar = _calendar(google, call)
    return google.editing.import_event(calendar, call.user, call.body, version=_version(call))


def events_patch(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/patch"""
    return google.editing.patch(
        _calendar(google, call),
        call.text("eventId"),
        call.body,
        version=_version(call),
        if_match=_if_match(call),
    )


def events_update(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/update"""
    return google.editing.update(
        _calendar(google, call),
        call.text("eventId"),
        call.body,
        version=_version(call),
        if_match=_if_match(call),
    )


def events_delete(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/delete"""
    google.editing.delete(_calendar(google, call), call.text("eventId"), if_match=_if_match(call))
    return None


def events_move(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/move"""
    destination = google.calendars.get(call.user, call.text("destination"))
    return google.editing.move(_calendar(google, call), call.text("eventId"), destination)


def events_quick_add(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/quickAdd"""
    return google.editing.quick_add(_calendar(google, call), call.user, call.text("text"))


def events_instances(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/instances"""
    calendar = _calendar(google, call)
    master = google.events.get(calendar, call.text("eventId"))
    if "recurrence" not in master:
        raise not_found()
    found = google.listing.instances(calendar, master, call.parameters)
    offset, size = _offset(call), call.number("maxResults", 250)
    more = str(offset + size) if offset + size < len(found) else None
    return _events_answer(google, calendar, found[offset : offset + size], more, None)


def events_watch(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/watch"""
    calendar_id = google.calendars.resolve(call.user, call.text("calendarId"))
    escaped = quote(calendar_id, safe="").replace(".", "%2E")
    uri = f"https://www.googleapis.com/calendar/v3/calendars/{escaped}/events?alt=json"
    resource = Resource(calendar_topic(calendar_id), uri, CALENDAR_LIFETIME)
    return google.channels.open(call.body, call.user, resource)


def channels_stop(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/channels/stop"""
    google.channels.stop(call.body, call.user)
    return None


def freebusy_query(google: Google, call: Call) -> Answer:
    """https://developers.google.com/workspace/calendar/api/v3/reference/freebusy/query"""
    for name in ("timeMin", "timeMax"):
        if not call.body.get(name):
            raise required(name)
    low, high = parse_rfc3339(call.body["timeMin"]), parse_rfc3339(call.body["timeMax"])
    calendars: Json = {}
    for item in call.body.get("items") or []:
        name = item.get("id") or ""
        calendar = google.calendars.stored(call.user if name == "primary" else name)
        if calendar is None:
            calendars[name] = {"errors": [{"domain": "global", "reason": "notFound"}]}
        else:
            calendars[name] = {"busy": busy_periods(google.events, calendar, low, high)}
    return {
        "kind": "calendar#freeBusy",
        "timeMin": rfc3339(low),
        "timeMax": rfc3339(high),
        "calendars": calendars,
    }


METHODS: dict[str, Callable[[Google, Call], Any]] = {
    "calendar.calendarList.get": calendar_list_get,
    "calendar.calendarList.insert": calendar_list_insert,
    "calendar.calendarList.list": calendar_list_list,
    "calendar.calendars.get": calendars_get,
    "calendar.calendars.insert": calendars_insert,
    "calendar.channels.stop": channels_stop,
    "calendar.events.delete": events_delete,
    "calendar.events.get": events_get,
    "calendar.events.import": events_import,
    "calendar.events.insert": events_insert,
    "calendar.events.instances": events_instances,
    "calendar.events.list": events_list,
    "calendar.events.move": events_move,
    "calendar.events.patch": events_patch,
    "calendar.events.quickAdd": events_quick_add,
    "calendar.events.update": events_update,
    "calendar.events.watch": events_watch,
    "calendar.freebusy.query": freebusy_query,
}
