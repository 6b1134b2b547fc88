"""Who got which power, from whom: roles and what goes beyond them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from rest_framework.test import APIClient

from crm.models import LeadStatus, PriorityFormula
from pipedesk.accounts.models import User, UserRole
from pipedesk.audit.models import AuditLog
from tests.browsing import superuser
from tests.factories.accounts import UserFactory
from tests.factories.crm import LeadOriginFactory, LeadStatusFactory, TagFactory

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]


def history(entity_type: str, entity_id: object) -> list[tuple[str, dict[str, Any]]]:
    """(action, {field: (old, new)}), oldest first."""
    entries = AuditLog.objects.filter(entity_type=entity_type, entity_id=str(entity_id))
    return [
        (entry.action, {one["field"]: (one["old"], one["new"]) for one in entry.changes})
        for entry in entries.order_by("pk")
    ]


def test_a_role_given_changed_and_taken_through_the_api(api: Clients) -> None:
    client, ana = api("admin"), UserFactory()
    body = {"user_id": str(ana.pk), "role": "sales"}
    pk = client.post("/api/user-roles", body, format="json").json()["id"]
    client.patch(f"/api/user-roles/{pk}", {"role": "manager"}, format="json")
    client.patch(f"/api/user-roles/{pk}", {"role": "manager"}, format="json")
    client.delete(f"/api/user-roles/{pk}")

    assert history("user_role", ana.pk) == [
        ("create", {"user_id": (None, str(ana.pk)), "role": (None, "sales")}),
        ("update", {"role": ("sales", "manager")}),
        ("delete", {"user_id": (str(ana.pk), None), "role": ("manager", None)}),
    ]
    entries = AuditLog.objects.filter(entity_type="user_role", entity_id=str(ana.pk))
    assert {entry.user_id for entry in entries} == {str(client.user.pk)}
    assert len({entry.request_id for entry in entries}) == 3
    assert all(entry.request_id for entry in entries)


def test_a_role_given_changed_and_taken_in_the_admin() -> None:
    boss, ana = superuser(), UserFactory()
    boss.post(reverse("admin:accounts_userrole_add"), {"user": ana.pk, "role": "sales"})
    role = UserRole.objects.get(user_id=str(ana.pk))
    page = reverse("admin:accounts_userrole_change", args=(role.pk,))
    boss.post(page, {"user": ana.pk, "role": "admin"})
    boss.post(
        reverse("admin:accounts_userrole_changelist"),
        {"action": "delete_selected", "_selected_action": [role.pk], "post": "yes"},
    )

    assert not UserRole.objects.filter(user_id=str(ana.pk)).exists()
    assert [action for action, _ in history("user_role", ana.pk)] == ["create", "update", "delete"]
    assert history("user_role", ana.pk)[1][1] == {"role": ("sales", "admin")}


def test_a_role_moved_to_somebody_else_is_in_both_histories() -> None:
    ana, bia = UserFactory(role="admin"), UserFactory()
    role = UserRole.objects.get()
    role.user_id = str(bia.pk)
    role.save()
    moved = ("update", {"user_id": (str(ana.pk), str(bia.pk))})
    assert history("user_role", ana.pk)[1:] == history("user_role", bia.pk) == [moved]


def test_a_role_put_back_by_a_failed_request_is_no_entry(api: Clients) -> None:
    client = api("admin")
    held = UserRole.objects.get(user_id=str(client.user.pk))
    before = AuditLog.objects.count()
    body = {"user_id": held.user_id, "role": held.role}
    assert client.post("/api/user-roles", body, format="json").status_code == 422
    assert AuditLog.objects.count() == before


def test_powers_beyond_roles_given_on_the_users_page_are_recorded() -> None:
    boss, ana = superuser(), UserFactory()
    group, permission = Group.objects.create(name="auditors"), Permission.objects.first()
    assert permission is not None
    page = reverse("admin:accounts_user_change", args=(ana.pk,))
    form = {"name": "Ana", "email": ana.email, "is_active": "on", "is_staff": "on"}
    powers = {"groups": [group.pk], "user_permissions": [permission.pk], "is_superuser": "on"}
    assert boss.post(page, {**form, **powers}).status_code == 302
    assert boss.post(page, {**form, "is_active": ""}).status_code == 302

    fields = [changes for _action, changes in history("user", ana.pk)]
    assert fields == [
        {"is_staff": (False, True), "is_superuser": (False, True)},
        {"groups": (None, "auditors")},
        {"user_permissions": (None, permission.codename)},
        {"is_active": (True, False), "is_superuser": (True, False)},
        {"groups": ("auditors", None)},
        {"user_permissions": (permission.codename, None)},
    ]


def test_groups_cleared_at_once_are_named() -> None:
    ana = UserFactory()
    ana.groups.add(Group.objects.create(name="a"), Group.objects.create(name="b"))
    ana.groups.clear()
    assert history("user", ana.pk) == [
        ("update", {"groups": (None, "a, b")}),
        ("update", {"groups": ("a, b", None)}),
    ]


def test_ordinary_people_and_their_log_ins_are_no_entries() -> None:
    ana = UserFactory()
    ana.name = "Ana Maria"
    ana.save()
    ana.save(update_fields=["last_login"])
    assert history("user", ana.pk) == []
    root = User.objects.create_superuser("root@pipedesk.example", "a-long-password")
    assert history("user", root.pk) == [
        ("create", {"is_staff": (None, True), "is_superuser": (None, True)})
    ]


@pytest.mark.parametrize(
    ("factory", "entity_type", "column"),
    [
        (LeadStatusFactory, "lead_status", "label"),
        (LeadOriginFactory, "lead_origin", "label"),
        (TagFactory, "tag", "name"),
    ],
)
def test_reference_data_has_a_history(factory: Any, entity_type: str, column: str) -> None:
    row = factory(**{column: "Old"})
    setattr(row, column, "New")
    row.save()
    row.save()
    pk = row.pk
    row.delete()
    created, updated, deleted = history(entity_type, pk)
    assert created[1][column] == (None, "Old")
    assert updated == ("update", {column: ("Old", "New")})
    assert (deleted[0], deleted[1][column]) == ("delete", ("New", None))


def test_weights_and_the_formula_are_recorded() -> None:
    formula = PriorityFormula.objects.create(recency_points=30)
    formula.recency_points = 20
    formula.save()
    assert history("priority_formula", 1) == [
        ("create", {"recency_points": (None, 30)}),
        ("update", {"recency_points": (30, 20)}),
    ]
    status: LeadStatus = LeadStatusFactory()
    status.priority_weight = 7
    status.save(update_fields=["priority_weight"])
    assert history("lead_status", status.pk)[-1] == ("update", {"priority_weight": (0, 7)})
