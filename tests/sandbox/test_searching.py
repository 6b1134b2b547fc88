"""files.list: the query language, order, pages."""

from typing import Any

import pytest

from pipedesk.sandbox.server import SandboxServer
from tests.sandbox.test_editing import refused

NAMES = ["Offer.pdf", "offer old", "João d'Ávila \\ Cia", "Notes"]


@pytest.fixture
def folder(sandbox: SandboxServer) -> str:
    folder = sandbox.drive.create_folder("Deals", appProperties={"deal": "42"})
    for name in NAMES:
        sandbox.drive.drop_file(folder, name, b"x" * len(name), "text/plain")
    return folder


def names(drive: Any, query: str, **others: Any) -> list[str]:
    return [each["name"] for each in drive.files().list(q=query, **others).execute()["files"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name = 'Notes'", ["Notes"]),
        ("name != 'Notes' and mimeType = 'text/plain'", NAMES[:3]),
        ("name contains 'offer'", ["Offer.pdf", "offer old"]),
        ("name contains 'ffer'", []),
        (r"name = 'João d\'Ávila \\ Cia'", [NAMES[2]]),
        ("name = 'Notes' or name = 'Deals'", ["Deals", "Notes"]),
        ("not name contains 'offer' and mimeType contains 'text/'", NAMES[2:]),
        ("(name = 'Notes' or name = 'Deals') and not mimeType = 'text/plain'", ["Deals"]),
        ("appProperties has { key='deal' and value='42' } and trashed = false", ["Deals"]),
        ("appProperties has { key='deal' and value='43' }", []),
        ("'root' in parents", ["Deals"]),
        ("trashed = true", []),
        ("modifiedTime > '2020-01-01T00:00:00' and name='Notes'", ["Notes"]),
        ("modifiedTime < '2020-01-01'", []),
        ("'ana@pipedesk.example' in owners and name = 'Notes'", ["Notes"]),
        ("sharedWithMe", None),
        ("name", None),
        ("name like 'x'", None),
        ("trashed = 'no'", None),
        ("name = 'unclosed", None),
        ("(name = 'x'", None),
        ("name = 'x' name = 'y'", None),
    ],
)
def test_the_query_language(
    drive: Any, folder: str, query: str, expected: list[str] | None
) -> None:
    if expected is None:
        assert refused(drive.files().list(q=query)) == (400, "invalid")
    else:
        assert names(drive, query) == expected


def test_children_of_a_folder_come_in_pages(drive: Any, folder: str) -> None:
    found: list[str] = []
    request = drive.files().list(q=f"'{folder}' in parents", pageSize=3)
    while request is not None:
        answer = request.execute()
        found += [each["name"] for each in answer["files"]]
        request = drive.files().list_next(request, answer)
    assert found == NAMES


def test_order_by_sorts_with_pages(drive: Any, folder: str) -> None:
    query = {"q": f"'{folder}' in parents", "orderBy": "folder,name desc", "pageSize": 2}
    first = drive.files().list(**query).execute()
    second = drive.files().list(**query, pageToken=first["nextPageToken"]).execute()
    found = [each["name"] for each in first["files"] + second["files"]]
    assert found == ["Offer.pdf", "offer old", "Notes", "João d'Ávila \\ Cia"]
    assert "nextPageToken" not in second
    assert refused(drive.files().list(orderBy="shoe size"))[0] == 400


def test_a_query_too_long_for_a_url_is_understood(drive: Any, folder: str) -> None:
    others = " or ".join(f"name = 'x{number}'" for number in range(300))
    assert names(drive, f"{others} or name = 'Notes'") == ["Notes"]


def test_a_foreign_page_token_is_refused(drive: Any) -> None:
    assert refused(drive.files().list(pageToken="nonsense")) == (400, "invalid")
