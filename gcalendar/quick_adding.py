"""Meetings that Google makes of words, where no id of ours can go along.

Each attempt is written down before Google is asked, and only one is made at a time. Where nobody
knows how it ended the next one looks first: what has come into being since, of these words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from gcalendar import authoring, client
from gcalendar.authoring import Asked
from gcalendar.models import CalendarEvent, EventAppearance, EventCreation, MirroredCalendar
from gcalendar.parsing import CANCELLED
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.idempotency import AT_WORK
from pipedesk.google.errors import TemporaryError

# How far Google's clock may be from ours.
SKEW = timedelta(minutes=2)
WORD = re.compile(r"\w+")


def quick_add(
    asked: Asked, calendar: MirroredCalendar, text: str, *, send_updates: str
) -> CalendarEvent:
    """Let Google make a meeting of the text, then keep it here; not in a transaction.

    Raises Conflict where Google refuses or the same is being added this moment, InvalidInput,
    other GoogleErrors where nobody knows: a repeat finds what came of it.
    """
    creation, is_first = _claimed(asked, calendar)
    if creation.state == EventCreation.State.WRITTEN:
        return _written(creation)
    try:
        item = _added(creation, text, send_updates, is_first=is_first)
    except (Conflict, InvalidInput):
        creation.delete()  # Google refused: there is nothing to be found
        raise
    except Exception:
        EventCreation.objects.filter(pk=creation.pk).update(at_work_until=None)
        raise
    return authoring.finish(creation, item)


def _claimed(asked: Asked, calendar: MirroredCalendar) -> tuple[EventCreation, bool]:
    """The row of this request, ours to work on, and whether nobody worked on it before."""
    now = timezone.now()
    creation = authoring.reserve(asked, calendar, None, at_work_until=now + AT_WORK)
    if creation.state == EventCreation.State.WRITTEN:
        return creation, False
    if creation.at_work_until == now + AT_WORK:
        return creation, True
    free = Q(at_work_until=None) | Q(at_work_until__lt=now)
    waiting = EventCreation.objects.filter(free, pk=creation.pk, state=EventCreation.State.WRITING)
    if not waiting.update(at_work_until=now + AT_WORK):
        raise Conflict(_("The same is being added this moment."))
    return creation, False


def _written(creation: EventCreation) -> CalendarEvent:
    shown = authoring.appearance(creation)
    if shown is None:  # taken off since, or archived
        raise Conflict(_("This meeting was added, and is not on its calendar any more."))
    return shown.event


def _added(
    creation: EventCreation, text: str, send_updates: str, *, is_first: bool
) -> dict[str, Any]:
    calendar = creation.mirrored_calendar
    with authoring.refusals():
        found = None if is_first else _found(creation, text)
        if found is not None:
            return found
        try:
            return client.quick_add(
                calendar.calendar_id, text, send_updates=send_updates, subject=calendar.subject
            )
        except TemporaryError:
            found = _found(creation, text)
            if found is None:
                raise
            return found


def _found(creation: EventCreation, text: str) -> dict[str, Any] | None:
    """What an attempt has made at Google: the first of its words that is nobody else's."""
    calendar, since = creation.mirrored_calendar, creation.created_at - SKEW
    items = client.list_filtered(
        calendar.calendar_id,
        subject=calendar.subject,
        updatedMin=since.astimezone(UTC).isoformat(timespec="seconds"),
    )
    words = _words(text)
    alike = [
        item
        for item in items
        if item.get("status") != CANCELLED
        and "recurringEventId" not in item
        and _words(item.get("summary") or "") <= words
        and _is_theirs(item, calendar.subject)
        and datetime.fromisoformat(item["created"]) >= since
    ]
    known = _known(creation, (item["id"] for item in alike))
    free = [item for item in alike if item["id"] not in known]
    return min(free, key=lambda item: str(item["created"]), default=None)


def _known(creation: EventCreation, google_ids: Iterable[str]) -> set[str]:
    """Those of other attempts, and those that the mirror had before this one."""
    calendar, ids = creation.mirrored_calendar, list(google_ids)
    created = EventCreation.objects.filter(mirrored_calendar=calendar, google_event_id__in=ids)
    shown = EventAppearance.objects.on(calendar).filter(
        google_event_id__in=ids, created_at__lt=creation.created_at
    )
    return {
        str(google_id)
        for rows in (created, shown)
        for google_id in rows.values_list("google_event_id", flat=True)
    }


def _words(text: str) -> set[str]:
    return set(WORD.findall(text.casefold()))


def _is_theirs(item: dict[str, Any], subject: str) -> bool:
    creator = item.get("creator") or {}
    return bool(creator.get("self")) or str(creator.get("email", "")).lower() == subject.lower()
