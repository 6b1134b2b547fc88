"""Files uploaded in the API: through the disk to Google, whole or not at all."""

from __future__ import annotations

import io
import logging
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings
from rest_framework.test import APIClient

from crm.models import Lead
from gdrive.models import DriveChangeLog, DriveFile, DriveFolderTree
from pipedesk.core.models import StoredAnswer
from pipedesk.google import sending
from pipedesk.google.service import close_services
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.factories.accounts import UserFactory
from tests.factories.crm import LeadFactory
from tests.gdrive.test_creation_views import KEY, everything, follow, own

pytestmark = pytest.mark.django_db

Api = Callable[..., Any]
Provision = Callable[[str, object], DriveFolderTree]
FolderId = Callable[[str, object], str]
CHUNK = 256 * 1024
CONTENT = os.urandom(CHUNK * 3 + 1000)


@pytest.fixture
def lead(provision: Provision) -> Lead:
    lead: Lead = LeadFactory(title="ACME")
    provision("lead", lead.pk)
    return lead


@pytest.fixture
def root_id(lead: Lead, folder_id: FolderId) -> str:
    return folder_id("lead", lead.pk)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Several chunks per file, and no long waits between tries."""
    monkeypatch.setattr(sending, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(sending, "pause_after", lambda failure, attempt: 0.01)
    settings.DRIVE_MAX_UPLOAD_MB = 1


@pytest.fixture(autouse=True)
def waiting(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """Where files wait; none is ever left."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    yield tmp_path
    assert list(tmp_path.iterdir()) == []
    here = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [path for path in here if path.startswith(str(tmp_path))]


def address(lead: Lead) -> str:
    return f"/api/drive/lead/{lead.pk}/upload"


def a_file(name: str = "offer.pdf", content: bytes = CONTENT, kind: str = "text/html") -> Any:
    return SimpleUploadedFile(name, content, kind)


def send(client: Any, lead: Lead, file: Any = None, **options: Any) -> Any:
    form = {"file": file or a_file(), **options.pop("form", {})}
    return client.post(address(lead), form, format="multipart", **options)


def test_a_file_arrives_whole(api: Api, lead: Lead, root_id: str, drive: DrivePeople) -> None:
    answer = send(api("manager"), lead)

    assert answer.status_code == 201, answer.content
    item = answer.json()
    assert item["parents"] == [root_id]
    assert (item["name"], item["mimeType"], item["size"]) == (
        "offer.pdf", "application/pdf", len(CONTENT),
    )  # fmt: skip
    assert drive.content(item["id"]) == CONTENT
    assert drive.file(item["id"])["appProperties"]["entity_id"] == str(lead.pk)
    link = api("sales").get(f"/api/drive/lead/{lead.pk}/files/{item['id']}/download").json()
    assert item["id"] in link["url"]
    assert item in api("sales").get(f"/api/drive/lead/{lead.pk}").json()["files"]


def test_the_form_may_name_the_entity_and_the_folder(
    api: Api, lead: Lead, root_id: str, drive: DrivePeople
) -> None:
    folder = drive.create_folder("Inside", root_id)
    follow()
    form = {
        "file": a_file(), "entityType": "lead", "entityId": str(lead.pk), "parentId": folder,
    }  # fmt: skip

    answer = api("manager").post("/api/drive/files", form, format="multipart")

    assert answer.status_code == 201, answer.content
    assert answer.json()["parents"] == [folder]


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2**20])
def test_every_size_arrives(api: Api, lead: Lead, drive: DrivePeople, size: int) -> None:
    content = os.urandom(size)
    answer = send(api("manager"), lead, a_file(content=content))

    assert answer.status_code == 201
    assert (answer.json()["size"], drive.content(answer.json()["id"])) == (size, content)


