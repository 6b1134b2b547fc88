"""A person's "this and following events" edit, as recorded from Google's calendar page.

The old series ends the day before; a new one begins under the id ``<master>_R<original start>``.
"""

import re
from datetime import UTC, datetime, time, timedelta

from pipedesk.sandbox.calendar.events import Events
from pipedesk.sandbox.calendar.recurrence import occurrences
from pipedesk.sandbox.calendar.times import is_all_day, moment_of, stamp_of, zone_of
from pipedesk.sandbox.errors import Json, bad_request

_END = re.compile(r";?(?:COUNT|UNTIL)=[^;]*")


def split(
    events: Events, calendar: Json, instance_id: str, changes: Json, shift: timedelta
) -> Json:
    """End a series before one of its instances and go on with a changed one; the new master."""
    instance = events.get(calendar, instance_id)
    master = events.find(calendar["id"], instance.get("recurringEventId", ""))
    if master is None or is_all_day(master["start"]):
        raise bad_request("Only an instance of a timed series can be split off.", "invalid")
    zone = calendar["timeZone"]
    turn = moment_of(instance["originalStartTime"], zone)
    left = sum(1 for start, _ in occurrences(master, zone) if moment_of(start, zone) >= turn)
    _drop_exceptions(events, calendar, master, turn)
    until = _day_before(turn, master["start"]["timeZone"])
    events.save(calendar, {**master, "recurrence": _ended(master["recurrence"], f"UNTIL={until}")})
    return events.save(calendar, _successor(master, instance, changes, shift, zone, left))


def _successor(
    master: Json, instance: Json, changes: Json, shift: timedelta, zone: str, left: int
) -> Json:
    original = instance["originalStartTime"]
    new_id = f"{master['id']}_R{stamp_of(original, zone).removesuffix('Z')}"
    length = moment_of(master["end"], zone) - moment_of(master["start"], zone)
    start = moment_of(original, zone) + shift
    counted = any("COUNT=" in line for line in master["recurrence"])
    rules = _ended(master["recurrence"], f"COUNT={left}") if counted else master["recurrence"]
    return {
        **master,
        **changes,
        "id": new_id,
        "iCalUID": f"{new_id}@google.com",
        "start": {**master["start"], "dateTime": start.isoformat()},
        "end": {**master["end"], "dateTime": (start + length).isoformat()},
        "recurrence": rules,
    }


def _drop_exceptions(events: Events, calendar: Json, master: Json, turn: datetime) -> None:
    """Exceptions from the turn on are cancelled and do not know their series any more."""
    for exception in events.exceptions(calendar["id"], master["id"]):
        if moment_of(exception["originalStartTime"], calendar["timeZone"]) >= turn:
            orphan = {**exception, "status": "cancelled"}
            del orphan["recurringEventId"], orphan["originalStartTime"]
            events.save(calendar, orphan)


def _day_before(turn: datetime, zone_name: str) -> str:
    """23:59:59 local time of the day before, in UTC."""
    local = turn.astimezone(zone_of(zone_name))
    end = datetime.combine(local.date() - timedelta(days=1), time(23, 59, 59), local.tzinfo)
    return end.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _ended(recurrence: list[str], end: str) -> list[str]:
    return [
        f"{_END.sub('', line)};{end}" if line.startswith("RRULE") else line for line in recurrence
    ]
