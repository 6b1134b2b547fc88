"""Giving leads to somebody: who may, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from crm.models import Lead
from pipedesk.accounts.models import User
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import LeadFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
NOBODY = "00000000-0000-4000-8000-000000000000"


def give(client: APIClient, lead: Lead, to: User | None, name: str = "owner_user_id") -> Any:
    body = {name: None if to is None else str(to.pk)}
    return client.post(f"/api/leads/{lead.pk}/change-owner", body, format="json")


@pytest.mark.parametrize("role", ["admin", "manager"])
@pytest.mark.parametrize("name", ["owner_user_id", "newOwnerId"])
def test_managers_give_leads_to_anybody_active_and_take_them_away(
    api: Api, role: str, name: str
) -> None:
    client, lead, ana = api(role), LeadFactory(owner=UserFactory()), UserFactory()
    answer = give(client, lead, ana, name)
    assert answer.status_code == 200
    assert answer.json()["owner_user_id"] == str(ana.pk)
    lead.refresh_from_db()
    assert lead.owner == ana
    assert lead.last_interaction_at == lead.updated_at
    entry = AuditLog.objects.filter(entity_type="lead").first()
    assert entry is not None
    assert [change["field"] for change in entry.changes] == ["owner_user_id"]
    assert give(client, lead, None, name).json()["owner_user_id"] is None


@pytest.mark.parametrize(
    ("owned_by", "to", "status"),
    [
        ("nobody", "me", 200),
        ("nobody", "other", 403),
        ("nobody", "nobody", 403),
        ("me", "me", 200),
        ("me", "other", 403),
        ("me", "nobody", 403),
        ("other", "me", 403),
    ],
)
def test_the_sales_team_takes_leads_of_nobody_and_gives_none(
    api: Api, owned_by: str, to: str, status: int
) -> None:
    client = api("sales")
    people = {"me": client.user, "other": UserFactory(), "nobody": None}
    lead = LeadFactory(owner=people[owned_by])
    assert give(client, lead, people[to]).status_code == status
    lead.refresh_from_db()
    assert lead.owner == people[to if status == 200 else owned_by]


@pytest.mark.parametrize(
    "body",
    [{}, {"owner_user_id": NOBODY}, {"owner_user_id": "ana"}, {"owner": NOBODY}, [], "x"],
    ids=["nothing", "unknown", "no id", "unknown field", "list", "text"],
)
def test_a_body_that_names_nobody_is_422(api: Api, body: object) -> None:
    lead = LeadFactory()
    answer = api("manager").post(f"/api/leads/{lead.pk}/change-owner", body, format="json")
    assert answer.status_code == 422


def test_somebody_who_left_gets_no_leads(api: Api) -> None:
    lead = LeadFactory()
    assert give(api("manager"), lead, UserFactory(locked=True)).status_code == 422
    assert Lead.objects.get().owner is None


def test_a_deleted_lead_does_not_exist(api: Api) -> None:
    assert give(api("admin"), LeadFactory(deleted=True), UserFactory()).status_code == 404
