"""Which calendar speaks for a meeting that several show, and what happens when it falls silent."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from django.db import transaction

from gcalendar.matching import Reach, follow
from gcalendar.models import CalendarEvent, EventAppearance, EventAttendee, MirroredCalendar
from pipedesk.core.chunks import chunks

# Of another calendar that speaks for a meeting: these states mean that it has gone silent.
SILENT = (MirroredCalendar.State.ERROR, MirroredCalendar.State.DISABLED)
TIMES_ONLY_ROLE = "freeBusyReader"
# The etag of an appearance whose words are not known here: Google never gives an empty one.
UNREAD = ""


def shows_times_only(calendar: MirroredCalendar) -> bool:
    """Whether nothing but times may be stored of this calendar."""
    return (
        calendar.visibility == MirroredCalendar.Visibility.BUSY
        or calendar.access_role == TIMES_ONLY_ROLE
    )


def hand_over(calendar: MirroredCalendar, event_ids: Collection[int]) -> None:
    """Let another calendar speak for those of these meetings that `calendar` told of.

    What it says may differ from what is stored, and no list brings it once more: its appearance
    is marked unread and read by its next sync, which is asked for after the commit. Words that
    only `calendar` might tell are forgotten at once. A meeting nobody else shows stays as it is.
    """
    speakers: dict[int, list[EventAppearance]] = {}
    for ids in chunks(sorted(event_ids)):
        told = CalendarEvent.objects.filter(pk__in=ids, source=calendar)
        others = EventAppearance.objects.live().exclude(mirrored_calendar=calendar)
        rows = others.filter(event__in=told).select_related("mirrored_calendar").order_by("pk")
        shown: dict[int, list[EventAppearance]] = {}
        for row in rows:
            shown.setdefault(row.event_id, []).append(row)
        for candidates in shown.values():
            speaker = min(candidates, key=_distance)
            speakers.setdefault(speaker.mirrored_calendar_id, []).append(speaker)
    for appearances in speakers.values():
        _let_speak(appearances[0].mirrored_calendar, appearances)


def forget_words(event_ids: Collection[int]) -> None:
    """Keep nothing of these meetings but their times; statistics of the guests' leads follow."""
    reach = Reach(set(event_ids))
    for ids in chunks(sorted(event_ids)):
        guests = EventAttendee.objects.filter(event__in=ids)
        reach.addresses.update(guests.order_by().values_list("email", flat=True).distinct())
        guests.delete()
        CalendarEvent.objects.filter(pk__in=ids).update(
            summary=None, description=None, location=None, html_link=None, meet_link=None,
            organizer_email=None, attendees=None, raw=None,
        )  # fmt: skip
    follow(reach)


def unread(calendar: MirroredCalendar, limit: int) -> list[str]:
    """Google's ids of what this calendar shows and nobody has read here, `limit` at most."""
    rows = EventAppearance.objects.on(calendar).live().filter(etag=UNREAD).order_by("pk")
    return list(rows.values_list("google_event_id", flat=True)[:limit])


def _distance(appearance: EventAppearance) -> tuple[bool, bool]:
    calendar = appearance.mirrored_calendar
    return shows_times_only(calendar), calendar.state in SILENT


def _let_speak(calendar: MirroredCalendar, appearances: Iterable[EventAppearance]) -> None:
    pks = {row.event_id: row.pk for row in appearances}
    for ids in chunks(sorted(pks)):
        # What the old one said last is no measure of what the new one says.
        CalendarEvent.objects.filter(pk__in=ids).update(
            source=calendar, calendar_id=calendar.address, google_updated_at=None
        )
    for ids in chunks(sorted(pks.values())):
        EventAppearance.objects.filter(pk__in=ids).update(etag=UNREAD)
    if shows_times_only(calendar):
        forget_words(pks)
    # Not in here: a sync holds its own calendar's row, and two would wait for each other's.
    transaction.on_commit(partial(MirroredCalendar.objects.request, calendar.pk), robust=True)
