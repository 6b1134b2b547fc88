"""A lead is given up with a reason, and taken up again; neither is an interaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from crm.models import Lead
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import LeadActivityStatsFactory, LeadFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
WHY = {"reason": "No budget this year"}


def post(client: APIClient, lead: Lead, verb: str, body: object = None) -> Any:
    return client.post(f"/api/leads/{lead.pk}/{verb}", {} if body is None else body, format="json")


def test_disqualifying_sets_the_two_columns_and_says_who(api: Api) -> None:
    client, lead = api("manager"), LeadFactory(old=True)
    answer = post(client, lead, "disqualify", WHY)
    assert answer.status_code == 200
    was = lead.updated_at
    lead.refresh_from_db()
    assert lead.disqualified_at is not None
    assert lead.disqualification_reason == WHY["reason"]
    assert lead.updated_at > was
    assert answer.json() == client.get(f"/api/leads/{lead.pk}").json()
    entry = AuditLog.objects.get(action="disqualify_lead")
    assert (entry.entity_id, entry.user_id) == (str(lead.pk), str(client.user.pk))
    assert [change["field"] for change in entry.changes] == [
        "disqualified_at",
        "disqualification_reason",
    ]


@pytest.mark.parametrize("role", ["manager", "sales"])
def test_neither_is_an_interaction_even_when_it_makes_somebody_the_owner(
    api: Api, role: str
) -> None:
    heard_of = timezone.now() - timedelta(days=90)
    lead = LeadFactory(last_interaction_at=heard_of)
    stats = LeadActivityStatsFactory(lead=lead, last_interaction_at=heard_of)
    client = api(role)
    for verb, body in (("disqualify", WHY), ("reopen", None)):
        assert post(client, lead, verb, body).status_code == 200
        lead.refresh_from_db()
        stats.refresh_from_db()
        assert lead.last_interaction_at == stats.last_interaction_at == heard_of
        assert stats.last_interaction_type is None
        assert lead.owner == (client.user if role == "sales" else None)


def test_reopening_clears_both(api: Api) -> None:
    client, lead = api("manager"), LeadFactory(disqualified=True)
    answer = post(client, lead, "reopen")
    assert answer.status_code == 200
    assert answer.json()["disqualified_at"] is None
    lead.refresh_from_db()
    assert (lead.disqualified_at, lead.disqualification_reason) == (None, None)
    entry = AuditLog.objects.get(action="reopen_lead")
    assert {change["old"] for change in entry.changes} >= {"No budget"}


@pytest.mark.parametrize(
    "body",
    [{}, {"reason": None}, {"reason": ""}, {"reason": " \n"}, {"reason": 1, "reson": 2}, [], "no"],
    ids=["none", "null", "empty", "blank", "unknown field", "list", "text"],
)
def test_without_a_reason_nothing_happens(api: Api, body: object) -> None:
    client, lead = api("sales"), LeadFactory()
    assert post(client, lead, "disqualify", body).status_code == 422
    lead.refresh_from_db()
    assert (lead.disqualified_at, lead.owner) == (None, None)


def test_the_second_time_says_by_whom_when_and_why(api: Api) -> None:
    lead = LeadFactory()
    post(api("manager", user=UserFactory(name="Ana")), lead, "disqualify", WHY)
    answer = post(api("manager"), lead, "disqualify", {"reason": "Other"})
    assert answer.status_code == 409
    lead.refresh_from_db()
    assert lead.disqualified_at is not None
    details = {fact["field"]: fact["message"] for fact in answer.json()["details"]}
    assert details == {
        "by": "Ana",
        "at": lead.disqualified_at.isoformat(),
        "reason": WHY["reason"],
    }
    for word in details.values():
        assert word in answer.json()["message"]
    assert lead.disqualification_reason == WHY["reason"]


def test_a_qualified_lead_is_not_given_up(api: Api) -> None:
    client, lead = api("manager", user=UserFactory(name="Ana")), LeadFactory()
    post(client, lead, "qualify", {"new_company": {"name": "Nova SA"}})
    answer = post(client, lead, "disqualify", WHY)
    assert answer.status_code == 409
    assert "Ana" in answer.json()["message"]
    assert "Nova SA" in answer.json()["message"]
    assert post(client, lead, "reopen").status_code == 409


def test_a_lead_nobody_gave_up_is_not_reopened(api: Api) -> None:
    assert post(api("manager"), LeadFactory(), "reopen").status_code == 409


@pytest.mark.parametrize("verb", ["disqualify", "reopen"])
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
    ids=["admin", "manager", "owner", "sales", "no role", "nobody"],
)
def test_who_may(api: Api, verb: str, role: str | None, own: bool, status: int) -> None:
    client = api(role)
    lead = LeadFactory(owner=client.user if own else UserFactory(), disqualified=verb == "reopen")
    before = Lead.objects.values().get()
    body = WHY if verb == "disqualify" else None
    assert post(client, lead, verb, body).status_code == status
    assert (Lead.objects.values().get() == before) == (status != 200)


@pytest.mark.parametrize("verb", ["disqualify", "reopen"])
def test_a_deleted_lead_does_not_exist(api: Api, verb: str) -> None:
    assert post(api("admin"), LeadFactory(deleted=True), verb, WHY).status_code == 404
