"""One run over one row: what was asked for meanwhile, what failed, when it is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from gdrive.models import DriveSyncState
from pipedesk.core.exceptions import GiveUp, TryLater
from pipedesk.core.performing import MAX_RETRY_AFTER_S, perform, retry_after_s
from pipedesk.core.work import MAX_ATTEMPTS, Lease, claim
from tests.core.conftest import finish

pytestmark = pytest.mark.django_db(transaction=True)


def test_work_done_is_applied_and_the_lease_given_back(row: DriveSyncState) -> None:
    DriveSyncState.objects.request(row.pk)

    assert perform(DriveSyncState, row.pk, finish)

    row.refresh_from_db()
    assert (row.requested, row.applied, row.attempts) == (1, 1, 0)
    assert row.lease_until is None
    assert not perform(DriveSyncState, row.pk, finish)


def test_f51_a_request_during_the_work_leads_to_one_more_run(row: DriveSyncState) -> None:
    runs: list[int] = []

    def work(lease: Lease) -> None:
        runs.append(lease.seen)
        if len(runs) == 1:
            DriveSyncState.objects.request(row.pk)
        finish(lease)

    DriveSyncState.objects.request(row.pk)
    perform(DriveSyncState, row.pk, work)

    row.refresh_from_db()
    assert runs == [1, 2]
    assert row.applied == row.requested == 2


def test_a_failure_is_postponed_with_its_reason(row: DriveSyncState) -> None:
    def work(lease: Lease) -> None:
        msg = "no answer"
        raise TryLater(msg, retry_after_s=7)

    DriveSyncState.objects.request(row.pk)
    perform(DriveSyncState, row.pk, work)

    row.refresh_from_db()
    assert row.last_error == "no answer"
    assert row.next_attempt_at is not None
    assert row.applied == 0
    assert row.lease_until is None
    assert not perform(DriveSyncState, row.pk, finish)


def test_what_cannot_succeed_is_given_up_and_can_be_revived(row: DriveSyncState) -> None:
    def work(lease: Lease) -> None:
        msg = "share the drive with us"
        raise GiveUp(msg)

    DriveSyncState.objects.request(row.pk)
    perform(DriveSyncState, row.pk, work)

    row.refresh_from_db()
    assert row.dead_at is not None
    assert row.last_error == "share the drive with us"
    assert DriveSyncState.objects.revive() == 1
    assert perform(DriveSyncState, row.pk, finish)


def test_five_failures_in_a_row_wait_longer_each_and_the_sixth_try_may_succeed(
    row: DriveSyncState,
) -> None:
    def fail(lease: Lease) -> None:
        msg = "Google answered 503"
        raise TryLater(msg)

    DriveSyncState.objects.request(row.pk)
    for attempt in range(1, MAX_ATTEMPTS):
        before = timezone.now()
        perform(DriveSyncState, row.pk, fail)
        row.refresh_from_db()
        assert row.attempts == attempt
        assert row.next_attempt_at is not None
        wait_s = (row.next_attempt_at - before).total_seconds()
        assert 0.74 * 60 * 2 ** (attempt - 1) < wait_s < 1.26 * 60 * 2 ** (attempt - 1) + 5
        DriveSyncState.objects.filter(pk=row.pk).update(next_attempt_at=None)

    assert perform(DriveSyncState, row.pk, finish)
    row.refresh_from_db()
    assert (row.applied, row.attempts, row.dead_at) == (1, 0, None)


def test_the_sixth_failure_in_a_row_is_the_end(row: DriveSyncState) -> None:
    def fail(lease: Lease) -> None:
        msg = "Google answered 503"
        raise TryLater(msg)

    DriveSyncState.objects.request(row.pk)
    for _ in range(MAX_ATTEMPTS):
        perform(DriveSyncState, row.pk, fail)
        DriveSyncState.objects.filter(pk=row.pk).update(next_attempt_at=None)

    row.refresh_from_db()
    assert row.dead_at is not None
    assert row.last_error == "Google answered 503"


def test_what_an_unforeseen_failure_quotes_is_not_kept(row: DriveSyncState) -> None:
    def fail(lease: Lease) -> None:
        msg = "token CANARY-7f3a"
        raise ValueError(msg)

    DriveSyncState.objects.request(row.pk)
    perform(DriveSyncState, row.pk, fail)

    row.refresh_from_db()
    assert row.last_error == "ValueError"


def test_a_wake_up_too_early_leaves_the_row_to_the_sweeper(row: DriveSyncState) -> None:
    later = timezone.now() + timedelta(minutes=1)
    DriveSyncState.objects.filter(pk=row.pk).update(next_attempt_at=later)
    DriveSyncState.objects.request(row.pk)
    assert not perform(DriveSyncState, row.pk, finish)
    assert DriveSyncState.objects.rewake() == 0

    DriveSyncState.objects.filter(pk=row.pk).update(next_attempt_at=None)
    assert DriveSyncState.objects.rewake() == 1


def test_a_wake_up_while_another_works_leaves_the_row_to_the_sweeper(row: DriveSyncState) -> None:
    DriveSyncState.objects.request(row.pk)
    assert claim(DriveSyncState, row.pk) is not None
    DriveSyncState.objects.request(row.pk)
    assert not perform(DriveSyncState, row.pk, finish)  # and the other one is killed now

    past = timezone.now() - timedelta(seconds=1)
    DriveSyncState.objects.filter(pk=row.pk).update(lease_until=past)
    assert DriveSyncState.objects.rewake() == 1


def test_a_run_that_stops_itself_gives_its_lease_back_only_once(
    row: DriveSyncState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipedesk.core.performing.AGAIN_WITHIN_S", -1)

    def take_over(lease: Lease) -> None:
        finish(lease)
        DriveSyncState.objects.request(row.pk)

    DriveSyncState.objects.request(row.pk)
    assert perform(DriveSyncState, row.pk, take_over)

    row.refresh_from_db()
    assert (row.requested, row.applied) == (2, 1)
    assert row.queued_at is not None
    assert row.lease_until is None
    assert OrmQ.objects.count() == 2


def test_a_run_that_took_long_leaves_the_next_one_to_another_job(row: DriveSyncState) -> None:
    """Calendars' slices take 20 s: the third would be cut by the queue's time-out of 60 s."""
    runs: list[int] = []
    now = [0.0]

    def work(lease: Lease) -> None:
        runs.append(lease.seen)
        now[0] += 20

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipedesk.core.performing.monotonic", lambda: now[0])
        DriveSyncState.objects.request(row.pk)
        assert perform(DriveSyncState, row.pk, work)

    assert len(runs) == 1
    row.refresh_from_db()
    assert row.queued_at is not None


def test_those_told_to_come_back_at_one_time_do_not_come_all_at_once() -> None:
    waits = [retry_after_s(100) for _ in range(50)]

    assert min(waits) >= 100
    assert max(waits) <= 125
    assert max(waits) - min(waits) > 5
    assert retry_after_s(1e9) == MAX_RETRY_AFTER_S