@pytest.mark.parametrize("extra", [1, 5 * 2**20])
def test_a_file_that_is_too_large_is_413(
    api: Api, lead: Lead, drive: DrivePeople, extra: int
) -> None:
    before = everything(drive)

    answer = send(api("manager"), lead, a_file(content=b"x" * (2**20 + extra)))

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert "1 MB" in answer.json()["message"]
    assert everything(drive) == before


def test_other_calls_keep_their_limit(api: Api, lead: Lead) -> None:
    body = {"name": "x" * 1_100_000}

    assert api("manager").post(f"/api/drive/lead/{lead.pk}/folder", body).status_code == 413


def test_a_session_uploads_with_its_csrf_token_and_under_the_same_limit(
    api: Api, lead: Lead, drive: DrivePeople
) -> None:
    """There the form is read early, in search of the token."""
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(UserFactory(role="admin"), "django.contrib.auth.backends.ModelBackend")
    token = "a" * 32
    client.cookies["csrftoken"] = token

    without = send(client, lead)
    good = send(client, lead, HTTP_X_CSRFTOKEN=token)
    large = send(client, lead, a_file(content=b"x" * (2**20 + 1)), HTTP_X_CSRFTOKEN=token)

    assert [one.status_code for one in (without, good, large)] == [403, 201, 413]
    assert own(lead, drive) == {"offer.pdf": None}


# --- What is not taken ------------------------------------------------------------------------


def archive(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name in names:
            packed.writestr(name, b"x" * 100)
    return stream.getvalue()


def container(class_id: str) -> bytes:
    """An OLE file whose root has this class."""
    head = bytearray(512)
    head[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    head[30:32], head[48:52] = (9).to_bytes(2, "little"), (1).to_bytes(4, "little")
    root = bytearray(512)
    root[80:96] = bytes.fromhex(class_id)
    return bytes(head) + bytes(512) + bytes(root)


INSTALLER = "84100c0000000000c000000000000046"
DOCUMENT = "0609020000000000c000000000000046"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((f"a.{kind}", b"x") for kind in ("exe", "msi", "bat", "cmd", "com", "scr", "ps1")),
        *((f"a.{kind}", b"x") for kind in ("vbs", "js", "jar", "sh")),
        ("A.EXE", b"x"), ("offer.pdf.exe", b"x"), ("a.exe. . ", b"x"), (".exe", b"x"),
        ("\u202efdp.exe", b"x"),
        ("a.pdf", b"MZ\x90\x00" + b"x" * 100),
        ("a.pdf", b"\x7fELF\x02"), ("a.pdf", b"\xcf\xfa\xed\xfe\x07"), ("a.txt", b"#!/bin/sh\n"),
        ("a.zip", archive("META-INF/MANIFEST.MF", "A.class")),
        ("a.zip", archive(*(f"{n}" for n in range(2000)), "META-INF/MANIFEST.MF")),
        ("a.pdf", b"\xca\xfe\xba\xbe\x00\x00"), ("a.doc", container(INSTALLER)),
    ],
)  # fmt: skip
def test_programs_and_scripts_are_415(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople, name: str, content: bytes
) -> None:
    before = everything(drive)

    answer = send(api("manager"), lead, a_file(name, content))

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert everything(drive) == before
    assert google.google.uploads.open_sessions() == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", archive("[Content_Types].xml", "word/document.xml")),
        ("a.odt", archive("mimetype", "META-INF/manifest.xml")),
        ("a.doc", container(DOCUMENT)), ("a.exe.pdf", b"%PDF-"), ("MZ.txt", b"MZ is a currency"),
        ("exe", b"x"), ("a.json", b"{}"), ("a.doc", bytes.fromhex("d0cf11e0a1b11ae1")),
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_taken(
    api: Api, lead: Lead, drive: DrivePeople, name: str, content: bytes
) -> None:
    assert send(api("manager"), lead, a_file(name, content)).status_code == 201


