"""Folders follow their record, and leave alone what a person named or moved."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from django_q.models import OrmQ

from crm.models import Lead
from crm.signals import lead_qualified
from gdrive.models import DriveFile, DriveFolderNode, DriveFolderTree, DriveStructureTemplate
from gdrive.tasks import provision_tree
from pipedesk.sandbox.people import DrivePeople
from tests.factories.crm import CompanyFactory, DealFactory, LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)

FolderId = Callable[[str, object], str]
Provision = Callable[[str, object], DriveFolderTree]


@pytest.fixture
def work_off(drive: DrivePeople) -> Callable[[], None]:
    """What the workers do with everything asked for."""

    def run() -> None:
        for pk in DriveFolderTree.objects.behind().values_list("pk", flat=True):
            provision_tree(pk)
        assert not DriveFolderTree.objects.exclude(last_error="").exists()

    return run


@pytest.mark.parametrize("factory", [LeadFactory, CompanyFactory, DealFactory])
def test_a_new_record_asks_for_its_tree_in_its_own_transaction(factory: Callable[[], Lead]) -> None:
    row = factory()
    with transaction.atomic():
        factory()
        transaction.set_rollback(True)

    tree = DriveFolderTree.objects.get()
    assert (tree.entity_id, tree.requested) == (str(row.pk), 1)
    assert OrmQ.objects.count() == 1


def test_renaming_the_lead_renames_its_folder_and_the_mirror(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="Old")
    work_off()

    lead.title = "New"
    lead.save()
    work_off()

    assert list(drive.tree()["Leads"]) == ["Lead - New"]
    stored = DriveFile.objects.get(file_id=folder_id("lead", lead.pk))
    assert stored.name == "Lead - New"


def test_a_folder_a_person_renamed_keeps_its_name(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="Old")
    work_off()
    drive.rename(folder_id("lead", lead.pk), "Mine")

    lead.title = "New"
    lead.save()
    work_off()

    assert list(drive.tree()["Leads"]) == ["Mine"]


def test_names_inside_follow_too_and_the_years_stay(
    work_off: Callable[[], None], drive: DrivePeople, templates: None
) -> None:
    template = DriveStructureTemplate.objects.get(entity_type="lead")
    template.nodes.all().delete()
    template.nodes.create(name="{{year}} {{lead_name}} / {{trade_name}}")
    lead = LeadFactory(title="Old", trade_name=None)
    DriveFolderTree.objects.update(created_at="2020-06-01T00:00:00Z")
    work_off()
    assert drive.tree()["Leads"]["Lead - Old"] == {"2020 Old / —": {}}

    lead.title = "New"
    lead.save()
    work_off()

    assert drive.tree()["Leads"] == {"Lead - New": {"2020 New / —": {}}}


def test_a_lead_that_gets_a_company_moves_with_all_its_files(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="ACME")
    work_off()
    drive.drop_file(folder_id("lead", lead.pk), "offer.pdf", b"%PDF")

    lead.qualified_company = CompanyFactory(name="ACME SA")
    lead.save()
    work_off()

    assert drive.tree()["Leads"] == {}
    assert "offer.pdf" in drive.tree()["Companies"]["ACME SA"]["01. Leads"]["Lead - ACME"]
    place = DriveFolderNode.objects.get(path_key="place:lead", tree__entity_type="company")
    stored = DriveFile.objects.get(file_id=folder_id("lead", lead.pk))
    assert stored.parent_folder_id == place.google_id


def test_a_folder_a_person_moved_elsewhere_stays_there(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="ACME")
    work_off()
    elsewhere = drive.create_folder("Elsewhere")
    drive.move(folder_id("lead", lead.pk), elsewhere)

    lead.qualified_company = CompanyFactory(name="ACME SA")
    lead.title = "ACME 2"
    lead.save()
    work_off()

    assert list(drive.tree()["Elsewhere"]) == ["Lead - ACME 2"]


def test_qualifying_asks_for_the_folders_of_lead_and_deal(templates: None) -> None:
    company = CompanyFactory()
    deal = DealFactory(company=company)
    lead = LeadFactory(qualified_company=company, qualified_master_deal=deal)
    before = dict(DriveFolderTree.objects.values_list("entity_type", "requested"))

    lead_qualified.send(Lead, lead=lead, user_id=None)

    after = dict(DriveFolderTree.objects.values_list("entity_type", "requested"))
    assert after == {**before, "lead": 2, "deal": 2}


def test_a_folder_in_the_trash_is_left_there(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="Old")
    work_off()
    drive.trash(folder_id("lead", lead.pk))

    lead.title = "New"
    lead.save()
    work_off()

    assert drive.file(folder_id("lead", lead.pk))["name"] == "Lead - Old"


def test_a_folder_deleted_for_good_stops_nothing_else(
    work_off: Callable[[], None], drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="Old")
    work_off()
    drive.delete(folder_id("lead", lead.pk))

    lead.title = "New"
    lead.save()
    work_off()

    assert drive.tree() == {"Leads": {}}


def test_a_folder_whose_new_place_is_gone_says_so(
    drive: DrivePeople, provision: Provision, folder_id: FolderId
) -> None:
    company = CompanyFactory(name="ACME SA")
    lead = LeadFactory(title="ACME")
    provision("company", company.pk)
    provision("lead", lead.pk)
    [place] = [
        each["id"]
        for each in drive.children(folder_id("company", company.pk))
        if each["name"] == "01. Leads"
    ]
    drive.delete(place)
    Lead.objects.filter(pk=lead.pk).update(qualified_company=company)
    tree = DriveFolderTree.objects.wanted("lead", lead.pk)
    DriveFolderTree.objects.request(tree.pk)

    provision_tree(tree.pk)

    tree.refresh_from_db()
    assert tree.dead_at is not None
    assert "belongs is gone in Drive" in tree.last_error
    assert drive.file(folder_id("lead", lead.pk))["name"] == "Lead - ACME"


def test_a_folder_whose_new_place_lies_in_itself_stays_and_gets_its_name(
    drive: DrivePeople, provision: Provision, folder_id: FolderId
) -> None:
    company = CompanyFactory(name="ACME SA")
    lead = LeadFactory(title="ACME")
    provision("company", company.pk)
    provision("lead", lead.pk)
    own = folder_id("lead", lead.pk)
    place = drive.file(own)["parents"][0]
    drive.move(folder_id("company", company.pk), own)
    Lead.objects.filter(pk=lead.pk).update(qualified_company=company, title="ACME 2")

    for _ in range(2):
        assert provision("lead", lead.pk).dead_at is None

    assert (drive.file(own)["name"], drive.file(own)["parents"]) == ("Lead - ACME 2", [place])
