"""Deleting and restoring: the trash in Drive, who and why here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from crm.models import Lead
from gdrive import client
from gdrive.models import DriveFile, DriveFileAct, DriveFolderTree
from gdrive.tasks import settle_file_act
from pipedesk.audit.models import AuditLog
from pipedesk.core.tasks import sweep
from pipedesk.core.work import claim
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.browsing import staff_of, superuser
from tests.dying import let_leases_end
from tests.factories.crm import CompanyFactory, LeadFactory
from tests.gdrive.desk import Desk, log
from tests.gdrive.following import follow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("impatient")]

Api = Callable[..., Any]
FolderId = Callable[[str, object], str]
Provision = Callable[[str, object], DriveFolderTree]


def delete(client: Any, desk: Desk, file_id: str, reason: str = "") -> Any:
    kind = "folders" if desk.row(file_id).is_folder else "files"
    address = desk.address(file_id, kind=kind)
    return client.delete(address + (f"?reason={reason}" if reason else ""))


def restore(client: Any, desk: Desk, file_id: str) -> Any:
    kind = "folders" if desk.row(file_id).is_folder else "files"
    return client.post(desk.address(file_id, "restore", kind))


def shown(client: Any, desk: Desk, folder_id: str, **query: object) -> dict[str, bool]:
    address = f"/api/drive/lead/{desk.lead.pk}"
    answer = client.get(address, {"folder_id": folder_id, **query}).json()
    return {item["id"]: item["deleted"] for item in answer["files"]}


def trashed(desk: Desk, *file_ids: str) -> list[bool]:
    return [desk.drive.file(file_id)["trashed"] for file_id in file_ids]


def everything() -> list[dict[str, Any]]:
    return list(DriveFile.objects.order_by("pk").values())


# --- Both sides -------------------------------------------------------------------------------


def test_a_file_is_deleted_on_both_sides_with_who_and_why(api: Api, desk: Desk) -> None:
    client = api("manager")

    answer = delete(client, desk, desk.file, "a copy")

    assert (answer.status_code, answer.content) == (204, b"")
    row = desk.row(desk.file)
    assert (row.deleted_by, row.delete_reason) == (str(client.user.pk), "a copy")
    assert row.deleted_at is not None
    assert trashed(desk, desk.file) == [True]
    assert desk.file not in shown(client, desk, desk.root)
    assert shown(client, desk, desk.root, include_deleted="true")[desk.file] is True
    assert not DriveFileAct.objects.exists()


def test_a_folder_takes_along_what_lies_in_it(api: Api, desk: Desk) -> None:
    delete(api("manager"), desk, desk.folder, "old")

    for file_id in (desk.inner, desk.deep):
        row = desk.row(file_id)
        assert (row.deleted_with, row.delete_reason) == (desk.folder, "old")
        assert row.trashed_at is not None
        assert not row.explicitly_trashed
    assert desk.row(desk.folder).deleted_with == ""
    assert trashed(desk, desk.folder, desk.inner, desk.deep, desk.file) == [True] * 3 + [False]


def test_our_own_delete_and_restore_are_no_news_in_the_feed(api: Api, desk: Desk) -> None:
    client = api("manager")
    delete(client, desk, desk.folder)
    rows, before = everything(), log()

    follow()

    assert before == [(desk.folder, "trashed")] == log()
    assert [row | {"echo_due": False} for row in rows] == everything()
    restore(client, desk, desk.folder)
    rows = everything()
    follow()
    assert log() == [(desk.folder, "trashed"), (desk.folder, "untrashed")]
    assert [row | {"echo_due": False} for row in rows] == everything()


def test_a_trashed_parent_counts_for_its_children_and_they_restore_with_it(
    api: Api, desk: Desk
) -> None:
    """google.md D58."""
    client = api("manager")
    delete(client, desk, desk.folder)

    answer = restore(client, desk, desk.folder)

    assert answer.status_code == 200, answer.content
    assert (answer.json()["id"], answer.json()["deleted"]) == (desk.folder, False)
    assert trashed(desk, desk.folder, desk.inner, desk.deep) == [False] * 3
    there = DriveFile.objects.present().filter(deleted_with="", deleted_by=None)
    assert there.filter(file_id__in=[desk.folder, desk.inner, desk.deep]).count() == 3
    assert shown(client, desk, desk.inner) == {desk.deep: False}


def test_what_was_deleted_for_itself_before_stays_deleted(api: Api, desk: Desk) -> None:
    client = api("manager")
    delete(client, desk, desk.inner, "first")
    delete(client, desk, desk.folder, "second")
    assert [desk.row(each).delete_reason for each in (desk.folder, desk.inner, desk.deep)] == [
        "second",
        "first",
        "first",
    ]

    restore(client, desk, desk.folder)

    assert trashed(desk, desk.folder, desk.inner, desk.deep) == [False, True, True]
    assert shown(client, desk, desk.folder, include_deleted="true") == {desk.inner: True}
    assert desk.row(desk.deep).deleted_with == desk.inner
    follow()
    assert desk.row(desk.deep).trashed_at is not None
    restore(client, desk, desk.inner)
    assert trashed(desk, desk.inner, desk.deep) == [False, False]
    assert shown(client, desk, desk.inner) == {desk.deep: False}


def test_a_restore_below_a_deleted_folder_names_it(api: Api, desk: Desk) -> None:
    client = api("manager")
    delete(client, desk, desk.inner)
    delete(client, desk, desk.folder)
    before = desk.state()

    for file_id in (desk.inner, desk.deep):
        answer = restore(client, desk, file_id)
        assert answer.status_code == 409
        assert "letters" in answer.json()["message"]
        assert answer.json()["details"][0]["message"] == desk.folder
    assert desk.state() == before


def test_a_folder_above_trashed_just_now_in_drive_is_named_too(api: Api, desk: Desk) -> None:
    client = api("manager")
    delete(client, desk, desk.inner)
    desk.drive.trash(desk.folder)

    answer = restore(client, desk, desk.inner)

    assert answer.status_code == 409
    assert "letters" in answer.json()["message"]
    assert desk.drive.file(desk.inner)["explicitlyTrashed"] is True


def test_again_is_no_fault(api: Api, desk: Desk, google: SandboxServer) -> None:
    client = api("manager")
    assert restore(client, desk, desk.file).status_code == 200
    delete(client, desk, desk.file, "one")
    google.google.requests.clear()

    answers = [delete(client, desk, desk.file, "two"), delete(client, desk, desk.file)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert desk.row(desk.file).delete_reason == "one"
    assert google.google.requests.as_json() == {}
    assert [restore(client, desk, desk.file).status_code for _ in range(2)] == [200, 200]


# --- People at Drive's page -------------------------------------------------------------------


def test_who_takes_it_out_of_the_trash_in_drive_takes_our_mark_away(api: Api, desk: Desk) -> None:
    client = api("manager")
    for looked_between in (False, True):
        delete(client, desk, desk.folder, "x")
        if looked_between:
            follow()
        desk.drive.restore(desk.folder)
        follow()

        rows = DriveFile.objects.filter(file_id__in=[desk.folder, desk.inner, desk.deep])
        assert set(rows.values_list("deleted_at", "deleted_by", "delete_reason")) == {
            (None, None, None)
        }
        assert set(rows.values_list("deleted_with", "trashed_at")) == {("", None)}
        assert log()[-1] == (desk.folder, "untrashed")


def test_a_file_moved_out_of_a_deleted_folder_is_alive(api: Api, desk: Desk) -> None:
    delete(api("manager"), desk, desk.folder)
    desk.drive.move(desk.deep, desk.root)

    follow()

    assert desk.row(desk.deep).deleted_at is None
    assert desk.row(desk.inner).deleted_at is not None


def test_what_was_trashed_in_drive_shows_as_deleted_and_is_restored_here(
    api: Api, desk: Desk
) -> None:
    client = api("manager")
    desk.drive.trash(desk.folder)
    follow()
    assert shown(client, desk, desk.root, include_deleted="true")[desk.folder] is True
    assert desk.row(desk.folder).deleted_at is None
    assert delete(client, desk, desk.folder).status_code == 204

    assert restore(client, desk, desk.folder).status_code == 200

    assert trashed(desk, desk.folder, desk.deep) == [False, False]
    assert shown(client, desk, desk.inner) == {desk.deep: False}


def test_pages_read_before_a_delete_do_not_undo_it(
    api: Api, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies below keeps its version: only the folder's echo tells that it is trashed."""
    caller, read = api("manager"), client.list_changes

    def during(deed: Callable[[], Any], touched: str) -> None:
        desk.drive.rename(touched, "deep 2.txt" if deed == deeds[0] else "deep 3.txt")

        def read_then_deed(*args: Any) -> Any:
            page = read(*args)
            monkeypatch.setattr(client, "list_changes", read)
            assert deed().status_code < 300
            return page

        monkeypatch.setattr(client, "list_changes", read_then_deed)
        follow()
        follow()

    deeds = [
        lambda: delete(caller, desk, desk.folder),
        lambda: restore(caller, desk, desk.folder),
    ]
    during(deeds[0], desk.deep)
    assert desk.row(desk.deep).trashed_at is not None
    during(deeds[1], desk.deep)
    assert desk.row(desk.deep).trashed_at is None


