"""Folders of entities in the API."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from gdrive.models import DriveFile, DriveFolder, DriveFolderTree, DriveSyncState
from gdrive.tasks import provision_tree
from pipedesk.sandbox.people import DrivePeople
from tests.factories.crm import CompanyFactory, ContactFactory, DealFactory, LeadFactory
from tests.factories.gdrive import DriveChangeLogFactory, DriveFileFactory, DriveFolderFactory

Api = Callable[..., Any]


@pytest.fixture
def folder(db: None) -> DriveFolder:
    row: DriveFolder = DriveFolderFactory(entity_id=str(LeadFactory().pk))
    return row


def address(folder: DriveFolder) -> str:
    return f"/api/drive/{folder.entity_type}/{folder.entity_id}"


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer.json()["files"]]


# --- GET /drive/{type}/{id} -------------------------------------------------------------------


def test_a_folder_is_listed_as_the_contract_says(api: Api, folder: DriveFolder) -> None:
    moment = timezone.now().replace(microsecond=0)
    DriveSyncState.objects.create(as_of=moment)
    DriveFileFactory(
        file_id="f1",
        name="offer.pdf",
        parent_folder_id=folder.folder_id,
        mime_type="application/pdf",
        size=9_007_199_254_740_993,
        web_view_link="https://drive.google.com/file/d/f1/view",
        google_created_at=moment,
        google_modified_at=moment,
    )

    answer = api("manager").get(address(folder)).json()

    moment_text = answer["folder"]["as_of"]
    assert answer == {
        "files": [
            {
                "id": "f1",
                "name": "offer.pdf",
                "mimeType": "application/pdf",
                "parents": [folder.folder_id],
                "size": 9_007_199_254_740_993,
                "createdTime": moment_text,
                "modifiedTime": moment_text,
                "webViewLink": "https://drive.google.com/file/d/f1/view",
                "type": "file",
                "deleted": False,
            }
        ],
        "total": 1,
        "page": 1,
        "page_size": 20,
        "total_pages": 1,
        "permission": "writer",
        "breadcrumbs": [{"id": folder.folder_id, "name": "Root"}],
        "folder": {"state": "ready", "url": folder.folder_url, "as_of": moment_text},
    }


def test_folders_come_first_then_names_page_by_page(api: Api, folder: DriveFolder) -> None:
    for name in ("b", "c", "a"):
        DriveFileFactory(name=name, parent_folder_id=folder.folder_id)
    DriveFileFactory(name="z", parent_folder_id=folder.folder_id, folder=True)

    first = api("sales").get(address(folder), {"page_size": 3})
    second = api("sales").get(address(folder) + "/", {"page_size": 3, "page": 2})

    assert (names(first), names(second)) == (["z", "a", "b"], ["c"])
    assert first.json()["total_pages"] == 2


def test_a_folder_inside_has_breadcrumbs_to_any_depth(api: Api, folder: DriveFolder) -> None:
    parent_id = folder.folder_id
    for depth in range(12):
        row = DriveFileFactory(name=f"d{depth}", parent_folder_id=parent_id, folder=True)
        parent_id = row.file_id
    DriveFileFactory(name="deep.txt", parent_folder_id=parent_id)

    answer = api("sales").get(address(folder), {"folder_id": parent_id})

    assert names(answer) == ["deep.txt"]
    crumbs = [crumb["name"] for crumb in answer.json()["breadcrumbs"]]
    assert crumbs == ["Root", *(f"d{depth}" for depth in range(12))]


def test_the_trash_and_what_was_deleted_here_show_only_when_asked_for(
    api: Api, folder: DriveFolder
) -> None:
    DriveFileFactory(name="trashed", parent_folder_id=folder.folder_id, trashed=True)
    deleted = DriveFileFactory(name="deleted", parent_folder_id=folder.folder_id)
    deleted.soft_delete(by="x")
    DriveFileFactory(name="away", parent_folder_id=folder.folder_id, unavailable=True)
    DriveFileFactory(name="here", parent_folder_id=folder.folder_id)

    plain = api("sales").get(address(folder))
    full = api("sales").get(address(folder), {"include_deleted": "true"})

    assert names(plain) == ["here"]
    shown = {item["name"]: item["deleted"] for item in full.json()["files"]}
    assert shown == {"deleted": True, "here": False, "trashed": True}


@pytest.mark.django_db
def test_an_entity_without_a_tree_is_empty_and_stays_without(api: Api) -> None:
    lead = LeadFactory()
    DriveFolderTree.objects.all().delete()

    answer = api("sales").get(f"/api/drive/lead/{lead.pk}")

    assert answer.status_code == 200
    assert answer.json()["folder"] == {"state": "none", "url": None, "as_of": None}
    assert answer.json()["files"] == []
    assert answer.json()["breadcrumbs"] == []
    assert not DriveFolderTree.objects.exists()


@pytest.mark.django_db
def test_a_tree_that_grows_is_pending_and_one_given_up_an_error(api: Api) -> None:
    lead = LeadFactory()
    assert api("sales").get(f"/api/drive/lead/{lead.pk}").json()["folder"]["state"] == "pending"

    DriveFolderTree.objects.update(dead_at=timezone.now())

    assert api("sales").get(f"/api/drive/lead/{lead.pk}").json()["folder"]["state"] == "error"


@pytest.mark.django_db
@pytest.mark.parametrize("tail", ["", "/provision", "/root-folder-url"])
@pytest.mark.parametrize(
    "path",
    [
        "lead/00000000-0000-4000-8000-000000000000",
        "lead/no-uuid",
        "order/{lead}",
        "company/{lead}",
        "lead/{deleted}",
    ],
)
def test_an_unknown_entity_is_404_and_creates_nothing(api: Api, path: str, tail: str) -> None:
    deleted = LeadFactory(deleted_at=timezone.now())
    path = path.format(lead=LeadFactory().pk, deleted=deleted.pk)
    DriveFolderTree.objects.all().delete()
    method = "post" if tail == "/provision" else "get"

    answer = getattr(api("admin"), method)(f"/api/drive/{path}{tail}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert not DriveFolderTree.objects.exists()


def test_a_folder_of_another_entity_is_404(api: Api, folder: DriveFolder) -> None:
    other = DriveFolderFactory(entity_id=str(LeadFactory().pk))
    inside = DriveFileFactory(parent_folder_id=other.folder_id, folder=True)
    away = DriveFileFactory(parent_folder_id=folder.folder_id, folder=True, unavailable=True)
    below_away = DriveFileFactory(parent_folder_id=away.file_id, folder=True)

    for folder_id in (other.folder_id, inside.file_id, away.file_id, below_away.file_id, "x'y"):
        answer = api("admin").get(address(folder), {"folder_id": folder_id})
        assert answer.status_code == 404, folder_id


def test_a_loop_in_the_mirror_ends(api: Api, folder: DriveFolder) -> None:
    first = DriveFileFactory(folder=True)
    second = DriveFileFactory(parent_folder_id=first.file_id, folder=True)
    DriveFile.objects.filter(pk=first.pk).update(parent_folder_id=second.file_id)

    answer = api("admin").get(address(folder), {"folder_id": first.file_id})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("query", "near"),
    [
        ({"folderid": "x"}, "folder_id"),
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "101"}, "page_size"),
        ({"page": "0"}, "page"),
        ({"include_deleted": "maybe"}, "include_deleted"),
    ],
)
def test_a_fault_of_the_query_is_400(
    api: Api, folder: DriveFolder, query: dict[str, str], near: str
) -> None:
    answer = api("sales").get(address(folder), query)

    assert answer.status_code == 400
    assert near in answer.json()["message"]


def test_the_number_of_queries_does_not_grow(
    api: Api, folder: DriveFolder, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    parent_id = folder.folder_id
    for _ in range(5):
        parent_id = DriveFileFactory(parent_folder_id=parent_id, folder=True).file_id
    for _ in range(50):
        DriveFileFactory(parent_folder_id=parent_id)
    client = api("sales")

    # user with role; entity, its folder; path, count, rows; tie to own leads; tree; cursor
    with django_assert_num_queries(9):
        answer = client.get(address(folder), {"folder_id": parent_id, "page_size": 50})

    assert len(names(answer)) == 50


@pytest.mark.django_db
def test_permission_follows_role_and_ownership(api: Api) -> None:
    client: Any = api("sales")
    company, deal = CompanyFactory(), DealFactory()
    contact = ContactFactory()
    own = LeadFactory(owner=client.user, qualified_company=company, qualified_master_deal=deal)
    own.contacts.add(contact)
    foreign, unowned = LeadFactory(owner=api("sales").user), LeadFactory()

    def permission(caller: APIClient, kind: str, pk: object) -> str:
        return str(caller.get(f"/api/drive/{kind}/{pk}").json()["permission"])

    assert permission(client, "lead", own.pk) == "writer"
    assert permission(client, "company", company.pk) == "writer"
    assert permission(client, "deal", deal.pk) == "writer"
    assert permission(client, "contact", contact.pk) == "writer"
    assert permission(client, "lead", foreign.pk) == "reader"
    assert permission(client, "lead", unowned.pk) == "reader"
    assert permission(client, "company", CompanyFactory().pk) == "reader"
    assert permission(api("manager"), "lead", foreign.pk) == "writer"
    assert permission(api("admin"), "lead", foreign.pk) == "owner"


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403)])
@pytest.mark.parametrize("tail", ["", "/root-folder-url"])
def test_a_stranger_sees_nothing(
    api: Api, folder: DriveFolder, role: str | None, status: int, tail: str
) -> None:
    assert api(role).get(address(folder) + tail).status_code == status


@pytest.mark.django_db
def test_a_qualified_lead_still_has_its_folder(api: Api) -> None:
    lead = LeadFactory(qualified_at=timezone.now(), deleted_at=timezone.now())

    assert api("sales").get(f"/api/drive/lead/{lead.pk}").status_code == 200


# --- provision, root-folder-url ---------------------------------------------------------------


@pytest.mark.django_db
def test_provision_asks_once_however_often_it_is_called(api: Api) -> None:
    lead = LeadFactory()
    DriveFolderTree.objects.all().delete()
    client = api("sales")

    answers = [client.post(f"/api/drive/lead/{lead.pk}/provision") for _ in range(3)]

    tree = DriveFolderTree.objects.get()
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert [answer.json() for answer in answers] == [{"job_id": tree.pk, "state": "pending"}] * 3
    assert tree.requested == 1


@pytest.mark.django_db
def test_provision_takes_up_what_was_given_up(api: Api) -> None:
    lead = LeadFactory()
    DriveFolderTree.objects.update(dead_at=timezone.now(), last_error="x")

    answer = api("sales").post(f"/api/drive/lead/{lead.pk}/provision")

    assert answer.json()["state"] == "pending"
    assert DriveFolderTree.objects.get().dead_at is None


def test_provision_of_what_is_ready_wakes_nobody(api: Api, folder: DriveFolder) -> None:
    before = DriveFolderTree.objects.get().requested

    answer = api("sales").post(address(folder) + "/provision")

    assert (answer.status_code, answer.json()["state"]) == (202, "ready")
    assert DriveFolderTree.objects.get().requested == max(before, 1)


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_calls_lead_to_one_tree(api: Api, drive: DrivePeople) -> None:
    lead = LeadFactory(title="ACME")
    clients = [api("sales") for _ in range(20)]
    barrier, codes = threading.Barrier(20), []

    def call(client: APIClient) -> None:
        try:
            barrier.wait()
            codes.append(client.post(f"/api/drive/lead/{lead.pk}/provision").status_code)
            provision_tree(DriveFolderTree.objects.get().pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes == [202] * 20
    assert list(drive.tree()) == ["Leads"]
    assert list(drive.tree()["Leads"]) == ["Lead - ACME"]
    assert len(drive.tree()["Leads"]["Lead - ACME"]) == 6


def test_the_root_folder_is_named_once_it_exists(api: Api, folder: DriveFolder) -> None:
    without = api("sales").get(f"/api/drive/company/{CompanyFactory().pk}/root-folder-url")
    answer = api("sales").get(address(folder) + "/root-folder-url")

    assert without.json() == {"url": None, "folder_id": None, "created": False}
    assert answer.json() == {
        "url": folder.folder_url,
        "folder_id": folder.folder_id,
        "created": True,
    }


# --- GET /drive/changes -----------------------------------------------------------------------


@pytest.mark.django_db
def test_changes_are_listed_newest_first_and_filtered(
    api: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    DriveChangeLogFactory(event_type="created", changed_resource_id="a")
    DriveChangeLogFactory(
        event_type="renamed", changed_resource_id="a", channel_id="c", raw_headers="{}"
    )
    DriveChangeLogFactory(event_type="renamed", changed_resource_id="b")
    client = api("manager")

    with django_assert_num_queries(3):
        every = client.get("/api/drive/changes").json()["data"]
    some = client.get("/api/drive/changes", {"file_id": "a", "event_type": "renamed"})
    by_cursor = client.get("/api/drive/changes", {"cursor": "", "page_size": 2}).json()

    assert [row["changed_resource_id"] for row in every] == ["b", "a", "a"]
    assert [row["channel_id"] for row in some.json()["data"]] == ["c"]
    assert set(every[0]) == {
        "id",
        "event_type",
        "changed_resource_id",
        "drive_id",
        "folder_id",
        "details",
        "channel_id",
        "resource_state",
        "received_at",
    }
    assert by_cursor["pagination"]["next_cursor"]


@pytest.mark.django_db
def test_changes_are_for_managers_and_odd_filters_refused(api: Api) -> None:
    assert api("sales").get("/api/drive/changes").status_code == 403
    answer = api("admin").get("/api/drive/changes", {"event_type": "renamd"})
    assert answer.status_code == 400
    assert "renamed" in answer.json()["message"]
