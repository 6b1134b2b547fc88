"""What a split of a series writes to Google. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from gcalendar import changing, event_bodies
from gcalendar.authoring import Target
from gcalendar.cutting import Cut, UncuttableError
from gcalendar.event_bodies import Times
from gcalendar.parsing import CANCELLED
from gcalendar.recurrence import Series, UnreadableRuleError, takes_place
from pipedesk.core.exceptions import Conflict, InvalidInput

# What an event has of its own; all else goes on with what follows.
OWN = frozenset({
    "kind", "etag", "id", "htmlLink", "created", "updated", "creator", "organizer", "iCalUID",
    "sequence", "hangoutLink", "locked", "privateCopy", "conferenceData",
})  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What is left of the old series, and Google's body of the one that goes on."""

    kept: list[str]
    body: dict[str, Any]


def planned(
    target: Target,
    turn: datetime,
    master: Mapping[str, Any],
    seen: Mapping[str, Any],
    values: Mapping[str, Any],
    new_id: str,
) -> Plan | None:
    """What to write, or None where nothing would change.

    Raises Conflict where the series is no longer what was seen, InvalidInput.
    """
    series = series_at(target, master)
    with rules_read():
        if series is None or not takes_place(series, turn):
            raise Conflict(_("This occurrence is gone in Google Calendar."))
        cut = Cut(series, turn)
        kept = cut.before()
    base = {**master, "id": new_id, **_times_from(target, master, turn).points()}
    change = changing.body_of(target, base, values)
    if not change:
        return None
    changing.refuse_clash(target, seen, master, {**change, "recurrence": kept})
    body = {name: value for name, value in base.items() if name not in OWN}
    if "recurrence" not in change:
        with rules_read():
            body["recurrence"] = _rest(cut, changing.times_of(target, {**base, **change}))
    body |= _conference(master, new_id) | change
    return Plan(kept, _filled(body) | {"id": new_id})


def series_at(target: Target, master: Mapping[str, Any]) -> Series | None:
    """What Google's series follows from; None of what is none, or none any more."""
    if master.get("status") == CANCELLED or not master.get("recurrence"):
        return None
    return event_bodies.series_of(master["recurrence"], changing.times_of(target, master))


def _times_from(target: Target, master: Mapping[str, Any], turn: datetime) -> Times:
    times = changing.times_of(target, master)
    start = turn.date() if times.all_day else turn
    return Times(start, start + times.length, times.zone)


def _rest(cut: Cut, times: Times) -> list[str]:
    """The rules of what follows, from its new start. Raises InvalidInput."""
    try:
        return cut.after(event_bodies.series_of((), times))
    except UncuttableError as failure:
        message = _("The rules of this series do not fit what follows: send new ones along.")
        raise InvalidInput("recurrence", message) from failure


def _conference(master: Mapping[str, Any], new_id: str) -> dict[str, Any]:
    """The same video call; one that is not there yet is asked for anew."""
    conference = master.get("conferenceData")
    if not conference:
        return {}
    if not conference.get("entryPoints"):
        return {"conferenceData": event_bodies.meet_request(f"meet-{new_id}")}
    kept = {name: value for name, value in conference.items() if name != "createRequest"}
    return {"conferenceData": kept}


def _filled(body: Mapping[str, Any]) -> dict[str, Any]:
    """Without what a patch would clear: a new event has nothing yet."""
    times = {
        name: {key: value for key, value in body[name].items() if value is not None}
        for name in ("start", "end")
    }
    return {name: value for name, value in {**body, **times}.items() if value not in (None, [])}


@contextmanager
def rules_read() -> Iterator[None]:
    """Raise Conflict for rules of Google's that nobody can read."""
    try:
        yield
    except UnreadableRuleError as failure:
        raise Conflict(_("The rules of this series cannot be read.")) from failure
