"""Changes in Drive on timelines: those of the record's own tree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories.crm import CompanyFactory, LeadFactory
from tests.factories.gdrive import DriveChangeLogFactory, DriveFileFactory
from tests.factories.timeline import file_change, folder_of

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def changes(client: APIClient, record: Any, entity_type: str = "lead") -> list[dict[str, Any]]:
    answer = client.get(f"/api/timeline/{entity_type}/{record.pk}", {"kinds": "drive"})
    assert answer.status_code == 200
    return list(answer.json()["entries"])


def test_changes_at_any_depth_are_the_records_and_no_others(api: Clients) -> None:
    lead, other = LeadFactory(), LeadFactory()
    root, elsewhere = folder_of(lead), folder_of(other)
    folder = DriveFileFactory(folder=True, parent_folder_id=root.folder_id)
    deep = DriveFileFactory(folder=True, parent_folder_id=folder.file_id)
    wanted = {file_change(where, AT) for where in (root.folder_id, folder.file_id, deep.file_id)}
    file_change(elsewhere.folder_id, AT)
    own = DriveChangeLogFactory(changed_resource_id=root.folder_id, event_type="renamed")
    DriveChangeLogFactory(changed_resource_id="unknown-file")

    shown = changes(api("sales"), lead)

    assert {entry["id"] for entry in shown} == {*wanted, f"drive-{own.pk}"}


def test_what_was_deleted_keeps_its_history(api: Clients) -> None:
    lead = LeadFactory()
    root = folder_of(lead)
    trashed = file_change(root.folder_id, AT, "trashed", trashed=True)
    removed = file_change(root.folder_id, AT, "removed", unavailable=True, name="gone.pdf")
    root.soft_delete(by=None)

    shown = changes(api("sales"), lead)

    assert [entry["id"] for entry in shown] == [removed, trashed]
    assert "gone.pdf" in shown[0]["title"]


def test_a_company_shows_the_folders_of_its_leads_too(api: Clients) -> None:
    company, lead = CompanyFactory(), LeadFactory()
    root = folder_of(company, "company")
    inner = folder_of(lead)
    inner_row = DriveFileFactory._meta.model.objects.get(file_id=inner.folder_id)
    inner_row.parent_folder_id = root.folder_id
    inner_row.save()
    change = file_change(inner.folder_id, AT)

    assert [entry["id"] for entry in changes(api("sales"), company, "company")] == [change]
    assert [entry["id"] for entry in changes(api("sales"), lead)] == [change]


def test_a_loop_in_the_mirror_ends_the_walk(api: Clients) -> None:
    lead = LeadFactory()
    root = folder_of(lead)
    one = DriveFileFactory(folder=True, parent_folder_id=root.folder_id)
    two = DriveFileFactory(folder=True, parent_folder_id=one.file_id)
    one.parent_folder_id = two.file_id
    one.save()
    change = file_change(root.folder_id, AT)
    assert [entry["id"] for entry in changes(api("sales"), lead)] == [change]


@pytest.mark.parametrize(
    "event", ["created", "updated", "renamed", "moved", "trashed", "untrashed", "removed", "sync"]
)
def test_every_change_has_a_title_with_the_files_name(api: Clients, event: str) -> None:
    lead = LeadFactory()
    file_change(folder_of(lead).folder_id, AT, event, name="offer 100%.pdf")
    (entry,) = changes(api("sales"), lead)
    assert entry["title"].endswith(": offer 100%.pdf")
    assert entry["metadata"]["event"] == event
