"""Every write to leads, companies, deals, contacts and roles through the API leaves an entry."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from pipedesk.accounts.models import UserRole
from pipedesk.audit.models import AuditLog
from tests.browsing import superuser
from tests.core.test_access import ACCESS_TABLE
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
    LeadTagFactory,
    TagFactory,
)

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
# What is written, and by which rows the call finds it: (address, body, whose history).
Call = tuple[str, Any, tuple[str, object]]


def record_calls(path: str, entity_type: str, factory: Any, name: str) -> dict[Any, Any]:
    """The calls every record has."""

    def change() -> Call:
        row = factory()
        return f"{path}/{row.pk}", {name: "New name"}, (entity_type, row.pk)

    def remove() -> Call:
        row = factory()
        return f"{path}/{row.pk}", None, (entity_type, row.pk)

    def restore() -> Call:
        row = factory(deleted_at=NOW)
        return f"{path}/{row.pk}/restore", None, (entity_type, row.pk)

    def merge() -> Call:
        row, other = factory(), factory()
        return f"{path}/{row.pk}/merge", {"other_id": str(other.pk)}, (entity_type, other.pk)

    return {
        ("POST", path): lambda: (path, {name: "Aurora"}, (entity_type, None)),
        ("PATCH", f"{path}/{{id}}"): change,
        ("PUT", f"{path}/{{id}}"): change,
        ("DELETE", f"{path}/{{id}}"): remove,
        ("POST", f"{path}/{{id}}/restore"): restore,
        ("POST", f"{path}/{{id}}/merge"): merge,
    }


def on_lead(verb: str, body: Any = None, **state: Any) -> Callable[[], Call]:
    def call() -> Call:
        lead = LeadFactory(**state)
        return f"/api/leads/{lead.pk}/{verb}", body, ("lead", lead.pk)

    return call


def put_tags() -> Call:
    lead = LeadTagFactory().lead
    return f"/api/leads/{lead.pk}/tags", {"tag_ids": [str(TagFactory().pk)]}, ("lead", lead.pk)


def add_contact() -> Call:
    lead = LeadFactory()
    body = {"contact_id": str(ContactFactory().pk)}
    return f"/api/leads/{lead.pk}/contacts", body, ("lead", lead.pk)


def on_link(body: Any) -> Callable[[], Call]:
    def call() -> Call:
        link = LeadContactFactory()
        address = f"/api/leads/{link.lead_id}/contacts/{link.contact_id}"
        return address, body, ("lead", link.lead_id)

    return call


def change_owner() -> Call:
    lead = LeadFactory()
    body = {"owner_user_id": str(UserFactory().pk)}
    return f"/api/leads/{lead.pk}/change-owner", body, ("lead", lead.pk)


def bulk() -> Call:
    lead = LeadFactory()
    body = {"ids": [str(lead.pk)], "set": {"legal_name": "New name"}}
    return "/api/leads/bulk", body, ("lead", lead.pk)


def add_role() -> Call:
    pk = str(UserFactory().pk)
    return "/api/user-roles", {"user_id": pk, "role": "sales"}, ("user_role", pk)


def on_role(body: Any) -> Callable[[], Call]:
    def call() -> Call:
        role = UserRole.objects.create(user_id=str(UserFactory().pk), role="sales")
        sent = {**body, "user_id": role.user_id} if body else None
        return f"/api/user-roles/{role.pk}", sent, ("user_role", role.user_id)

    return call


CALLS: dict[tuple[str, str], Callable[[], Call]] = {
    **record_calls("/api/leads", "lead", LeadFactory, "legal_name"),
    **record_calls("/api/companies", "company", CompanyFactory, "name"),
    **record_calls("/api/contacts", "contact", ContactFactory, "name"),
    **record_calls("/api/deals", "deal", DealFactory, "client_name"),
    ("PUT", "/api/leads/{id}/tags"): put_tags,
    ("POST", "/api/leads/{id}/contacts"): add_contact,
    ("PATCH", "/api/leads/{id}/contacts/{contact_id}"): on_link({"is_primary": True}),
    ("DELETE", "/api/leads/{id}/contacts/{contact_id}"): on_link(None),
    ("POST", "/api/leads/{id}/qualify"): on_lead("qualify", {"new_company": {"name": "Nova"}}),
    ("POST", "/api/leads/{id}/disqualify"): on_lead("disqualify", {"reason": "No budget"}),
    ("POST", "/api/leads/{id}/reopen"): on_lead("reopen", disqualified=True),
    ("POST", "/api/leads/{id}/change-owner"): change_owner,
    ("PATCH", "/api/leads/{id}/priority"): on_lead("priority", {"priority_score": 80}),
    ("DELETE", "/api/leads/{id}/priority"): on_lead(
        "priority", manual_priority_score=80, manual_priority_at=NOW
    ),
    ("POST", "/api/leads/bulk"): bulk,
    ("POST", "/api/user-roles"): add_role,
    ("PATCH", "/api/user-roles/{id}"): on_role({"role": "manager"}),
    ("PUT", "/api/user-roles/{id}"): on_role({"role": "manager"}),
    ("DELETE", "/api/user-roles/{id}"): on_role(None),
}
RESOURCES = ("leads", "companies", "contacts", "deals", "user-roles")
# Verbs whose own tests look at what they leave: a logged interaction is a record of its own,
# and taking back needs a past.
ELSEWHERE = ("interactions", "unqualify", "unmerge")
THERE = sorted(CALLS.keys() & ACCESS_TABLE.keys())


def is_write(method: str, address: str) -> bool:
    return method != "GET" and address.split("/")[2] in RESOURCES


def test_every_address_that_writes_is_called_here() -> None:
    written = {call for call in ACCESS_TABLE if is_write(*call)}
    told = {call for call in written if not set(call[1].split("/")).isdisjoint(ELSEWHERE)}
    assert written - told <= CALLS.keys()


@pytest.mark.parametrize(("method", "address"), THERE, ids=map(" ".join, THERE))
def test_a_write_is_recorded_with_who_when_what_and_its_request(
    api: Clients, method: str, address: str
) -> None:
    client = api("admin")
    path, body, (entity_type, entity_id) = CALLS[method, address]()
    known = set(AuditLog.objects.values_list("pk", flat=True))
    before = timezone.now()

    answer = client.generic(
        method, path, json.dumps(body) if body else "", content_type="application/json"
    )

    assert answer.status_code in (200, 201, 204), answer.content
    if entity_id is None:
        entity_id = answer.json()["id"]
    entries = AuditLog.objects.exclude(pk__in=known).filter(
        entity_type=entity_type, entity_id=str(entity_id)
    )
    assert entries
    for entry in entries:
        assert entry.user_id == str(client.user.pk)
        assert entry.request_id
        assert before <= entry.created_at <= timezone.now()
        assert entry.changes
        for change in entry.changes:
            assert change.keys() == {"field", "old", "new"}
            # A contact's new mark says which contact it is about.
            assert change["old"] != change["new"] or change["field"] == "contact_id"


@pytest.mark.parametrize(("method", "address"), THERE, ids=map(" ".join, THERE))
def test_a_write_the_role_forbids_leaves_nothing(api: Clients, method: str, address: str) -> None:
    client = api("")
    path, body, _whose = CALLS[method, address]()
    entries = AuditLog.objects.count()
    answer = client.generic(
        method, path, json.dumps(body) if body else "", content_type="application/json"
    )
    assert answer.status_code == 403
    assert AuditLog.objects.count() == entries


# --- The admin --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factory", "name"),
    [(CompanyFactory, "name"), (ContactFactory, "name"), (DealFactory, "title")],
)
def test_forms_and_actions_of_the_admin_are_recorded(factory: Any, name: str) -> None:
    boss = superuser()
    row = factory()
    no_deals = {"deals-TOTAL_FORMS": 0, "deals-INITIAL_FORMS": 0}
    model = row._meta.model_name
    listing = reverse(f"admin:crm_{model}_changelist")
    chosen = {"_selected_action": [row.pk], "post": "yes"}
    boss.post(reverse(f"admin:crm_{model}_change", args=(row.pk,)), {name: "New name", **no_deals})
    boss.post(listing, {"action": "delete_selected", **chosen})
    boss.post(f"{listing}?deleted=yes", {"action": "restore", **chosen})
    boss.post(reverse(f"admin:crm_{model}_add"), {name: "Another", **no_deals})

    history = AuditLog.objects.filter(entity_type=model, user_id=str(boss.user.pk)).order_by("pk")
    assert [entry.action for entry in history] == ["update", "delete", "restore", "create"]
    assert all(entry.request_id for entry in history)