# --- Refusals ---------------------------------------------------------------------------------


def test_the_records_own_folder_stays(api: Api, desk: Desk) -> None:
    assert delete(api("admin"), desk, desk.root).status_code == 400
    assert trashed(desk, desk.root) == [False]


def test_the_records_own_folder_trashed_in_drive_comes_back(api: Api, desk: Desk) -> None:
    desk.drive.trash(desk.root)
    follow()

    assert restore(api("manager"), desk, desk.root).status_code == 200
    assert trashed(desk, desk.root, desk.deep) == [False, False]


def test_folders_of_other_records_are_not_taken_along(
    api: Api, drive: DrivePeople, provision: Provision, folder_id: FolderId
) -> None:
    company = CompanyFactory()
    lead = LeadFactory(qualified_company=company)
    provision("lead", lead.pk)
    provision("company", company.pk)
    root = folder_id("company", company.pk)
    place = next(each["id"] for each in drive.children(root) if each["name"] == "01. Leads")
    own = drive.create_folder("own", root)
    follow()
    drive.move(folder_id("lead", lead.pk), own)
    follow()
    caller, tree = api("admin"), drive.tree()

    for file_id in (place, own, folder_id("lead", lead.pk)):
        answer = caller.delete(f"/api/drive/company/{company.pk}/folders/{file_id}")
        assert answer.status_code == 409, file_id
        assert "record" in answer.json()["message"]
    assert drive.tree() == tree


