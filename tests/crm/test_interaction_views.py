"""POST, GET and DELETE of a lead's logged interactions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from crm.models import Interaction, Lead, LeadActivityStats
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import LeadFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def address(lead: Lead, *more: object) -> str:
    return "/".join(["/api/leads", str(lead.pk), "interactions", *map(str, more)])


def test_what_was_logged_is_answered_counted_and_listed(api: Api) -> None:
    sales = api("sales")
    lead = LeadFactory(owner=sales.user)
    body = {
        "kind": "email",
        "direction": "received",
        "occurred_at": "2026-03-09T08:30:00-03:00",
        "note": "Wants a visit",
    }

    answer = sales.post(address(lead), body)

    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert row == {
        "id": row["id"],
        "kind": "email",
        "direction": "received",
        "occurred_at": "2026-03-09T11:30:00Z",
        "note": "Wants a visit",
        "user_id": str(sales.user.pk),
        "created_at": "2026-03-09T12:00:00Z",
    }
    assert sales.get(address(lead)).json()["data"] == [row]
    assert LeadActivityStats.objects.get().engagement_score == 3
    assert sales.get(f"/api/leads/{lead.pk}").json()["last_interaction_at"] == row["occurred_at"]


def test_without_a_time_it_is_now(api: Api) -> None:
    answer = api("manager").post(address(LeadFactory()), {"kind": "call"})

    assert answer.json()["occurred_at"] == "2026-03-09T12:00:00Z"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "fax"}, "kind"),
        ({"kind": None}, "kind"),
        ({"kind": "call", "direction": "up"}, "direction"),
        ({"kind": "call", "occurred_at": "2026-03-09T12:00:00.000001Z"}, "occurred_at"),
        ({"kind": "call", "occurred_at": "2026-03-09T11:00:00"}, "occurred_at"),
        ({"kind": "call", "occurred_at": "yesterday"}, "occurred_at"),
        ({"kind": "call", "note": "x" * 10_001}, "note"),
        ({"kind": "call", "when": "now"}, "when"),
    ],
    ids=["empty", "kind", "null", "direction", "future", "no offset", "no time", "note", "unknown"],
)
def test_what_breaks_a_rule_is_422_and_leaves_nothing(
    api: Api, body: dict[str, Any], field: str
) -> None:
    sales = api("sales")
    lead = LeadFactory()

    answer = sales.post(address(lead), body)

    assert answer.status_code == 422, answer.content
    assert {detail["field"] for detail in answer.json()["details"]} == {field}
    assert not Interaction.objects.exists()
    assert not LeadActivityStats.objects.exists()
    assert Lead.objects.get().owner is None


def test_this_very_instant_is_not_the_future(api: Api) -> None:
    body = {"kind": "call", "occurred_at": "2026-03-09T12:00:00Z"}
    assert api("sales").post(address(LeadFactory()), body).status_code == 201


def test_the_first_to_log_owns_a_lead_of_nobody_and_others_may_not(api: Api) -> None:
    first, second = api("sales"), api("sales")
    lead = LeadFactory()

    assert first.post(address(lead), {"kind": "call"}).status_code == 201
    lead.refresh_from_db()
    assert lead.owner == first.user
    assert second.post(address(lead), {"kind": "call"}).status_code == 403
    row = Interaction.objects.get()
    assert second.delete(address(lead, row.pk)).status_code == 403
    assert second.get(address(lead)).status_code == 200
    assert api("manager").post(address(lead), {"kind": "call"}).status_code == 201


def test_deleted_leads_have_none_and_qualified_ones_do(api: Api) -> None:
    manager = api("manager")
    deleted, qualified = LeadFactory(deleted=True), LeadFactory(qualified=True)

    assert manager.post(address(deleted), {"kind": "call"}).status_code == 404
    assert manager.get(address(deleted)).status_code == 404
    assert manager.post(address(qualified), {"kind": "call"}).status_code == 201


def test_a_repeated_request_with_one_key_is_one_interaction(api: Api) -> None:
    manager, lead = api("manager"), LeadFactory()

    answers = [
        manager.post(address(lead), {"kind": "call"}, HTTP_IDEMPOTENCY_KEY="k-1") for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert Interaction.objects.count() == 1


def test_a_state_of_the_lead_that_is_not_the_present_one_is_412(api: Api) -> None:
    manager, lead = api("manager"), LeadFactory()

    answer = manager.post(address(lead), {"kind": "call"}, HTTP_IF_MATCH='"other"')

    assert answer.status_code == 412
    assert not Interaction.objects.exists()


def test_newest_first_by_pages_and_by_cursor(api: Api) -> None:
    manager, lead = api("manager"), LeadFactory()
    hours = [3, 1, 2]
    for hour in hours:
        at = NOW - timedelta(hours=hour)
        Interaction.objects.create(lead=lead, kind="call", occurred_at=at, note=str(hour))
    Interaction.objects.create(lead=LeadFactory(), kind="call", occurred_at=NOW)

    page = manager.get(address(lead), {"page_size": 2}).json()
    assert [row["note"] for row in page["data"]] == ["1", "2"]
    assert page["pagination"] == {"total": 3, "page": 1, "per_page": 2}
    first = manager.get(address(lead), {"cursor": "", "page_size": 2}).json()
    cursor = first["pagination"]["next_cursor"]
    second = manager.get(address(lead), {"cursor": cursor, "page_size": 2}).json()
    assert [row["note"] for row in first["data"] + second["data"]] == ["1", "2", "3"]
    assert manager.get(address(lead), {"sort": "kind"}).status_code == 400


def test_one_taken_back_counts_no_longer(api: Api) -> None:
    sales = api("sales")
    lead = LeadFactory(owner=sales.user)
    pk = sales.post(address(lead), {"kind": "call"}).json()["id"]

    assert sales.delete(address(lead, pk)).status_code == 204

    assert sales.get(address(lead)).json()["data"] == []
    stats = LeadActivityStats.objects.get()
    assert (stats.total_interactions, stats.engagement_score) == (0, 0)
    assert AuditLog.objects.filter(action="remove_interaction", user_id=str(sales.user.pk)).exists()
    assert sales.delete(address(lead, pk)).status_code == 404


def test_another_leads_interaction_is_not_found(api: Api) -> None:
    manager = api("manager")
    theirs = Interaction.objects.create(lead=LeadFactory(), kind="call", occurred_at=NOW)

    assert manager.delete(address(LeadFactory(), theirs.pk)).status_code == 404
    assert manager.delete(address(LeadFactory(), uuid.uuid4())).status_code == 404
    assert manager.delete(address(LeadFactory(), "x")).status_code == 404
    assert Interaction.objects.exists()


def test_logging_costs_the_same_however_much_was_logged(
    api: Api, django_assert_num_queries: Callable[[int], Any]
) -> None:
    manager = api("manager")
    lead = LeadFactory(owner=UserFactory(role="sales"))
    manager.post(address(lead), {"kind": "call"})
    for _ in range(30):
        Interaction.objects.create(lead=lead, kind="call", occurred_at=NOW)

    # Savepoint and back, who calls, the lead, the interaction, its entry in the history;
    # statistics: lead, row, logged, contacts of the lead, what people said of its meetings, row
    # written, score. The clock stands still, so that the lead's last interaction is the same.
    with django_assert_num_queries(13):
        assert manager.post(address(lead), {"kind": "call"}).status_code == 201