def test_what_is_refused_is_a_setting(api: Api, lead: Lead, settings: Settings) -> None:
    settings.DRIVE_BLOCKED_TYPES = frozenset({"pdf"})

    assert send(api("manager"), lead, a_file("a.sh", b"#!/bin/sh")).status_code == 201
    assert send(api("manager"), lead, a_file("a.pdf", b"x")).status_code == 415


@pytest.mark.parametrize(
    ("sent", "kept", "kind"),
    [
        ("../../etc/passwd", "passwd", "application/octet-stream"),
        ("..\\..\\boot.ini", "boot.ini", "application/octet-stream"),
        ("CON", "CON", "application/octet-stream"),
        ("it's \u201cx\u201d.PDF", "it's \u201cx\u201d.PDF", "application/pdf"),
        ("🚀 ação.xlsx", "🚀 ação.xlsx",
         "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("\u202egnp.pdf", "gnp.pdf", "application/pdf"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf", "application/pdf"),
        ("a.tar.gz", "a.tar.gz", "application/x-gzip"),
        ("page.html", "page.html", "text/html"), ("a.webp", "a.webp", "image/webp"),
    ],
)  # fmt: skip
def test_names_are_kept_as_text_only_and_say_the_type(
    api: Api, lead: Lead, sent: str, kept: str, kind: str
) -> None:
    file = a_file(kind="application/vnd.google-apps.document")
    file._name = sent  # as a client might send it: Django's class would tidy it

    answer = send(api("manager"), lead, file)

    assert answer.status_code == 201, answer.content
    assert (answer.json()["name"], answer.json()["mimeType"]) == (kept, kind)


@pytest.mark.parametrize(
    "form",
    [
        {}, {"file": "text"}, {"document": a_file()}, {"file": a_file(), "extra": "x"},
        {"file": [a_file(content=b"x"), a_file(content=b"y")]},
        {"file": a_file(), "more": a_file(content=b"x")},
    ],
)  # fmt: skip
def test_a_form_that_breaks_a_rule_is_422(
    api: Api, lead: Lead, drive: DrivePeople, form: dict[str, Any]
) -> None:
    before = everything(drive)

    answer = api("manager").post(address(lead), form, format="multipart")

    assert answer.status_code == 422, answer.content
    assert everything(drive) == before


def test_a_body_that_is_no_form_is_refused(api: Api, lead: Lead) -> None:
    client = api("manager")

    assert client.post(address(lead), {"file": "x"}).status_code == 415
    broken = client.post(address(lead), b"x", content_type="multipart/form-data")
    assert broken.status_code == 400


def test_a_form_that_ends_too_early_begins_nothing(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople
) -> None:
    """A client that vanished: what came would look like a whole, smaller file."""
    before = everything(drive)
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    extra = {"CONTENT_LENGTH": "500000", "wsgi.input": io.BytesIO(head + b"x" * 1000)}

    answer = api("manager").generic(
        "POST", address(lead), b"x", content_type="multipart/form-data; boundary=b", **extra
    )

    assert answer.status_code == 400
    assert everything(drive) == before
    assert google.google.uploads.open_sessions() == 0


# --- Google fails -----------------------------------------------------------------------------