def test_a_folder_is_no_file_and_a_file_no_folder(api: Api, desk: Desk) -> None:
    before = desk.state()
    caller = api("admin")

    for file_id, kind in ((desk.folder, "files"), (desk.file, "folders"), ("nothing", "files")):
        assert caller.delete(desk.address(file_id, kind=kind)).status_code == 404
        assert caller.post(desk.address(file_id, "restore", kind)).status_code == 404
    assert desk.state() == before


@pytest.mark.parametrize("query", ["why=x", "reason=" + "x" * 501, "reason=a&reason=b"])
def test_odd_queries_are_400(api: Api, desk: Desk, query: str) -> None:
    before = desk.state()
    address = desk.address(desk.file)

    assert api("manager").delete(f"{address}?{query}").status_code == 400
    assert desk.state() == before


@pytest.mark.parametrize("reason", ["it's \\ “x”", "🚀", "x" * 500, "'; DROP TABLE drive_files"])
def test_odd_reasons_are_kept(api: Api, desk: Desk, reason: str) -> None:
    assert delete(api("manager"), desk, desk.file, reason.replace(";", "%3B")).status_code == 204
    assert desk.row(desk.file).delete_reason == reason


@pytest.mark.parametrize(
    ("fault", "status", "word"),
    [
        ({"status": 403, "reason": "insufficientFilePermissions"}, 409, "owner"),
        ({"status": 401, "reason": "authError"}, 503, "Google"),
        ({"status": 400, "reason": "badRequest"}, 409, "badRequest"),
    ],
)
def test_what_drive_refuses_changes_nothing(
    api: Api, desk: Desk, google: SandboxServer, fault: dict[str, Any], status: int, word: str
) -> None:
    before = desk.state()
    google.google.faults.plan({"method": "files.update", "kind": "status", "times": 9, **fault})

    answer = delete(api("manager"), desk, desk.file)

    assert answer.status_code == status
    assert word in answer.json()["message"]
    google.google.faults.clear()
    assert desk.state() == before


