"""Existing folders become records' own, instead of twins beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError
from rest_framework.test import APIClient

from crm.models import Lead
from gdrive import adoption, takeover
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
from pipedesk.core.exceptions import InvalidInput
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import CompanyFactory, ContactFactory, DealFactory, LeadFactory
from tests.gdrive.dying import Steps
from tests.gdrive.test_commands import run
from tests.gdrive.test_provisioning import all_ready, default_tree, work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

Api = Callable[..., APIClient]
FolderId = Callable[[str, object], str]


@pytest.fixture
def provision(api: Api) -> Callable[..., Any]:
    """The call of the API, by a manager or somebody else."""

    def call(entity_type: str, row: Any, role: str = "manager", **body: Any) -> Any:
        return api(role).post(f"/api/drive/{entity_type}/{row.pk}/provision", body, format="json")

    return call


def named(files: list[Any]) -> list[str]:
    return sorted(file["name"] for file in files)


# --- By address -------------------------------------------------------------------------------


def test_a_folder_is_adopted_by_its_address_with_what_lies_in_it(
    provision: Callable[..., Any], drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="ACME")
    old = drive.create_folder("Cliente ACME (antigo)")
    inside = drive.create_folder("05. Decisão Interna", old)
    drive.drop_file(inside, "ata.pdf", b"%PDF")

    answer = provision("lead", lead, folder_url=f"https://drive.google.com/drive/folders/{old}?x=1")
    work_off()

    assert answer.status_code == 202
    assert folder_id("lead", lead.pk) == old
    assert set(drive.tree()) == {"Cliente ACME (antigo)", "Leads"}
    assert drive.tree()["Leads"] == {}
    grown = drive.tree()["Cliente ACME (antigo)"]
    assert grown == {**default_tree("lead"), "05. Decisão Interna": {"ata.pdf": None}}
    marks = {"entity_type": "lead", "entity_id": str(lead.pk)}
    assert drive.file(old)["appProperties"] == {**marks, "place": "root"}
    assert drive.file(inside)["appProperties"].items() >= marks.items()
    assert all_ready()
    assert DriveFile.objects.get(name="ata.pdf").parent_folder_id == inside
    assert provision("lead", lead, folder_url=old).json()["state"] == "ready"


def test_an_adopted_folder_keeps_its_name_and_place_when_the_record_changes(
    provision: Callable[..., Any], drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="ACME")
    old = drive.create_folder("Antigo")
    provision("lead", lead, folder_url=old)
    work_off()

    lead.title = "Outra"
    lead.qualified_company = CompanyFactory(name="Outra SA")
    lead.save()
    work_off()

    assert "Antigo" in drive.tree()
    assert drive.tree()["Companies"]["Outra SA"]["01. Leads"] == {}
    assert folder_id("lead", lead.pk) == old


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://drive.google.com/drive/folders/1AbCdEfGhIjK", "1AbCdEfGhIjK"),
        ("https://drive.google.com/drive/u/0/folders/1AbCdEfGhIjK?usp=sharing", "1AbCdEfGhIjK"),
        ("https://drive.google.com/open?id=1AbCdEfGhIjK", "1AbCdEfGhIjK"),
        (" 1AbCdEfGhIjK ", "1AbCdEfGhIjK"),
    ],
)
def test_the_addresses_people_copy_are_understood(text: str, found: str) -> None:
    assert adoption.folder_id_of(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/drive/folders/1AbCdEfGhIjK",
        "https://drive.google.com/file/d/1AbCdEfGhIjK/view",
        "root",
        "../1AbCdEfGhIjK",
        "1AbCdEfGhIjK' in parents or '",
    ],
)
def test_no_other_text_is_a_folder_s_address(text: str) -> None:
    with pytest.raises(InvalidInput):
        adoption.folder_id_of(text)


@pytest.mark.parametrize(
    ("what", "status", "word"),
    [
        ("missing", 422, "no such folder"),
        ("file", 422, "not a folder"),
        ("trashed", 422, "trash"),
        ("top", 422, "top of a drive"),
        ("place", 409, "already"),
        ("other's", 409, "already"),
        ("in other's", 409, "another record"),
        ("unreachable", 422, "no such folder"),
    ],
)
def test_what_cannot_be_a_record_s_folder_is_refused_and_nothing_changes(
    provision: Callable[..., Any],
    drive: DrivePeople,
    folder_id: FolderId,
    what: str,
    status: int,
    word: str,
) -> None:
    other = LeadFactory(title="Other")
    work_off()
    others_own = folder_id("lead", other.pk)
    lead = LeadFactory(title="ACME")
    folders = {
        "missing": "1NobodysFolderAtAll",
        "file": drive.drop_file(others_own, "a.txt", b"1"),
        "trashed": drive.create_folder("Old"),
        "top": drive.file("root")["id"],
        "place": DriveFolderNode.objects.get(path_key="place:lead").google_id,
        "other's": others_own,
        "in other's": drive.create_folder("Inside", others_own),
        "unreachable": drive.as_user("eva@elsewhere.example").create_folder("Private"),
    }
    drive.trash(folders["trashed"])
    before = drive.tree()

    answer = provision("lead", lead, folder_url=folders[what])

    assert answer.status_code == status, answer.json()
    assert word in str(answer.json())
    assert drive.tree() == before
    tree = DriveFolderTree.objects.of("lead", lead.pk).get()
    assert (tree.adopt_folder_id, tree.nodes.count()) == ("", 0)


def test_the_folder_everything_grows_in_and_those_above_are_refused(
    provision: Callable[..., Any], drive: DrivePeople, settings: Any
) -> None:
    above = drive.create_folder("Above")
    settings.DRIVE_ROOT_FOLDER_ID = drive.create_folder("PipeDesk", above)
    lead = LeadFactory()

    for folder in (above, settings.DRIVE_ROOT_FOLDER_ID):
        answer = provision("lead", lead, folder_url=folder)
        assert (answer.status_code, "grow" in str(answer.json())) == (422, True)


def test_a_record_with_a_folder_gets_no_second_one(
    provision: Callable[..., Any], drive: DrivePeople
) -> None:
    lead = LeadFactory(title="ACME")
    work_off()
    old = drive.create_folder("Old")

    assert provision("lead", lead, folder_url=old).status_code == 409
    assert "appProperties" not in drive.file(old)


def test_a_folder_belongs_to_one_record(provision: Callable[..., Any], drive: DrivePeople) -> None:
    first, second = LeadFactory(title="A"), LeadFactory(title="B")
    old = drive.create_folder("Old")

    assert provision("lead", first, folder_url=old).status_code == 202
    assert provision("lead", second, folder_url=old).status_code == 202
    work_off()

    states = [tree.condition for tree in DriveFolderTree.objects.order_by("pk")]
    assert states == ["ready", "error"]
    assert "already" in DriveFolderTree.objects.of("lead", second.pk).get().last_error
    assert provision("lead", second, adopt=False).status_code == 202
    work_off()
    assert list(drive.tree()["Leads"]) == ["Lead - B"]


def test_the_sales_team_does_not_adopt(
    provision: Callable[..., Any], api: Api, drive: DrivePeople
) -> None:
    sales = api("sales")
    lead = LeadFactory(owner=sales.user)  # type: ignore[attr-defined]
    address = f"/api/drive/lead/{lead.pk}/provision"

    assert sales.post(address, {"adopt": True}, format="json").status_code == 403
    assert sales.post(address).status_code == 202
    assert api(None).post(address, {"adopt": True}, format="json").status_code == 401
    assert api("admin").post(address, {"adopt": True}, format="json").status_code == 202
    unknown = api("admin").post(f"/api/drive/lead/{uuid4()}/provision", {"adopt": True})
    assert unknown.status_code == 404


def test_google_out_of_reach_is_503_and_nothing_changes(
    provision: Callable[..., Any], drive: DrivePeople, sandbox: SandboxServer
) -> None:
    lead = LeadFactory()
    sandbox.google.faults.plan(
        {"method": "drive.files.get", "kind": "status", "status": 403, "reason": "forbidden"}
    )

    answer = provision("lead", lead, folder_url=drive.create_folder("Old"))

    assert (answer.status_code, answer.json()["code"]) == (503, "google_unavailable")
    assert DriveFolderTree.objects.get().adopt_folder_id == ""


# --- What the customer's table knows ----------------------------------------------------------


def test_the_folder_the_customer_s_table_names_is_the_record_s(
    drive: DrivePeople, folder_id: FolderId
) -> None:
    contact = ContactFactory(name="Bia")
    old = drive.create_folder("Bia (old system)")
    DriveFolder.objects.create(entity_type="contact", entity_id=str(contact.pk), folder_id=old)

    work_off()

    assert set(drive.tree()["Bia (old system)"]) >= {"01. Documentos"}
    assert drive.tree()["Contacts"] == {}
    assert folder_id("contact", contact.pk) == old


def test_one_that_is_gone_is_a_person_s_decision(drive: DrivePeople) -> None:
    contact = ContactFactory(name="Bia")
    DriveFolder.objects.create(
        entity_type="contact", entity_id=str(contact.pk), folder_id="1GoneForGoodFolder"
    )

    work_off()

    tree = DriveFolderTree.objects.get()
    assert tree.condition == "error"
    assert "no such folder" in tree.last_error
    assert drive.tree() == {"Contacts": {}}


# --- By name ----------------------------------------------------------------------------------


def old_system(drive: DrivePeople) -> dict[str, str]:
    """What the old service left: a company with a lead and a deal, one folder doubled."""
    ids = {"companies": drive.create_folder("Companies")}
    ids["acme"] = drive.create_folder("ACME SA", ids["companies"])
    ids["leads"] = drive.create_folder("01. Leads", ids["acme"])
    ids["empty"] = drive.create_folder("02. Deals", ids["acme"])
    ids["deals"] = drive.create_folder("02. Deals", ids["acme"])
    ids["lead"] = drive.create_folder("Lead - ACME", ids["leads"])
    ids["deal"] = drive.create_folder("Deal - Torre", ids["deals"])
    drive.drop_file(ids["lead"], "plan.txt", b"1")
    return ids


def test_adopting_by_name_takes_over_the_old_system_s_tree(
    drive: DrivePeople, folder_id: FolderId
) -> None:
    ids = old_system(drive)
    company = CompanyFactory(name="ACME SA")
    lead = LeadFactory(title="ACME", qualified_company=company)
    deal = DealFactory(title="Torre", company=company)

    report = run("provision", "--missing", "--adopt")

    assert report["grown"] == 3
    owned = [("company", company, "acme"), ("lead", lead, "lead"), ("deal", deal, "deal")]
    for entity_type, row, name in owned:
        assert folder_id(entity_type, row.pk) == ids[name]
    assert named(drive.children()) == ["Companies"]
    assert named(drive.children(ids["companies"])) == ["ACME SA"]
    assert named(drive.children(ids["acme"])).count("02. Deals") == 2
    assert drive.children(ids["empty"]) == []
    tree = DriveFolderTree.objects.of("company", company.pk).get()
    assert ids["empty"] in tree.remark
    assert "plan.txt" in named(drive.children(ids["lead"]))
    assert all_ready()


def test_a_lead_alone_adopts_the_folders_above_it_too(
    provision: Callable[..., Any], drive: DrivePeople, folder_id: FolderId
) -> None:
    ids = old_system(drive)
    lead = LeadFactory(title="ACME", qualified_company=CompanyFactory(name="ACME SA"))
    DriveFolderTree.objects.of("company", lead.qualified_company_id).delete()

    assert provision("lead", lead, adopt=True).status_code == 202
    work_off()

    assert folder_id("lead", lead.pk) == ids["lead"]
    assert folder_id("company", lead.qualified_company_id) == ids["acme"]
    assert named(drive.children()) == ["Companies"]


def test_of_several_of_one_name_a_person_chooses(
    provision: Callable[..., Any], drive: DrivePeople, folder_id: FolderId
) -> None:
    place = drive.create_folder("Leads")
    twins = [drive.create_folder("Lead - ACME", place) for _ in range(2)]
    lead = LeadFactory(title="ACME")

    provision("lead", lead, adopt=True)
    work_off()

    tree = DriveFolderTree.objects.get()
    assert tree.condition == "error"
    assert all(twin in tree.last_error for twin in twins)
    assert len(drive.children(place)) == 2

    assert provision("lead", lead, folder_url=twins[1]).status_code == 202
    work_off()
    assert folder_id("lead", lead.pk) == twins[1]
    assert len(drive.children(place)) == 2


def test_a_name_that_differs_in_case_or_lies_in_the_trash_is_not_the_same(
    provision: Callable[..., Any], drive: DrivePeople, folder_id: FolderId
) -> None:
    place = drive.create_folder("Leads")
    other = drive.create_folder("lead - acme", place)
    trashed = drive.create_folder("Lead - ACME", place)
    drive.trash(trashed)
    drive.drop_file(place, "Lead - ACME", b"no folder")
    lead = LeadFactory(title="ACME")

    provision("lead", lead, adopt=True)
    work_off()

    assert folder_id("lead", lead.pk) not in {other, trashed}
    assert DriveFolderNode.objects.get(path_key="place:lead").google_id == place


@pytest.mark.parametrize("name", ["D'Ávila \\ Filhos", "🏗 Obra “A”", "x" * 300])
def test_d54_names_with_quotes_and_emoji_are_found(
    provision: Callable[..., Any], drive: DrivePeople, folder_id: FolderId, name: str
) -> None:
    place = drive.create_folder("Contacts")
    contact = ContactFactory(name=name[:255])
    old = drive.create_folder(name[:255], place)

    provision("contact", contact, adopt=True)
    work_off()

    assert folder_id("contact", contact.pk) == old


@pytest.mark.parametrize(("status", "reason"), [(403, "forbidden"), (500, "backendError")])
def test_d51_when_the_parent_listing_fails_nothing_is_created(
    provision: Callable[..., Any],
    drive: DrivePeople,
    sandbox: SandboxServer,
    folder_id: FolderId,
    status: int,
    reason: str,
) -> None:
    """51. A listing that fails is not an empty one."""
    ids = old_system(drive)
    lead = LeadFactory(title="ACME", qualified_company=CompanyFactory(name="ACME SA"))
    DriveFolderTree.objects.of("company", lead.qualified_company_id).delete()
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

    provision("lead", lead, adopt=True)
    work_off()

    assert drive.file(ids["lead"])["parents"] == [ids["leads"]]
    assert "drive.files.create" not in sandbox.google.requests.as_json()
    assert before == drive.tree()

    sandbox.google.faults.clear()
    DriveFolderTree.objects.filter(dead_at__isnull=False).revive()
    DriveFolderTree.objects.update(next_attempt_at=None)
    work_off()
    assert folder_id("lead", lead.pk) == ids["lead"]


def test_without_being_asked_nothing_is_adopted_by_name(
    drive: DrivePeople, folder_id: FolderId
) -> None:
    """53."""
    ids = old_system(drive)
    lead = LeadFactory(title="ACME", qualified_company=CompanyFactory(name="ACME SA"))

    work_off()

    assert folder_id("lead", lead.pk) != ids["lead"]
    assert "appProperties" not in drive.file(ids["lead"])


def test_the_command_names_what_it_could_not_adopt(drive: DrivePeople) -> None:
    place = drive.create_folder("Contacts")
    for _ in range(2):
        drive.create_folder("Bia", place)
    ContactFactory(name="Bia")

    with pytest.raises(CommandError) as failure:
        run("provision", "--missing", "--adopt")

    assert failure.value.returncode == 3


# --- Whatever dies ----------------------------------------------------------------------------


def test_adoption_survives_death_at_every_step(
    sandbox: SandboxServer, drive: DrivePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    DriveStructureNode.objects.exclude(template__entity_type="lead", order=1).exclude(
        template__entity_type="company", name="01. Leads"
    ).delete()
    DriveStructureNode.objects.filter(template__entity_type="lead").update(name="01. Dados")
    steps = Steps(monkeypatch)
    lead: Lead = LeadFactory(title="ACME", qualified_company=CompanyFactory(name="ACME SA"))
    fatal, survived = 0, False
    while not survived:
        for model in (DriveFolderNode, DriveFolderTree, DriveFolder, DriveFile, DriveSyncState):
            model.objects.all()._raw_delete("default")
        ReservedId.objects.all().delete()
        sandbox.google.reset()
        companies = drive.create_folder("Companies")
        acme = drive.create_folder("ACME SA", companies)
        old = drive.create_folder("Lead - ACME", drive.create_folder("01. Leads", acme))
        data = drive.create_folder("01. Dados", old)
        tree = takeover.order("lead", str(lead.pk), by_name=True)
        fatal += 1

        survived = steps.run(lambda pk=tree.pk: provision_tree(pk), fatal)
        let_leases_end(DriveFolderTree)
        for _ in range(3):
            work_off()

        grown = {"Companies": {"ACME SA": {"01. Leads": {"Lead - ACME": {"01. Dados": {}}}}}}
        assert drive.tree() == grown, f"died at step {fatal}"
        assert all_ready()
        assert DriveFolder.objects.of("lead", lead.pk).get().folder_id == old
        assert drive.file(data)["appProperties"]["entity_id"] == str(lead.pk)
        assert set(DriveFolderNode.objects.values_list("adopted", flat=True)) == {True}
    assert fatal > 30
