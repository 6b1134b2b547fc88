"""A qualified lead goes back to the work list, as it was before, or says what blocks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from crm.models import Company, Deal, Lead
from crm.signals import lead_unqualified
from gdrive.models import DriveFolderTree
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
    LeadStatusFactory,
    LeadTagFactory,
)

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
NEW = {"new_company": {"name": "Nova SA"}, "new_deal": {"title": "Obra"}}


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """What each lead_unqualified said."""
    facts: list[dict[str, Any]] = []

    def listen(lead: Lead, **facts_of: Any) -> None:
        assert Lead.objects.get(pk=lead.pk).qualified_at is None
        facts.append({"lead": lead.pk, "user": facts_of["user_id"], "deal": facts_of["deal_id"]})

    lead_unqualified.connect(listen)
    yield facts
    lead_unqualified.disconnect(listen)


def post(client: APIClient, lead: Lead, verb: str, body: object = None) -> Any:
    return client.post(f"/api/leads/{lead.pk}/{verb}", body or {}, format="json")


def qualified(client: APIClient, body: object = None, **columns: Any) -> Lead:
    lead = LeadFactory(**columns)
    assert post(client, lead, "qualify", body or NEW).status_code == 200
    lead.refresh_from_db()
    return lead


def row(lead: Lead) -> dict[str, Any]:
    moved = {"updated_at", "last_interaction_at", "priority_score"}
    values = Lead.objects.filter(pk=lead.pk).values().get()
    return {name: value for name, value in values.items() if name not in moved}


def refused(answer: Any) -> str:
    assert answer.status_code == 409, answer.content
    return str(answer.json()["message"])


def test_the_lead_is_what_it_was_and_what_was_made_of_it_stays(
    api: Api, heard: list[dict[str, Any]]
) -> None:
    client = api("manager")
    columns = {
        "owner": UserFactory(),
        "lead_status": LeadStatusFactory(),
        "qualified_company": CompanyFactory(),
        "qualified_master_deal": DealFactory(),
    }
    lead = LeadFactory(**columns)
    link, tag = LeadContactFactory(lead=lead), LeadTagFactory(lead=lead)
    before = row(lead)
    deal_id = post(client, lead, "qualify", NEW).json()["deal"]["id"]
    assert row(lead) != before
    answer = post(client, lead, "unqualify")
    assert answer.status_code == 200
    assert row(lead) == before
    assert answer.json() == client.get(f"/api/leads/{lead.pk}").json()
    assert (Company.objects.count(), Deal.objects.count()) == (2, 2)
    assert (list(lead.contacts.all()), list(lead.tags.all())) == ([link.contact], [tag.tag])
    [fact] = heard
    assert (fact["lead"], fact["user"], str(fact["deal"])) == (lead.pk, client.user.pk, deal_id)


def test_the_lead_is_in_the_work_list_again(api: Api) -> None:
    client = api("sales")
    lead = qualified(client)
    assert client.get("/api/leads/sales-view").json()["data"] == []
    post(client, lead, "unqualify")
    [shown] = client.get("/api/leads/sales-view").json()["data"]
    assert (shown["id"], shown["owner_user_id"]) == (str(lead.pk), str(client.user.pk))


def test_the_history_says_who_did_it_and_what_changed_back(api: Api) -> None:
    client = api("sales")
    lead = qualified(client)
    company_id = str(lead.qualified_company_id)
    post(client, lead, "unqualify")
    entry = AuditLog.objects.get(action="unqualify_lead")
    assert (entry.entity_id, entry.user_id) == (str(lead.pk), str(client.user.pk))
    changes = {change["field"]: (change["old"], change["new"]) for change in entry.changes}
    assert changes["qualified_company_id"] == (company_id, None)
    assert set(changes) >= {"qualified_at", "deleted_at", "lead_status_id"}


def test_the_folders_of_lead_and_deal_follow(api: Api) -> None:
    client = api("sales")
    lead = qualified(client)
    trees = {
        (tree.entity_type, tree.entity_id): tree.requested for tree in DriveFolderTree.objects.all()
    }
    post(client, lead, "unqualify")
    for key in (("lead", str(lead.pk)), ("deal", str(lead.qualified_master_deal_id))):
        tree = DriveFolderTree.objects.get(entity_type=key[0], entity_id=key[1])
        assert tree.requested > trees[key], key


def test_qualified_anew_it_goes_back_to_the_second_state(api: Api) -> None:
    client = api("manager")
    lead = qualified(client)
    post(client, lead, "unqualify")
    status = LeadStatusFactory()
    client.patch(f"/api/leads/{lead.pk}", {"lead_status_id": str(status.pk)}, format="json")
    post(client, lead, "qualify", NEW)
    assert post(client, lead, "unqualify").status_code == 200
    lead.refresh_from_db()
    assert (lead.lead_status, lead.qualified_company) == (status, None)


def test_a_lead_that_is_not_qualified_says_so(api: Api) -> None:
    assert "not qualified" in refused(post(api("manager"), LeadFactory(), "unqualify"))


@pytest.mark.parametrize(("late_s", "status"), [(-60, 200), (60, 409)], ids=["within", "after"])
def test_it_is_possible_for_thirty_days(api: Api, late_s: int, status: int) -> None:
    client = api("manager")
    lead = qualified(client)
    then = timezone.now() - timedelta(days=30, seconds=late_s)
    Lead.objects.filter(pk=lead.pk).update(qualified_at=then)
    entry = AuditLog.objects.get(action="qualify_lead")
    for change in entry.changes:
        if change["field"] == "qualified_at":
            change["new"] = then.isoformat()
    # Entries are never changed; a later one counts.
    entry.pk = None
    entry.created_at = timezone.now()
    entry.save(force_insert=True)
    answer = post(client, lead, "unqualify")
    assert answer.status_code == status
    if status == 409:
        until = (then + timedelta(days=30)).isoformat()
        assert until in answer.json()["message"]
        details = {fact["field"]: fact["message"] for fact in answer.json()["details"]}
        assert details == {"at": then.isoformat(), "until": until}


@pytest.mark.parametrize("what", ["status", "company", "deal"])
def test_what_it_had_before_and_is_gone_is_named(api: Api, what: str) -> None:
    client = api("manager")
    status, company, deal = LeadStatusFactory(), CompanyFactory(), DealFactory()
    lead = qualified(
        client, lead_status=status, qualified_company=company, qualified_master_deal=deal
    )
    if what == "status":
        status.delete()
    else:
        {"company": company, "deal": deal}[what].soft_delete(by=None)
    assert what in refused(post(client, lead, "unqualify"))
    lead.refresh_from_db()
    assert lead.qualified_at is not None


def test_a_former_company_that_was_merged_is_the_one_it_was_merged_into(api: Api) -> None:
    client = api("manager")
    former, kept = CompanyFactory(), CompanyFactory()
    lead = qualified(client, qualified_company=former)
    Company.objects.filter(pk=former.pk).update(merged_into=kept, deleted_at=timezone.now())
    assert post(client, lead, "unqualify").status_code == 200
    lead.refresh_from_db()
    assert lead.qualified_company == kept


def test_a_merged_lead_says_into_what(api: Api) -> None:
    client = api("manager")
    lead = qualified(client)
    Lead.objects.filter(pk=lead.pk).update(merged_into=LeadFactory(title="Kept Ltda"))
    assert "Kept Ltda" in refused(post(client, lead, "unqualify"))


def test_a_lead_qualified_without_a_history_stays(api: Api) -> None:
    client, lead = api("manager"), LeadFactory(qualified=True)
    assert "history" in refused(post(client, lead, "unqualify"))


def test_the_history_of_an_earlier_time_is_not_taken_for_this_one(api: Api) -> None:
    client = api("manager")
    lead = qualified(client)
    post(client, lead, "unqualify")
    now = timezone.now()
    Lead.objects.filter(pk=lead.pk).update(qualified_at=now, deleted_at=now)
    assert "history" in refused(post(client, lead, "unqualify"))


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
def test_who_may_unqualify(api: Api, role: str | None, own: bool, status: int) -> None:
    client = api(role)
    lead = qualified(api("manager"), owner=client.user if own else UserFactory())
    assert post(client, lead, "unqualify").status_code == status
    lead.refresh_from_db()
    assert (lead.qualified_at is None) == (status == 200)


def test_a_deleted_lead_does_not_exist(api: Api) -> None:
    assert post(api("admin"), LeadFactory(deleted=True), "unqualify").status_code == 404
