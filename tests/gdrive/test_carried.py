"""The folders of records that were merged: no file is lost, and all goes back with the undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from crm.carrying import KINDS
from crm.merging import carry, prepare
from crm.unmerging import unmerge
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
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import CompanyFactory, ContactFactory, DealFactory, LeadFactory
from tests.gdrive.dying import Steps

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

Api = Callable[..., APIClient]
FolderId = Callable[[str, object], str]


@pytest.fixture(autouse=True)
def no_templates(drive: DrivePeople) -> None:
    """Each record has its own folder and nothing in it."""
    DriveStructureTemplate.objects.all().delete()


@pytest.fixture
def work_off(drive: DrivePeople) -> Callable[[], None]:
    """What the workers do with everything asked for."""

    def run() -> None:
        for _ in range(3):
            for pk in DriveFolderTree.objects.behind().order_by("-pk").values_list("pk", flat=True):
                provision_tree(pk)
        assert set(DriveFolderTree.objects.values_list("last_error", flat=True)) <= {""}
        assert not DriveFolderTree.objects.behind().exists()

    return run


def merge(entity_type: str, kept: Any, other: Any, **choices: str) -> None:
    with transaction.atomic():
        carry(prepare(KINDS[entity_type], kept.pk, other.pk, choices), None)


def take_back(entity_type: str, other: Any) -> None:
    with transaction.atomic():
        unmerge(KINDS[entity_type], other.pk, None)


def names(client: APIClient, entity_type: str, row: Any) -> list[str]:
    answer = client.get(f"/api/drive/{entity_type}/{row.pk}")
    assert answer.status_code == 200
    return [file["name"] for file in answer.json()["files"]]


def test_both_have_folders_the_other_s_moves_into_the_kept_one_s_and_back(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId, api: Api
) -> None:
    kept, other = ContactFactory(name="Ana"), ContactFactory(name="Anna")
    work_off()
    ids = folder_id("contact", kept.pk), folder_id("contact", other.pk)
    drive.drop_file(ids[1], "plan.txt", b"plan")
    before = drive.tree()

    merge("contact", kept, other)
    work_off()

    assert list(drive.tree()["Contacts"]) == ["Ana"]
    assert [child["id"] for child in drive.children(ids[0])] == [ids[1]]
    assert [child["name"] for child in drive.children(ids[1])] == ["plan.txt"]
    client = api("sales")
    assert names(client, "contact", kept) == ["Anna"]
    gone = client.get(f"/api/drive/contact/{other.pk}")
    assert (gone.status_code, gone["Location"]) == (307, f"/api/drive/contact/{kept.pk}")
    inside = client.get(f"/api/drive/contact/{kept.pk}?folder_id={ids[1]}")
    assert [crumb["id"] for crumb in inside.json()["breadcrumbs"]] == list(ids)

    take_back("contact", other)
    work_off()

    assert drive.tree() == before
    assert (folder_id("contact", kept.pk), folder_id("contact", other.pk)) == ids
    assert names(client, "contact", kept) == []


def test_only_the_other_has_folders_they_become_the_kept_one_s_and_back(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId, api: Api
) -> None:
    other = ContactFactory(name="Anna")
    work_off()
    root = folder_id("contact", other.pk)
    drive.drop_file(root, "plan.txt", b"plan")
    kept = ContactFactory(name="Ana")  # asked for, but no worker came yet

    merge("contact", kept, other)
    work_off()

    assert list(drive.tree()["Contacts"]) == ["Ana"]
    assert folder_id("contact", kept.pk) == root
    assert [child["name"] for child in drive.children(root)] == ["plan.txt"]
    assert api("sales").get(f"/api/drive/contact/{kept.pk}").json()["folder"]["state"] == "ready"

    take_back("contact", other)
    work_off()

    assert sorted(drive.tree()["Contacts"]) == ["Ana", "Anna"]
    assert folder_id("contact", other.pk) == root
    assert folder_id("contact", kept.pk) != root


def test_a_kept_record_nobody_ever_asked_folders_for_gets_the_other_s(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId
) -> None:
    kept, other = LeadFactory(title="A"), LeadFactory(title="B")
    DriveFolderTree.objects.of("lead", kept.pk).delete()
    work_off()
    root = folder_id("lead", other.pk)

    merge("lead", kept, other)
    work_off()
    assert folder_id("lead", kept.pk) == root
    assert list(drive.tree()["Leads"]) == ["Lead - A"]

    take_back("lead", other)
    work_off()
    assert folder_id("lead", other.pk) == root
    assert list(drive.tree()["Leads"]) == ["Lead - B"]


def test_a_company_s_leads_and_deals_stand_in_the_kept_one_s_places(
    work_off: Callable[[], None], drive: DrivePeople
) -> None:
    kept, other = CompanyFactory(name="Alfa"), CompanyFactory(name="Alfa Ltda")
    LeadFactory(title="L", qualified_company=other)
    DealFactory(title="D", company=other)
    work_off()
    before = drive.tree()["Companies"]

    merge("company", kept, other)
    work_off()

    alfa = drive.tree()["Companies"]
    assert list(alfa) == ["Alfa"]
    assert alfa["Alfa"]["01. Leads"] == {"Lead - L": {}}
    assert alfa["Alfa"]["02. Deals"] == {"Deal - D": {}}
    assert alfa["Alfa"]["Alfa Ltda"] == {"01. Leads": {}, "02. Deals": {}}

    take_back("company", other)
    work_off()
    after = drive.tree()["Companies"]
    assert after["Alfa Ltda"] == before["Alfa Ltda"]
    assert after["Alfa"] == {"01. Leads": {}, "02. Deals": {}}


def test_a_chain_of_merges_ends_in_one_folder(
    work_off: Callable[[], None], drive: DrivePeople
) -> None:
    first, second = LeadFactory(title="A"), LeadFactory(title="B")
    work_off()
    merge("lead", second, first)
    last = LeadFactory(title="C")
    merge("lead", last, second)  # before any worker came
    work_off()
    assert drive.tree()["Leads"] == {"Lead - C": {"Lead - A": {}}}

    take_back("lead", second)
    work_off()
    take_back("lead", first)
    work_off()
    assert drive.tree()["Leads"] == {"Lead - A": {}, "Lead - B": {}, "Lead - C": {}}


def test_nothing_follows_a_folder_into_the_trash(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId
) -> None:
    kept, other = LeadFactory(title="A"), LeadFactory(title="B")
    work_off()
    drive.trash(folder_id("lead", kept.pk))
    merge("lead", kept, other)
    for pk in DriveFolderTree.objects.behind().values_list("pk", flat=True):
        provision_tree(pk)

    stuck = DriveFolderTree.objects.of("lead", other.pk).get()
    assert stuck.dead_at is not None
    assert "restore" in stuck.last_error
    assert "Lead - B" in drive.tree()["Leads"]

    drive.restore(folder_id("lead", kept.pk))
    DriveFolderTree.objects.filter(pk=stuck.pk).revive()
    work_off()
    assert drive.tree()["Leads"] == {"Lead - A": {"Lead - B": {}}}


def test_a_worker_who_was_at_the_tree_when_it_changed_hands_plans_nothing(
    work_off: Callable[[], None], drive: DrivePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LeadFactory(title="B")
    work_off()
    kept = LeadFactory(title="A")
    tree = DriveFolderTree.objects.of("lead", kept.pk).get()
    ids = "gdrive.journal.obtain_ids"
    spare = [ReservedId.objects.order_by("google_id").values_list("pk", flat=True)[0]]

    def merged_meanwhile(count: int) -> list[str]:
        assert count == 1
        monkeypatch.undo()
        merge("lead", kept, other)
        return spare

    monkeypatch.setattr(ids, merged_meanwhile)
    provision_tree(tree.pk)
    assert not tree.nodes.exists()
    let_leases_end(DriveFolderTree)
    work_off()
    assert drive.tree()["Leads"] == {"Lead - A": {}}


def start_anew(sandbox: SandboxServer) -> None:
    for model in (DriveFolderNode, DriveFolderTree, DriveFolder, DriveFile, DriveSyncState):
        model.objects.all()._raw_delete("default")
    ReservedId.objects.all().delete()
    sandbox.google.reset()


@pytest.mark.parametrize("back", [False, True], ids=["merge", "undo"])
def test_carrying_survives_death_at_every_step(
    sandbox: SandboxServer,
    drive: DrivePeople,
    work_off: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    back: bool,
) -> None:
    steps = Steps(monkeypatch)
    kept, other = LeadFactory(title="A"), LeadFactory(title="B")
    fatal, survived = 0, False
    while not survived:
        start_anew(sandbox)
        for row in (kept, other):
            DriveFolderTree.objects.request(DriveFolderTree.objects.wanted("lead", row.pk).pk)
        work_off()
        merge("lead", kept, other)
        if back:
            work_off()
            take_back("lead", other)
        tree = DriveFolderTree.objects.of("lead", other.pk).get()
        fatal += 1

        survived = steps.run(lambda pk=tree.pk: provision_tree(pk), fatal)
        let_leases_end(DriveFolderTree)
        work_off()

        together = {"Lead - A": {"Lead - B": {}}}
        apart = {"Lead - A": {}, "Lead - B": {}}
        assert drive.tree()["Leads"] == (apart if back else together), f"died at step {fatal}"
        assert (
            DriveFolder.objects.count() == DriveFolderNode.objects.filter(path_key="root").count()
        )
        if not back:
            take_back("lead", other)
    assert fatal > 10