def test_gone_in_drive_is_404_and_out_of_reach(api: Api, desk: Desk) -> None:
    desk.drive.delete(desk.folder)

    assert delete(api("manager"), desk, desk.folder).status_code == 404
    assert desk.row(desk.deep).unavailable_at is not None
    assert not DriveFileAct.objects.exists()


# --- Answers that never came ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["reset_before", "reset_after_commit"])
def test_without_an_answer_it_is_settled_by_what_drive_shows(
    api: Api, desk: Desk, google: SandboxServer, kind: str
) -> None:
    caller = api("manager")
    google.google.faults.plan({"method": "files.update", "kind": kind, "times": 9})

    assert delete(caller, desk, desk.file, "why").status_code == 503

    google.google.faults.clear()
    assert desk.row(desk.file).deleted_at is None
    act = DriveFileAct.objects.get()
    assert sweep() == 1
    settle_file_act(act.pk)
    went_through = kind == "reset_after_commit"
    assert trashed(desk, desk.file) == [went_through]
    row = desk.row(desk.file)
    assert (row.deleted_at is not None) == went_through
    assert row.delete_reason == ("why" if went_through else None)
    assert not DriveFileAct.objects.exists()
    entries = AuditLog.objects.filter(action="file_deleted", user_id=str(caller.user.pk))
    assert entries.count() == went_through


def test_the_next_one_settles_what_was_left_before(
    api: Api, desk: Desk, google: SandboxServer
) -> None:
    google.google.faults.plan({"method": "files.update", "kind": "reset_after_commit", "times": 9})
    first, second = api("manager"), api("admin")
    assert delete(first, desk, desk.file, "why").status_code == 503
    google.google.faults.clear()

    assert delete(second, desk, desk.file, "mine").status_code == 204

    assert desk.row(desk.file).deleted_by == str(first.user.pk)
    assert desk.row(desk.file).delete_reason == "why"
    entry = AuditLog.objects.get(action="file_deleted")
    assert entry.user_id == str(first.user.pk)


def test_an_act_under_way_makes_others_wait_and_then_refuses(
    api: Api, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gdrive.acts.PATIENCE_S", 0.3)
    caller = api("manager")
    delete(caller, desk, desk.file)
    DriveFileAct.objects.create(
        file_id=desk.file, verb="share", entity_type="lead", entity_id="x", requested=1
    )
    let_leases_end(DriveFileAct)
    DriveFileAct.objects.update(lease_until="2100-01-01T00:00Z")

    answer = restore(caller, desk, desk.file)

    assert answer.status_code == 409
    assert trashed(desk, desk.file) == [True]


# --- Who --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "own", "on_file", "on_folder"),
    [
        (None, False, 401, 401),
        ("", False, 403, 403),
        ("sales", False, 403, 403),
        ("sales", True, 2, 403),
        ("manager", False, 2, 2),
        ("admin", False, 2, 2),
    ],
)
def test_roles(
    api: Api, desk: Desk, role: str | None, own: bool, on_file: int, on_folder: int
) -> None:
    caller = api(role)
    if own:
        Lead.objects.update(owner=caller.user)

    for file_id, status in ((desk.file, on_file), (desk.folder, on_folder)):
        for deed in (delete, restore):
            code = deed(caller, desk, file_id).status_code
            assert code == status or code // 100 == status, (deed, file_id)


