"""What database clients wrote is told once, whatever dies in between."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from crm import tasks
from crm.announcements import Unheard, announce
from crm.models import Announcement, Lead
from crm.signals import entity_created, lead_qualified
from gdrive.models import DriveFolderTree
from tests.factories.accounts import UserFactory
from tests.factories.crm import CompanyFactory, LeadFactory

pytestmark = pytest.mark.django_db

CREATED, QUALIFIED = Announcement.Fact.CREATED, Announcement.Fact.QUALIFIED
Hear = Callable[[Callable[..., None]], None]


class Killed(BaseException):
    """The worker dies here."""


@pytest.fixture
def hear() -> Iterator[Hear]:
    """Connects a receiver to both signals until the test ends."""
    connected: list[Callable[..., None]] = []

    def connect(receiver: Callable[..., None]) -> None:
        for signal in (entity_created, lead_qualified):
            signal.connect(receiver)
        connected.append(receiver)

    yield connect
    for receiver in connected:
        for signal in (entity_created, lead_qualified):
            signal.disconnect(receiver)


def written(fact: str, entity_id: uuid.UUID, user_id: object = None) -> Announcement:
    entity_type = "lead" if fact == QUALIFIED else "company"
    return Announcement.objects.create(
        fact=fact, entity_type=entity_type, entity_id=entity_id, user_id=user_id and str(user_id)
    )


def test_each_fact_is_told_once_in_the_order_it_was_written(hear: Hear) -> None:
    heard: list[object] = []
    company, lead, ana = CompanyFactory(), LeadFactory(qualified=True), UserFactory()
    written(CREATED, company.pk, ana.pk)
    written(QUALIFIED, lead.pk, ana.pk)
    written(QUALIFIED, lead.pk)

    def listen(**facts: Any) -> None:
        told = facts.get("lead") or (facts["entity_type"], facts["entity_id"])
        heard.append((told, facts.get("user_id")))

    hear(listen)
    assert tasks.announce() == 3
    assert heard == [(("company", company.pk), None), (lead, ana.pk), (lead, None)]
    assert tasks.announce() == 0
    assert len(heard) == 3


def test_the_folders_follow() -> None:
    company, lead = CompanyFactory(), LeadFactory(qualified=True)
    DriveFolderTree.objects.all().delete()
    written(CREATED, company.pk)
    written(QUALIFIED, lead.pk)
    announce()
    assert set(DriveFolderTree.objects.values_list("entity_type", "entity_id")) == {
        ("company", str(company.pk)),
        ("lead", str(lead.pk)),
    }


def test_of_what_is_gone_nothing_is_told(hear: Hear) -> None:
    def listen(**_facts: Any) -> None:
        pytest.fail("told")

    unqualified = LeadFactory()
    hear(listen)
    written(CREATED, uuid.UUID(int=1))
    written(QUALIFIED, uuid.UUID(int=2))
    written(QUALIFIED, unqualified.pk)
    assert announce() == 3
    assert not Announcement.objects.exists()


def test_one_that_fails_stays_and_keeps_no_other_waiting(hear: Hear) -> None:
    bad, good = LeadFactory(qualified=True), LeadFactory(qualified=True)
    first = written(QUALIFIED, bad.pk)
    written(QUALIFIED, good.pk)

    def listen(lead: Lead, **_facts: Any) -> None:
        Lead.objects.filter(pk=lead.pk).update(address_city="written")
        if lead == bad:
            raise RuntimeError

    hear(listen)
    with pytest.raises(Unheard):
        announce()
    assert Announcement.objects.get() == first
    assert set(Lead.objects.filter(address_city="written")) == {good}


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_it_has_done_nothing_and_the_next_run_does_it(hear: Hear) -> None:
    lead = LeadFactory(qualified=True)
    DriveFolderTree.objects.all().delete()
    written(QUALIFIED, lead.pk)
    lives: list[bool] = [False]

    def listen(lead: Lead, **_facts: Any) -> None:
        Lead.objects.filter(pk=lead.pk).update(address_city="written")
        if not lives[0]:
            raise Killed

    hear(listen)
    with pytest.raises(Killed):
        announce()
    assert Announcement.objects.count() == 1
    assert not DriveFolderTree.objects.exists()
    lead.refresh_from_db()
    assert lead.address_city is None
    lives[0] = True
    assert announce() == 1
    assert DriveFolderTree.objects.get().requested == 2  # renamed, qualified


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_each_fact_once(hear: Hear) -> None:
    leads = LeadFactory.create_batch(5, qualified=True)
    for lead in leads:
        written(QUALIFIED, lead.pk)
    heard: list[uuid.UUID] = []

    def listen(lead: Lead, **_facts: Any) -> None:
        heard.append(lead.pk)

    hear(listen)
    start = threading.Barrier(2)
    counts: list[int] = []

    def run() -> None:
        try:
            start.wait(timeout=20)
            counts.append(announce())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(counts) == 5
    assert sorted(heard) == sorted(lead.pk for lead in leads)


def test_it_runs_every_minute() -> None:
    assert ("crm.tasks.announce", 1) in settings.SCHEDULES.values()
