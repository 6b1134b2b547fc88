"""One occurrence of a series and all that follow: changed or cancelled, by two calls to Google.

What follows becomes a series of its own, under an id of ours, before the old one ends: whoever
dies in between leaves days twice, never none, and the next attempt (or a job) goes on there.
https://developers.google.com/workspace/calendar/api/guides/recurringevents
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from gcalendar import authoring, changing, client
from gcalendar.authoring import TRIES, Asked, Target
from gcalendar.cutting import Cut
from gcalendar.models import CalendarEvent, EventCreation, MirroredCalendar
from gcalendar.parsing import CANCELLED, ParsedEvent
from gcalendar.recurrence import goes_on
from gcalendar.split_plans import Plan, planned, rules_read, series_at
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.idempotency import AT_WORK
from pipedesk.google.errors import (
    Gone,
    GoogleError,
    NotFound,
    PreconditionFailed,
    TemporaryError,
)

logger = logging.getLogger(__name__)


def split(
    asked: Asked,
    target: Target,
    turn: datetime,
    seen: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    send_updates: str,
) -> CalendarEvent:
    """Change a series (the target) from the occurrence at `turn` on; the new series.

    Not in a transaction. `seen` as for `changing.change`. Raises Conflict, InvalidInput, other
    GoogleErrors where Google cannot be asked: then a repeat goes on.
    """
    calendar = target.calendar
    with authoring.refusals():
        master = _got(calendar, target.google_event_id)
        seen = seen or changing.columns_at(target, master)
        new_id = uuid.uuid4().hex
        if _plan(target, turn, master, seen, values, new_id) is None:
            return authoring.store(calendar, master)
        creation = authoring.reserve(
            asked,
            calendar,
            new_id,
            split_series_id=target.google_event_id,
            split_at=turn,
            split_updates=send_updates,
        )
        return _carry_out(creation, target, master, seen, values)


def _carry_out(
    creation: EventCreation,
    target: Target,
    master: dict[str, Any],
    seen: Mapping[str, Any],
    values: Mapping[str, Any],
) -> CalendarEvent:
    calendar, turn = target.calendar, creation.split_at
    new_id, send_updates = str(creation.google_event_id), str(creation.split_updates)
    assert turn is not None  # noqa: S101  (for the type only)
    successor: dict[str, Any] | None = None
    sent: dict[str, Any] = {}
    for _attempt in range(TRIES):
        try:
            plan = _plan(target, turn, master, seen, values, new_id)
        except (Conflict, InvalidInput):
            _undo(creation, successor)
            raise
        if plan is None:  # somebody did the same to the whole series
            _undo(creation, successor)
            return authoring.store(calendar, master)
        if successor is None:
            successor = authoring.inserted(calendar, plan.body, send_updates)
        elif plan.body != sent:
            names = sent.keys() | plan.body.keys()
            change = {n: plan.body.get(n) for n in names if plan.body.get(n) != sent.get(n)}
            successor = _patched(calendar, new_id, change, send_updates)
        sent = plan.body
        trimmed, master = _trim(calendar, master, plan.kept, send_updates)
        if trimmed:
            return _finish(creation, successor, master)
    msg = "the series changes all the time"
    raise TemporaryError(msg)


def _plan(
    target: Target,
    turn: datetime,
    master: dict[str, Any],
    seen: Mapping[str, Any],
    values: Mapping[str, Any],
    new_id: str,
) -> Plan | None:
    try:
        return planned(target, turn, master, seen, values, new_id)
    except Conflict:
        authoring.store(target.calendar, master)
        raise


def _undo(creation: EventCreation, successor: Mapping[str, Any] | None) -> None:
    if successor is not None:
        calendar = creation.mirrored_calendar
        _delete(calendar, successor["id"], str(creation.split_updates))
    creation.delete()


def _trim(
    calendar: MirroredCalendar, master: dict[str, Any], kept: list[str], send_updates: str
) -> tuple[bool, dict[str, Any]]:
    """End the old series unless somebody changed it meanwhile; whether, and how it is now."""
    change = {"recurrence": kept}
    try:
        return True, _patched(calendar, master["id"], change, send_updates, master.get("etag"))
    except PreconditionFailed:
        now = _got(calendar, master["id"])
    # It may have been us: the answer was lost, and it was sent again.
    return now.get("recurrence") == kept and now.get("status") != CANCELLED, now


def _got(calendar: MirroredCalendar, event_id: str) -> dict[str, Any]:
    return client.get_event(calendar.calendar_id, event_id, subject=calendar.subject)


def _patched(
    calendar: MirroredCalendar,
    event_id: str,
    change: dict[str, Any],
    send_updates: str,
    etag: str | None = None,
) -> dict[str, Any]:
    return client.patch_event(
        calendar.calendar_id,
        event_id,
        change,
        etag=etag,
        send_updates=send_updates,
        subject=calendar.subject,
    )


def _delete(calendar: MirroredCalendar, event_id: str, send_updates: str) -> None:
    with suppress(NotFound, Gone):
        client.delete_event(
            calendar.calendar_id, event_id, send_updates=send_updates, subject=calendar.subject
        )


# --- Ending --------------------------------------------------------------------------------


def end(target: Target, turn: datetime, *, send_updates: str) -> None:
    """Cancel a series (the target) from the occurrence at `turn` on; a repeat is as good.

    Raises Conflict where Google refuses, other GoogleErrors where it cannot be asked.
    """
    with authoring.refusals():
        master = _got(target.calendar, target.google_event_id)
        master = _ended(target, master, turn, send_updates)
        gone = _drop_exceptions(target.calendar, master, turn, send_updates)
    authoring.write(target.calendar, [*gone, authoring.parsed(target.calendar, master)])


def _ended(
    target: Target, master: dict[str, Any], turn: datetime, send_updates: str
) -> dict[str, Any]:
    """The series as it is once nothing of it takes place at the turn or later."""
    for _attempt in range(TRIES):
        series = series_at(target, master)
        with rules_read():
            if series is None or not goes_on(series, turn):
                return master
            kept = Cut(series, turn).before()
        _trimmed, master = _trim(target.calendar, master, kept, send_updates)
    msg = "the series changes all the time"
    raise TemporaryError(msg)


def _drop_exceptions(
    calendar: MirroredCalendar, master: Mapping[str, Any], turn: datetime, send_updates: str
) -> list[ParsedEvent]:
    """Cancel what Google kept of the exceptions from the turn on; their tombstones."""
    if master.get("status") == CANCELLED:
        return []
    family = client.list_filtered(
        calendar.calendar_id, subject=calendar.subject, iCalUID=str(master.get("iCalUID"))
    )
    gone = []
    for item in family:
        found = authoring.parsed(calendar, item)
        late = found.original_start is not None and found.original_start >= turn
        if item.get("recurringEventId") == master["id"] and late:
            if not found.cancelled:
                _delete(calendar, item["id"], send_updates)
            gone.append(replace(found, status=CANCELLED, etag=None, updated=None))
    return gone


# --- Going on after a death ----------------------------------------------------------------


def resumed(asked: Asked) -> CalendarEvent | None:
    """What an earlier attempt at the same split made, brought to its end if it was not.

    None where it made nothing. Raises as `split` does.
    """
    creation = authoring.earlier(asked)
    if creation is None:
        return None
    if creation.state == EventCreation.State.WRITTEN:
        shown = authoring.appearance(creation)
        return shown.event if shown is not None else None
    with authoring.refusals():
        return _complete(creation)


def finish_lost_splits() -> int:
    """Bring splits to their end whose process died; those that made nothing are dropped.

    Returns how many were. Run it every few minutes.
    """
    lost = EventCreation.objects.filter(
        state=EventCreation.State.WRITING,
        split_at__isnull=False,
        created_at__lt=timezone.now() - AT_WORK,
    )
    count = 0
    for creation in lost.select_related("mirrored_calendar").order_by("pk"):
        try:
            if _complete(creation) is None:
                creation.delete()
            count += 1
        except (GoogleError, Conflict) as failure:
            # The others first; this one the next time.
            logger.warning("split %s: %s", creation.pk, failure)
    return count


def _complete(creation: EventCreation) -> CalendarEvent | None:
    calendar, turn = creation.mirrored_calendar, creation.split_at
    target = Target(calendar, str(creation.split_series_id))
    assert turn is not None  # noqa: S101  (for the type only)
    try:
        successor = _got(calendar, str(creation.google_event_id))
    except NotFound:
        return None
    if successor.get("status") == CANCELLED:
        creation.delete()  # its id is spent
        return None
    master: dict[str, Any] | None = None
    with suppress(NotFound, Gone):
        master = _got(calendar, target.google_event_id)
        master = _ended(target, master, turn, str(creation.split_updates))
    return _finish(creation, successor, master)


def _finish(
    creation: EventCreation, successor: dict[str, Any], master: dict[str, Any] | None
) -> CalendarEvent:
    calendar, turn = creation.mirrored_calendar, creation.split_at
    others: list[ParsedEvent] = []
    if master is not None and turn is not None:
        others = _drop_exceptions(calendar, master, turn, str(creation.split_updates))
        others.append(authoring.parsed(calendar, master))
    return authoring.finish(creation, successor, others)
