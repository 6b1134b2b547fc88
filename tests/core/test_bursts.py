"""Bursts: many requests in a moment are one run more."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from gcalendar.models import MirroredCalendar
from pipedesk.core import bursts
from pipedesk.core.performing import perform
from pipedesk.core.work import Lease
from tests.factories.webhooks import CalendarFactory

pytestmark = pytest.mark.django_db(transaction=True)


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

    def perform(self) -> float:
        """Seconds it took."""
        started = time.monotonic()
        perform(MirroredCalendar, self.calendar.pk, self)
        self.calendar.refresh_from_db()
        assert self.calendar.applied == self.calendar.requested
        return time.monotonic() - started


def test_a_few_requests_are_answered_at_once() -> None:
    run = Run(again=bursts.MANY - 1)

    assert run.perform() < bursts.QUIET_S
    assert run.count == 2


def test_a_second_run_that_is_asked_for_again_waits_for_quiet() -> None:
    run = Run(again=1, during=2)

    assert bursts.QUIET_S < run.perform() < bursts.LONGEST_S
    assert run.count == 3


def test_work_in_slices_goes_on_at_once_whoever_asks() -> None:
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

    started = time.monotonic()
    perform(MirroredCalendar, calendar.pk, slices)

    assert len(runs) == 3
    assert time.monotonic() - started < bursts.QUIET_S


def test_what_comes_in_a_burst_is_one_run_more() -> None:
    run = Run(again=bursts.MANY)

    def go_on() -> None:
        for _ in range(6):
            time.sleep(bursts.QUIET_S / 3)
            run.ask(1)
        connection.close()

    asking = threading.Thread(target=go_on)
    asking.start()
    took_s = run.perform()
    asking.join()

    assert run.count == 2
    assert 2 * bursts.QUIET_S < took_s < bursts.LONGEST_S


def test_a_burst_without_end_is_not_waited_for() -> None:
    run, done = Run(again=bursts.MANY), threading.Event()

    def never_stop() -> None:
        while not done.wait(bursts.QUIET_S / 3) and run.count < 2:
            run.ask(1)
        connection.close()

    asking = threading.Thread(target=never_stop)
    asking.start()
    took_s = run.perform()
    done.set()
    asking.join()

    assert run.count >= 2
    assert took_s < bursts.LONGEST_S + 2


def test_nobody_else_takes_the_row_meanwhile() -> None:
    run, seen = Run(again=bursts.MANY), []

    def try_to() -> None:
        time.sleep(bursts.QUIET_S / 2)
        seen.append(perform(MirroredCalendar, run.calendar.pk, run))
        connection.close()

    other = threading.Thread(target=try_to)
    other.start()
    run.perform()
    other.join()

    assert seen == [False]
    assert run.count == 2
