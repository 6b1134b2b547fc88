"""Drive: files, folders, trash, uploads, shared drives, permissions."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload

from pipedesk.sandbox.server import SandboxServer
from tests.sandbox.conftest import build_service
from tests.sandbox.test_editing import refused

FOLDER = "application/vnd.google-apps.folder"


def test_generated_ids_make_a_create_idempotent(drive: Any, sandbox: SandboxServer) -> None:
    ids = drive.files().generateIds(count=1000).execute()["ids"]
    assert len(set(ids)) == 1000
    body = {"id": ids[0], "name": "Deals", "mimeType": FOLDER}
    assert drive.files().create(body=body).execute() == {
        "kind": "drive#file",
        "id": ids[0],
        "name": "Deals",
        "mimeType": FOLDER,
    }
    assert refused(drive.files().create(body=body)) == (409, "fileIdInUse")
    assert sandbox.drive.tree() == {"Deals": {}}


def test_over_1000_ids_and_made_up_ids_are_refused(drive: Any) -> None:
    assert refused(drive.files().generateIds(count=1001)) == (400, "invalidParameter")
    body = {"id": "my-own-id", "name": "x", "mimeType": FOLDER}
    assert refused(drive.files().create(body=body)) == (400, "invalid")


def test_a_docs_file_cannot_have_a_generated_id(drive: Any) -> None:
    file_id = drive.files().generateIds(count=1).execute()["ids"][0]
    body = {"id": file_id, "name": "x", "mimeType": "application/vnd.google-apps.document"}
    assert refused(drive.files().create(body=body)) == (400, "invalid")


def test_the_mask_decides_what_is_answered(drive: Any, sandbox: SandboxServer) -> None:
    folder = sandbox.drive.create_folder("Deals")
    get = drive.files().get
    assert set(get(fileId=folder).execute()) == {"kind", "id", "name", "mimeType"}
    assert get(fileId=folder, fields="id,owners(emailAddress)").execute() == {
        "id": folder,
        "owners": [{"emailAddress": "ana@pipedesk.example"}],
    }
    assert get(fileId=folder, fields="owners/me").execute() == {"owners": [{"me": True}]}
    everything = get(fileId=folder, fields="*").execute()
    assert everything["version"] == "1"
    assert everything["parents"] == [get(fileId="root").execute()["id"]]
    assert refused(get(fileId=folder, fields="id,nonsense")) == (400, "invalidParameter")
    assert refused(get(fileId=folder, fields="id(")) == (400, "invalidParameter")


@pytest.mark.parametrize("resumable", [False, True])
def test_uploaded_bytes_come_back(drive: Any, resumable: bool) -> None:
    content = bytes(range(256)) * 2100
    media = MediaInMemoryUpload(content, "application/pdf", 262_144, resumable=resumable)
    request = drive.files().create(
        body={"name": "offer.pdf"}, media_body=media, fields="id,size,md5Checksum,mimeType"
    )
    file = request.execute()
    assert (file["size"], file["mimeType"]) == (str(len(content)), "application/pdf")
    assert drive.files().get_media(fileId=file["id"]).execute() == content


def test_a_simple_upload_replaces_the_content(drive: Any, sandbox: SandboxServer) -> None:
    file_id = sandbox.drive.drop_file("root", "a.txt", b"one")
    media = MediaInMemoryUpload(b"two\n--x\r\n", "text/plain")
    file = drive.files().update(fileId=file_id, media_body=media, fields="id,version").execute()
    assert file == {"id": file_id, "version": "2"}
    assert sandbox.drive.content(file_id) == b"two\n--x\r\n"


def test_an_unknown_upload_session_answers_404(drive: Any, sandbox: SandboxServer) -> None:
    media = MediaInMemoryUpload(b"x" * 600_000, "text/plain", 262_144, resumable=True)
    request = drive.files().create(body={"name": "x"}, media_body=media)
    request.next_chunk()
    sandbox.google.uploads.clear()
    assert refused(request) == (404, "notFound")


def test_a_move_changes_the_parent_and_a_cycle_is_refused(
    drive: Any, sandbox: SandboxServer
) -> None:
    a = sandbox.drive.create_folder("A")
    b = sandbox.drive.create_folder("B", a)
    c = sandbox.drive.create_folder("C", b)
    files = drive.files()
    moved = files.update(fileId=c, addParents=a, removeParents=b, fields="parents").execute()
    assert moved == {"parents": [a]}
    sandbox.drive.move(c, b)
    cycle = files.update(fileId=a, addParents=c, removeParents="root")
    assert refused(cycle) == (400, "badRequest")
    assert refused(files.update(fileId=c, addParents=a)) == (403, "cannotAddParent")
    assert refused(files.create(body={"name": "x", "parents": ["nowhere"]})) == (404, "notFound")
    assert sandbox.drive.tree() == {"A": {"B": {"C": {}}}}


def test_trash_covers_what_lies_below_and_restoring_brings_it_back(
    drive: Any, sandbox: SandboxServer
) -> None:
    folder = sandbox.drive.create_folder("A")
    child = sandbox.drive.drop_file(folder, "b.txt", b"")
    fields = "trashed,explicitlyTrashed"
    drive.files().update(fileId=folder, body={"trashed": True}).execute()
    below = drive.files().get(fileId=child, fields=fields).execute()
    assert below == {"trashed": True, "explicitlyTrashed": False}
    assert sandbox.drive.tree() == {}
    assert len(drive.files().list().execute()["files"]) == 2
    drive.files().update(fileId=folder, body={"trashed": False}).execute()
    assert not drive.files().get(fileId=child, fields=fields).execute()["trashed"]
    assert sandbox.drive.tree() == {"A": {"b.txt": None}}


def test_delete_takes_everything_below_and_the_id_stays_used(
    drive: Any, sandbox: SandboxServer
) -> None:
    folder = sandbox.drive.create_folder("A")
    child = sandbox.drive.drop_file(folder, "b.txt", b"x")
    drive.files().delete(fileId=folder).execute()
    for gone in (folder, child):
        assert refused(drive.files().get(fileId=gone)) == (404, "notFound")
    body = {"id": folder, "name": "A", "mimeType": FOLDER}
    assert refused(drive.files().create(body=body)) == (409, "fileIdInUse")


def test_app_properties_merge_clear_and_have_a_limit(drive: Any, sandbox: SandboxServer) -> None:
    folder = sandbox.drive.create_folder("A", appProperties={"deal": "1", "node": "x"})
    body = {"appProperties": {"node": None, "lead": "2"}}
    changed = drive.files().update(fileId=folder, body=body, fields="appProperties").execute()
    assert changed == {"appProperties": {"deal": "1", "lead": "2"}}
    long = {"appProperties": {"k": "ç" * 62}}
    assert refused(drive.files().update(fileId=folder, body=long)) == (400, "propertyTooLong")
    many = {"appProperties": {str(number): "" for number in range(31)}}
    assert refused(drive.files().update(fileId=folder, body=many))[0] == 403


def test_a_copy_has_the_content_and_a_folder_cannot_be_copied(
    drive: Any, sandbox: SandboxServer
) -> None:
    file_id = sandbox.drive.drop_file("root", "a.txt", b"one")
    copy = drive.files().copy(fileId=file_id, body={}, fields="id,name").execute()
    assert copy["name"] == "Copy of a.txt"
    assert sandbox.drive.content(copy["id"]) == b"one"
    folder = sandbox.drive.create_folder("A")
    assert refused(drive.files().copy(fileId=folder, body={})) == (403, "cannotCopyFile")


def test_a_shared_drive_needs_supports_all_drives(drive: Any, sandbox: SandboxServer) -> None:
    shared = drive.drives().create(requestId="r1", body={"name": "Sales"}).execute()["id"]
    assert [each["id"] for each in drive.drives().list().execute()["drives"]] == [shared]
    assert drive.drives().get(driveId=shared).execute()["name"] == "Sales"
    folder = sandbox.drive.create_folder("A", shared)
    assert refused(drive.files().get(fileId=folder)) == (404, "notFound")
    answer = drive.files().get(fileId=folder, supportsAllDrives=True, fields="driveId,owners")
    assert answer.execute() == {"driveId": shared}
    assert drive.files().list().execute()["files"] == []
    everything = {"corpora": "drive", "driveId": shared, "includeItemsFromAllDrives": True}
    listed = drive.files().list(**everything, supportsAllDrives=True).execute()["files"]
    assert [each["id"] for each in listed] == [folder]
    assert refused(drive.files().list(**everything))[0] == 400


def test_a_file_is_anothers_until_shared_and_after_it(
    drive: Any, service_of: Any, sandbox: SandboxServer
) -> None:
    bobs = service_of("drive", "bob@pipedesk.example")
    folder = sandbox.drive.create_folder("A")
    child = sandbox.drive.drop_file(folder, "b.txt", b"")
    assert refused(bobs.files().get(fileId=child)) == (404, "notFound")
    body = {"type": "user", "role": "reader", "emailAddress": "bob@pipedesk.example"}
    given = drive.permissions().create(fileId=folder, body=body).execute()
    assert bobs.files().get(fileId=child).execute()["name"] == "b.txt"
    role = {"role": "writer"}
    permission = {"fileId": folder, "permissionId": given["id"]}
    assert drive.permissions().update(**permission, body=role).execute()["role"] == "writer"
    listed = drive.permissions().list(fileId=folder).execute()["permissions"]
    assert [each["role"] for each in listed] == ["owner", "writer"]
    drive.permissions().delete(**permission).execute()
    assert refused(bobs.files().get(fileId=child)) == (404, "notFound")


def test_about_wants_fields(drive: Any) -> None:
    assert refused(drive.about().get()) == (400, "required")
    user = drive.about().get(fields="user(emailAddress)").execute()
    assert user == {"user": {"emailAddress": "ana@pipedesk.example"}}


def test_emptying_the_trash_deletes_only_what_is_in_it(drive: Any, sandbox: SandboxServer) -> None:
    sandbox.drive.create_folder("kept")
    sandbox.drive.trash(sandbox.drive.create_folder("gone"))
    drive.files().emptyTrash().execute()
    assert [file["name"] for file in drive.files().list().execute()["files"]] == ["kept"]


def test_a_part_of_a_file_can_be_downloaded(drive: Any, sandbox: SandboxServer) -> None:
    file_id = sandbox.drive.drop_file("root", "a.txt", b"0123456789")
    request = drive.files().get_media(fileId=file_id)
    request.headers["Range"] = "bytes=2-4"
    assert request.execute() == b"234"
    folder = sandbox.drive.create_folder("A")
    assert refused(drive.files().get_media(fileId=folder))[0] == 400


def test_after_a_failed_chunk_the_session_says_where_to_go_on(
    drive: Any, sandbox: SandboxServer
) -> None:
    content = b"0123456789abcdef" * 40_000
    sandbox.google.faults.plan({"method": r"drive\.upload", "kind": "status", "status": 503})
    media = MediaInMemoryUpload(content, "text/plain", 262_144, resumable=True)
    request = drive.files().create(body={"name": "x"}, media_body=media)
    # num_retries would send the same, already read stream: asking again is the way that works.
    with pytest.raises(HttpError, match="503"):
        request.next_chunk()
    file = None
    while file is None:
        _, file = request.next_chunk()
    assert sandbox.drive.content(file["id"]) == content
    assert sandbox.google.requests.count("drive.upload") == 5


def test_of_many_creates_with_one_id_at_once_one_succeeds(
    service_of: Any, sandbox: SandboxServer
) -> None:
    file_id = service_of("drive").files().generateIds(count=1).execute()["ids"][0]
    body = {"id": file_id, "name": "A", "mimeType": FOLDER}

    def create(_: int) -> int:
        service = build_service(sandbox.root_url, "drive")
        try:
            service.files().create(body=body).execute()
        except HttpError as failure:
            return int(failure.status_code)
        finally:
            service.close()
        return 200

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(create, range(16)))
    assert statuses == [200] + [409] * 15
    assert sandbox.drive.tree() == {"A": {}}
