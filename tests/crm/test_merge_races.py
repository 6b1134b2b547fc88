"""A merge and somebody else at the same moment: no relation is lost and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import close_old_connections, connection, transaction
from rest_framework.test import APIClient

from crm.carrying import KINDS
from crm.merging import carry, prepare
from crm.models import Company, Deal, Lead, LeadContact, Merge
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

Api = Callable[..., APIClient]
Call = Callable[[], Any]
ROUNDS = 4
FACTORIES = {"companies": CompanyFactory, "contacts": ContactFactory, "leads": LeadFactory}


def at_once(*calls: Call) -> list[Any]:
    """What each call answered; each has a thread and a connection of its own."""
    start = threading.Barrier(len(calls))
    answers: dict[int, Any] = {}

    def run(number: int, call: Call) -> None:
        try:
            start.wait(timeout=20)
            answers[number] = call()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return [answers[number] for number in range(len(calls))]


def assert_nothing_points_at_merged_rows() -> None:
    assert not Deal.objects.filter(company__merged_into__isnull=False).exists()
    assert not Lead.objects.filter(qualified_company__merged_into__isnull=False).exists()
    assert not LeadContact.objects.filter(contact__merged_into__isnull=False).exists()
    assert not LeadContact.objects.filter(lead__merged_into__isnull=False).exists()


def merging(client: APIClient, address: str, kept: Any, other: Any) -> Call:
    body = {"other_id": str(other.pk)}
    return lambda: client.post(f"/api/{address}/{kept.pk}/merge", body, format="json")


def patching(client: APIClient, address: str, row: Any, **body: Any) -> Call:
    return lambda: client.patch(f"/api/{address}/{row.pk}", body, format="json")


def posting(client: APIClient, address: str, **body: Any) -> Call:
    return lambda: client.post(f"/api/{address}", body, format="json")


@pytest.mark.parametrize("address", list(FACTORIES))
def test_the_same_pair_merged_both_ways_at_once_is_merged_once(api: Api, address: str) -> None:
    boss, aide = api("manager"), api("manager")
    for _round in range(ROUNDS):
        one, two = FACTORIES[address](), FACTORIES[address]()
        answers = at_once(merging(boss, address, one, two), merging(aide, address, two, one))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert type(one).objects.filter(pk__in=[one.pk, two.pk], merged_into=None).count() == 1
    assert Merge.objects.count() == ROUNDS


@pytest.mark.parametrize("address", list(FACTORIES))
def test_two_people_who_take_the_same_merge_back_do_so_once(api: Api, address: str) -> None:
    boss, aide = api("manager"), api("manager")
    kept, other = FACTORIES[address](), FACTORIES[address]()
    merging(boss, address, kept, other)()
    below = f"{address}/{other.pk}/unmerge"
    answers = at_once(posting(boss, below), posting(aide, below))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert type(kept).objects.filter(merged_into=None, deleted_at=None).count() == 2


@pytest.mark.parametrize("address", list(FACTORIES))
@pytest.mark.parametrize("edited", ["kept", "other"])
def test_an_edit_comes_before_the_merge_or_after_it(api: Api, address: str, edited: str) -> None:
    boss, aide = api("manager"), api("manager")
    name = "legal_name" if address == "leads" else "name"
    for _round in range(ROUNDS):
        kept, other = FACTORIES[address](), FACTORIES[address]()
        row = kept if edited == "kept" else other
        merged, edit = at_once(
            merging(boss, address, kept, other), patching(aide, address, row, **{name: "Edited"})
        )
        assert merged.status_code == 200
        assert edit.status_code in ({200} if edited == "kept" else {200, 409})
        row.refresh_from_db()
        assert (str(row) == "Edited") == (edit.status_code == 200)


def test_a_contact_added_to_either_lead_is_carried_or_refused(api: Api) -> None:
    boss, aide = api("manager"), api("manager")
    for _round in range(ROUNDS):
        kept, other, contact = LeadFactory(), LeadFactory(), ContactFactory()
        body = {"contact_id": str(contact.pk), "is_primary": True}
        merged, added = at_once(
            merging(boss, "leads", kept, other),
            posting(aide, f"leads/{other.pk}/contacts", **body),
        )
        assert merged.status_code == 200
        assert added.status_code in {201, 409}
        assert kept.contacts.filter(pk=contact.pk).exists() == (added.status_code == 201)
    assert_nothing_points_at_merged_rows()


def test_a_contact_is_added_to_a_lead_while_it_is_merged(api: Api) -> None:
    boss, aide = api("manager"), api("manager")
    for _round in range(ROUNDS):
        kept, other, lead = ContactFactory(), ContactFactory(), LeadFactory()
        LeadContactFactory(contact=other)
        merged, added = at_once(
            merging(boss, "contacts", kept, other),
            posting(aide, f"leads/{lead.pk}/contacts", contact_id=str(other.pk)),
        )
        assert merged.status_code == 200
        assert added.status_code in {201, 422}
        linked = LeadContact.objects.filter(lead=lead, contact=kept).exists()
        assert linked == (added.status_code == 201)
    assert_nothing_points_at_merged_rows()


def test_a_deal_gets_a_company_while_that_is_merged(api: Api) -> None:
    boss, aide, third = api("manager"), api("manager"), api("manager")
    for _round in range(ROUNDS):
        kept, other, deal = CompanyFactory(), CompanyFactory(), DealFactory()
        DealFactory(company=other)
        merged, made, changed = at_once(
            merging(boss, "companies", kept, other),
            posting(aide, "deals", title="New", company_id=str(other.pk)),
            patching(third, "deals", deal, company_id=str(other.pk)),
        )
        assert merged.status_code == 200
        assert made.status_code in {201, 422}
        assert changed.status_code in {200, 422}
        won = 1 + (made.status_code == 201) + (changed.status_code == 200)
        assert Deal.objects.filter(company=kept).count() == won
    assert_nothing_points_at_merged_rows()


@pytest.mark.parametrize("tied", [False, True], ids=["free lead", "lead of the company"])
def test_a_lead_is_qualified_to_a_company_while_that_is_merged(api: Api, tied: bool) -> None:
    boss, aide = api("manager"), api("manager")
    for _round in range(ROUNDS):
        kept, other = CompanyFactory(), CompanyFactory()
        lead = LeadFactory(qualified_company=other if tied else None)
        merged, qualified = at_once(
            merging(boss, "companies", kept, other),
            posting(aide, f"leads/{lead.pk}/qualify", company_id=str(other.pk)),
        )
        assert merged.status_code == 200
        assert qualified.status_code in {200, 422}
        lead.refresh_from_db()
        assert (lead.qualified_at is not None) == (qualified.status_code == 200)
    assert_nothing_points_at_merged_rows()


def test_the_lead_that_goes_is_qualified_at_the_same_moment(api: Api) -> None:
    boss, aide = api("manager"), api("manager")
    for _round in range(ROUNDS):
        kept, other = LeadFactory(), LeadFactory()
        merged, qualified = at_once(
            merging(boss, "leads", kept, other),
            posting(aide, f"leads/{other.pk}/qualify", new_company={"name": "Nova"}),
        )
        codes = merged.status_code, qualified.status_code
        assert codes in {(200, 409), (409, 200)}
        other.refresh_from_db()
        assert (other.merged_into_id is not None) == (merged.status_code == 200)
        assert (other.qualified_at is not None) == (qualified.status_code == 200)


def test_many_merges_into_one_at_once_lose_nothing(api: Api) -> None:
    kept = CompanyFactory()
    others = [CompanyFactory() for _ in range(4)]
    for other in others:
        DealFactory(company=other)
    answers = at_once(*(merging(api("manager"), "companies", kept, other) for other in others))
    assert [answer.status_code for answer in answers] == [200] * len(others)
    assert Deal.objects.filter(company=kept).count() == len(others)
    assert Company.objects.alive().count() == 1


def test_a_lead_and_its_contact_are_merged_at_once(api: Api) -> None:
    boss, aide = api("manager"), api("manager")
    for _round in range(ROUNDS):
        leads, people = (LeadFactory(), LeadFactory()), (ContactFactory(), ContactFactory())
        LeadContactFactory(lead=leads[1], contact=people[1], is_primary=True)
        answers = at_once(
            merging(boss, "leads", *leads), merging(aide, "contacts", people[0], people[1])
        )
        assert [answer.status_code for answer in answers] == [200, 200]
        assert LeadContact.objects.filter(lead=leads[0], contact=people[0]).exists()
    assert_nothing_points_at_merged_rows()


def test_who_points_at_a_record_first_is_waited_for(is_postgres: bool) -> None:
    if not is_postgres:
        pytest.skip("SQLite has one writer at a time")
    kept, other = CompanyFactory(), CompanyFactory()
    written, merged = threading.Event(), threading.Event()

    def merge() -> None:
        written.wait(timeout=20)
        close_old_connections()
        with transaction.atomic():
            carry(prepare(KINDS["company"], kept.pk, other.pk, {}), None)
        merged.set()
        connection.close()

    thread = threading.Thread(target=merge)
    thread.start()
    with transaction.atomic():
        deal = DealFactory(company=other)
        written.set()
        assert not merged.wait(timeout=1)
    thread.join(timeout=60)
    deal.refresh_from_db()
    assert deal.company == kept
