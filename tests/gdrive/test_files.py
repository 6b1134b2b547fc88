"""Renaming and moving what lies in an entity's folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from crm.models import Lead
from gdrive.models import DriveFile, DriveFolderNode, DriveFolderTree
from gdrive.tasks import provision_tree
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.factories.crm import CompanyFactory, LeadFactory
from tests.gdrive.desk import Desk, log
from tests.gdrive.following import follow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("impatient")]

Api = Callable[..., Any]
FolderId = Callable[[str, object], str]
Provision = Callable[[str, object], DriveFolderTree]


def rename(client: Any, desk: Desk, file_id: str, name: object) -> Any:
    return client.put(desk.address(file_id, "rename"), {"name": name})


def move(client: Any, desk: Desk, file_id: str, target: object) -> Any:
    body = {"destination_parent_id": target}
    return client.put(desk.address(file_id, "move"), body)


# --- Rename -----------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["name", "new_name", "newName"])
def test_a_file_is_renamed_on_both_sides_and_the_echo_is_no_news(
    api: Api, desk: Desk, field: str
) -> None:
    answer = api("manager").put(desk.address(desk.file, "rename"), {field: "offer 2.pdf"})

    assert answer.status_code == 200, answer.content
    assert answer.json()["name"] == "offer 2.pdf"
    assert desk.drive.file(desk.file)["name"] == "offer 2.pdf"
    assert log() == [(desk.file, "renamed")]
    before = DriveFile.objects.order_by("pk").values()
    rows = list(before)
    follow()
    assert list(before.all()) == rows
    assert log() == [(desk.file, "renamed")]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('it\'s \\ "quoted"', 'it\'s \\ "quoted"'),
        ("🚀 ação", "🚀 ação"),
        ("  two\nlines\t ", "two lines"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("‮fdp.txt", "fdp.txt"),
        ("—", "—"),
        ("x" * 255, "x" * 255),
    ],
)
def test_odd_names_arrive_as_they_are(api: Api, desk: Desk, sent: str, kept: str) -> None:
    assert rename(api("manager"), desk, desk.file, sent).json()["name"] == kept
    assert desk.drive.file(desk.file)["name"] == kept
    assert desk.drive.file(desk.file)["parents"] == [desk.root]


@pytest.mark.parametrize(
    ("verb", "method", "body"),
    [
        ("rename", "put", {"name": "b.pdf"}),
        ("move", "put", {"destination_parent_id": None}),
        ("", "delete", None),
        ("restore", "post", None),
    ],
)
def test_who_saw_an_older_file_changes_nothing(
    api: Api, desk: Desk, verb: str, method: str, body: dict[str, str | None] | None
) -> None:
    client = api("manager")
    if body == {"destination_parent_id": None}:
        body = {"destination_parent_id": desk.inner}
    seen = client.get(desk.address(desk.file))["ETag"]
    renamed = client.put(desk.address(desk.file, "rename"), {"name": "a.pdf"}, HTTP_IF_MATCH=seen)
    before = desk.state()

    call = getattr(client, method)
    refused = call(desk.address(desk.file, verb), body, HTTP_IF_MATCH=seen)

    assert (renamed.status_code, refused.status_code) == (200, 412)
    assert refused.json()["code"] == "precondition_failed"
    assert "name" in {detail["field"] for detail in refused.json()["details"]}
    assert desk.state() == before
    again = call(desk.address(desk.file, verb), body, HTTP_IF_MATCH=renamed["ETag"])
    assert again.status_code in {200, 204}


@pytest.mark.parametrize("name", ["offer.exe", "offer.pdf.BAT", "offer.exe. "])
def test_a_file_is_not_made_a_program_by_its_name(api: Api, desk: Desk, name: str) -> None:
    answer = rename(api("manager"), desk, desk.file, name)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert desk.drive.file(desk.file)["name"] == "offer.pdf"


def test_a_folder_may_be_called_as_it_likes(api: Api, desk: Desk) -> None:
    assert rename(api("manager"), desk, desk.folder, "site.com").status_code == 200


@pytest.mark.parametrize("name", ["", "   ", "\n", "‮", "x" * 256, None, 7, ["a"], {}])
def test_what_is_no_name_is_422_and_changes_nothing(api: Api, desk: Desk, name: object) -> None:
    before = desk.state()

    assert rename(api("manager"), desk, desk.file, name).status_code == 422
    assert desk.state() == before


def test_two_names_that_differ_are_refused(api: Api, desk: Desk) -> None:
    body = {"name": "a", "new_name": "b"}

    assert api("manager").put(desk.address(desk.file, "rename"), body).status_code == 422


def test_the_records_own_folder_keeps_the_name_a_person_gave_it(api: Api, desk: Desk) -> None:
    assert rename(api("manager"), desk, desk.root, "Our best customer").status_code == 200

    desk.lead.title = "ACME 2"
    desk.lead.save()
    provision_tree(DriveFolderTree.objects.of("lead", desk.lead.pk).get().pk)

    assert desk.drive.file(desk.root)["name"] == "Our best customer"


def test_a_folder_of_the_template_keeps_the_name_a_person_gave_it(api: Api, desk: Desk) -> None:
    node = DriveFolderNode.objects.filter(path_key__startswith="template:").first()
    assert node is not None
    assert rename(api("manager"), desk, node.google_id, "Papers").status_code == 200

    provision_tree(DriveFolderTree.objects.of("lead", desk.lead.pk).get().pk)

    assert desk.drive.file(node.google_id)["name"] == "Papers"


# --- Move -------------------------------------------------------------------------------------


def test_a_file_and_a_folder_are_moved_on_both_sides(api: Api, desk: Desk) -> None:
    client = api("manager")

    first = move(client, desk, desk.file, desk.inner)
    second = move(client, desk, desk.inner, desk.root)

    assert (first.status_code, second.status_code) == (200, 200), first.content
    assert first.json()["parents"] == [desk.inner]
    assert desk.drive.file(desk.file)["parents"] == [desk.inner]
    assert desk.drive.file(desk.inner)["parents"] == [desk.root]
    moves = [(desk.file, "moved"), (desk.inner, "moved")]
    assert log() == moves
    follow()
    assert log() == moves
    assert DriveFile.objects.get(file_id=desk.deep).unavailable_at is None


def test_what_is_there_already_stays_without_a_call(
    api: Api, desk: Desk, google: SandboxServer
) -> None:
    google.google.requests.clear()

    assert move(api("manager"), desk, desk.file, desk.root).status_code == 200
    assert google.google.requests.as_json() == {}


def test_a_folder_is_not_put_into_itself_or_below(
    api: Api, desk: Desk, google: SandboxServer
) -> None:
    before = desk.state()
    google.google.requests.clear()

    for target in (desk.folder, desk.inner):
        assert move(api("manager"), desk, desk.folder, target).status_code == 409
    assert google.google.requests.as_json() == {}
    assert desk.state() == before


def test_the_records_own_folder_is_not_moved(api: Api, desk: Desk) -> None:
    answer = move(api("admin"), desk, desk.root, desk.folder)

    assert answer.status_code == 400
    assert "own folder" in answer.json()["message"]


def test_destinations_that_are_none(
    api: Api, desk: Desk, provision: Provision, folder_id: FolderId
) -> None:
    other = LeadFactory()
    provision("lead", other.pk)
    desk.drive.trash(desk.inner)
    follow()
    before = desk.state()
    client = api("manager")

    for target, status in [
        (folder_id("lead", other.pk), 404),
        ("nothing", 404),
        ("root", 404),
        ("x' or '1", 404),
        (desk.file, 422),
        (desk.inner, 409),
        ("", 422),
        (None, 422),
        ([desk.folder], 422),
    ]:
        assert move(client, desk, desk.file, target).status_code == status, target
    assert desk.state() == before


def test_somebody_who_moved_it_meanwhile_is_not_overruled(api: Api, desk: Desk) -> None:
    desk.drive.move(desk.file, desk.inner)

    answer = move(api("manager"), desk, desk.file, desk.folder)

    assert answer.status_code == 409
    assert desk.drive.file(desk.file)["parents"] == [desk.inner]


# --- A lead's folder in its company's ---------------------------------------------------------


class Nested:
    """Two leads of one company; the first is `mine`."""

    def __init__(self, mine: Lead, provision: Provision, folder_id: FolderId) -> None:
        company = mine.qualified_company
        self.other = LeadFactory(qualified_company=company)
        for lead in (mine, self.other):
            provision("lead", lead.pk)
        provision("company", company.pk)
        self.root = folder_id("lead", self.other.pk)
        self.company_root = folder_id("company", company.pk)
        self.address = f"/api/drive/company/{company.pk}/files"


def test_another_records_folder_is_changed_at_that_record_only(
    api: Api, drive: DrivePeople, provision: Provision, folder_id: FolderId
) -> None:
    nested = Nested(LeadFactory(qualified_company=CompanyFactory()), provision, folder_id)
    file = drive.drop_file(nested.company_root, "a.txt", b"1")
    follow()
    client, tree = api("manager"), drive.tree()

    for address, body in [
        (f"{nested.root}/rename", {"name": "x"}),
        (f"{nested.root}/move", {"destination_parent_id": nested.company_root}),
        (f"{file}/move", {"destination_parent_id": nested.root}),
    ]:
        answer = client.put(f"{nested.address}/{address}", body)
        assert answer.status_code == 409, address
        assert "record" in answer.json()["message"]
    assert drive.tree() == tree


def test_who_writes_in_a_company_does_not_write_in_all_its_leads(
    api: Api, drive: DrivePeople, provision: Provision, folder_id: FolderId
) -> None:
    client = api("sales")
    mine = LeadFactory(qualified_company=CompanyFactory(), owner=client.user)
    nested = Nested(mine, provision, folder_id)
    theirs = drive.drop_file(nested.root, "theirs.txt", b"1")
    own = drive.drop_file(folder_id("lead", mine.pk), "own.txt", b"1")
    follow()

    answers = [
        client.put(f"{nested.address}/{file_id}/rename", {"name": "x"}) for file_id in (theirs, own)
    ]

    assert [answer.status_code for answer in answers] == [403, 200]


# --- Who, and what goes wrong -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("", 403), ("sales", 403), ("manager", 200), ("admin", 200)]
)
def test_roles(api: Api, desk: Desk, role: str | None, status: int) -> None:
    client = api(role)

    assert rename(client, desk, desk.file, "a").status_code == status
    assert move(client, desk, desk.file, desk.folder).status_code == status


def test_sales_change_what_belongs_to_their_lead(api: Api, desk: Desk) -> None:
    client = api("sales")
    Lead.objects.update(owner=client.user)

    assert rename(client, desk, desk.file, "a").status_code == 200
    assert move(client, desk, desk.file, desk.folder).status_code == 200


def test_files_that_are_not_there(
    api: Api, desk: Desk, provision: Provision, folder_id: FolderId
) -> None:
    other = LeadFactory()
    provision("lead", other.pk)
    before = desk.state()

    for file_id in (folder_id("lead", other.pk), "nothing", "root", "a'b", "%5C", "x" * 300):
        assert rename(api("admin"), desk, file_id, "a").status_code == 404, file_id
        assert move(api("admin"), desk, file_id, desk.folder).status_code == 404, file_id
    assert desk.state() == before


def test_what_is_deleted_is_restored_first(api: Api, desk: Desk) -> None:
    desk.drive.trash(desk.folder)
    follow()
    DriveFile.objects.filter(file_id=desk.file).update(deleted_at=timezone.now())

    for file_id in (desk.file, desk.folder, desk.deep):
        assert rename(api("manager"), desk, file_id, "a").status_code == 409
        assert move(api("manager"), desk, file_id, desk.root).status_code == 409


def test_a_folder_gone_in_drive_takes_nothing_with_it_that_was_to_be_put_there(
    api: Api, desk: Desk
) -> None:
    desk.drive.delete(desk.folder)

    answer = move(api("manager"), desk, desk.file, desk.folder)

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert desk.row(desk.file).unavailable_at is None
    assert log() == []
    follow()
    assert desk.row(desk.file).unavailable_at is None
    assert desk.row(desk.folder).unavailable_at is not None


def test_a_file_gone_in_drive_is_404_and_out_of_reach_from_then_on(api: Api, desk: Desk) -> None:
    before = set(DriveFile.objects.in_reach().values_list("file_id", flat=True))
    desk.drive.delete(desk.folder)

    answer = rename(api("manager"), desk, desk.folder, "a")

    assert answer.status_code == 404
    assert "letters" in answer.json()["message"]
    left = set(DriveFile.objects.in_reach().values_list("file_id", flat=True))
    assert before - left == {desk.folder, desk.inner, desk.deep}
    assert log() == [(desk.folder, "removed")]
    follow()
    assert log() == [(desk.folder, "removed")]


@pytest.mark.parametrize(
    ("fault", "status", "word"),
    [
        ({"status": 403, "reason": "insufficientFilePermissions"}, 409, "owner"),
        ({"status": 403, "reason": "odd"}, 409, "odd"),
        ({"status": 400, "reason": "badRequest"}, 409, "badRequest"),
        ({"status": 401, "reason": "authError"}, 503, "Google"),
        ({"status": 403, "reason": "userRateLimitExceeded", "retry_after": "60"}, 503, "Google"),
    ],
)
def test_refusals_of_drive_are_clear_and_change_nothing(
    api: Api, desk: Desk, google: SandboxServer, fault: dict[str, Any], status: int, word: str
) -> None:
    before = desk.state()
    plan = {"method": "files.update", "kind": "status", "times": 9, **fault}
    google.google.faults.plan(plan)

    for answer in (
        rename(api("manager"), desk, desk.file, "a"),
        move(api("manager"), desk, desk.file, desk.folder),
    ):
        assert answer.status_code == status
        assert word in answer.json()["message"]
    google.google.faults.clear()
    assert desk.state() == before


def test_a_lost_answer_is_asked_for_again(
    api: Api, desk: Desk, google: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipedesk.google.service.PATIENCE_S", 15)
    google.google.faults.plan({"method": "files.update", "kind": "reset_after_commit"})

    assert rename(api("manager"), desk, desk.file, "b").status_code == 200
    follow()
    assert log() == [(desk.file, "renamed")]


def test_the_number_of_queries(
    api: Api, desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api("manager")

    # user with role; entity, its folder; path, row; home; savepoint, locks, upsert, log, row
    with django_assert_num_queries(13):
        rename(client, desk, desk.deep, "a")
    # the target's path with the folder, row, home; whether it lies below
    with django_assert_num_queries(18):
        move(client, desk, desk.deep, desk.folder)
