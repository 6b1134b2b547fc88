"""The work mixin: nothing requested is lost, nothing runs twice at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ
from pytest_django import Settings
from redis import RedisError

from gdrive.models import DriveSyncState
from pipedesk.core import jobs
from pipedesk.core.exceptions import GiveUp, LeaseLost, TryLater
from pipedesk.core.tasks import sweep, work_models
from pipedesk.core.work import MAX_ATTEMPTS, Lease, claim, perform
from webhooks.models import ChannelStop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def row() -> DriveSyncState:
    return DriveSyncState.objects.create()


def finish(lease: Lease) -> None:
    with transaction.atomic():
        lease.complete()


def test_many_requests_wake_one_worker(row: DriveSyncState) -> None:
    for _ in range(10):
        DriveSyncState.objects.request(row.pk)

    row.refresh_from_db()
    assert row.requested == 10
    assert OrmQ.objects.count() == 1


def test_a_rolled_back_request_leaves_neither_work_nor_message(row: DriveSyncState) -> None:
    with transaction.atomic():
        DriveSyncState.objects.request(row.pk)
        transaction.set_rollback(True)

    row.refresh_from_db()
    assert row.requested == 0
    assert not OrmQ.objects.exists()


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


def test_f49_only_one_worker_gets_the_lease(row: DriveSyncState) -> None:
    DriveSyncState.objects.request(row.pk)

    assert claim(DriveSyncState, row.pk) is not None
    assert claim(DriveSyncState, row.pk) is None


def test_f50_a_worker_that_lost_its_lease_writes_nothing(row: DriveSyncState) -> None:
    DriveSyncState.objects.request(row.pk)
    slow = claim(DriveSyncState, row.pk)
    DriveSyncState.objects.filter(pk=row.pk).update(lease_until=None)
    fast = claim(DriveSyncState, row.pk)
    assert slow is not None
    assert fast is not None

    with pytest.raises(LeaseLost), transaction.atomic():
        slow.complete(page_token="stale")
    with transaction.atomic():
        fast.complete(page_token="fresh")

    row.refresh_from_db()
    assert row.page_token == "fresh"


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


def test_f20_five_failures_in_a_row_wait_longer_each_and_the_sixth_try_may_succeed(
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


def test_f56_a_job_that_kills_its_worker_stops_after_six_attempts(row: DriveSyncState) -> None:
    DriveSyncState.objects.request(row.pk)
    for _ in range(MAX_ATTEMPTS):
        assert claim(DriveSyncState, row.pk) is not None  # and the process dies here
        DriveSyncState.objects.filter(pk=row.pk).update(lease_until=None)

    assert claim(DriveSyncState, row.pk) is None
    row.refresh_from_db()
    assert row.dead_at is not None


def test_f54_the_sweeper_wakes_what_the_queue_lost(row: DriveSyncState) -> None:
    DriveSyncState.objects.request(row.pk)
    OrmQ.objects.all().delete()
    assert DriveSyncState.objects.rewake() == 0  # the wake-up may still be on its way

    DriveSyncState.objects.filter(pk=row.pk).update(queued_at="2020-01-01T00:00:00Z")
    assert DriveSyncState.objects.rewake() == 1
    assert OrmQ.objects.count() == 1


def test_f54_a_wake_up_that_waits_in_the_queue_is_not_lost_and_one_that_was_taken_is(
    row: DriveSyncState,
) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    DriveSyncState.objects.request(row.pk)
    DriveSyncState.objects.filter(pk=row.pk).update(queued_at=long_ago)
    OrmQ.objects.update(lock=long_ago)  # a long queue: nobody took it yet
    assert DriveSyncState.objects.rewake() == 0

    # A worker took it, and was killed before it knew for which row.
    OrmQ.objects.update(lock=timezone.now() + timedelta(minutes=5))
    assert DriveSyncState.objects.rewake() == 1
    assert DriveSyncState.objects.rewake() == 0  # the new one is on its way


def test_redis_that_is_away_takes_nothing_back(
    row: DriveSyncState,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def away(*args: object) -> str:
        raise RedisError

    settings.Q_CLUSTER = {"redis": "redis://127.0.0.1:9"}
    monkeypatch.setattr(jobs, "send", away)
    DriveSyncState.objects.request(row.pk)

    row.refresh_from_db()
    assert (row.requested, OrmQ.objects.count()) == (1, 0)
    assert "Error calling" in caplog.text


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


def test_a_row_that_was_given_up_counts_requests_and_wakes_nobody(row: DriveSyncState) -> None:
    DriveSyncState.objects.filter(pk=row.pk).update(dead_at=timezone.now())
    DriveSyncState.objects.request(row.pk, last_notification={"channel_id": "c"})

    row.refresh_from_db()
    assert row.requested == 1
    assert row.last_notification == {"channel_id": "c"}
    assert not OrmQ.objects.exists()


def test_a_run_that_stops_itself_gives_its_lease_back_only_once(
    row: DriveSyncState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipedesk.core.work.SLICE_S", -1)

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


def test_the_sweep_knows_every_kind_of_work(row: DriveSyncState) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    stop = ChannelStop.objects.create(
        kind=2, channel_id="c", resource_id="r", requested=1, queued_at=long_ago
    )
    DriveSyncState.objects.filter(pk=row.pk).update(requested=1, queued_at=long_ago)
    assert sweep() == 2

    woken = {(message.task["func"], message.task["args"]) for message in OrmQ.objects.all()}
    assert woken == {
        ("gdrive.tasks.sync_drive", (row.pk,)),
        ("webhooks.tasks.stop_channel", (stop.pk,)),
    }
    assert sweep() == 0


def test_every_kind_of_work_names_a_job_that_exists() -> None:
    for model in work_models():
        assert callable(import_string(model.task)), model
