"""The work mixin: nothing requested is lost, nothing runs twice at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ
from pytest_django import Settings
from redis import RedisError

from gdrive.models import DriveSyncState
from pipedesk.core import jobs
from pipedesk.core.exceptions import LeaseLost
from pipedesk.core.performing import perform
from pipedesk.core.tasks import sweep, work_models
from pipedesk.core.work import MAX_ATTEMPTS, WorkQuerySet, claim
from tests.core.conftest import finish
from webhooks.models import ChannelStop

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_only_one_worker_gets_the_lease(row: DriveSyncState) -> None:
    DriveSyncState.objects.request(row.pk)

    assert claim(DriveSyncState, row.pk) is not None
    assert claim(DriveSyncState, row.pk) is None


def test_a_worker_that_lost_its_lease_writes_nothing(row: DriveSyncState) -> None:
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


def test_f56_a_job_that_dies_without_a_word_stops_after_six_attempts(row: DriveSyncState) -> None:
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


def test_a_row_that_was_given_up_counts_requests_and_wakes_nobody(row: DriveSyncState) -> None:
    DriveSyncState.objects.filter(pk=row.pk).update(dead_at=timezone.now())
    DriveSyncState.objects.request(row.pk, last_notification={"channel_id": "c"})

    row.refresh_from_db()
    assert row.requested == 1
    assert row.last_notification == {"channel_id": "c"}
    assert not OrmQ.objects.exists()


def test_a_request_for_what_a_worker_has_in_hand_wakes_no_second_one(row: DriveSyncState) -> None:
    DriveSyncState.objects.request(row.pk)
    lease = claim(DriveSyncState, row.pk)
    OrmQ.objects.all().delete()
    DriveSyncState.objects.request(row.pk)
    assert not OrmQ.objects.exists()

    assert lease is not None
    lease.release()
    DriveSyncState.objects.request(row.pk)
    assert OrmQ.objects.count() == 1


def test_a_storm_of_requests_for_what_waits_for_its_next_try_wakes_nobody(
    row: DriveSyncState,
) -> None:
    later = timezone.now() + timedelta(minutes=16)
    DriveSyncState.objects.filter(pk=row.pk).update(next_attempt_at=later)
    for _ in range(10):
        DriveSyncState.objects.request(row.pk)
        assert not perform(DriveSyncState, row.pk, finish)

    row.refresh_from_db()
    assert row.requested == 10
    assert not OrmQ.objects.exists()
    DriveSyncState.objects.filter(pk=row.pk).update(next_attempt_at=None)
    assert DriveSyncState.objects.rewake() == 1


def test_a_request_between_somebody_elses_wake_up_and_its_worker_is_not_left_alone(
    row: DriveSyncState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another asks, and its worker looks, between the two statements of ours."""
    real, calls = WorkQuerySet.update, []

    def update(rows: WorkQuerySet[DriveSyncState], **values: Any) -> int:
        calls.append(values)
        if len(calls) == 2:
            real(rows, requested=F("requested") + 1, queued_at=timezone.now())
            found = real(rows, **values)
            real(DriveSyncState.objects.filter(pk=row.pk), queued_at=None, applied=1)
            return found
        return real(rows, **values)

    monkeypatch.setattr(WorkQuerySet, "update", update)
    DriveSyncState.objects.request(row.pk)

    row.refresh_from_db()
    assert (row.requested, row.applied) == (2, 1)
    assert row.queued_at is not None
    assert OrmQ.objects.count() == 1


def test_run_again_waits_for_nothing(row: DriveSyncState) -> None:
    dead = DriveSyncState.objects.create(
        drive_id="d", requested=1, attempts=6, dead_at=timezone.now(), last_error="no answer"
    )
    later = timezone.now() + timedelta(minutes=16)
    DriveSyncState.objects.filter(pk=row.pk).update(
        requested=1, attempts=5, next_attempt_at=later, last_error="no answer"
    )

    assert DriveSyncState.objects.all().run_again() == 2

    assert OrmQ.objects.count() == 2
    for one in (row, dead):
        assert perform(DriveSyncState, one.pk, finish)
        one.refresh_from_db()
        assert (one.requested, one.applied, one.dead_at) == (2, 2, None)


def test_a_sweep_wakes_a_thousand_rows_and_the_next_one_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipedesk.core.work.WOKEN_AT_ONCE", 2)
    monkeypatch.setattr("pipedesk.core.work.WOKEN_PER_SWEEP", 4)
    DriveSyncState.objects.bulk_create(
        DriveSyncState(drive_id=str(number), requested=1) for number in range(7)
    )

    assert [DriveSyncState.objects.rewake() for _ in range(3)] == [4, 3, 0]


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
