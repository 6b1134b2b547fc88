"""Every cursor refused at once: full syncs queue up, a few at a time, and all come to an end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from gcalendar import client
from gcalendar.full_sync_places import LOOK_AGAIN_AFTER_S, PLACES, call_next, take_place
from gcalendar.models import CalendarSyncState, MirroredCalendar
from gcalendar.tasks import sync_calendar
from pipedesk.core.exceptions import TryLater
from pipedesk.core.work import Lease, claim
from pipedesk.google.service import close_services
from tests.gcalendar.conftest import Mirror

WORKERS = 6


def with_connections_closed(work: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """For threads: what they open ends with them."""

    def thread(argument: Any) -> Any:
        try:
            return work(argument)
        finally:
            close_services()
            connections.close_all()

    return thread


def calendars(count: int) -> list[MirroredCalendar]:
    return [
        MirroredCalendar.objects.create(calendar_id=f"team-{number}@x", requested=1)
        for number in range(count)
    ]


def leased(calendar: MirroredCalendar) -> Lease:
    lease = claim(MirroredCalendar, calendar.pk)
    assert lease is not None
    return lease


def refused(lease: Lease) -> bool:
    try:
        take_place(lease)
    except TryLater:
        return True
    return False


def holders() -> list[int]:
    rows = MirroredCalendar.objects.filter(full_sync_place__isnull=False)
    return list(rows.order_by("full_sync_place").values_list("pk", flat=True))


def test_d12_cursors_refused_all_at_once_lead_to_few_full_syncs_at_a_time_and_none_starves(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrors = [mirror] + [
        Mirror(mirror.google, "ana@pipedesk.example", mirror.people.create_calendar(f"Team {n}"))
        for n in range(11)
    ]
    for each in mirrors:
        each.synced()
    mirror.google.google.expire_tokens()
    lock, running, most = threading.Lock(), 0, 0
    genuine = client.list_events

    def counted(*args: Any, sync_token: str | None = None, **options: Any) -> dict[str, Any]:
        nonlocal running, most
        if sync_token is not None:
            return genuine(*args, sync_token=sync_token, **options)
        with lock:
            running += 1
            most = max(most, running)
        sleep(0.1)
        try:
            return genuine(*args, **options)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(client, "list_events", counted)
    for each in mirrors:
        MirroredCalendar.objects.request(each.calendar.pk)
    taken: set[int] = set()

    @with_connections_closed
    def work(_number: int) -> None:
        """What a worker does: what it is woken for, and nothing else."""
        deadline = monotonic() + 60
        while MirroredCalendar.objects.behind().exists():
            assert monotonic() < deadline, "somebody waits and is never called"
            with lock:
                woken = MirroredCalendar.objects.behind().filter(queued_at__isnull=False)
                pk = woken.exclude(pk__in=taken).values_list("pk", flat=True).first()
                taken.update({pk} if pk else ())
            if pk is None:
                sleep(0.05)
                continue
            sync_calendar(pk)
            with lock:
                taken.discard(pk)

    with ThreadPoolExecutor(WORKERS) as workers:
        list(workers.map(work, range(WORKERS)))

    assert most == PLACES
    assert CalendarSyncState.objects.filter(sync_token__isnull=False).count() == len(mirrors)
    assert not MirroredCalendar.objects.exclude(attempts=0, last_error="", state="ok").exists()
    assert holders() == []


def test_d12_two_machines_that_reach_for_the_last_place_get_it_once(transactional_db: None) -> None:
    rows = calendars(WORKERS)
    start = threading.Barrier(WORKERS)

    @with_connections_closed
    def reach(calendar: MirroredCalendar) -> bool:
        lease = leased(calendar)
        start.wait()
        return refused(lease)

    with ThreadPoolExecutor(WORKERS) as machines:
        answers = list(machines.map(reach, rows))

    assert answers.count(False) == PLACES
    assert len(holders()) == PLACES
    waiting = MirroredCalendar.objects.filter(full_sync_asked_at__isnull=False)
    assert waiting.count() == WORKERS - PLACES


@pytest.mark.django_db
def test_d12_who_died_or_failed_leaves_the_place_and_who_is_between_two_slices_keeps_it() -> None:
    dead, between, late = calendars(3)
    for each in (dead, between):
        take_place(leased(each))
    assert refused(lease := leased(late))

    ended = timezone.now() - timedelta(seconds=1)
    MirroredCalendar.objects.filter(pk=between.pk).update(
        lease_until=None, full_sync_page_token="more"
    )
    MirroredCalendar.objects.filter(pk=dead.pk).update(lease_until=ended)
    assert not refused(lease)
    assert holders() == [late.pk, between.pk]

    failed_until = timezone.now() + timedelta(minutes=1)
    MirroredCalendar.objects.filter(pk=between.pk).update(next_attempt_at=failed_until)
    MirroredCalendar.objects.filter(pk=dead.pk).update(requested=2, lease_until=None)
    assert not refused(leased(dead))
    assert holders() == [late.pk, dead.pk]


def test_d12_a_full_sync_that_fails_calls_whoever_waits(mirror: Mirror) -> None:
    waiting, busy = calendars(2)
    MirroredCalendar.objects.filter(pk=waiting.pk).update(full_sync_asked_at=timezone.now())
    take_place(leased(busy))
    mirror.google.google.faults.plan(
        {"kind": "status", "method": "events.list", "status": 500, "times": 9}
    )
    MirroredCalendar.objects.request(mirror.calendar.pk)

    sync_calendar(mirror.calendar.pk)

    mirror.calendar.refresh_from_db()
    assert mirror.calendar.next_attempt_at is not None
    assert holders() == [busy.pk]
    waiting.refresh_from_db()
    assert waiting.queued_at is not None


@pytest.mark.django_db
def test_d12_who_waits_longest_is_called_first_and_all_look_again_by_themselves() -> None:
    rows = calendars(PLACES + 2)
    for each in rows[:PLACES]:
        take_place(leased(each))
    for each in rows[PLACES:]:
        with pytest.raises(TryLater) as wait:
            take_place(leased(each))
        assert LOOK_AGAIN_AFTER_S[0] <= (wait.value.retry_after_s or 0) <= LOOK_AGAIN_AFTER_S[1]
    earlier, later = rows[PLACES:]
    MirroredCalendar.objects.filter(pk=later.pk).update(
        full_sync_asked_at=timezone.now() - timedelta(hours=1)
    )

    call_next()

    woken = MirroredCalendar.objects.filter(queued_at__isnull=False)
    assert [row.pk for row in woken] == [later.pk]
    call_next()
    assert set(woken.values_list("pk", flat=True)) == {earlier.pk, later.pk}
    call_next()
