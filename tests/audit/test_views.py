"""GET /api/audit-logs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from pipedesk.audit.models import AuditLog
from pipedesk.audit.recording import acting, record
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

URL = "/api/audit-logs"
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


def test_an_entry_has_what_the_contract_names(api: Callable[..., APIClient]) -> None:
    ana = UserFactory()
    with acting(user_id=ana.pk):
        entry = record("update", "lead", "some-id", {"legal_name": ("A", "B")})
    row = api("manager").get(URL, {"entity_type": "lead"}).json()["data"][0]
    assert row.pop("created_at")
    assert row == {
        "id": entry.pk,
        "action": "update",
        "entity_type": "lead",
        "entity_id": "some-id",
        "user_id": str(ana.pk),
        "changes": [{"field": "legal_name", "old": "A", "new": "B"}],
        "request_id": None,
    }


def test_newest_first_and_by_cursor(api: Callable[..., APIClient]) -> None:
    ids = [record("update", "lead", str(number), {}).pk for number in range(5)]
    client, found, cursor = api("admin"), [], ""
    while cursor is not None:
        answer = client.get(URL, {"cursor": cursor, "page_size": 2, "entity_type": "lead"}).json()
        found += [row["id"] for row in answer["data"]]
        cursor = answer["pagination"]["next_cursor"]
    assert found == ids[::-1]


def test_filters(api: Callable[..., APIClient]) -> None:
    ana = UserFactory()
    with acting(user_id=ana.pk):
        wanted = record("update", "lead", "1", {})
    for values in (("create", "lead", "1"), ("update", "deal", "1"), ("update", "lead", "2")):
        record(*values, {})
    old = AuditLog.objects.create(
        action="update", entity_type="lead", entity_id="1", created_at=NOW
    )
    client = api("manager")

    def ask(**query: str) -> set[int]:
        return {row["id"] for row in client.get(URL, query).json()["data"]}

    narrow = {"entity_type": "lead", "entity_id": "1", "action": "update"}
    assert ask(**narrow) == {wanted.pk, old.pk}
    assert ask(user_id=str(ana.pk)) == {wanted.pk}
    after = (NOW + timedelta(seconds=1)).isoformat()
    assert ask(**narrow, since=after) == {wanted.pk}
    assert ask(until=after) == {old.pk}
    assert client.get(URL, {"since": "2026-03-09T12:00:00"}).status_code == 400
    assert client.get(URL, {"entity": "lead"}).status_code == 400


@pytest.mark.parametrize(
    ("role", "status"), [("admin", 200), ("manager", 200), ("sales", 403), ("", 403), (None, 401)]
)
def test_who_may_read_the_history(
    api: Callable[..., APIClient], role: str | None, status: int
) -> None:
    client = api(role)
    entry = record("update", "lead", "1", {})
    entries = AuditLog.objects.count()
    assert client.get(URL).status_code == status
    assert client.get(f"{URL}/{entry.pk}").status_code == status
    for method in (client.post, client.patch, client.delete):
        assert method(f"{URL}/{entry.pk}").status_code in (401, 403, 405)
    assert AuditLog.objects.count() == entries
