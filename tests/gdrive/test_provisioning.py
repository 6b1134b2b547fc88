"""Folder trees: as the template says, exactly once, whatever dies."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import F
from pytest_django.fixtures import Settings

from crm.models import Company
from gdrive import client
from gdrive.models import (
    DriveFile,
    DriveFolder,
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureTemplate,
    DriveSyncState,
)
from gdrive.placeholders import REFERENCE
from gdrive.tasks import provision_tree
from pipedesk.google.service import close_services
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.factories.crm import CompanyFactory, ContactFactory, DealFactory, LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)

Provision = Callable[[str, object], DriveFolderTree]
FolderId = Callable[[str, object], str]


def as_tree(nodes: list[str | dict[str, list[str]]]) -> dict[str, object]:
    tree: dict[str, object] = {}
    for node in nodes:
        name, inside = (node, []) if isinstance(node, str) else next(iter(node.items()))
        tree[name] = as_tree(list(inside))
    return tree


def default_tree(entity_type: str) -> dict[str, object]:
    [template] = [
        template
        for template in REFERENCE["folder_templates"].values()
        if template["entity_type"] == entity_type
    ]
    return as_tree(template["nodes"])


def all_ready() -> bool:
    return (
        not DriveFolderNode.objects.filter(state="reserved").exists()
        and not DriveFolderTree.objects.exclude(requested=F("applied")).exists()
    )


def work_off() -> None:
    """What the workers do with everything asked for."""
    for pk in DriveFolderTree.objects.behind().values_list("pk", flat=True):
        provision_tree(pk)


def test_a_lead_without_a_company_grows_its_template_below_leads(
    provision: Provision, drive: DrivePeople
) -> None:
    lead = LeadFactory(title="Construtora D'Ávila / Filhos")

    tree = provision("lead", lead.pk)

    assert drive.tree() == {"Leads": {"Lead - Construtora D'Ávila / Filhos": default_tree("lead")}}
    assert tree.state == "ready"
    assert tree.template == DriveStructureTemplate.objects.get(name="Default Lead Template")


def test_a_deal_without_a_company_grows_below_deals(
    provision: Provision, drive: DrivePeople
) -> None:
    deal = DealFactory(title="Torre Norte")

    provision("deal", deal.pk)

    assert drive.tree() == {"Deals": {"Deal - Torre Norte": default_tree("deal")}}


def test_a_contact_grows_below_contacts_with_its_placeholders_rendered(
    provision: Provision, drive: DrivePeople
) -> None:
    contact = ContactFactory(name="Bia Nunes")

    tree = provision("contact", contact.pk)

    assert drive.tree() == {
        "Contacts": {
            "Bia Nunes": {
                "01. Documentos": {},
                f"02. Correspondência {tree.created_at:%Y}": {},
            }
        }
    }


def test_a_lead_and_a_deal_of_a_company_stand_in_its_numbered_folders(
    provision: Provision, drive: DrivePeople
) -> None:
    company = CompanyFactory(name="ACME S.A.")
    lead = LeadFactory(title="ACME", qualified_company=company)
    deal = DealFactory(title="Torre", company=company)

    provision("lead", lead.pk)
    provision("deal", deal.pk)
    work_off()

    wanted = default_tree("company")
    wanted["01. Leads"] = {"Lead - ACME": default_tree("lead")}
    wanted["02. Deals"] = {"Deal - Torre": default_tree("deal")}
    assert drive.tree() == {"Companies": {"ACME S.A.": wanted}}
    assert all_ready()


def test_a_company_whose_template_lost_the_leads_folder_gets_one_when_a_lead_needs_it(
    provision: Provision, drive: DrivePeople
) -> None:
    template = DriveStructureTemplate.objects.get(entity_type="company")
    template.nodes.all().delete()
    template.nodes.create(name="01. Contratos")
    lead = LeadFactory(title="ACME", qualified_company=CompanyFactory(name="ACME"))

    provision("company", lead.qualified_company_id)
    provision("lead", lead.pk)
    provision("company", lead.qualified_company_id)

    assert drive.tree()["Companies"]["ACME"] == {
        "01. Contratos": {},
        "01. Leads": {"Lead - ACME": default_tree("lead")},
    }


def test_without_a_template_the_entity_gets_its_own_folder(
    provision: Provision, drive: DrivePeople
) -> None:
    DriveStructureTemplate.objects.filter(entity_type="contact").delete()
    contact = ContactFactory(name="Bia")

    provision("contact", contact.pk)

    assert drive.tree() == {"Contacts": {"Bia": {}}}


def test_the_tree_is_in_the_mirror_and_in_the_customers_table(
    provision: Provision, drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory()

    provision("lead", lead.pk)

    root_id = folder_id("lead", lead.pk)
    folder = DriveFolder.objects.get()
    assert folder.folder_url == drive.file(root_id)["webViewLink"]
    names = set(DriveFile.objects.inside(root_id).values_list("name", flat=True))
    assert names == set(default_tree("lead"))
    assert drive.file(root_id)["appProperties"] == {
        "entity_type": "lead",
        "entity_id": str(lead.pk),
        "place": "root",
    }


def test_the_feed_has_its_cursor_before_the_first_folder_exists(
    provision: Provision, drive: DrivePeople
) -> None:
    before = drive.create_folder("Before")
    lead = LeadFactory()

    provision("lead", lead.pk)

    token = DriveSyncState.objects.get().page_token
    assert token is not None
    changed = {change.file_id for change in client.list_changes(token).changes}
    assert before not in changed
    assert set(DriveFolderNode.objects.values_list("google_id", flat=True)) <= changed


def test_a_shared_drive_is_the_root_when_it_is_configured(
    provision: Provision, drive: DrivePeople, settings: Settings
) -> None:
    settings.DRIVE_SHARED_DRIVE_ID = drive.create_drive("Sales")
    lead = LeadFactory(title="ACME")

    provision("lead", lead.pk)

    assert drive.tree(settings.DRIVE_SHARED_DRIVE_ID) == {
        "Leads": {"Lead - ACME": default_tree("lead")}
    }
    assert drive.tree() == {}


def test_provisioning_again_changes_nothing_and_asks_google_nothing(
    provision: Provision, drive: DrivePeople, sandbox: SandboxServer
) -> None:
    lead = LeadFactory()
    provision("lead", lead.pk)
    before, calls = drive.tree(), sandbox.google.requests.as_json()

    provision("lead", lead.pk)

    assert drive.tree() == before
    assert sandbox.google.requests.as_json() == calls


def test_an_edited_template_is_for_trees_of_tomorrow(
    provision: Provision, drive: DrivePeople
) -> None:
    first = ContactFactory(name="First")
    provision("contact", first.pk)
    template = DriveStructureTemplate.objects.get(entity_type="contact")
    template.nodes.all().delete()
    template.nodes.create(name="Novo {{contact_name}}")

    provision("contact", first.pk)
    provision("contact", ContactFactory(name="Second").pk)

    assert drive.tree()["Contacts"]["Second"] == {"Novo Second": {}}
    assert "01. Documentos" in drive.tree()["Contacts"]["First"]


def test_a_deleted_record_gets_no_tree(provision: Provision, drive: DrivePeople) -> None:
    company: Company = CompanyFactory()
    company.soft_delete(by=None)

    provision("company", company.pk)

    assert drive.tree() == {}


def test_twenty_parallel_provisions_make_one_tree(drive: DrivePeople) -> None:
    company = CompanyFactory(name="ACME")
    leads = [LeadFactory(title=f"L{n}", qualified_company=company) for n in range(2)]
    trees = [DriveFolderTree.objects.wanted("lead", lead.pk) for lead in leads]
    trees.append(DriveFolderTree.objects.wanted("company", company.pk))
    barrier = threading.Barrier(21)

    def call(pk: int) -> None:
        try:
            barrier.wait()
            DriveFolderTree.objects.request(pk)
            provision_tree(pk)
        finally:
            close_services()
            connection.close()

    threads = [threading.Thread(target=call, args=(trees[n % 3].pk,)) for n in range(21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work_off()

    wanted = default_tree("company")
    wanted["01. Leads"] = {f"Lead - L{n}": default_tree("lead") for n in range(2)}
    assert drive.tree() == {"Companies": {"ACME": wanted}}
    assert all_ready()
    assert not DriveFolderTree.objects.exclude(last_error="").exists()


def test_without_a_root_on_the_real_google_the_reason_is_on_the_row(
    settings: Settings, drive: DrivePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gdrive.layout.GOOGLE_ROOT_URL", settings.GOOGLE_API_ROOT_URL.rstrip("/"))
    tree = DriveFolderTree.objects.wanted("lead", LeadFactory().pk)
    DriveFolderTree.objects.request(tree.pk)

    provision_tree(tree.pk)

    tree.refresh_from_db()
    assert tree.condition == "error"
    assert "DRIVE_ROOT_FOLDER_ID" in tree.last_error
    assert drive.tree() == {}


def test_a_full_drive_is_a_reason_for_people_and_no_retry(
    drive: DrivePeople, sandbox: SandboxServer
) -> None:
    sandbox.google.faults.plan(
        {
            "method": "drive.files.create",
            "kind": "status",
            "status": 403,
            "reason": "storageQuotaExceeded",
            "times": 99,
        }
    )
    tree = DriveFolderTree.objects.wanted("lead", LeadFactory().pk)
    DriveFolderTree.objects.request(tree.pk)

    provision_tree(tree.pk)

    tree.refresh_from_db()
    assert tree.condition == "error"
    assert "no storage left" in tree.last_error
