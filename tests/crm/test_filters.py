"""What the plain lists can be asked beside search and sorts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
)

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
AT = datetime(2026, 3, 9, 12, tzinfo=UTC)


def listed(client: APIClient, address: str, **query: Any) -> set[str]:
    answer = client.get(f"/api/{address}", query)
    assert answer.status_code == 200, answer.json()
    rows = [row["id"] for row in answer.json()["data"]]
    assert len(rows) == len(set(rows)) == answer.json()["pagination"]["total"]
    return set(rows)


@pytest.fixture
def linked() -> dict[str, str]:
    """Two leads of one owner that became one deal of one company, with one contact on both."""
    owner, company = UserFactory(), CompanyFactory()
    deal, contact = DealFactory(company=company), ContactFactory()
    leads = [
        LeadFactory(owner=owner, qualified_company=company, qualified_master_deal=deal)
        for _ in range(2)
    ]
    for lead in leads:
        LeadContactFactory(lead=lead, contact=contact)
    for factory in (CompanyFactory, DealFactory, ContactFactory, LeadFactory):
        factory()
    rows = {"owner": owner, "company": company, "deal": deal, "contact": contact, "lead": leads[0]}
    return {name: str(row.pk) for name, row in rows.items()}


@pytest.mark.parametrize(
    ("address", "parameter", "asked", "found"),
    [
        ("contacts", "lead_id", "lead", "contact"),
        ("contacts", "company_id", "company", "contact"),
        ("contacts", "deal_id", "deal", "contact"),
        ("contacts", "owner", "owner", "contact"),
        ("deals", "lead_id", "lead", "deal"),
        ("deals", "company_id", "company", "deal"),
        ("deals", "owner_id", "owner", "deal"),
        ("companies", "lead_id", "lead", "company"),
        ("companies", "deal_id", "deal", "company"),
        ("companies", "owner", "owner", "company"),
    ],
)
def test_rows_are_found_by_what_they_belong_to(
    api: Api, linked: dict[str, str], address: str, parameter: str, asked: str, found: str
) -> None:
    client = api("sales")
    assert listed(client, address, **{parameter: linked[asked]}) == {linked[found]}
    assert listed(client, address, **{parameter: linked["contact"]}) <= set()
    assert listed(client, address, owner="me") == set()


@pytest.mark.parametrize("address", ["companies", "contacts", "deals", "leads", "leads/sales-view"])
def test_by_when_rows_were_made_and_changed(api: Api, address: str) -> None:
    factory = {
        "companies": CompanyFactory, "contacts": ContactFactory, "deals": DealFactory,
    }.get(address, LeadFactory)  # fmt: skip
    first, second, third = [
        str(
            factory(created_at=AT + n * timedelta(days=1), updated_at=AT - n * timedelta(days=1)).pk
        )
        for n in range(3)
    ]
    client = api("sales")
    day = (AT + timedelta(days=1)).isoformat()
    before = (AT - timedelta(days=1)).isoformat()

    assert listed(client, address, created_from=day) == {second, third}
    assert listed(client, address, created_to=day) == {first}
    assert listed(client, address, updated_from=before) == {first, second}
    assert listed(client, address, updated_to=before, created_from=day) == {third}
    for value in ("9999-12-31T23:59:59-14:00", "2026-03-09", "2026-03-09T10:00:00-19:05"):
        assert client.get(f"/api/{address}", {"created_from": value}).status_code == 400


def test_statuses_are_found_by_code_and_by_a_part_of_their_names(api: Api) -> None:
    client = api("sales")

    assert len(listed(client, "lead-statuses", code="qualified")) == 1
    assert listed(client, "lead-statuses", search="QUALIFI") >= listed(
        client, "lead-statuses", code="qualified"
    )
    assert listed(client, "lead-origins", search="%") == set()


def test_tags_are_told_apart_by_more_than_case_and_accents(api: Api) -> None:
    client = api("manager")
    made = client.post("/api/tags", {"name": "Ação"}).json()

    again = client.post("/api/tags", {"name": "ACAO"})
    assert again.status_code == 422
    assert again.json()["details"][0]["field"] == "name"
    assert "Ação" in again.json()["details"][0]["message"]
    assert client.patch(f"/api/tags/{made['id']}", {"name": "AÇÃO"}).status_code == 200
    other = client.post("/api/tags", {"name": "Reação"})
    assert other.status_code == 201
    assert client.put(f"/api/tags/{other.json()['id']}", {"name": "acao"}).status_code == 422
