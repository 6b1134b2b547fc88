"""Statistics rows: written where they differ, proven, kept by the clock, safe side by side."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connections, transaction
from django.utils import timezone

from crm import meetings, statistics
from crm.activity import TICK
from crm.models import Contact, Interaction, Lead, LeadActivityStats, LeadContact, LeadStatus
from crm.tasks import refresh_due_statistics
from pipedesk.audit.models import AuditLog
from tests.factories.crm import (
    ContactFactory,
    LeadActivityStatsFactory,
    LeadContactFactory,
    LeadFactory,
)

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def log(lead: Lead, kind: str = "call", at: datetime = NOW - HOUR) -> Interaction:
    """Behind the back of the statistics."""
    return Interaction.objects.create(lead=lead, kind=kind, occurred_at=at)


def numbers(lead: Lead) -> dict[str, Any]:
    (row,) = LeadActivityStats.objects.filter(lead=lead).values()
    return row


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> dict[uuid.UUID, list[datetime]]:
    """The only source of meetings: lead -> starts."""
    known: dict[uuid.UUID, list[datetime]] = {}

    def source(lead_ids: Collection[uuid.UUID]) -> Iterator[tuple[uuid.UUID, datetime]]:
        return ((lead, at) for lead in lead_ids for at in known.get(lead, ()))

    monkeypatch.setattr(meetings, "_sources", {"test": source})
    return known


@pytest.mark.django_db
def test_a_lead_nothing_is_known_of_gets_no_row() -> None:
    lead = LeadFactory()
    assert statistics.refresh([lead.pk, uuid.uuid4()], NOW) == set()
    assert not LeadActivityStats.objects.exists()
    assert statistics.differing([lead.pk]) == {}


@pytest.mark.django_db
def test_neither_updated_at_nor_the_history_notices() -> None:
    lead = LeadFactory(old=True)
    log(lead)
    entries = AuditLog.objects.count()

    statistics.refresh([lead.pk], NOW)

    assert Lead.objects.get().updated_at == lead.updated_at
    assert AuditLog.objects.count() == entries


@pytest.mark.django_db
def test_the_score_follows() -> None:
    status = LeadStatus.objects.get(code="new")
    lead = LeadFactory(lead_status=status)
    log(lead)

    with time_machine.travel(NOW, tick=False):
        statistics.refresh([lead.pk])

    # 40 points of recency, 2 of engagement count as 0.4.
    assert Lead.objects.get().priority_score == status.priority_weight + 40


@pytest.mark.django_db
def test_what_is_right_is_not_written_again(
    calendar: dict[uuid.UUID, list[datetime]], django_assert_num_queries: Callable[[int], Any]
) -> None:
    lead = LeadFactory()
    log(lead)
    calendar[lead.pk] = [NOW + DAY]
    statistics.refresh([lead.pk], NOW)
    before = numbers(lead)

    # The lead, its row, what was logged; the source of this test asks nothing.
    with transaction.atomic(), django_assert_num_queries(3):
        assert statistics.refresh([lead.pk], NOW + HOUR) == set()

    assert numbers(lead) == before


@pytest.mark.django_db
def test_numbers_that_are_right_by_chance_are_stamped_anew(
    calendar: dict[uuid.UUID, list[datetime]],
) -> None:
    lead = LeadFactory()
    log(lead, at=NOW - 90 * DAY)
    statistics.refresh([lead.pk], NOW)
    calendar[lead.pk] = [NOW + HOUR]
    later = NOW + 2 * HOUR
    Interaction.objects.all().delete()
    before = numbers(lead)
    row = LeadActivityStats.objects.get()
    row.last_event_at, row.last_call_at, row.stale_at = NOW + HOUR, None, NOW + HOUR + 90 * DAY
    row.total_events, row.last_interaction_type = 1, "meeting"
    row.last_interaction_at = NOW + HOUR
    row.stale_at += TICK
    row.save()
    Lead.objects.update(last_interaction_at=NOW + HOUR)
    assert statistics.differing([lead.pk], later) == {}
    assert "next_event_at" in statistics.differing([lead.pk])[lead.pk]

    statistics.refresh([lead.pk], later)

    assert before["computed_at"] == NOW
    assert numbers(lead)["computed_at"] == later
    assert statistics.differing([lead.pk]) == {}


@pytest.mark.django_db
def test_a_clock_that_is_behind_takes_no_row_back() -> None:
    lead = LeadFactory()
    log(lead, at=NOW)
    statistics.refresh([lead.pk], NOW)

    log(lead, at=NOW - DAY)
    statistics.refresh([lead.pk], NOW - 2 * timedelta(seconds=1))

    assert (numbers(lead)["total_interactions"], numbers(lead)["computed_at"]) == (2, NOW)


@pytest.mark.django_db
def test_a_moment_in_a_far_future_is_mended() -> None:
    lead = LeadFactory()
    log(lead)
    statistics.refresh([lead.pk], NOW + 1000 * DAY)
    statistics.refresh([lead.pk], NOW)
    assert numbers(lead)["computed_at"] == NOW


@pytest.mark.django_db
def test_more_leads_take_no_more_statements(
    django_assert_num_queries: Callable[[int], Any], calendar: dict[uuid.UUID, list[datetime]]
) -> None:
    leads = LeadFactory.create_batch(40)
    for lead in leads:
        log(lead)
    # Leads, rows, logged; rows and leads written (SQLite: in pieces of 60 rows), scores.
    with transaction.atomic(), django_assert_num_queries(6):
        assert len(statistics.refresh([lead.pk for lead in leads], NOW)) == 40


@pytest.mark.django_db
def test_what_differs_is_named() -> None:
    right, wrong, never, missing = LeadFactory.create_batch(4)
    for lead in (right, wrong):
        log(lead)
    statistics.refresh([right.pk, wrong.pk], NOW)
    LeadActivityStats.objects.filter(lead=wrong).update(total_emails=7, engagement_score=99)
    LeadActivityStatsFactory(lead=never)
    log(missing)

    found = statistics.differing(Lead.objects.values_list("pk", flat=True))

    assert found == {
        wrong.pk: ["engagement_score", "total_emails"],
        never.pk: ["computed_at"],
        missing.pk: ["lead_id"],
    }


@pytest.mark.django_db
def test_a_copy_of_the_last_interaction_that_is_not_the_leads_differs_and_is_mended() -> None:
    lead = LeadFactory(last_interaction_at=NOW)
    log(lead, at=NOW - DAY)
    statistics.refresh([lead.pk], NOW)
    assert numbers(lead)["last_interaction_type"] == "update"
    Lead.objects.update(last_interaction_at=NOW + HOUR)

    assert statistics.differing([lead.pk]) == {lead.pk: ["last_interaction_at"]}
    statistics.refresh([lead.pk], NOW)
    assert numbers(lead)["last_interaction_at"] == NOW + HOUR


# --- By the clock ---------------------------------------------------------------------------
@pytest.mark.django_db
def test_only_what_is_due_is_computed_by_the_clock(
    calendar: dict[uuid.UUID, list[datetime]],
) -> None:
    meets, ages, waits = LeadFactory.create_batch(3)
    calendar[meets.pk] = [NOW + HOUR]
    log(ages, at=NOW - 90 * DAY + HOUR)
    log(waits, at=NOW - DAY)
    statistics.refresh([meets.pk, ages.pk, waits.pk], NOW)
    untouched = numbers(waits)

    assert statistics.refresh_due(NOW + HOUR - TICK) == 0
    assert statistics.refresh_due(NOW + HOUR) == 1
    assert (numbers(meets)["next_event_at"], numbers(meets)["total_events"]) == (None, 1)
    assert Lead.objects.get(pk=meets.pk).last_interaction_at == NOW + HOUR
    assert numbers(meets)["last_interaction_type"] == "meeting"
    assert numbers(ages)["engagement_score"] == 2
    assert statistics.refresh_due(NOW + HOUR + TICK) == 1
    assert numbers(ages)["engagement_score"] == 0
    assert numbers(waits) == untouched


@pytest.mark.django_db
def test_the_job_takes_every_slice_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "CHUNK", 2)
    for lead in LeadFactory.create_batch(5):
        log(lead, at=NOW)
    statistics.refresh(Lead.objects.values_list("pk", flat=True), NOW)

    with time_machine.travel(NOW + 91 * DAY, tick=False):
        refresh_due_statistics()

    assert set(LeadActivityStats.objects.values_list("engagement_score", flat=True)) == {0}
    assert not LeadActivityStats.objects.filter(stale_at__isnull=False).exists()


# --- Links ----------------------------------------------------------------------------------
class Asked:
    """A source that only remembers whose meetings were asked for."""

    def __init__(self) -> None:
        self.lead_ids: list[uuid.UUID] = []

    def __call__(self, lead_ids: Collection[uuid.UUID]) -> list[tuple[uuid.UUID, datetime]]:
        self.lead_ids += lead_ids
        return []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    source = Asked()
    monkeypatch.setattr(meetings, "_sources", {"test": source})
    return source


@pytest.mark.django_db
def test_a_link_that_comes_or_goes_makes_its_lead_be_looked_at(asked: Asked) -> None:
    link = LeadContactFactory()
    assert asked.lead_ids == [link.lead_id]
    link.is_primary = True
    link.save()
    assert len(asked.lead_ids) == 1
    lead_id = link.lead_id
    link.delete()
    assert asked.lead_ids == [lead_id] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "times"),
    [
        (lambda contact: setattr(contact, "email", "new@x.example"), 1),
        (lambda contact: setattr(contact, "name", "Renamed"), 0),
        (lambda contact: contact.soft_delete(by=None), 1),
    ],
    ids=["address", "name", "deleted"],
)
def test_a_contact_that_changes_matters_to_all_its_leads(
    asked: Asked, change: Callable[[Contact], None], times: int
) -> None:
    contact = ContactFactory(email="old@x.example")
    leads = [LeadContactFactory(contact=contact).lead_id for _ in range(2)]
    asked.lead_ids.clear()

    change(contact)
    contact.save()

    assert sorted(asked.lead_ids) == sorted(leads * times)


@pytest.mark.django_db
def test_restoring_a_contact_or_purging_it_matters_too(asked: Asked) -> None:
    link = LeadContactFactory(contact__email="a@x.example")
    link.contact.soft_delete(by=None)
    asked.lead_ids.clear()

    link.contact.restore()
    assert asked.lead_ids == [link.lead_id]
    link.contact.delete()
    assert asked.lead_ids == [link.lead_id] * 2


@pytest.mark.django_db
def test_a_lead_that_goes_for_good_is_not_looked_at(asked: Asked) -> None:
    link = LeadContactFactory()
    asked.lead_ids.clear()
    Lead.objects.get(pk=link.lead_id).delete()
    assert asked.lead_ids == []
    assert not LeadContact.objects.exists()


# --- Side by side ---------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_two_who_log_at_once_end_in_the_right_numbers() -> None:
    lead, start = LeadFactory(), Barrier(2)

    def worker() -> None:
        try:
            start.wait()
            for _ in range(10):
                with transaction.atomic():
                    log(lead, at=timezone.now())
                    statistics.refresh([lead.pk])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(worker) for _ in range(2)]:
            done.result()

    row = numbers(lead)
    assert (row["total_interactions"], row["engagement_score"]) == (20, 40)
    assert statistics.differing([lead.pk]) == {}


@pytest.mark.django_db(transaction=True)
def test_two_refreshes_of_the_same_leads_in_opposite_order_never_wait_for_each_other() -> None:
    leads = LeadFactory.create_batch(30)
    for lead in leads:
        log(lead)
    ids, start = [lead.pk for lead in leads], Barrier(2)

    def worker(order: list[uuid.UUID]) -> None:
        try:
            start.wait()
            for hour in range(5):
                statistics.refresh(order, NOW + hour * HOUR)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(worker, order) for order in (ids, ids[::-1])]:
            done.result()

    assert LeadActivityStats.objects.count() == 30
    assert statistics.differing(ids) == {}


@pytest.mark.django_db(transaction=True)
def test_a_write_that_is_rolled_back_leaves_the_statistics_as_they_were() -> None:
    lead = LeadFactory()
    log(lead)
    statistics.refresh([lead.pk], NOW)
    before = numbers(lead)

    with transaction.atomic():
        log(lead)
        statistics.refresh([lead.pk], NOW)
        assert numbers(lead)["total_interactions"] == 2
        transaction.set_rollback(True)

    assert numbers(lead) == before
    assert statistics.differing([lead.pk]) == {}
