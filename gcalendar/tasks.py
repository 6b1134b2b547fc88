"""Jobs of the calendar mirror."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from gcalendar.archive import put_away
from gcalendar.authoring import close_lost_creations
from gcalendar.matching import Reach, follow
from gcalendar.models import CalendarEvent, MirroredCalendar
from gcalendar.occurrences import refresh
from gcalendar.splitting import finish_lost_splits
from gcalendar.sync import sync
from pipedesk.core.chunks import chunks
from pipedesk.core.jobs import wake
from pipedesk.core.performing import perform
from pipedesk.core.work import SLICE_S

SERIES_AT_ONCE = 100  # a second or two


def sync_calendar(pk: int) -> None:
    """Bring one calendar up to date."""
    perform(MirroredCalendar, pk, sync)


def poll_calendars() -> None:
    """Ask for a sync of every calendar that nobody called about for its interval."""
    MirroredCalendar.objects.all().poll(timezone.now())


def extend_occurrences(after: int = 0) -> None:
    """Move the window in which series are unrolled, of those whose key is greater than `after`.

    What does not fit into one job's time the next one does; a death halfway is made good by
    tomorrow's run.
    """
    deadline = monotonic() + SLICE_S
    series = CalendarEvent.objects.not_cancelled().filter(recurrence__isnull=False, pk__gt=after)
    ids = list(series.order_by("pk").values_list("pk", flat=True))
    for some in chunks(ids, SERIES_AT_ONCE):
        with transaction.atomic():
            refresh(some, timezone.now())
            follow(Reach(set(some)))
        if monotonic() > deadline:
            wake("gcalendar.tasks.extend_occurrences", some[-1])
            return


def close_creations() -> None:
    """Close creations whose process died: one call of Google's by a sync, two by ourselves."""
    close_lost_creations()
    finish_lost_splits()


def archive_events() -> None:
    """Archive what is older than the retention; without one (0 days) nothing is."""
    if days := settings.CALENDAR_EVENT_RETENTION_DAYS:
        for _count in put_away(timedelta(days=days)):
            pass
