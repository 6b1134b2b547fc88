"""Files found and looked at in the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from gdrive.models import DriveFile, DriveFolder
from tests.factories.crm import CompanyFactory, LeadFactory
from tests.factories.gdrive import DriveFileFactory, DriveFolderFactory

Api = Callable[..., Any]
CONTENT_LINK = "https://drive.google.com/uc?id=f1&export=download"


@pytest.fixture
def folder(db: None) -> DriveFolder:
    row: DriveFolder = DriveFolderFactory(entity_id=str(LeadFactory().pk))
    return row


def inside(root: DriveFolder, /, **values: Any) -> DriveFile:
    row: DriveFile = DriveFileFactory(**{"parent_folder_id": root.folder_id, **values})
    return row


def address(folder: DriveFolder, tail: str = "") -> str:
    return f"/api/drive/{folder.entity_type}/{folder.entity_id}{tail}"


def whose(folder: DriveFolder, **query: Any) -> dict[str, Any]:
    return {"entity_type": folder.entity_type, "entity_id": folder.entity_id, **query}


def found(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["name"] for item in answer.json()["files"]]


# --- GET …/files/{fid} and …/download ---------------------------------------------------------


def test_a_file_is_shown_with_its_tag(api: Api, folder: DriveFolder) -> None:
    file = inside(folder, name="offer.pdf")
    client = api("sales")

    answer = client.get(address(folder, f"/files/{file.file_id}"))
    again = client.get(address(folder, f"/files/{file.file_id}"), HTTP_IF_NONE_MATCH=answer["ETag"])

    assert (answer.json()["id"], answer.json()["name"]) == (file.file_id, "offer.pdf")
    assert again.status_code == 304


@pytest.mark.parametrize("tail", ["", "/download"])
def test_a_file_of_another_entity_is_404(api: Api, folder: DriveFolder, tail: str) -> None:
    other = DriveFolderFactory(entity_id=str(LeadFactory().pk))
    away = inside(folder, unavailable=True)

    for file_id in (inside(other).file_id, away.file_id, "nobody's", "x'y"):
        answer = api("admin").get(address(folder, f"/files/{file_id}{tail}"))
        assert answer.status_code == 404, file_id


@pytest.mark.parametrize(
    ("content_link", "view_link", "url"),
    [
        (CONTENT_LINK, "https://drive.google.com/file/d/f1/view", CONTENT_LINK),
        (None, "https://docs.google.com/document/d/f1", "https://docs.google.com/document/d/f1"),
    ],
)
def test_the_link_is_the_content_s_or_else_the_page_s(
    api: Api, folder: DriveFolder, content_link: str | None, view_link: str, url: str
) -> None:
    file = inside(folder, web_content_link=content_link, web_view_link=view_link)

    assert api("sales").get(address(folder, f"/files/{file.file_id}/download")).json() == {
        "url": url
    }


def test_what_has_no_content_says_so(api: Api, folder: DriveFolder) -> None:
    rows = {
        "folder": inside(folder, folder=True),
        "deleted": inside(folder, trashed=True, web_view_link="x"),
        "no way": inside(folder),
    }

    for word, row in rows.items():
        answer = api("sales").get(address(folder, f"/files/{row.file_id}/download"))
        assert answer.status_code == 409
        assert word in answer.json()["message"]


# --- GET /drive/search ------------------------------------------------------------------------


def test_search_finds_the_whole_subtree_without_case_and_accents(
    api: Api, folder: DriveFolder
) -> None:
    deep = inside(folder, name="Ações", folder=True)
    for depth in range(5):
        deep = DriveFileFactory(name=f"d{depth}", parent_folder_id=deep.file_id, folder=True)
    DriveFileFactory(name="Relatório AÇÃO.pdf", parent_folder_id=deep.file_id)
    inside(folder, name="other.txt")
    foreign = DriveFolderFactory(entity_id=str(LeadFactory().pk))
    inside(foreign, name="ação")

    answer = api("sales").get("/api/drive/search", whose(folder, q="acao"))
    every = api("sales").get("/api/drive/search", whose(folder))

    assert found(answer) == ["Relatório AÇÃO.pdf"]
    assert found(api("sales").get("/api/drive/search", whose(folder, q="ações"))) == ["Ações"]
    assert every.json()["total"] == 8
    assert set(every.json()) == {
        "files", "total", "page", "page_size", "total_pages", "permission",
    }  # fmt: skip


@pytest.mark.parametrize("sign", ["%", "_", "\\", "'"])
def test_signs_of_patterns_are_ordinary_characters(
    api: Api, folder: DriveFolder, sign: str
) -> None:
    inside(folder, name=f"a{sign}b")
    inside(folder, name="axb")

    assert found(api("sales").get("/api/drive/search", whose(folder, q=sign))) == [f"a{sign}b"]


def test_search_filters_by_type_and_time(api: Api, folder: DriveFolder) -> None:
    now = timezone.now()
    for days in range(3):
        inside(folder, name=f"{days}", google_created_at=now - timedelta(days=days))
    inside(folder, name="pdf", mime_type="application/pdf")
    client = api("sales")

    by_type = client.get("/api/drive/search", whose(folder, mime_type="application/pdf"))
    times = {"created_from": now - timedelta(days=1), "created_to": now}
    by_time = client.get(
        "/api/drive/search", whose(folder, **{k: t.isoformat() for k, t in times.items()})
    )

    assert found(by_type) == ["pdf"]
    assert found(by_time) == ["1"]


def test_what_is_hidden_is_found_only_when_asked_for(api: Api, folder: DriveFolder) -> None:
    deleted = inside(folder, name="deleted", folder=True)
    deleted.soft_delete(by="x")
    DriveFileFactory(name="below deleted", parent_folder_id=deleted.file_id)
    inside(folder, name="trashed", trashed=True)
    away = inside(folder, name="away", unavailable=True, folder=True)
    DriveFileFactory(name="below away", parent_folder_id=away.file_id)

    full = api("sales").get("/api/drive/search", whose(folder, include_deleted="true"))

    assert found(api("sales").get("/api/drive/search", whose(folder))) == []
    assert found(full) == ["deleted", "below deleted", "trashed"]


def test_pages_of_a_search_count_the_whole(api: Api, folder: DriveFolder) -> None:
    for number in range(5):
        inside(folder, name=f"f{number}")

    answer = api("sales").get("/api/drive/search", whose(folder, page=2, page_size=2))

    assert found(answer) == ["f2", "f3"]
    pages = {name: answer.json()[name] for name in ("total", "page", "page_size", "total_pages")}
    assert pages == {"total": 5, "page": 2, "page_size": 2, "total_pages": 3}


@pytest.mark.django_db
def test_an_entity_without_a_folder_has_nothing(api: Api) -> None:
    query = {"entityType": "company", "entityId": str(CompanyFactory().pk)}

    search = api("sales").get("/api/drive/search", {**query, "q": "x"}).json()
    items = api("sales").get("/api/drive/items", query).json()

    assert (search["files"], search["total"], search["total_pages"]) == ([], 0, 0)
    assert items == {"items": [], "total": 0, "root_url": None}


@pytest.mark.parametrize("path", ["/api/drive/search", "/api/drive/items"])
def test_a_query_that_names_no_entity_is_told(api: Api, folder: DriveFolder, path: str) -> None:
    client, query = api("sales"), whose(folder)
    nobody = "00000000-0000-4000-8000-000000000000"

    assert client.get(path, {**query, "entity_id": nobody}).status_code == 404
    for fault, word in (
        ({"entity_id": ""}, "entity_id"),
        ({"entity_type": ""}, "entity_type"),
        ({"entity_type": "order"}, "entity_type"),
        ({"entity_id": "7"}, "entity_id"),
        ({"qq": "x"}, "qq"),
    ):
        answer = client.get(path, {**query, **fault})
        assert answer.status_code == 400
        assert word in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "queries"),
    # user with role; entity; its folder; count, rows; tie to own leads
    [("/api/drive/search", 6), ("/api/drive/items", 6)],
)
def test_the_number_of_queries_does_not_grow(
    api: Api,
    folder: DriveFolder,
    django_assert_num_queries: DjangoAssertNumQueries,
    path: str,
    queries: int,
) -> None:
    for _ in range(30):
        parent = inside(folder, folder=True)
        DriveFileFactory(parent_folder_id=parent.file_id)
    client = api("sales")

    with django_assert_num_queries(queries):
        assert client.get(path, whose(folder, page_size=50)).status_code == 200


def test_a_search_looks_up_folders_and_does_not_read_the_table(
    api: Api, folder: DriveFolder, is_postgres: bool
) -> None:
    if not is_postgres:
        pytest.skip("PostgreSQL's plans")
    DriveFile.objects.bulk_create(
        DriveFile(file_id=f"x{number}", parent_folder_id=f"p{number // 30}", name="x")
        for number in range(20_000)
    )
    inside(folder, name="wanted", folder=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE drive_files")

    with CaptureQueriesContext(connection) as captured:
        assert found(api("sales").get("/api/drive/search", whose(folder, q="x"))) == []

    walks = [query["sql"] for query in captured if "RECURSIVE" in query["sql"]]
    assert walks
    for walk in walks:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {walk}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan on drive_files" not in plan, plan


# --- GET /drive/items -------------------------------------------------------------------------


def test_items_are_what_lies_in_one_folder(api: Api, folder: DriveFolder) -> None:
    moment = timezone.now().replace(microsecond=0)
    below = inside(folder, name="b", folder=True)
    DriveFileFactory(
        file_id="f1", name="f", parent_folder_id=below.file_id, mime_type="application/pdf",
        size=7, web_view_link="https://x", google_created_at=moment,
    )  # fmt: skip
    inside(folder, name="gone", trashed=True)
    query = {"entityType": folder.entity_type, "entityId": folder.entity_id}

    top = api("sales").get("/api/drive/items", query).json()
    deeper = api("sales").get("/api/drive/items", {**query, "folderId": below.file_id, "limit": 5})

    assert [item["name"] for item in top["items"]] == ["b"]
    assert (top["total"], top["root_url"]) == (1, folder.folder_url)
    [item] = deeper.json()["items"]
    assert item.pop("createdAt")
    assert item == {
        "id": "f1", "name": "f", "url": "https://x", "mimeType": "application/pdf",
        "type": "file", "size": 7,
    }  # fmt: skip


@pytest.mark.parametrize(("path", "name"), [("/items", "folderId"), ("", "folder_id")])
def test_a_file_is_no_folder_to_look_into(
    api: Api, folder: DriveFolder, path: str, name: str
) -> None:
    query = {name: inside(folder).file_id}
    if path:
        answer = api("sales").get(f"/api/drive{path}", whose(folder, **query))
    else:
        answer = api("sales").get(address(folder), query)

    assert answer.status_code == 400
    assert "folder" in answer.json()["message"]


def test_a_foreign_folder_has_no_items_here(api: Api, folder: DriveFolder) -> None:
    other = DriveFolderFactory(entity_id=str(LeadFactory().pk))

    answer = api("admin").get("/api/drive/items", whose(folder, folderId=other.folder_id))

    assert answer.status_code == 404


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403), ("sales", 200)])
@pytest.mark.parametrize("path", ["/api/drive/search", "/api/drive/items"])
def test_who_may_look(
    api: Api, folder: DriveFolder, role: str | None, status: int, path: str
) -> None:
    assert api(role).get(path, whose(folder)).status_code == status
