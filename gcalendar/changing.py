"""Changing meetings in Google: only what changed is sent, and only onto what people saw.

Google's etag guards each change. Where somebody was faster with other fields ours go on top of
theirs; where it was the same field the caller gets both versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from gcalendar import authoring, client, event_bodies
from gcalendar.authoring import Target
from gcalendar.event_bodies import TEXTS, Times
from gcalendar.meetings import columns_of
from gcalendar.models import CalendarEvent
from gcalendar.parsing import CANCELLED, parse_event, zone_named
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.google.errors import PreconditionFailed, TemporaryError

TRIES = 4
MOMENTS = ("start_time", "end_time", "time_zone", "all_day")


def change(
    target: Target, seen: Mapping[str, Any], values: Mapping[str, Any], *, send_updates: str
) -> CalendarEvent:
    """Send the changed fields to Google, then store its answer; not in a transaction.

    `seen`: the columns the caller knows; empty where they are not kept here.

    Raises Conflict with both versions where the same field was changed meanwhile, or where
    Google refuses; InvalidInput; other GoogleErrors where Google cannot be asked.
    """
    calendar = target.calendar
    place = (calendar.calendar_id, target.google_event_id)
    with authoring.refusals():
        item = client.get_event(*place, subject=calendar.subject)
        seen = seen or columns_at(target, item)
        for _attempt in range(TRIES):
            if item.get("status") == CANCELLED:
                authoring.store(calendar, item)
                raise Conflict(_("This meeting was cancelled meanwhile."))
            body = body_of(target, item, values)
            try:
                refuse_clash(target, seen, item, body)
            except Conflict:
                authoring.store(calendar, item)
                raise
            if not body:
                return authoring.store(calendar, item)
            try:
                answer = client.patch_event(
                    *place,
                    body,
                    etag=item.get("etag"),
                    send_updates=send_updates,
                    subject=calendar.subject,
                )
            except PreconditionFailed:
                item = client.get_event(*place, subject=calendar.subject)
                continue
            return authoring.store(calendar, answer)
    msg = "the meeting changes all the time"
    raise TemporaryError(msg)


def body_of(target: Target, item: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What of these values the event does not have yet, as Google's patch."""
    texts = event_bodies.texts_of(values)
    body = {name: value for name, value in texts.items() if value != item.get(name)}
    times = times_of(target, item)
    if values.keys() & set(MOMENTS):
        wanted = wanted_times(times, values)
        if wanted != times:
            body |= wanted.points(switched=wanted.all_day is not times.all_day)
            times = wanted
    if "recurrence" in values and values["recurrence"] != (item.get("recurrence") or []):
        event_bodies.check_rules(values["recurrence"], times)
        body["recurrence"] = values["recurrence"]
    guests = guests_after(item.get("attendees") or [], values)
    if guests != (item.get("attendees") or []):
        body["attendees"] = guests
    if values.get("create_meet_link") and "conferenceData" not in item:
        body["conferenceData"] = event_bodies.meet_request(f"meet-{item['id']}")
    return body


def guests_after(guests: Any, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The guests, without whom to remove and with whom to add; the others as they are."""
    by_address = {str(guest.get("email", "")).lower(): dict(guest) for guest in guests}
    if "attendees" in values:
        wanted = {address.lower() for address in values["attendees"]}
        by_address = {a: guest for a, guest in by_address.items() if a in wanted}
    for address in values.get("remove_attendees", ()):
        by_address.pop(address.lower(), None)
    for name in ("attendees", "add_attendees"):
        for guest in event_bodies.guests_of(values.get(name, ())):
            by_address.setdefault(guest["email"], guest)
    return list(by_address.values())


def times_of(target: Target, item: Mapping[str, Any]) -> Times:
    """When Google says that it is."""
    columns = columns_at(target, item)
    zone = columns["time_zone"] or target.calendar.time_zone or "UTC"
    if columns["all_day"]:
        return Times(columns["start_date"], columns["end_date"], zone)
    return Times(columns["start_time"], columns["end_time"], zone)


def wanted_times(now: Times, values: Mapping[str, Any]) -> Times:
    """The new times; who names only the start moves the whole meeting."""
    start = values.get("start_time", now.start)
    end = values.get("end_time")
    all_day = values.get("all_day", now.all_day)
    if end is None:
        same_kind = isinstance(start, datetime) is isinstance(now.start, datetime)
        if not same_kind:
            raise InvalidInput("end_time", _("Start and end are both times, or both dates."))
        end = start + now.length
    zone = values.get("time_zone", now.zone)
    if all_day:
        start, end = event_bodies.dates_of(start, end)
        return Times(start, end, zone).check()
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        raise InvalidInput("start_time", _("A time, unless it is all day."))
    return Times(start.astimezone(UTC), end.astimezone(UTC), zone).check()


def columns_at(target: Target, item: Mapping[str, Any]) -> dict[str, Any]:
    """The columns the mirror would have of Google's item."""
    zone = zone_named(target.calendar.time_zone) or UTC
    return columns_of(parse_event(dict(item), zone))


def refuse_clash(
    target: Target, seen: Mapping[str, Any], item: Mapping[str, Any], body: Mapping[str, Any]
) -> None:
    """Raise Conflict where Google's version of a field to change is not the one that was seen."""
    now, wanted = columns_at(target, item), columns_at(target, {**item, **body})
    names = [name for name in (*TEXTS, "recurrence") if name in body]
    names += ["start_time", "end_time"] if "start" in body else []
    clashes = [name for name in names if now[name] != seen[name]]
    if not clashes:
        return
    details = {f"google.{name}": now[name] for name in clashes}
    details |= {f"yours.{name}": wanted[name] for name in clashes}
    raise Conflict(_("Somebody changed the same in Google Calendar meanwhile."), **details)
