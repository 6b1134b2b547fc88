"""Death at every step of a sync: after a restart the result is the same as without it.

A step is an HTTP call, a statement in the database or a commit. For each step of a scenario the
sync is killed there, taken up again, and compared with a mirror that was never disturbed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import pytest
from django.db import connection

from gcalendar import client
from gcalendar.models import CalendarEvent, EventAppearance, EventOccurrence, MirroredCalendar
from gcalendar.sync import forget_cursor, sync
from pipedesk.core.work import claim
from tests.gcalendar.conftest import Mirror, at, edited, fill

pytestmark = pytest.mark.timeout(600)


# 1 tries every step (minutes); neighbours mostly die alike.
EVERY = int(os.environ.get("CRASH_EVERY", "3"))


class Killed(BaseException):
    """kill -9: nothing of ours may catch it."""


class Steps:
    """Counts steps, and dies at one of them."""

    def __init__(self, die_at: int | None = None) -> None:
        self.done = 0
        self.die_at = die_at

    def step(self) -> None:
        self.done += 1
        if self.done == self.die_at:
            raise Killed

    def statement(self, execute: Callable[..., Any], *args: Any) -> Any:
        self.step()
        return execute(*args)

    @contextmanager
    def watching(self) -> Iterator[None]:
        genuine, commit = client.list_events, connection.commit

        def listed(*args: Any, **kwargs: Any) -> Any:
            self.step()
            page = genuine(*args, **kwargs)
            self.step()
            return page

        def committed() -> None:
            try:
                self.step()
            except Killed:
                connection.rollback()  # as the server does with a lost connection's work
                raise
            commit()
            self.step()

        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(client, "list_events", listed))
            stack.enter_context(mock.patch.object(connection, "commit", committed))
            stack.enter_context(connection.execute_wrapper(self.statement))
            yield


def picture() -> Any:
    """What the mirror says, without keys."""
    events = CalendarEvent.objects.order_by("google_event_id").values_list(
        "google_event_id", "summary", "status", "start_time", "end_time", "series__google_event_id"
    )
    appearances = EventAppearance.objects.order_by("google_event_id").values_list(
        "google_event_id", "etag", "status", "event__google_event_id"
    )
    slots = EventOccurrence.objects.order_by("event__google_event_id", "start_time").values_list(
        "event__google_event_id", "original_start_time", "start_time", "end_time"
    )
    return list(events), list(appearances), list(slots)


def run(mirror: Mirror, steps: Steps) -> None:
    """One worker's life: claim and work until nothing is left or death comes."""
    pk = mirror.calendar.pk
    try:
        with steps.watching():
            while (lease := claim(MirroredCalendar, pk)) is not None:
                sync(lease)
                lease.release()
    except Killed:
        pass
    # The next worker finds the lease run out.
    MirroredCalendar.objects.filter(pk=pk).update(lease_until=None)


def changed(mirror: Mirror) -> None:
    """A delta of everything: new, moved, cancelled, a series with exceptions."""
    first, second, *_ = [event["id"] for event in mirror.people.events()]
    mirror.people.move_event(first, at(20), at(20, 14))
    mirror.people.cancel_event(second)
    series = mirror.people.create_event(
        "Daily", at(1), time_zone="UTC", recurrence=["RRULE:FREQ=DAILY;COUNT=4"]
    )
    mirror.people.move_event(f"{series['id']}_20261202T130000Z", at(2, 18), at(2, 19))
    mirror.people.cancel_event(f"{series['id']}_20261203T130000Z")


def first_sync(mirror: Mirror) -> None:
    fill(mirror, 3)
    changed(mirror)


def delta(mirror: Mirror) -> None:
    fill(mirror, 3)
    mirror.synced()
    changed(mirror)


def full_after_410(mirror: Mirror) -> None:
    delta(mirror)
    mirror.google.google.expire_tokens()


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("scenario", "slices"),
    [(first_sync, 1), (first_sync, 5000), (delta, 5000), (full_after_410, 1)],
)
def test_f2_f3_f4_f5_death_at_any_step_changes_nothing_in_the_end(
    mirror: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    scenario: Callable[[Mirror], None],
    slices: int,
) -> None:
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", slices)
    scenario(mirror)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    saved = _snapshot()
    undisturbed = Steps()
    run(mirror, undisturbed)
    expected = picture()
    assert undisturbed.done > 30
    assert len(expected[0]) in (5, 6)

    for die_at in range(1, undisturbed.done + 1, EVERY):
        _restore(saved)
        run(mirror, Steps(die_at))
        run(mirror, Steps())
        assert picture() == expected, f"killed at step {die_at}"
        row = MirroredCalendar.objects.get()
        assert (row.applied, row.full_sync_page_token) == (row.requested, None)


def _snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the room."""
    saved = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
            saved[table] = cursor.fetchall()
    return saved


def _restore(saved: dict[str, list[tuple[Any, ...]]]) -> None:
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in reversed(TABLES):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608
        for table in TABLES:
            for row in saved[table]:
                places = ", ".join(["%s"] * len(row))
                cursor.execute(f"INSERT INTO {table} VALUES ({places})", row)  # noqa: S608


TABLES = (
    "calendars",
    "calendar_sync_states",
    "calendar_events",
    "calendar_event_appearances",
    "calendar_event_attendees",
    "calendar_recurrence_rules",
    "calendar_event_occurrences",
)


@pytest.mark.usefixtures("small_pages")
def test_a_huge_full_sync_keeps_its_place_and_hides_nothing_before_its_end(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(mirror, 10)
    mirror.synced()
    forget_cursor(mirror.calendar)
    mirror.people.cancel_event(made[0]["id"])
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", 2)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    asked = mirror.lists()

    for slices in range(1, 5):
        lease = claim(MirroredCalendar, mirror.calendar.pk)
        assert lease is not None
        sync(lease)
        lease.release()
        mirror.calendar.refresh_from_db()
        assert mirror.lists() - asked == slices
        if slices < 5 and mirror.calendar.full_sync_page_token:
            assert CalendarEvent.objects.not_cancelled().count() == 10
            assert mirror.calendar.attempts == 0
    mirror.synced()

    assert CalendarEvent.objects.not_cancelled().count() == 9


@pytest.mark.usefixtures("small_pages")
def test_a_place_that_expired_starts_the_full_sync_anew(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(mirror, 6)
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", 2)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    lease = claim(MirroredCalendar, mirror.calendar.pk)
    assert lease is not None
    sync(lease)
    lease.release(full_sync_page_token="expired")
    # Seen by the first slice, gone before the second: only a new generation notices.
    mirror.people.cancel_event(made[0]["id"])

    mirror.synced()

    assert CalendarEvent.objects.not_cancelled().count() == 5


@pytest.mark.usefixtures("small_pages")
def test_what_earlier_slices_wrote_is_not_read_again(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 6)
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", 2)

    mirror.synced()

    assert not EventAppearance.objects.filter(etag=None).exists()


@pytest.mark.usefixtures("small_pages")
def test_a_zone_that_moves_between_slices_starts_the_full_sync_anew(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (26, 27, 28):
        mirror.people.create_event("Holiday", at(day).date())
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", 2)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    lease = claim(MirroredCalendar, mirror.calendar.pk)
    assert lease is not None
    sync(lease)
    lease.release()
    edited(monkeypatch, lambda page: {**page, "timeZone": "Asia/Tokyo"})

    mirror.synced()

    starts = CalendarEvent.objects.order_by("start_time").values_list("start_time", flat=True)
    assert list(starts) == [at(day - 1, 15) for day in (26, 27, 28)]
