"""How fast events are applied, goal G5: `python -m tests.bench events`.

A calendar is read for the first time, then again after people have changed all of its events.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.test.utils import override_settings

from gcalendar.models import CalendarEvent, MirroredCalendar
from pipedesk.google.service import close_services
from pipedesk.sandbox.identity import DEFAULT_USER
from tests.bench.calendar import sync_to_the_end
from tests.bench.costs import cost
from tests.bench.google import NEW_TITLE, filled_google
from tests.bench.running import Bench
from tests.figures import Figure


def measure(events: int) -> Iterable[Figure]:
    """Figures of a calendar of so many."""
    with filled_google(events) as google, override_settings(GOOGLE_API_ROOT_URL=google.root_url):
        try:
            calendar = MirroredCalendar.objects.create(calendar_id="primary", subject=DEFAULT_USER)
            with cost() as first:
                sync_to_the_end(calendar)
            there = CalendarEvent.objects.count()
            google.rename_all()
            with cost() as changed:
                sync_to_the_end(calendar)
        finally:
            close_services()
    renamed = CalendarEvent.objects.filter(summary__startswith=NEW_TITLE).count()
    yield Figure("events", there, at_least=events)
    yield Figure("full sync", first.seconds, "s", at_most=20 * events / 10_000)
    yield Figure("full sync, events", there / first.seconds, "/s")
    yield Figure("changed events, applied", renamed / changed.seconds, "/s", at_least=1000)
    yield Figure("changed events, not applied", events - renamed, at_most=0)


BENCH = Bench("Events applied", measure, full={"events": 10_000}, short={"events": 4_000})
