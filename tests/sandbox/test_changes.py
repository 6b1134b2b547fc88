"""Drive's change logs."""

from typing import Any

from pipedesk.sandbox.server import SandboxServer
from tests.sandbox.test_editing import refused

FIELDS = "nextPageToken,newStartPageToken,changes(fileId,removed,file(name,trashed,version))"


def start_token(drive: Any, **query: Any) -> str:
    return str(drive.changes().getStartPageToken(**query).execute()["startPageToken"])


def changes_since(drive: Any, token: str, **query: Any) -> tuple[list[dict[str, Any]], str]:
    """Every change of every page, and the next start token."""
    found: list[dict[str, Any]] = []
    request = drive.changes().list(pageToken=token, fields=FIELDS, **query)
    while request is not None:
        answer = request.execute()
        assert ("nextPageToken" in answer) != ("newStartPageToken" in answer)
        found += answer["changes"]
        request = drive.changes().list_next(request, answer)
    return found, answer["newStartPageToken"]


def test_an_idle_log_answers_its_own_token_again(drive: Any, sandbox: SandboxServer) -> None:
    sandbox.drive.create_folder("before")
    token = start_token(drive)
    assert changes_since(drive, token) == ([], token)
    assert start_token(drive) == token


def test_a_file_has_one_entry_with_its_current_state(drive: Any, sandbox: SandboxServer) -> None:
    token = start_token(drive)
    first = sandbox.drive.create_folder("A")
    second = sandbox.drive.create_folder("B")
    sandbox.drive.rename(first, "A2")
    found, _ = changes_since(drive, token)
    assert [(each["fileId"], each["file"]["name"]) for each in found] == [
        (second, "B"),
        (first, "A2"),
    ]


def test_changes_come_in_pages_and_tokens_do_not_expire(drive: Any, sandbox: SandboxServer) -> None:
    token = start_token(drive)
    made = [sandbox.drive.create_folder(f"f{number}") for number in range(5)]
    sandbox.google.expire_tokens()
    found, new = changes_since(drive, token, pageSize=2)
    assert [each["fileId"] for each in found] == made
    assert changes_since(drive, new) == ([], new)


def test_trash_is_a_state_and_only_delete_removes(drive: Any, sandbox: SandboxServer) -> None:
    folder = sandbox.drive.create_folder("A")
    child = sandbox.drive.drop_file(folder, "b.txt", b"")
    token = start_token(drive)
    sandbox.drive.trash(folder)
    found, token = changes_since(drive, token)
    assert [(each["fileId"], each["file"]["trashed"]) for each in found] == [(folder, True)]
    sandbox.drive.delete(folder)
    found, _ = changes_since(drive, token)
    assert [(each["fileId"], each["removed"]) for each in found] == [(folder, True), (child, True)]
    assert all("file" not in each for each in found)
    assert changes_since(drive, token, includeRemoved=False)[0] == []


def test_a_token_from_the_future_or_no_number_is_refused(drive: Any) -> None:
    for token in ("nonsense", "999999", "0"):
        assert refused(drive.changes().list(pageToken=token)) == (400, "invalid")


def test_each_shared_drive_has_its_own_log(drive: Any, sandbox: SandboxServer) -> None:
    shared = sandbox.drive.create_drive("Sales")
    mine, theirs = start_token(drive), start_token(drive, driveId=shared, supportsAllDrives=True)
    inside = sandbox.drive.create_folder("inside", shared)
    assert changes_since(drive, mine)[0] == []
    query = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}
    found, _ = changes_since(drive, theirs, driveId=shared, **query)
    assert [each["fileId"] for each in found] == [inside]
    assert [each["fileId"] for each in changes_since(drive, mine, **query)[0]] == [inside]
    assert refused(drive.changes().list(pageToken="1", driveId=shared))[0] == 400


def test_losing_access_looks_like_a_removal(
    drive: Any, service_of: Any, sandbox: SandboxServer
) -> None:
    bobs = service_of("drive", "bob@pipedesk.example")
    folder = sandbox.drive.create_folder("A")
    body = {"type": "user", "role": "reader", "emailAddress": "bob@pipedesk.example"}
    token = start_token(bobs)
    given = drive.permissions().create(fileId=folder, body=body).execute()
    found, token = changes_since(bobs, token)
    assert [each["fileId"] for each in found] == [folder]
    drive.permissions().delete(fileId=folder, permissionId=given["id"]).execute()
    found, _ = changes_since(bobs, token)
    assert [(each["fileId"], each["removed"]) for each in found] == [(folder, True)]
    assert changes_since(drive, "1")[0][0]["removed"] is False