FAULTS = ("timeout_after_commit", "reset_after_commit", "reset_before", "malformed", "truncated")


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("skip", [0, 1, 3])
@pytest.mark.parametrize("method", ["drive.upload", "drive.files.create"])
def test_d60_an_answer_lost_on_the_way_makes_no_second_file(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople, kind: str, skip: int,
    method: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("pipedesk.google.service.READ_TIMEOUT_S", 0.5)
    close_services()
    google.google.faults.plan({"method": f"^{method}$", "kind": kind, "skip": skip, "seconds": 1.0})

    answer = send(api("manager"), lead)

    assert answer.status_code == 201, answer.content
    assert drive.content(answer.json()["id"]) == CONTENT
    assert own(lead, drive) == {"offer.pdf": None}
    assert DriveChangeLog.objects.filter(event_type="created").count() == 1


@pytest.mark.parametrize("sent", [0, 1, 2, 3])
def test_d60_a_session_google_forgot_is_begun_anew_under_the_same_id(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople, sent: int
) -> None:
    google.google.faults.plan(
        {"method": "^drive.upload$", "kind": "status", "status": 404, "reason": "notFound",
         "skip": sent}
    )  # fmt: skip

    answer = send(api("manager"), lead)

    assert answer.status_code == 201, answer.content
    assert own(lead, drive) == {"offer.pdf": None}
    assert drive.content(answer.json()["id"]) == CONTENT


def test_an_interrupted_upload_goes_on_where_google_has_it(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople
) -> None:
    google.google.requests.clear()
    google.google.faults.plan(
        {"method": "^drive.upload$", "kind": "status", "status": 503, "skip": 2}
    )

    answer = send(api("manager"), lead)

    assert drive.content(answer.json()["id"]) == CONTENT
    # Four chunks, one of them twice, and the question how far it came.
    assert google.google.requests.count("drive.upload") == 6


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 503}, 503),
        ({"status": 401, "reason": "authError"}, 503),
        ({"status": 429, "reason": "rateLimitExceeded", "retry_after": "600"}, 503),
        ({"status": 403, "reason": "storageQuotaExceeded"}, 409),
    ],
)
def test_a_failure_for_good_in_the_middle_leaves_nothing(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople, fault: dict[str, Any],
    status: int, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sending, "pause_after", lambda failure, _n: failure.retry_after_s or 0.01)
    follow()
    before = everything(drive)
    google.google.faults.plan(
        {"method": "^drive.upload$", "kind": "status", "skip": 2, "times": 20, **fault}
    )

    answer = send(api("manager"), lead)

    assert answer.status_code == status, answer.content
    assert everything(drive) == before
    assert google.google.uploads.open_sessions() == 0
    assert google.google.requests.count("drive.upload.cancel") == 1
    google.google.faults.clear()
    follow()
    assert everything(drive) == before


def test_the_key_finds_its_own_file(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople
) -> None:
    client = api("manager")
    google.google.faults.plan(
        {"method": "^drive.upload$", "kind": "status", "status": 503, "times": 3}
    )

    away = send(client, lead, headers=KEY)
    first = send(client, lead, headers=KEY)
    replayed = send(client, lead, headers=KEY)
    StoredAnswer.objects.all().delete()  # as after a death before the answer was kept
    again = send(client, lead, headers=KEY)
    other = send(client, lead, a_file(content=b"another"), headers=KEY)

    codes = [one.status_code for one in (away, first, replayed, again, other)]
    assert codes == [503, 201, 201, 201, 422]
    assert replayed["Idempotency-Replayed"] == "true"
    assert first.json() == replayed.json() == again.json()
    assert own(lead, drive) == {"offer.pdf": None}


def test_d65_no_log_holds_the_address_of_a_session(
    api: Api, lead: Lead, google: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    begin = google.google.uploads.begin

    def remember(call: Any) -> Any:
        session = begin(call)
        seen.append(session.id)
        return session

    google.google.uploads.begin = remember  # type: ignore[method-assign]
    google.google.faults.plan(
        {"method": "^drive.upload$", "kind": "status", "status": 500, "times": 20, "skip": 1}
    )

    assert send(api("manager"), lead).status_code == 503
    assert seen
    text = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert not [one for one in seen if one in text]


def test_who_may_upload(api: Api, lead: Lead, drive: DrivePeople) -> None:
    seller = api("sales")
    Lead.objects.filter(pk=lead.pk).update(owner=seller.user)
    for client, status in (
        (api(None), 401), (api(""), 403), (api("sales"), 403), (seller, 201), (api("admin"), 201),
    ):  # fmt: skip
        assert send(client, lead).status_code == status
    assert DriveFile.objects.filter(name="offer.pdf").count() == 2
