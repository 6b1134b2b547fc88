"""The priority of a lead through the API: explained, set, cleared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from crm.models import Lead, PriorityFormula
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    LeadActivityStatsFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
)

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]


@pytest.fixture
def lead() -> Lead:
    """18 for its status, 20 for its origin; nothing happened with it yet."""
    return LeadFactory(
        lead_status=LeadStatusFactory(priority_weight=18),
        lead_origin=LeadOriginFactory(priority_weight=20),
    )


def address(lead: Lead) -> str:
    return f"/api/leads/{lead.pk}/priority"


def history(lead: Lead) -> list[dict[str, tuple[Any, Any]]]:
    """What was recorded since the lead was made, oldest first."""
    entries = AuditLog.objects.filter(entity_id=str(lead.pk)).exclude(action="create")
    return [
        {change["field"]: (change["old"], change["new"]) for change in entry.changes}
        for entry in entries.order_by("created_at", "pk")
    ]


def test_a_new_lead_has_its_score_in_the_answer(api: Api, lead: Lead) -> None:
    body = {
        "legal_name": "Alfa",
        "lead_status_id": str(lead.lead_status_id),
        "lead_origin_id": str(lead.lead_origin_id),
    }
    answer = api("sales").post("/api/leads", body)

    assert answer.status_code == 201
    assert answer.json()["priority_score"] == 38


def test_a_change_of_status_shows_the_new_score_at_once(api: Api, lead: Lead) -> None:
    proposal = LeadStatusFactory(priority_weight=28)
    answer = api("admin").patch(f"/api/leads/{lead.pk}", {"lead_status_id": str(proposal.pk)})

    # 28 + 20, and 40 for the change, which is an interaction.
    assert answer.json()["priority_score"] == 88
    assert [set(change) for change in history(lead)] == [{"lead_status_id"}]


def test_the_parts_add_up_exactly_in_any_arithmetic(api: Api, lead: Lead) -> None:
    now = timezone.now()
    Lead.objects.update(last_interaction_at=now - timedelta(days=7, minutes=1))
    LeadActivityStatsFactory(lead=lead, engagement_score=53, next_event_at=now + timedelta(hours=1))
    PriorityFormula.objects.create(meeting_points=7)

    answer = api("sales").get(address(lead)).json()

    points = {part["name"]: part["points"] for part in answer["parts"]}
    assert list(points) == ["status", "origin", "recency", "meeting", "engagement", "clamp"]
    assert points["recency"] == pytest.approx(40 * 23 / 30, abs=0.0005)
    assert points["engagement"] == pytest.approx(10.6, abs=0.0005)
    assert points["meeting"] == 7
    assert sum(points.values()) == answer["score"] == 86
    assert sum(reversed(points.values())) == answer["score"]
    assert sum(Decimal(str(value)) for value in points.values()) == answer["score"]
    assert answer["bucket"] == "hot"
    assert answer["manual"] is None


@pytest.mark.parametrize(
    ("body", "score"),
    [
        ({"priority_bucket": "hot"}, 85),
        ({"priority_bucket": "warm"}, 55),
        ({"priority_bucket": "cold"}, 20),
        ({"priority_score": 0}, 0),
        ({"priority_score": 100}, 100),
        ({"priority_score": 38}, 38),
        ({"priority_score": 71, "priority_bucket": None}, 71),
    ],
    ids=str,
)
def test_a_priority_is_set_by_hand_and_stays_beside_the_computed_one(
    api: Api, lead: Lead, body: dict[str, Any], score: int
) -> None:
    client = api("manager")

    answer = client.patch(address(lead), body, format="json")

    assert answer.status_code == 200
    assert answer.json()["priority_score"] == score
    assert answer["ETag"] == client.get(f"/api/leads/{lead.pk}")["ETag"]
    told = client.get(address(lead)).json()
    assert told["score"] == 78  # setting it was an interaction
    assert told["manual"]["score"] == score
    assert told["manual"]["by"] == str(client.user.pk)
    lead.refresh_from_db()
    assert lead.last_interaction_at == lead.updated_at >= lead.manual_priority_at
    changes = {"manual_priority_score": (None, score), "priority_score": (38, score)}
    if score == 38:
        changes.pop("priority_score")
    assert history(lead) == [changes]


def test_the_same_priority_again_changes_nothing(api: Api, lead: Lead) -> None:
    client = api("admin")
    client.patch(address(lead), {"priority_bucket": "hot"})
    before = Lead.objects.values().get()

    api("manager").patch(address(lead), {"priority_score": 85})

    assert Lead.objects.values().get() == before
    assert len(history(lead)) == 1


def test_clearing_puts_the_computed_score_in_force_at_once(api: Api, lead: Lead) -> None:
    client = api("admin")
    client.patch(address(lead), {"priority_bucket": "cold"})

    assert client.delete(address(lead)).status_code == 204

    assert client.get(f"/api/leads/{lead.pk}").json()["priority_score"] == 78
    assert client.get(address(lead)).json()["manual"] is None
    assert history(lead)[1:] == [{"manual_priority_score": (20, None)}]


def test_clearing_where_nothing_was_set_writes_nothing(api: Api, lead: Lead) -> None:
    before = Lead.objects.values().get()

    assert api("admin").delete(address(lead)).status_code == 204

    assert Lead.objects.values().get() == before
    assert history(lead) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"priority_bucket": "hot", "priority_score": 85},
        {"priority_bucket": "boiling"},
        {"priority_bucket": None},
        {"priority_score": 101},
        {"priority_score": -1},
        {"priority_score": 5.5},
        {"priority_score": "x"},
        {"score": 5},
        [],
    ],
    ids=str,
)
def test_a_body_that_is_no_priority_is_422_and_writes_nothing(
    api: Api, lead: Lead, body: Any
) -> None:
    before = Lead.objects.values().get()
    answer = api("admin").patch(address(lead), body, format="json")

    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_error"
    assert Lead.objects.values().get() == before


def test_who_may_change_the_lead_may_change_its_priority(api: Api, lead: Lead) -> None:
    sales = api("sales")
    Lead.objects.update(owner=UserFactory())

    assert sales.get(address(lead)).status_code == 200
    assert sales.patch(address(lead), {"priority_bucket": "hot"}).status_code == 403
    assert sales.delete(address(lead)).status_code == 403

    Lead.objects.update(owner=None)
    assert sales.patch(address(lead), {"priority_bucket": "hot"}).status_code == 200
    lead.refresh_from_db()
    assert lead.owner == sales.user


def test_a_deleted_lead_has_no_priority_to_look_at(api: Api, lead: Lead) -> None:
    lead.soft_delete()
    client = api("admin")

    assert client.get(address(lead)).status_code == 404
    assert client.patch(address(lead), {"priority_bucket": "hot"}).status_code == 404
    assert client.delete(address(lead)).status_code == 404


def test_the_score_in_a_plain_patch_is_a_priority_set_by_hand(api: Api, lead: Lead) -> None:
    client = api("admin")

    answer = client.patch(f"/api/leads/{lead.pk}", {"priority_score": 91, "trade_name": "A"})

    assert answer.json()["priority_score"] == 91
    assert client.get(address(lead)).json()["manual"]["score"] == 91
    assert set(history(lead)[0]) == {"priority_score", "manual_priority_score", "trade_name"}


def test_a_score_sent_back_as_it_was_sets_nothing(api: Api, lead: Lead) -> None:
    client = api("admin")

    answer = client.patch(f"/api/leads/{lead.pk}", {"priority_score": 38, "trade_name": "A"})

    assert answer.json()["priority_score"] == 78
    assert client.get(address(lead)).json()["manual"] is None


@pytest.mark.parametrize("score", [0, 64])
def test_a_score_given_on_create_is_set_by_hand(api: Api, lead: Lead, score: int) -> None:
    client = api("sales")
    body = {
        "legal_name": "Alfa",
        "priority_score": score,
        "lead_status_id": str(lead.lead_status_id),
    }
    made = client.post("/api/leads", body).json()

    assert made["priority_score"] == score
    manual = client.get(f"/api/leads/{made['id']}/priority").json()["manual"]
    assert (manual["score"], manual["by"]) == (score, str(client.user.pk))


def test_many_leads_get_their_priority_in_one_call(api: Api, lead: Lead) -> None:
    client = api("manager")
    body = {"ids": [str(lead.pk)], "set": {"priority_score": 66}}

    assert client.post("/api/leads/bulk", body, format="json").status_code == 200

    assert client.get(address(lead)).json()["manual"]["score"] == 66


def test_a_score_that_moved_by_itself_stops_no_write_but_is_news(api: Api, lead: Lead) -> None:
    client, page = api("admin"), f"/api/leads/{lead.pk}"
    tag = client.get(page)["ETag"]
    Lead.objects.update(priority_score=12)

    assert client.get(page, headers={"if-none-match": tag}).status_code == 200
    written = client.patch(page, {"trade_name": "A"}, headers={"if-match": tag})
    assert written.status_code == 200
    late = client.patch(page, {"trade_name": "B"}, headers={"if-match": tag})
    assert late.status_code == 412
    unknown = client.patch(page, {"trade_name": "B"}, headers={"if-match": '"x"'})
    assert unknown.status_code == 412


def test_a_restored_lead_is_scored_as_of_now(lead: Lead) -> None:
    lead.soft_delete()
    Lead.objects.update(priority_score=1)
    lead.refresh_from_db()

    lead.restore()

    assert lead.priority_score == 38
    assert Lead.objects.get().priority_score == 38
    lead.trade_name = None
    assert lead.changes() == {}
