"""Bodies reach the columns the contract names, and no other, whoever sends them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import models
from rest_framework.test import APIClient

from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
    TagFactory,
)

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
REFERENCE = "code label description is_active sort_order priority_weight"
LINKS = "lead_status_id lead_origin_id owner_user_id qualified_company_id qualified_master_deal_id"
# Address -> factory, and the columns that people may write.
WRITABLE: dict[str, tuple[Any, str]] = {
    "companies": (CompanyFactory, "name"),
    "contacts": (ContactFactory, "name email phone role"),
    "deals": (DealFactory, "client_name company_id"),
    "leads": (
        LeadFactory,
        "legal_name trade_name address_city address_state priority_score " + LINKS,
    ),
    "tags": (TagFactory, "name color"),
    "lead-statuses": (LeadStatusFactory, f"{REFERENCE} color"),
    "lead-origins": (LeadOriginFactory, REFERENCE),
}
# What moves by itself when a writable column changes.
FOLLOWS = {
    "updated_at", "last_interaction_at",
    "manual_priority_score", "manual_priority_by", "manual_priority_at", "priority_score",
}  # fmt: skip


def columns(row: models.Model) -> dict[str, Any]:
    [values] = type(row)._base_manager.filter(pk=row.pk).values()
    by_attribute = {field.attname: field.column for field in row._meta.concrete_fields}
    return {by_attribute[name]: value for name, value in values.items()}


def other_value(field: models.Field[Any, Any]) -> Any:
    match field:
        case models.ForeignKey() | models.UUIDField():
            return str(uuid.UUID(int=7))
        case models.DateTimeField():
            return datetime(2001, 2, 3, tzinfo=UTC).isoformat()
        case models.BooleanField():
            return False
        case models.IntegerField():
            return 7
        case models.EmailField():
            return "other@x.example"
    return "renamed"


@pytest.mark.parametrize("method", ["patch", "put"])
@pytest.mark.parametrize("address", WRITABLE)
def test_no_name_of_a_column_or_an_attribute_writes_what_people_may_not(
    api: Api, address: str, method: str
) -> None:
    client = api("admin")
    factory, allowed = WRITABLE[address]
    row = factory()
    one = f"/api/{address}/{row.pk}"
    whole = client.get(one).json() if method == "put" else {}
    for field in row._meta.get_fields():
        if not isinstance(field, models.Field):
            continue
        for name in {field.name, field.attname, field.column} - set(allowed.split()) - {"title"}:
            before = columns(row)
            answer = getattr(client, method)(one, {**whole, name: other_value(field)})
            after = columns(row)

            # Read-only fields may be sent back as they were read; nobody else is known.
            assert answer.status_code in (200, 422), (name, answer.status_code)
            changed = {column for column in after if after[column] != before[column]}
            assert changed <= {"updated_at"}, (name, changed)


@pytest.mark.parametrize("address", WRITABLE)
def test_the_columns_that_people_write_are_written(api: Api, address: str) -> None:
    client = api("admin")
    factory, allowed = WRITABLE[address]
    row = factory()
    people = {
        "company_id": CompanyFactory, "qualified_company_id": CompanyFactory,
        "qualified_master_deal_id": DealFactory, "owner_user_id": UserFactory,
        "lead_status_id": LeadStatusFactory, "lead_origin_id": LeadOriginFactory,
    }  # fmt: skip
    by_column = {field.column: field for field in row._meta.concrete_fields}
    for name in allowed.split():
        value = str(people[name]().pk) if name in people else other_value(by_column[name])
        before = columns(row)
        answer = client.patch(f"/api/{address}/{row.pk}", {name: value})
        after = columns(row)

        assert answer.status_code == 200, (name, answer.json())
        changed = {column for column in after if after[column] != before[column]}
        assert name in changed
        assert changed - FOLLOWS <= {name}


@pytest.mark.parametrize("name", ["id", "created_at", "deleted_at", "merged_into_id", "password"])
def test_creation_takes_no_more_than_a_change(api: Api, name: str) -> None:
    chosen = str(uuid.UUID(int=7))
    value = "2001-02-03T00:00:00Z" if name.endswith("_at") else chosen

    answer = api("admin").post("/api/companies", {"name": "A", name: value})

    assert answer.status_code in (201, 422)
    if answer.status_code == 201:
        assert answer.json()[name] not in (value, chosen)
