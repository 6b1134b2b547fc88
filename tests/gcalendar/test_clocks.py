"""Machines whose clocks are wrong: what decides is the database's."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ, Schedule
from pytest_django import Settings

from gcalendar.models import EventAppearance, MirroredCalendar
from gcalendar.sync import sync
from gcalendar.tasks import sync_calendar
from pipedesk.core.exceptions import TryLater
from pipedesk.core.performing import perform, postpone
from pipedesk.core.schedules import bring_back
from pipedesk.core.tasks import sweep
from pipedesk.core.watchdog import Beat, Limits
from pipedesk.core.work import Lease, claim
from pipedesk.sandbox.server import SandboxServer
from tests.factories.gcalendar import START, CalendarFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def calendar(google: SandboxServer) -> MirroredCalendar:
    made: MirroredCalendar = CalendarFactory(subject="ana@pipedesk.example", calendar_id="primary")
    return made


def other_machine(ahead_s: float) -> time_machine.travel:
    """The process's clock is so many seconds before the database's."""
    return time_machine.travel(timezone.now() + timedelta(seconds=ahead_s), tick=True)


def appearances() -> int:
    return EventAppearance.objects.count()


@pytest.mark.parametrize("ahead_s", [20, -20])
def test_f52_a_machine_with_another_clock_takes_no_lease_and_the_mirror_agrees(
    google: SandboxServer, calendar: MirroredCalendar, ahead_s: float
) -> None:
    runs: list[str] = []

    def first_machine(lease: Lease) -> None:
        if not runs:
            google.calendar.create_event("Meanwhile", START, START + timedelta(hours=1))
            with other_machine(ahead_s):  # it got the same message once more
                assert claim(MirroredCalendar, calendar.pk) is None
                MirroredCalendar.objects.request(calendar.pk)
        sync(lease)
        runs.append("first")

    MirroredCalendar.objects.request(calendar.pk)
    google.calendar.create_event("Visit", START, START + timedelta(hours=1))
    perform(MirroredCalendar, calendar.pk, first_machine)
    with other_machine(ahead_s):
        for _ in range(2):
            sync_calendar(calendar.pk)

    calendar.refresh_from_db()
    assert len(runs) == 2  # once more for what was asked for meanwhile
    assert calendar.applied == calendar.requested
    assert appearances() == len(google.calendar.events())


def test_f52_a_message_taken_twice_by_machines_with_different_clocks_is_one_sync(
    google: SandboxServer, calendar: MirroredCalendar, settings: Settings
) -> None:
    google.calendar.create_event("Visit", START, START + timedelta(hours=1))
    MirroredCalendar.objects.request(calendar.pk)
    broker = get_broker()

    taken = broker.dequeue()
    assert len(taken) == 1
    with other_machine(settings.Q_CLUSTER["retry"] + 20):  # here the time to answer has passed
        again = broker.dequeue()
        assert again == taken
        sync_calendar(calendar.pk)
    lists = google.google.requests.count("calendar.events.list")
    sync_calendar(calendar.pk)

    calendar.refresh_from_db()
    assert google.google.requests.count("calendar.events.list") == lists
    assert (calendar.applied, appearances()) == (calendar.requested, 1)


@pytest.mark.parametrize("ahead_s", [20, -20, 3600, -3600])
def test_f52_f53_leases_and_pauses_are_by_the_databases_clock_whatever_the_machines_says(
    calendar: MirroredCalendar, ahead_s: float
) -> None:
    rows = MirroredCalendar.objects.filter(pk=calendar.pk)
    rows.update(requested=1, lease_until=Now() + timedelta(seconds=10))  # somebody works
    with other_machine(ahead_s):
        assert sweep() == 0
        assert claim(MirroredCalendar, calendar.pk) is None

    rows.update(lease_until=Now() - timedelta(seconds=1))  # and died
    with other_machine(ahead_s):
        assert sweep() == 1
        lease = claim(MirroredCalendar, calendar.pk)
    assert lease is not None
    assert 40 < seconds_until("lease_until") <= MirroredCalendar.lease_s
    with other_machine(ahead_s):
        lease.write()
    assert 40 < seconds_until("lease_until") <= MirroredCalendar.lease_s
    with other_machine(ahead_s):
        postpone(lease, TryLater("soon", retry_after_s=100))
        assert claim(MirroredCalendar, calendar.pk) is None
    assert 95 < seconds_until("next_attempt_at") <= 125


def seconds_until(column: str) -> float:
    """From now by the database's clock."""
    [(moment, now)] = MirroredCalendar.objects.values_list(column, Now())
    return float((moment - now).total_seconds())


def test_f53_a_lease_from_before_the_databases_clock_was_set_back_ends(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    MirroredCalendar.objects.request(calendar.pk)
    assert claim(MirroredCalendar, calendar.pk) is not None  # its holder dies
    OrmQ.objects.all().delete()
    # Seen from a clock that was set back, times that were written lie an hour later.
    MirroredCalendar.objects.update(lease_until=F("lease_until") + timedelta(hours=1))
    left = MirroredCalendar.objects.get().lease_until - timezone.now()  # type: ignore[operator]
    assert timedelta(hours=1) < left <= timedelta(hours=1, minutes=2)
    assert sweep() == 0

    MirroredCalendar.objects.update(lease_until=F("lease_until") - timedelta(hours=1, minutes=2))

    assert sweep() == 1
    sync_calendar(calendar.pk)
    calendar.refresh_from_db()
    assert calendar.applied == calendar.requested


def test_f53_a_machine_whose_clock_was_set_back_leases_sweeps_and_works(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    MirroredCalendar.objects.request(calendar.pk)
    OrmQ.objects.all().delete()
    MirroredCalendar.objects.update(queued_at=None)
    with other_machine(-3600):
        assert sweep() == 1
        sync_calendar(calendar.pk)

    calendar.refresh_from_db()
    assert calendar.applied == calendar.requested


def test_f53_schedules_run_on_after_the_machines_clock_was_set_back() -> None:
    before = timezone.now()
    Schedule.objects.update(next_run=before)
    assert bring_back() == 0
    minutes = Schedule.objects.filter(minutes__lt=50).count()
    with other_machine(-3600):
        Beat(Limits()).send_if_due()

        assert Schedule.objects.filter(next_run__lt=timezone.now()).count() == minutes
        assert bring_back() == 0


def test_f53_clocks_that_differ_a_little_bring_nothing_back() -> None:
    for row in Schedule.objects.all():
        row.next_run = timezone.now() + timedelta(minutes=row.minutes or 0)
        row.save()
    with other_machine(-20):
        assert bring_back() == 0
