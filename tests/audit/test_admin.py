"""The history of writes in the admin: append-only, for everyone."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from pipedesk.audit.models import AuditLog
from tests.browsing import staff_of, superuser
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

HISTORY = reverse("admin:audit_auditlog_changelist")


def entry(**values: Any) -> AuditLog:
    return AuditLog.objects.create(
        **{
            "action": "update",
            "entity_type": "lead",
            "entity_id": "1",
            "changes": [{"field": "legal_name", "old": None, "new": "Aurora"}],
            **values,
        }
    )


def test_nobody_adds_changes_or_deletes_entries() -> None:
    row = entry()
    boss = superuser()
    entries = AuditLog.objects.count()

    assert boss.get(reverse("admin:audit_auditlog_add")).status_code == 403
    for page in ("change", "delete"):
        address = reverse(f"admin:audit_auditlog_{page}", args=(row.pk,))
        assert boss.post(address, {"post": "yes", "action": "x"}).status_code == 403
    boss.post(HISTORY, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert AuditLog.objects.count() == entries


def test_an_entry_says_who_changed_what_from_what_to_what() -> None:
    row = entry(user_id=str(UserFactory(name="Ana").pk))
    boss = superuser()

    assert b"Ana" in boss.get(HISTORY).content
    text = boss.get(reverse("admin:audit_auditlog_change", args=(row.pk,))).content.decode()
    assert "legal_name" in text
    assert "Aurora" in text


@pytest.mark.parametrize("entries", [1, 50])
def test_the_list_takes_the_same_number_of_queries(
    entries: int, django_assert_max_num_queries: Any
) -> None:
    boss = superuser()
    for _ in range(entries - AuditLog.objects.count()):
        entry(user_id=str(UserFactory().pk))
    boss.get(HISTORY)

    with django_assert_max_num_queries(10):
        assert len(boss.get(HISTORY).context["cl"].result_list) == entries


def test_managers_read_it_and_the_sales_team_does_not() -> None:
    assert staff_of("manager").get(HISTORY).status_code == 200
    assert staff_of("sales").get(HISTORY).status_code == 403
