"""Old results and old push messages go, new ones stay."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Failure, Success, Task
from pytest_django import DjangoAssertNumQueries

from gcalendar.models import CalendarSyncState
from gdrive.models import DriveWebhookChannel
from pipedesk.core.pruning import drop
from pipedesk.core.tasks import prune_logs
from tests.factories.webhooks import CalendarChannelFactory, DriveChannelFactory
from webhooks.models import ChannelStop, Receipt

pytestmark = pytest.mark.django_db


def result(age_days: float, *, success: bool) -> None:
    then = timezone.now() - timedelta(days=age_days)
    Task.objects.create(
        id=uuid.uuid4().hex, name="job", func="x", started=then, stopped=then, success=success
    )


def receipt(number: int, age_days: float) -> None:
    Receipt.objects.create(
        channel_id="c", message_number=number, resource_id="r", resource_state="exists",
        received_at=timezone.now() - timedelta(days=age_days),
    )  # fmt: skip


def test_results_are_kept_a_week_failures_a_month() -> None:
    for age_days in (6, 8, 29, 31):
        result(age_days, success=True)
        result(age_days, success=False)
    prune_logs()

    assert Success.objects.count() == 1
    assert Failure.objects.count() == 3


def test_receipts_are_kept_two_weeks() -> None:
    receipt(1, 13)
    receipt(2, 15)
    prune_logs()

    assert list(Receipt.objects.values_list("message_number", flat=True)) == [1]


def test_many_rows_go_in_several_statements(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr("pipedesk.core.pruning.AT_ONCE", 2)
    for number in range(5):
        receipt(number, 15)

    with django_assert_num_queries(4):
        assert drop(Receipt.objects.all(), dry_run=False) == 5
    assert not Receipt.objects.exists()


def test_stops_that_never_worked_out_go_too() -> None:
    old = timezone.now() - timedelta(days=15)
    for dead_at in (None, old):
        ChannelStop.objects.create(
            kind=1, channel_id="c", resource_id="r", created_at=old, dead_at=dead_at
        )
    prune_logs()

    assert ChannelStop.objects.get().dead_at is None


def test_channels_that_are_over_are_kept_a_month() -> None:
    old = timezone.now() - timedelta(days=31)
    for state in ("stopped", "expired", "failed"):
        CalendarChannelFactory(state=state, active=False, created_at=old)
        DriveChannelFactory(state=state, active=False, created_at=old)
    kept = {
        CalendarChannelFactory(created_at=old).pk,
        CalendarChannelFactory(state="expired", created_at=old).pk,  # holds the cursor
        CalendarChannelFactory(polled=True, state="pending", created_at=old).pk,
        CalendarChannelFactory(state="stopped", active=False).pk,
    }
    prune_logs()

    assert set(CalendarSyncState.objects.values_list("pk", flat=True)) == kept
    assert not DriveWebhookChannel.objects.exists()


def test_a_dry_run_counts_and_drops_nothing() -> None:
    receipt(1, 15)
    result(8, success=True)
    out = StringIO()
    call_command("prune_logs", "--dry-run", "--json", stdout=out)

    expected = {"job results": 1, "push messages": 1, "channel stops": 0}
    assert expected.items() <= json.loads(out.getvalue())["dropped"].items()
    assert Receipt.objects.exists()
    assert Task.objects.exists()
