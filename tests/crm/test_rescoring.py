"""All scores anew: what is written, what is left alone, and next to whom."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from crm import rescoring, tasks
from crm.models import Lead, LeadOrigin, LeadStatus, PriorityFormula
from crm.rescoring import Tally
from pipedesk.audit.models import AuditLog
from tests.factories.crm import (
    LeadActivityStatsFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
)

DAY = timedelta(days=1)


def command(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("recalculate_priorities", "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())


def scores() -> list[int]:
    return sorted(Lead.objects.values_list("priority_score", flat=True))


@pytest.fixture
def status(db: None) -> LeadStatus:
    return LeadStatusFactory(priority_weight=18)


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescoring, "SLICE", 2)


@pytest.mark.usefixtures("small_slices")
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_the_command_writes_what_differs_and_nothing_the_second_time(
    status: LeadStatus, count: int
) -> None:
    LeadFactory.create_batch(count, lead_status=status)
    Lead.objects.update(priority_score=3)
    entries = AuditLog.objects.count()
    before = list(Lead.objects.order_by("pk").values())

    assert command("--dry-run") == {"ok": True, "leads": count, "changed": count, "faults": []}
    assert list(Lead.objects.order_by("pk").values()) == before
    assert command() == {"ok": True, "leads": count, "changed": count, "faults": []}
    assert command()["changed"] == 0

    assert list(Lead.objects.order_by("pk").values()) == [
        row | {"priority_score": 18} for row in before
    ]
    assert AuditLog.objects.count() == entries


def test_leads_that_left_the_work_list_keep_their_scores(status: LeadStatus) -> None:
    LeadFactory(lead_status=status, deleted=True)
    LeadFactory(lead_status=status, qualified=True)
    LeadFactory(lead_status=status, disqualified=True)
    Lead.objects.update(priority_score=3)

    assert command()["changed"] == 1
    assert scores() == [3, 3, 18]


def test_a_run_in_words(status: LeadStatus) -> None:
    LeadFactory(lead_status=status)
    Lead.objects.update(priority_score=3)
    out = StringIO()

    call_command("recalculate_priorities", "--dry-run", "--no-progress", stdout=out)
    call_command("recalculate_priorities", "--no-progress", stdout=out)

    assert out.getvalue().splitlines() == [
        "1 of 1 scores would change.",
        "1 of 1 scores changed.",
    ]


@pytest.mark.django_db
def test_the_hourly_job_follows_recency_and_meetings_that_began() -> None:
    now = timezone.now()
    kept = {
        "counting down": LeadFactory(last_interaction_at=now - 3 * DAY),
        "just gone": LeadFactory(last_interaction_at=now - 30 * DAY),
    }
    long_gone = LeadFactory(last_interaction_at=now - 50 * DAY)
    begun, ahead = LeadFactory(), LeadFactory()
    LeadActivityStatsFactory(lead=begun, next_event_at=now - timedelta(minutes=5))
    LeadActivityStatsFactory(lead=ahead, next_event_at=now + timedelta(minutes=5))
    Lead.objects.update(priority_score=77)

    tally = rescoring.rescore_moved(now)

    found = dict(Lead.objects.values_list("pk", "priority_score"))
    assert (found[kept["counting down"].pk], found[kept["just gone"].pk]) == (36, 0)
    assert (found[begun.pk], found[ahead.pk], found[long_gone.pk]) == (0, 77, 77)
    assert tally.changed == 3
    assert rescoring.rescore_moved(now).changed == 0


@pytest.mark.django_db
def test_the_hourly_job_reads_by_index(is_postgres: bool) -> None:
    if not is_postgres:
        pytest.skip("PostgreSQL's plans")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plans = [found.values("pk").explain() for found in rescoring.moved(timezone.now())]
    assert "last_interaction" in plans[0]
    assert "idx_lead_activity_stats_next_event_at" in plans[1]
    assert not any("Seq Scan" in plan for plan in plans)


@pytest.mark.parametrize("model", [LeadStatus, LeadOrigin])
def test_other_points_are_a_job_not_a_wait(
    status: LeadStatus, model: type[LeadStatus | LeadOrigin]
) -> None:
    LeadFactory(lead_status=status, lead_origin=LeadOriginFactory(priority_weight=10))
    assert scores() == [28]
    row = model.objects.get(leads__isnull=False)

    row.priority_weight += 5
    row.save()

    assert scores() == [28]
    work = PriorityFormula.objects.get()
    assert work.requested > work.applied
    tasks.rescore_leads(work.pk)
    assert scores() == [33]
    work.refresh_from_db()
    assert work.requested == work.applied


def test_another_formula_is_a_job_and_its_form_leaves_the_jobs_columns_alone(
    status: LeadStatus,
) -> None:
    LeadFactory(lead_status=status, last_interaction_at=timezone.now())
    tasks.recalculate_all_priorities()
    opened = PriorityFormula.objects.get()
    tasks.rescore_leads(opened.pk)
    applied = PriorityFormula.objects.get().applied
    assert scores() == [58]

    opened.recency_points = 10
    opened.save()

    stored = PriorityFormula.objects.get()
    assert (stored.recency_points, stored.applied) == (10, applied)
    tasks.rescore_leads(opened.pk)
    assert scores() == [28]


def test_a_label_is_no_reason_to_compute(status: LeadStatus) -> None:
    status.label = "Another"
    status.save(update_fields=["label"])
    assert not PriorityFormula.objects.exists()


@pytest.mark.usefixtures("small_slices")
def test_a_long_run_stops_in_time_and_goes_on(
    status: LeadStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    LeadFactory.create_batch(5, lead_status=status)
    Lead.objects.update(priority_score=3)
    PriorityFormula.objects.request_rescore()
    pk = PriorityFormula.objects.get().pk
    monkeypatch.setattr(rescoring, "SLICE_S", -1)

    tasks.rescore_leads(pk)

    work = PriorityFormula.objects.get()
    assert scores() == [3, 3, 3, 18, 18]
    assert (work.attempts, work.dead_at, work.applied) == (0, None, 0)
    monkeypatch.undo()
    PriorityFormula.objects.update(next_attempt_at=None)
    tasks.rescore_leads(pk)
    assert scores() == [18] * 5


# --- Two connections ------------------------------------------------------------------------


def in_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_a_run_passes_by_leads_in_somebodys_hands_and_comes_back_to_them(
    is_postgres: bool,
) -> None:
    """The person holds the first lead and then wants the second: no circle, both get theirs."""
    if not is_postgres:
        pytest.skip("SQLite has one writer at a time")
    status = LeadStatusFactory(priority_weight=18)
    first, second = sorted(LeadFactory.create_batch(2, lead_status=status), key=lambda row: row.pk)
    Lead.objects.update(priority_score=3)
    held, passed = threading.Event(), threading.Event()

    def person() -> None:
        with transaction.atomic():
            lead = Lead.objects.select_for_update(no_key=True).get(pk=first.pk)
            held.set()
            assert passed.wait(10)
            # The run let go of this one: nobody waits for long.
            other = Lead.objects.select_for_update(no_key=True, nowait=True).get(pk=second.pk)
            lead.trade_name = other.trade_name = "Mine"
            lead.save()
            other.save()

    thread = in_thread(person)
    assert held.wait(10)
    tally = Tally()
    rescoring.rescore_slice(rescoring.scored(), tally)
    assert (tally.changed, tally.busy) == (1, [first.pk])
    passed.set()
    rescoring.rescore_busy(tally)
    thread.join()

    # The person's save put the score in force itself.
    assert tally.busy == []
    assert scores() == [58, 58]
    assert set(Lead.objects.values_list("trade_name", flat=True)) == {"Mine"}


@pytest.mark.django_db(transaction=True)
def test_a_lead_that_stays_in_somebodys_hands_is_a_fault_of_the_run(is_postgres: bool) -> None:
    if not is_postgres:
        pytest.skip("SQLite has one writer at a time")
    lead = LeadFactory(lead_status=LeadStatusFactory(priority_weight=18))
    Lead.objects.update(priority_score=3)
    held, done = threading.Event(), threading.Event()

    def person() -> None:
        with transaction.atomic():
            Lead.objects.select_for_update(no_key=True).get(pk=lead.pk)
            held.set()
            assert done.wait(30)

    thread = in_thread(person)
    assert held.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    try:
        with pytest.raises(CommandError) as failure:
            command()
        assert failure.value.returncode == 3
        PriorityFormula.objects.request_rescore()
        tasks.rescore_leads(PriorityFormula.ONLY)
        work = PriorityFormula.objects.get()
        assert work.next_attempt_at is not None
        assert work.applied < work.requested
    finally:
        done.set()
        thread.join()
        connection.close()
    assert command()["changed"] == 1
