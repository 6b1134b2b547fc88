"""A worker killed at any step: the next one completes the tree and never doubles a folder."""

from __future__ import annotations

import pytest

from crm.models import Lead
from gdrive.models import (
    DriveFile,
    DriveFolder,
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureNode,
    DriveSyncState,
    ReservedId,
)
from gdrive.tasks import provision_tree
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import CompanyFactory, LeadFactory
from tests.gdrive.dying import Steps

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

COMPANY_TREE = {"01. Leads": {"Lead - ACME": {"01. Dados": {}}}}


@pytest.fixture
def small_templates(templates: None) -> None:
    DriveStructureNode.objects.exclude(template__entity_type="lead", order=1).exclude(
        template__entity_type="company", name="01. Leads"
    ).delete()
    DriveStructureNode.objects.filter(template__entity_type="lead").update(name="01. Dados")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


def start_anew(sandbox: SandboxServer) -> None:
    for model in (DriveFolderNode, DriveFolderTree, DriveFolder, DriveFile, DriveSyncState):
        model.objects.all()._raw_delete("default")
    ReservedId.objects.all().delete()
    sandbox.google.reset()


def work_off() -> None:
    """What the workers do with everything asked for."""
    for _ in range(3):
        for pk in DriveFolderTree.objects.behind().order_by("-pk").values_list("pk", flat=True):
            provision_tree(pk)


def check(drive: DrivePeople, wanted: dict[str, object], fatal: int) -> None:
    assert drive.tree() == wanted, f"died at step {fatal}"
    assert not DriveFolderNode.objects.filter(state="reserved").exists()
    assert not DriveFolderTree.objects.behind().exists()
    assert set(DriveFolderTree.objects.values_list("state", "last_error")) == {("ready", "")}
    assert DriveFolder.objects.count() == DriveFolderTree.objects.count()
    nodes = DriveFolderNode.objects.filter(tree__isnull=False)
    assert set(DriveFile.objects.values_list("file_id", "name")) == set(
        nodes.values_list("google_id", "name")
    )


def test_a_rename_and_a_move_survive_death_at_every_step(
    sandbox: SandboxServer, drive: DrivePeople, small_templates: None, steps: Steps
) -> None:
    company = CompanyFactory(name="ACME SA")
    lead = LeadFactory(title="Old")
    fatal, survived = 0, False
    while not survived:
        start_anew(sandbox)
        Lead.objects.filter(pk=lead.pk).update(title="Old", qualified_company=None)
        tree = DriveFolderTree.objects.wanted("lead", lead.pk)
        DriveFolderTree.objects.request(tree.pk)
        provision_tree(tree.pk)
        Lead.objects.filter(pk=lead.pk).update(title="ACME", qualified_company=company)
        DriveFolderTree.objects.request(tree.pk)
        fatal += 1

        survived = steps.run(lambda pk=tree.pk: provision_tree(pk), fatal)
        let_leases_end(DriveFolderTree)
        work_off()

        check(drive, {"Leads": {}, "Companies": {"ACME SA": COMPANY_TREE}}, fatal)
    assert fatal > 20


def test_a_name_written_before_a_death_is_still_known_as_ours(
    sandbox: SandboxServer, drive: DrivePeople, small_templates: None, steps: Steps
) -> None:
    lead = LeadFactory(title="A")
    fatal, survived = 0, False
    while not survived:
        start_anew(sandbox)
        Lead.objects.filter(pk=lead.pk).update(title="A")
        tree = DriveFolderTree.objects.wanted("lead", lead.pk)
        DriveFolderTree.objects.request(tree.pk)
        provision_tree(tree.pk)
        Lead.objects.filter(pk=lead.pk).update(title="B")
        DriveFolderTree.objects.request(tree.pk)
        fatal += 1

        survived = steps.run(lambda pk=tree.pk: provision_tree(pk), fatal)
        Lead.objects.filter(pk=lead.pk).update(title="C")
        DriveFolderTree.objects.request(tree.pk)
        let_leases_end(DriveFolderTree)
        work_off()

        check(drive, {"Leads": {"Lead - C": {"01. Dados": {}}}}, fatal)


@pytest.mark.parametrize("kind", ["timeout_after_commit", "reset_after_commit", "reset_before"])
def test_an_answer_lost_on_the_way_makes_no_second_folder(
    sandbox: SandboxServer,
    drive: DrivePeople,
    small_templates: None,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipedesk.google.service.READ_TIMEOUT_S", 0.5)
    lead = LeadFactory(title="ACME")
    sandbox.google.faults.plan(
        {"method": "drive.files.create", "kind": kind, "times": 2, "skip": 1, "seconds": 1.0}
    )
    tree = DriveFolderTree.objects.wanted("lead", lead.pk)
    DriveFolderTree.objects.request(tree.pk)

    provision_tree(tree.pk)
    DriveFolderTree.objects.update(next_attempt_at=None)
    work_off()

    check(drive, {"Leads": {"Lead - ACME": {"01. Dados": {}}}}, 0)
