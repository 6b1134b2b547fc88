"""check_drive: what differs between the journal and Drive is named, and mended when asked."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gdrive import marking
from gdrive.checking import from_mirror
from gdrive.models import (
    DriveFile,
    DriveFolder,
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureTemplate,
    DriveSyncState,
    ReservedId,
)
from gdrive.tasks import provision_tree
from pipedesk.audit.models import AuditLog
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import LeadFactory
from tests.gdrive.dying import Steps
from tests.gdrive.test_commands import run
from tests.gdrive.test_provisioning import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

FolderId = Callable[[str, object], str]
ELSEWHERE = "Elsewhere"


@pytest.fixture(autouse=True)
def one_folder(drive: DrivePeople) -> None:
    """A lead's tree is its own folder with one inside."""
    template = DriveStructureTemplate.objects.get(entity_type="lead")
    template.nodes.all().delete()
    template.nodes.create(name="01. Dados")


@pytest.fixture
def lead(drive: DrivePeople) -> Any:
    """A lead whose tree has grown, with a file in it, all of it in the mirror."""
    row = LeadFactory(title="ACME")
    work_off()
    drive.drop_file(DriveFolder.objects.get().folder_id, "plan.txt", b"plan")
    run("sync_drive")
    return row


def check(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the report."""
    out = io.StringIO()
    try:
        call_command("check_drive", *arguments, "--json", stdout=out)
    except CommandError as failure:
        return failure.returncode, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def node(place: str) -> DriveFolderNode:
    found: DriveFolderNode = DriveFolderNode.objects.get(path_key__startswith=place)
    return found


def forget(_drive: DrivePeople, _inside: str, _root: str) -> None:
    DriveFolderNode.objects.filter(tree__isnull=False).exclude(path_key="root").delete()
    DriveFolderNode.objects.filter(path_key="root").delete()
    DriveFolderTree.objects.all()._raw_delete("default")
    DriveFolder.objects.all()._raw_delete("default")


def double(drive: DrivePeople, _inside: str, root: str) -> None:
    marking.mark(drive.create_folder("Twin", root), marking.marks_of(node("root")))


SPOILERS: dict[str, Callable[[DrivePeople, str, str], object]] = {
    "trashed": lambda drive, inside, _root: drive.trash(inside),
    "root trashed": lambda drive, _inside, root: drive.trash(root),
    "gone": lambda drive, inside, _root: drive.delete(inside),
    "root gone": lambda drive, _inside, root: drive.delete(root),
    "renamed": lambda drive, inside, _root: drive.rename(inside, "Mine"),
    "moved": lambda drive, inside, _root: drive.move(inside, drive.create_folder(ELSEWHERE)),
    "doubled": double,
    "behind": lambda *_: DriveFile.objects.filter(name="plan.txt").delete(),
    "stuck": lambda *_: DriveFolderTree.objects.update(
        dead_at="2026-01-01T00:00:00Z", last_error="died"
    ),
    "forgotten": forget,
}


def spoil(drive: DrivePeople, what: str) -> None:
    """Somebody does this to the folder inside the lead's, or to the lead's own."""
    SPOILERS[what](drive, node("template:").google_id, node("root").google_id)


CASES = {
    "trashed": {"trashed"},
    "root trashed": {"trashed"},
    "gone": {"gone"},
    "root gone": {"gone"},
    "renamed": {"renamed"},
    "moved": {"moved"},
    "doubled": {"doubled"},
    "behind": {"behind"},
    "stuck": {"stuck"},
    "forgotten": {"unknown"},
}
GROWN = {"Leads": {"Lead - ACME": {"01. Dados": {}, "plan.txt": None}}}


def test_what_is_as_it_should_be_is_said_in_few_requests(lead: Any, sandbox: SandboxServer) -> None:
    before = sandbox.google.requests.as_json()

    code, report = check()

    assert (code, report["trees"], report["counts"]) == (0, 1, {})
    after = sandbox.google.requests.as_json()
    asked = sum(after.values()) - sum(before.values())
    assert asked <= 7
    assert {name for name in after if after[name] != before.get(name)} <= {
        "drive.files.get",
        "drive.files.list",
    }


@pytest.mark.parametrize("what", CASES)
def test_each_difference_is_named_mended_and_then_there_is_none(
    lead: Any, drive: DrivePeople, what: str
) -> None:
    spoil(drive, what)
    before = drive.tree()

    code, report = check()
    assert code == 1
    assert CASES[what] <= set(report["counts"]) <= CASES[what] | {"behind"}
    assert check("--fix", "--dry-run")[0] == 1
    assert drive.tree() == before

    code, report = check("--fix")
    assert (code, report["faults"]) == (0, [])

    run("sync_drive")
    code, report = check()
    assert (code, report["counts"]) == (0, {}), report["findings"]
    assert "behind" in CASES[what] or from_mirror(DriveFolderTree.objects.get()) == []
    wanted: dict[str, Any] = {
        "renamed": {"Leads": {"Lead - ACME": {"Mine": {}, "plan.txt": None}}},
        "moved": {"Leads": {"Lead - ACME": {"plan.txt": None}}, ELSEWHERE: {"01. Dados": {}}},
        "doubled": {"Leads": {"Lead - ACME": {**GROWN["Leads"]["Lead - ACME"], "Twin": {}}}},
        "root gone": {"Leads": {"Lead - ACME": {"01. Dados": {}}}},
    }
    assert drive.tree() == wanted.get(what, GROWN)


@pytest.mark.parametrize("what", ["renamed", "moved"])
def test_take_back_gives_our_name_and_place_again(lead: Any, drive: DrivePeople, what: str) -> None:
    spoil(drive, what)

    assert check("--fix", "--take-back")[0] == 0

    assert drive.tree()["Leads"] == GROWN["Leads"]
    run("sync_drive")
    assert check()[0] == 0


def test_a_name_that_was_kept_stays_when_the_record_is_renamed(
    lead: Any, drive: DrivePeople, folder_id: FolderId
) -> None:
    drive.rename(folder_id("lead", lead.pk), "Mine")
    check("--fix")

    lead.title = "Other"
    lead.save()
    work_off()
    run("sync_drive")

    assert list(drive.tree()["Leads"]) == ["Mine"]
    assert check()[0] == 0


def test_a_folder_made_anew_keeps_the_old_id_in_the_record_s_history(
    lead: Any, drive: DrivePeople, folder_id: FolderId
) -> None:
    old_id = folder_id("lead", lead.pk)
    drive.delete(old_id)

    check("--fix")

    new_id = DriveFolder.objects.alive().get().folder_id
    assert new_id != old_id
    [entry] = [
        change
        for row in AuditLog.objects.filter(entity_id=str(lead.pk))
        for change in row.changes
        if change["field"] == "drive_folder root"
    ]
    assert (entry["old"], entry["new"]) == (old_id, new_id)


def test_a_place_that_is_gone_counts_as_lost_access_until_somebody_says_otherwise(
    lead: Any, drive: DrivePeople
) -> None:
    drive.delete(node("place:lead").google_id)

    code, report = check("--fix")
    assert (code, report["counts"], len(report["faults"])) == (3, {"gone": 1}, 1)
    assert drive.tree() == {}

    assert check("--fix", "--recreate-places")[0] == 0
    run("sync_drive")
    assert drive.tree() == {"Leads": {"Lead - ACME": {"01. Dados": {}}}}
    assert check()[0] == 0


def test_a_trashed_place_comes_back_with_all_it_holds(lead: Any, drive: DrivePeople) -> None:
    drive.trash(node("place:lead").google_id)

    assert check("--fix")[0] == 0

    assert drive.tree() == GROWN


def test_one_record_alone_is_checked(lead: Any, drive: DrivePeople) -> None:
    other = LeadFactory(title="Other")
    work_off()
    run("sync_drive")
    spoil_id = DriveFolder.objects.of("lead", other.pk).get().folder_id
    drive.rename(spoil_id, "Mine")

    assert check("--entity", "lead", str(lead.pk))[0] == 0
    assert check("--entity", "lead", str(other.pk))[0] == 1
    assert check("--entity", "lead", "nobody")[0] == 2
    assert check("--entity", "user", str(lead.pk))[0] == 2


def test_a_deleted_record_s_folder_is_left_as_it_is(lead: Any, drive: DrivePeople) -> None:
    spoil(drive, "gone")
    type(lead).objects.filter(pk=lead.pk).update(deleted_at="2026-01-01T00:00:00Z")

    assert check()[0] == 0


@pytest.mark.parametrize(("status", "reason"), [(403, "forbidden"), (500, "backendError")])
def test_a_drive_that_cannot_be_read_is_no_difference(
    lead: Any, sandbox: SandboxServer, drive: DrivePeople, status: int, reason: str
) -> None:
    sandbox.google.faults.plan(
        {
            "method": "drive.files.list",
            "kind": "status",
            "status": status,
            "reason": reason,
            "times": 99,
        }
    )
    before = drive.tree()

    code, report = check("--fix")

    assert (code, report["ok"]) == (1, False)
    assert "could not be read" in report["error"]
    assert drive.tree() == before


@pytest.mark.parametrize("what", ["root gone", "trashed", "renamed", "moved", "doubled"])
def test_mending_survives_death_at_every_step(
    sandbox: SandboxServer, drive: DrivePeople, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    steps = Steps(monkeypatch)
    row = LeadFactory(title="ACME")
    fatal, survived = 0, False
    while not survived:
        for model in (DriveFolderNode, DriveFolderTree, DriveFolder, DriveFile, DriveSyncState):
            model.objects.all()._raw_delete("default")
        ReservedId.objects.all().delete()
        sandbox.google.reset()
        tree = DriveFolderTree.objects.wanted("lead", row.pk)
        DriveFolderTree.objects.request(tree.pk)
        provision_tree(tree.pk)
        spoil(drive, what)
        fatal += 7  # each step takes seconds; another beginning would visit the others

        survived = steps.run(
            lambda: call_command("check_drive", "--fix", "--take-back", stdout=io.StringIO()), fatal
        )
        let_leases_end(DriveFolderTree, DriveSyncState)
        work_off()  # what was asked for before the death, the sweeper has somebody do
        assert check("--fix", "--take-back")[0] == 0, f"died at step {fatal}"
        run("sync_drive")

        assert check()[0] == 0
        left = drive.tree()["Leads"]["Lead - ACME"]
        assert left == {"01. Dados": {}, **({"Twin": {}} if what == "doubled" else {})}
    assert fatal > 20
