"""Jobs: what is polled when, and by whom woken."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Max
from django.utils import timezone
from django_q.models import OrmQ

from gcalendar.models import EventOccurrence, MirroredCalendar
from gcalendar.tasks import extend_occurrences, poll_calendars, sync_calendar
from pipedesk.core.polling import next_poll_at
from tests.factories.gcalendar import CalendarFactory
from tests.gcalendar.conftest import NOW, Mirror, at, fill, rows, shown

pytestmark = pytest.mark.django_db


def test_the_job_does_what_was_requested_and_nothing_twice(mirror: Mirror) -> None:
    fill(mirror, 2)
    MirroredCalendar.objects.request(mirror.calendar.pk)

    sync_calendar(mirror.calendar.pk)
    assert shown() == ["m0", "m1"]
    asked = mirror.lists()
    sync_calendar(mirror.calendar.pk)

    assert mirror.lists() == asked


def test_the_job_of_a_calendar_that_is_gone_does_nothing() -> None:
    sync_calendar(4711)


def test_a_poll_asks_for_what_is_due_and_only_once() -> None:
    due = CalendarFactory()
    later = CalendarFactory(next_poll_at=timezone.now() + timedelta(minutes=5))
    off = CalendarFactory(state=MirroredCalendar.State.DISABLED)

    poll_calendars()
    poll_calendars()

    requested = dict(MirroredCalendar.objects.values_list("pk", "requested"))
    assert requested == {due.pk: 1, later.pk: 0, off.pk: 0}
    assert OrmQ.objects.count() == 1
    due.refresh_from_db()
    wait = due.next_poll_at - timezone.now()
    assert timedelta(seconds=440) < wait < timedelta(seconds=760)


def test_polls_are_spread() -> None:
    now = timezone.now()
    waits = {(next_poll_at(now) - now).total_seconds() for _ in range(200)}

    assert min(waits) >= settings.SYNC_POLL_INTERVAL_S * 0.75
    assert max(waits) <= settings.SYNC_POLL_INTERVAL_S * 1.25
    assert max(waits) - min(waits) > 100


def test_what_was_given_up_is_tried_again_an_hour_later(mirror: Mirror) -> None:
    fill(mirror, 1)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    MirroredCalendar.objects.update(dead_at=timezone.now(), attempts=5, last_error="no answer")

    poll_calendars()
    sync_calendar(mirror.calendar.pk)

    mirror.calendar.refresh_from_db()
    assert mirror.calendar.dead_at is None
    assert mirror.calendar.last_error == ""
    assert shown() == ["m0"]


def test_d45_a_poll_finds_what_no_push_told(mirror: Mirror, clock: Any) -> None:
    mirror.synced()
    fill(mirror, 1)
    clock.shift(timedelta(minutes=13))

    poll_calendars()
    sync_calendar(mirror.calendar.pk)

    assert shown() == ["m0"]


def test_the_window_of_series_moves_with_the_days(mirror: Mirror, clock: Any) -> None:
    mirror.people.create_event("Daily", at(1), time_zone="UTC", recurrence=["RRULE:FREQ=DAILY"])
    mirror.synced()
    last = EventOccurrence.objects.latest("start_time").start_time
    before = rows()
    extend_occurrences()
    assert rows() == before

    clock.move_to(NOW + timedelta(days=30))
    extend_occurrences()

    assert EventOccurrence.objects.latest("start_time").start_time == last + timedelta(days=30)


def test_series_that_do_not_fit_into_one_job_are_the_next_ones(
    mirror: Mirror, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        mirror.people.create_event(name, at(1), time_zone="UTC", recurrence=["RRULE:FREQ=DAILY"])
    mirror.synced()
    ends = last_starts()
    monkeypatch.setattr("gcalendar.tasks.SERIES_AT_ONCE", 1)
    monkeypatch.setattr("gcalendar.tasks.SLICE_S", -1)
    OrmQ.objects.all().delete()
    clock.move_to(NOW + timedelta(days=30))

    extend_occurrences()
    assert sum(last_starts()[pk] > end for pk, end in ends.items()) == 1
    while message := OrmQ.objects.first():
        message.delete()
        extend_occurrences(*message.task["args"])

    assert last_starts() == {pk: end + timedelta(days=30) for pk, end in ends.items()}


def last_starts() -> dict[int, datetime]:
    """When each series is seen for the last time."""
    found = EventOccurrence.objects.order_by().values("event_id").annotate(last=Max("start_time"))
    return dict(found.values_list("event_id", "last"))
