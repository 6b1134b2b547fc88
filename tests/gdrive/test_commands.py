"""provision, sync_drive, ensure_templates."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from gdrive.models import DriveFile, DriveFolderTree, DriveStructureTemplate, DriveSyncState
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.factories.crm import CompanyFactory, LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command(*(str(argument) for argument in arguments), "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_provision_grows_the_named_trees_now(drive: DrivePeople) -> None:
    lead = LeadFactory(title="ACME")

    assert run("provision", "lead", lead.pk)["grown"] == 1
    assert run("provision", "lead", lead.pk)["grown"] == 1

    assert list(drive.tree()["Leads"]) == ["Lead - ACME"]


def test_missing_grows_all_that_have_none(drive: DrivePeople) -> None:
    lead = LeadFactory(qualified_company=CompanyFactory())
    LeadFactory()
    run("provision", "lead", lead.pk)

    assert run("provision", "--missing", "--dry-run")["asked"] == 2
    assert run("provision", "--missing")["grown"] == 2
    assert run("provision", "--missing")["asked"] == 0

    assert DriveFolderTree.objects.filter(state="ready").count() == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("lead",),
        ("lead", "no-uuid"),
        ("lead", str(uuid4())),
        ("lead", str(uuid4()), "--missing"),
        (),
    ],
)
def test_a_wrong_call_of_provision_is_said(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as failure:
        run("provision", *arguments)

    assert failure.value.returncode == 2
    assert not DriveFolderTree.objects.exists()


def test_what_fails_is_named_and_the_rest_goes_on(
    drive: DrivePeople, google: SandboxServer
) -> None:
    first, second = LeadFactory(), LeadFactory()
    google.google.faults.plan(
        {"method": "drive.files.create", "kind": "status", "status": 403, "reason": "forbidden"}
    )
    out = io.StringIO()

    with pytest.raises(CommandError) as failure:
        call_command("provision", "lead", str(first.pk), str(second.pk), "--json", stdout=out)

    assert failure.value.returncode == 3
    report = json.loads(out.getvalue())
    assert (report["grown"], len(report["faults"])) == (1, 1)
    assert str(first.pk) in report["faults"][0]


def test_sync_drive_follows_now_and_in_full(drive: DrivePeople) -> None:
    lead = LeadFactory()
    run("provision", "lead", lead.pk)
    [place] = drive.children()
    [root] = drive.children(place["id"])
    drive.drop_file(root["id"], "a.txt", b"1")

    assert run("sync_drive")["files"] == 8
    DriveFile.objects.filter(name="a.txt").delete()
    assert run("sync_drive")["files"] == 7
    assert run("sync_drive", "--full")["files"] == 8


def test_sync_drive_knows_only_followed_drives(drive: DrivePeople) -> None:
    with pytest.raises(CommandError) as failure:
        run("sync_drive", "--drive", "0Unknown")

    assert failure.value.returncode == 2


def test_a_dry_sync_writes_nothing(drive: DrivePeople) -> None:
    assert run("sync_drive", "--dry-run") == {"ok": True, "drives": [], "files": 0, "faults": []}
    assert not DriveSyncState.objects.exists()


def test_ensure_templates_makes_what_is_missing() -> None:
    DriveStructureTemplate.objects.all().delete()

    assert len(run("ensure_templates", "--dry-run")["templates"]) == 4
    assert len(run("ensure_templates")["templates"]) == 4
    assert run("ensure_templates")["templates"] == []
