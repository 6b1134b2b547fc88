"""GET /drive/changes: by drive and by record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from gdrive.models import DriveFolderTree
from pipedesk.sandbox.people import DrivePeople
from tests.factories.crm import LeadFactory
from tests.gdrive.following import follow

pytestmark = pytest.mark.django_db

Api = Callable[..., Any]
FolderId = Callable[[str, object], str]
Provision = Callable[[str, object], DriveFolderTree]
CHANGES = "/api/drive/changes"


def test_changes_of_a_record_are_those_of_all_below_its_folder_and_of_what_left_it(
    api: Api, drive: DrivePeople, provision: Provision, folder_id: FolderId,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    one, two = LeadFactory(), LeadFactory()
    for lead in (one, two):
        provision("lead", lead.pk)
    mine, other = folder_id("lead", one.pk), folder_id("lead", two.pk)
    follow()
    deep = drive.drop_file(drive.create_folder("Inner", mine), "deep.txt", b"1")
    stays = drive.drop_file(other, "other.txt", b"1")
    follow()
    drive.move(deep, other)
    follow()
    client = api("manager")

    with django_assert_num_queries(3):
        answer = client.get(CHANGES, {"entity_type": "lead", "entity_id": str(one.pk)})

    told = [(row["event_type"], row["changed_resource_id"]) for row in answer.json()["data"]]
    assert ("moved", deep) in told
    assert ("created", stays) not in told
    moved = next(row for row in answer.json()["data"] if row["event_type"] == "moved")
    assert moved["details"]["parent_folder_id"][1] == other
    assert moved["drive_id"] == ""
    kept = client.get(CHANGES, {"entityType": "lead", "entityId": str(two.pk)}).json()["data"]
    assert {row["changed_resource_id"] for row in kept} == {deep, stays}


def test_changes_of_one_drive(
    api: Api, drive: DrivePeople, provision: Provision, folder_id: FolderId
) -> None:
    lead = LeadFactory()
    provision("lead", lead.pk)
    drive_id = drive.create_drive("Sales")
    root = folder_id("lead", lead.pk)
    follow()
    own = drive.drop_file(root, "own.txt", b"1")
    follow()
    drive.move(root, drive_id)
    follow()
    client = api("admin")

    rows = client.get(CHANGES, {"drive_id": "own", "event_type": "created"}).json()["data"]
    assert [row["changed_resource_id"] for row in rows] == [own]
    assert client.get(CHANGES, {"drive_id": "0ANobodyUkPVA"}).json()["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"entity_type": "lead"},
        {"entity_id": "6f1c8a52-3c1b-4a55-9d0e-0d7f0f3f3a11"},
        {"entity_type": "lead", "entity_id": "nonsense"},
        {"entity_type": "leed", "entity_id": "6f1c8a52-3c1b-4a55-9d0e-0d7f0f3f3a11"},
    ],
)
def test_half_a_record_is_refused(api: Api, query: dict[str, str]) -> None:
    assert api("manager").get(CHANGES, query).status_code == 400