def test_the_history_tells_who_deleted_what(api: Api, desk: Desk) -> None:
    caller = api("manager")
    delete(caller, desk, desk.file, "why")
    restore(caller, desk, desk.file)

    entries = AuditLog.objects.filter(entity_type="lead", entity_id=str(desk.lead.pk))
    deleted, restored = entries.filter(action__startswith="file_").order_by("pk")
    assert (deleted.action, deleted.user_id) == ("file_deleted", str(caller.user.pk))
    assert deleted.changes == [
        {"field": "file", "old": "offer.pdf", "new": None},
        {"field": "delete_reason", "old": None, "new": "why"},
    ]
    assert restored.action == "file_restored"


def test_a_restore_sent_twice_with_one_key_is_one(api: Api, desk: Desk) -> None:
    caller = api("manager")
    delete(caller, desk, desk.file)
    address = desk.address(desk.file, "restore")

    answers = [caller.post(address, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1]["Idempotency-Replayed"] == "true"


def test_the_number_of_queries(
    api: Api, desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caller = api("manager")
    for n in range(30):
        desk.drive.drop_file(desk.folder, f"f{n}", b"1")
    follow()

    # As many with 30 files inside as with one: they are marked together.
    with django_assert_num_queries(29):
        caller.delete(desk.address(desk.folder, kind="folders"))
    with django_assert_num_queries(29):
        caller.post(desk.address(desk.folder, "restore", "folders"))


# --- The admin's list -------------------------------------------------------------------------


FILES = reverse("admin:gdrive_drivefile_changelist")


def act_on_list(verb: str, *rows: DriveFile, role: str = "manager") -> Any:
    chosen = {"action": verb, "_selected_action": [row.pk for row in rows]}
    return staff_of(role).post(FILES, chosen, follow=True)


def work_off() -> None:
    for pk in DriveFileAct.objects.values_list("pk", flat=True):
        settle_file_act(pk)


def test_managers_delete_and_restore_from_the_list(desk: Desk) -> None:
    chosen = [desk.row(desk.file), desk.row(desk.folder)]

    answer = act_on_list("trash", *chosen)

    assert "2 changes ordered." in answer.content.decode()
    assert trashed(desk, desk.file, desk.folder) == [False, False]
    work_off()
    assert trashed(desk, desk.file, desk.folder) == [True, True]
    assert desk.row(desk.deep).deleted_with == desk.folder
    assert AuditLog.objects.filter(action="file_deleted", user_id__isnull=False).count() == 2
    chosen = [desk.row(desk.file), desk.row(desk.folder), desk.row(desk.deep)]
    answer = act_on_list("restore", *chosen)
    assert "letters" in answer.content.decode()  # the file inside comes back with its folder
    work_off()
    assert trashed(desk, desk.file, desk.folder, desk.deep) == [False] * 3
    assert not DriveFileAct.objects.exists()


def test_the_list_refuses_what_the_api_refuses(desk: Desk) -> None:
    before = desk.state()

    assert "own folder" in act_on_list("trash", desk.row(desk.root)).content.decode()
    act_on_list("trash", desk.row(desk.file), role="sales")
    act_on_list("restore", desk.row(desk.file))

    assert desk.state() == before


def test_what_drive_refuses_a_job_is_shown_and_makes_way(
    api: Api, desk: Desk, google: SandboxServer
) -> None:
    refusal = {"status": 403, "reason": "insufficientFilePermissions"}
    google.google.faults.plan({"method": "files.update", "kind": "status", **refusal})
    act_on_list("trash", desk.row(desk.file))
    work_off()
    page = superuser().get(reverse("admin:gdrive_drivefileact_changelist")).content.decode()
    assert "offer.pdf" in page
    assert "owner" in page

    assert delete(api("manager"), desk, desk.file).status_code == 204
    assert not DriveFileAct.objects.exists()


def test_an_ordered_act_survives_a_job_that_died(desk: Desk) -> None:
    act_on_list("trash", desk.row(desk.file))
    act = DriveFileAct.objects.get()
    claim(DriveFileAct, act.pk)
    let_leases_end(DriveFileAct)

    assert sweep() == 1
    settle_file_act(act.pk)

    assert trashed(desk, desk.file) == [True]
