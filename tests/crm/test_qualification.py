"""A lead becomes a customer: once, whole, and in one transaction."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from rest_framework.test import APIClient

from crm.models import Company, Deal, Lead, LeadStatus
from crm.signals import lead_qualified
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
    LeadTagFactory,
)

pytestmark = pytest.mark.django_db

# An id that no row has.
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def heard() -> Iterator[list[tuple[uuid.UUID, uuid.UUID | None]]]:
    """(lead, user) of each lead_qualified."""
    facts: list[tuple[uuid.UUID, uuid.UUID | None]] = []

    def listen(lead: Lead, user_id: uuid.UUID | None, **_kwargs: object) -> None:
        assert Lead.objects.get(pk=lead.pk).qualified_at == lead.qualified_at
        facts.append((lead.pk, user_id))

    lead_qualified.connect(listen)
    yield facts
    lead_qualified.disconnect(listen)


def qualify(client: APIClient, lead: Lead, body: object, query: str = "") -> Any:
    return client.post(f"/api/leads/{lead.pk}/qualify{query}", body, format="json")


def counts() -> tuple[int, int, int]:
    return Company.objects.count(), Deal.objects.count(), AuditLog.objects.count()


def all_counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in apps.get_models()}


def assert_hidden(lead: Lead, company: Company | None, deal: Deal | None) -> None:
    lead.refresh_from_db()
    assert lead.qualified_at is not None
    assert lead.deleted_at == lead.qualified_at
    assert (lead.qualified_company, lead.qualified_master_deal) == (company, deal)
    assert lead.lead_status is not None
    assert lead.lead_status.code == "qualified"


def test_to_an_existing_deal_and_its_company(
    api: Callable[..., APIClient], heard: list[Any]
) -> None:
    client, lead = api("sales"), LeadFactory()
    deal = DealFactory(company=CompanyFactory())
    contact, tag = LeadContactFactory(lead=lead), LeadTagFactory(lead=lead)
    answer = qualify(client, lead, {"deal_id": str(deal.pk)})
    assert answer.status_code == 200
    assert_hidden(lead, deal.company, deal)
    assert lead.owner == client.user
    assert heard == [(lead.pk, client.user.pk)]
    moved = answer.json()
    assert moved["company"] == {
        "id": str(deal.company_id),
        "name": deal.company.name,
        "is_new": False,
    }
    assert moved["deal"] == {"id": str(deal.pk), "name": deal.title, "is_new": False}
    assert moved["contact_ids"] == [str(contact.contact_id)]
    assert moved["tag_ids"] == [str(tag.tag_id)]
    assert moved["lead"]["qualified_master_deal_id"] == str(deal.pk)
    assert moved["dry_run"] is False


def test_to_a_deal_without_a_company_keeps_the_company_known_before(
    api: Callable[..., APIClient],
) -> None:
    company, deal = CompanyFactory(), DealFactory()
    lead = LeadFactory(qualified_company=company)
    assert qualify(api("sales"), lead, {"deal_id": str(deal.pk)}).status_code == 200
    assert_hidden(lead, company, deal)


def test_to_an_existing_company(api: Callable[..., APIClient]) -> None:
    lead, company = LeadFactory(), CompanyFactory()
    assert qualify(api("sales"), lead, {"company_id": str(company.pk)}).status_code == 200
    assert_hidden(lead, company, None)


def test_to_an_existing_company_with_a_new_deal(api: Callable[..., APIClient]) -> None:
    lead, company = LeadFactory(), CompanyFactory()
    body = {"company_id": str(company.pk), "new_deal": {"title": "Obra"}}
    assert qualify(api("sales"), lead, body).json()["deal"]["is_new"] is True
    deal = Deal.objects.get(title="Obra")
    assert deal.company == company
    assert_hidden(lead, company, deal)


@pytest.mark.parametrize("name", ["new_company", "p_new_company_data"])
def test_to_a_new_company_and_deal(api: Callable[..., APIClient], name: str) -> None:
    lead = LeadFactory()
    body = {name: {"name": "Nova SA"}, "new_deal": {"client_name": "Obra"}}
    assert qualify(api("sales"), lead, body).status_code == 200
    company, deal = Company.objects.get(name="Nova SA"), Deal.objects.get(title="Obra")
    assert deal.company == company
    assert_hidden(lead, company, deal)


def test_the_history_says_who_qualified_the_lead(api: Callable[..., APIClient]) -> None:
    client, lead = api("sales"), LeadFactory()
    qualify(client, lead, {"new_company": {"name": "Nova SA"}})
    entry = AuditLog.objects.get(action="qualify_lead")
    assert (entry.entity_type, entry.entity_id) == ("lead", str(lead.pk))
    assert entry.user_id == str(client.user.pk)
    assert entry.request_id
    fields = {change["field"] for change in entry.changes}
    assert {"qualified_at", "deleted_at", "qualified_company_id", "lead_status_id"} <= fields
    assert AuditLog.objects.get(entity_type="company").action == "create"


def test_qualifying_is_an_interaction(api: Callable[..., APIClient]) -> None:
    lead = LeadFactory()
    qualify(api("sales"), lead, {"new_company": {"name": "Nova SA"}})
    lead.refresh_from_db()
    assert lead.last_interaction_at == lead.updated_at


def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    api: Callable[..., APIClient], heard: list[Any]
) -> None:
    client, lead = api("sales"), LeadFactory()
    before, shown = all_counts(), client.get(f"/api/leads/{lead.pk}").json()
    body = {"new_company": {"name": "Nova SA"}, "new_deal": {"title": "Obra"}}
    answer = qualify(client, lead, body, "?dry_run=true").json()
    assert answer["dry_run"] is True
    assert answer["company"] == {"id": None, "name": "Nova SA", "is_new": True}
    assert answer["deal"] == {"id": None, "name": "Obra", "is_new": True}
    assert all_counts() == before
    assert client.get(f"/api/leads/{lead.pk}").json() == shown
    assert heard == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"deal_id": None},
        {"deal_id": "nonsense"},
        {"deal_id": NOBODY},
        {"company_id": NOBODY},
        {"new_company": {}},
        {"new_company": {"name": " "}},
        {"new_company": {"name": "x" * 501}},
        {"new_company": {"name": "A", "cnpj": "1"}},
        {"new_company": "A"},
        {"new_company": {"name": "A"}, "company_id": NOBODY},
        {"new_company": {"name": "A"}, "new_deal": {}},
        {"deal_id": NOBODY, "new_deal": {"title": "A"}},
        {"new_compny": {"name": "A"}},
        [],
        "text",
    ],
)
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_body_that_breaks_a_rule_is_422_and_writes_nothing(
    api: Callable[..., APIClient], body: object, query: str
) -> None:
    client, lead = api("sales"), LeadFactory()
    before = counts()
    assert qualify(client, lead, body, query).status_code == 422
    assert counts() == before
    lead.refresh_from_db()
    assert (lead.qualified_at, lead.owner) == (None, None)


def test_a_deleted_company_or_deal_is_no_target(api: Callable[..., APIClient]) -> None:
    company, deal = CompanyFactory(), DealFactory()
    company.soft_delete(by=None)
    deal.soft_delete(by=None)
    client, lead = api("sales"), LeadFactory()
    assert qualify(client, lead, {"company_id": str(company.pk)}).status_code == 422
    assert qualify(client, lead, {"deal_id": str(deal.pk)}).status_code == 422


def test_a_qualified_lead_says_by_whom_when_and_to_what(api: Callable[..., APIClient]) -> None:
    ana = UserFactory(name="Ana")
    lead, company = LeadFactory(), CompanyFactory(name="Nova SA")
    qualify(api("sales", user=ana), lead, {"company_id": str(company.pk)})
    answer = qualify(api("manager"), lead, {"new_company": {"name": "Outra"}})
    assert answer.status_code == 409
    lead.refresh_from_db()
    assert lead.qualified_at is not None
    details = {fact["field"]: fact["message"] for fact in answer.json()["details"]}
    assert details["by"] == "Ana"
    assert details["at"] == lead.qualified_at.isoformat()
    assert details["company_id"] == str(company.pk)
    for word in ("Ana", lead.qualified_at.isoformat(), "Nova SA"):
        assert word in answer.json()["message"]


def test_a_disqualified_lead_says_why(api: Callable[..., APIClient]) -> None:
    lead = LeadFactory(disqualified=True)
    answer = qualify(api("manager"), lead, {"new_company": {"name": "Outra"}})
    assert answer.status_code == 409
    assert "No budget" in answer.json()["message"]
    assert not Company.objects.exists()


def test_a_deleted_lead_does_not_exist(api: Callable[..., APIClient]) -> None:
    lead = LeadFactory(deleted=True)
    assert qualify(api("admin"), lead, {"new_company": {"name": "A"}}).status_code == 404


@pytest.mark.parametrize(
    ("role", "own", "status"),
    [
        ("admin", False, 200),
        ("manager", False, 200),
        ("sales", True, 200),
        ("sales", False, 403),
        ("", False, 403),
        (None, False, 401),
    ],
)
def test_who_may_qualify(
    api: Callable[..., APIClient], role: str | None, own: bool, status: int
) -> None:
    client = api(role)
    lead = LeadFactory(owner=client.user if own else UserFactory())
    answer = qualify(client, lead, {"new_company": {"name": "Nova SA"}})
    assert answer.status_code == status
    assert Company.objects.exists() == (status == 200)


def test_a_status_nobody_has_any_more_comes_back(api: Callable[..., APIClient]) -> None:
    LeadStatus.objects.filter(code="qualified").delete()
    lead = LeadFactory()
    qualify(api("sales"), lead, {"new_company": {"name": "Nova SA"}})
    assert Lead.objects.get().lead_status == LeadStatus.objects.get(code="qualified")


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_one_wins_and_the_other_is_told(
    api: Callable[..., APIClient],
) -> None:
    lead = LeadFactory()
    clients = [api("manager", user=UserFactory(name=name)) for name in ("Ana", "Bia")]
    start = threading.Barrier(len(clients))
    answers: list[Any] = []

    def run(client: APIClient, name: str) -> None:
        try:
            start.wait(timeout=20)
            body = {"new_company": {"name": name}, "new_deal": {"title": name}}
            answers.append(qualify(client, lead, body))
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(client, f"Company {number}"))
        for number, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner, loser = sorted(answers, key=lambda answer: answer.status_code)
    assert winner.json()["company"]["name"] in loser.json()["message"]
    assert (Company.objects.count(), Deal.objects.count()) == (1, 1)
    assert AuditLog.objects.filter(action="qualify_lead").count() == 1
