"""Bursts: many requests in a moment are one run more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from gcalendar.models import MirroredCalendar
from pipedesk.core import bursts
from pipedesk.core.performing import perform
from pipedesk.core.work import Lease
from tests.factories.webhooks import CalendarFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """Naps that take no time; `during` is what happens in each, told how many there were."""

    def __init__(self) -> None:
        self.now, self.naps = 0.0, 0
        self.during: Callable[[int], object] = bool

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """A nap."""
        self.now += seconds
        self.naps += 1
        self.during(self.naps)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(bursts, "sleep", made.sleep)
    monkeypatch.setattr(bursts, "monotonic", made.monotonic)
    return made


class Run:
    """A job that counts its runs, and is asked for again during the first ones."""

    def __init__(self, again: int, during: int = 1) -> None:
        self.again, self.during, self.count = again, during, 0
        self.calendar = CalendarFactory(requested=1)

    def __call__(self, lease: Lease) -> None:
        self.count += 1
        if self.count <= self.during:
            self.ask(self.again)
        with transaction.atomic():
            lease.complete()

    def ask(self, times: int) -> None:
        for _ in range(times):
            MirroredCalendar.objects.request(self.calendar.pk)

    def perform(self) -> None:
        perform(MirroredCalendar, self.calendar.pk, self)
        self.calendar.refresh_from_db()
        assert self.calendar.applied == self.calendar.requested


def test_a_few_requests_are_answered_at_once(clock: Clock) -> None:
    run = Run(again=bursts.MANY - 1)
    run.perform()

    assert (run.count, clock.naps) == (2, 0)


def test_a_second_run_that_is_asked_for_again_waits_for_quiet(clock: Clock) -> None:
    run = Run(again=1, during=2)
    run.perform()

    assert (run.count, clock.naps) == (3, 1)


def test_what_comes_in_a_burst_is_one_run_more(clock: Clock) -> None:
    run = Run(again=bursts.MANY)
    clock.during = lambda nap: run.ask(1 if nap < 4 else 0)
    run.perform()

    assert (run.count, clock.naps) == (2, 4)


def test_a_burst_without_end_is_not_waited_for(clock: Clock) -> None:
    run = Run(again=bursts.MANY)
    clock.during = lambda _nap: run.ask(1)
    run.perform()

    assert run.count == 2
    assert clock.now == bursts.LONGEST_S


def test_work_in_slices_goes_on_at_once_whoever_asks(clock: Clock) -> None:
    calendar, runs = CalendarFactory(requested=1), []

    def slices(lease: Lease) -> None:
        runs.append(lease.seen)
        if len(runs) < 3:
            for _ in range(bursts.MANY):
                MirroredCalendar.objects.request(calendar.pk)
            lease.write(attempts=0)
        else:
            with transaction.atomic():
                lease.complete()

    perform(MirroredCalendar, calendar.pk, slices)

    assert (len(runs), clock.naps) == (3, 0)


def test_nobody_else_takes_the_row_meanwhile(clock: Clock) -> None:
    run, taken = Run(again=bursts.MANY), []
    clock.during = lambda _nap: taken.append(perform(MirroredCalendar, run.calendar.pk, run))
    run.perform()

    assert taken == [False]
    assert run.count == 2
