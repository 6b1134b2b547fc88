"""Names follow records: also the other records that a folder's name mentions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from crm.lead_links import add_contact
from crm.models import LeadContact
from gdrive import catalogue, naming
from gdrive.models import DriveFolderTree, DriveStructureTemplate
from gdrive.tasks import provision_tree
from pipedesk.sandbox.people import DrivePeople
from tests.factories.accounts import UserFactory
from tests.factories.crm import CompanyFactory, ContactFactory, DealFactory, LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[..., APIClient]
ADDRESS = "/api/drive/sync-name"
FACTORIES = {
    "lead": LeadFactory,
    "company": CompanyFactory,
    "deal": DealFactory,
    "contact": ContactFactory,
}


@pytest.fixture
def work_off(drive: DrivePeople) -> Callable[[], None]:
    """What the workers do with everything asked for."""

    def run() -> None:
        for pk in DriveFolderTree.objects.behind().values_list("pk", flat=True):
            provision_tree(pk)
        assert not DriveFolderTree.objects.exclude(last_error="").exists()
        assert not DriveFolderTree.objects.behind().exists()

    return run


def only_folder(entity_type: str, name: str) -> None:
    """Let the active template of this kind be one folder."""
    template = DriveStructureTemplate.objects.get(entity_type=entity_type)
    template.nodes.all().delete()
    template.nodes.create(name=name)


def test_a_company_s_new_name_reaches_the_folders_of_its_leads_and_deals(
    work_off: Callable[[], None], drive: DrivePeople
) -> None:
    only_folder("lead", "Docs {{company_name}}")
    only_folder("deal", "Deal of {{ company_name }}")
    company = CompanyFactory(name="Alfa")
    LeadFactory(title="L", qualified_company=company)
    DealFactory(title="D", company=company)
    work_off()

    company.name = "Beta"
    company.save()
    work_off()

    beta = drive.tree()["Companies"]["Beta"]
    assert beta["01. Leads"] == {"Lead - L": {"Docs Beta": {}}}
    assert beta["02. Deals"] == {"Deal - D": {"Deal of Beta": {}}}


def test_what_does_not_show_the_company_is_not_asked_for(templates: None) -> None:
    company = CompanyFactory(name="Alfa")
    lead = LeadFactory(qualified_company=company)

    company.name = "Beta"
    company.save()

    assert DriveFolderTree.objects.of("lead", lead.pk).get().requested == 1
    assert DriveFolderTree.objects.of("company", company.pk).get().requested == 2


def test_a_person_s_name_for_it_stays_when_the_company_is_renamed(
    work_off: Callable[[], None], drive: DrivePeople
) -> None:
    only_folder("lead", "Docs {{company_name}}")
    company = CompanyFactory(name="Alfa")
    lead = LeadFactory(title="L", qualified_company=company)
    work_off()
    [node] = DriveFolderTree.objects.of("lead", lead.pk).get().nodes.exclude(path_key="root")
    drive.rename(node.google_id, "Mine")

    company.name = "Beta"
    company.save()
    work_off()

    leads = drive.tree()["Companies"]["Beta"]["01. Leads"]
    assert leads == {"Lead - L": {"Mine": {}}}


@pytest.mark.parametrize(
    ("pattern", "change", "shown"),
    [
        ("{{city}}", {"address_city": "Recife"}, "Recife"),
        ("{{state}}", {"address_state": "PE"}, "PE"),
        ("{{trade_name}}", {"trade_name": "Fantasia"}, "Fantasia"),
        ("{{owner_name}}", {"owner": None}, "—"),
    ],
)
def test_what_a_lead_s_folders_show_follows_the_lead(
    work_off: Callable[[], None],
    drive: DrivePeople,
    pattern: str,
    change: dict[str, Any],
    shown: str,
) -> None:
    only_folder("lead", f"01 {pattern}")
    lead = LeadFactory(title="L", owner=UserFactory(name="Ana", role="sales"))
    work_off()

    for name, value in change.items():
        setattr(lead, name, value)
    lead.save()
    work_off()

    assert drive.tree()["Leads"] == {"Lead - L": {f"01 {shown}": {}}}


def test_a_contact_s_role_reaches_its_folders(
    work_off: Callable[[], None], drive: DrivePeople
) -> None:
    only_folder("contact", "{{contact_role}}")
    contact = ContactFactory(name="Bia", role="CFO")
    work_off()

    contact.role = "CEO"
    contact.save()
    work_off()

    assert drive.tree()["Contacts"] == {"Bia": {"CEO": {}}}


def test_an_owner_s_new_name_reaches_lead_company_deal_and_contact(
    work_off: Callable[[], None], drive: DrivePeople
) -> None:
    for entity_type in ("lead", "company", "deal", "contact"):
        only_folder(entity_type, "De {{owner_name}}")
    ana = UserFactory(name="Ana", role="sales")
    company, contact = CompanyFactory(name="Alfa"), ContactFactory(name="Bia")
    deal = DealFactory(title="D", company=company)
    lead = LeadFactory(title="L", owner=ana, qualified_company=company, qualified_master_deal=deal)
    lead.contacts.add(contact)
    DriveFolderTree.objects.update(requested=1, applied=0)
    work_off()
    assert drive.tree()["Contacts"] == {"Bia": {"De Ana": {}}}

    ana.name = "Ana Lima"
    ana.save()
    work_off()

    alfa = drive.tree()["Companies"]["Alfa"]
    assert "De Ana Lima" in alfa
    assert alfa["01. Leads"] == {"Lead - L": {"De Ana Lima": {}}}
    assert alfa["02. Deals"] == {"Deal - D": {"De Ana Lima": {}}}
    assert drive.tree()["Contacts"] == {"Bia": {"De Ana Lima": {}}}

    lead.owner = UserFactory(name="Rui", role="sales")
    lead.save()
    work_off()
    assert drive.tree()["Contacts"] == {"Bia": {"De Rui": {}}}


def test_a_contact_s_folders_show_whose_lead_it_belongs_to_now(
    work_off: Callable[[], None], drive: DrivePeople
) -> None:
    only_folder("contact", "De {{owner_name}}")
    contact = ContactFactory(name="Bia")
    lead = LeadFactory(owner=UserFactory(name="Ana", role="sales"))
    work_off()
    assert drive.tree()["Contacts"] == {"Bia": {"De —": {}}}

    add_contact(lead, contact)
    work_off()
    assert drive.tree()["Contacts"] == {"Bia": {"De Ana": {}}}

    LeadContact.objects.get().delete()
    work_off()
    assert drive.tree()["Contacts"] == {"Bia": {"De —": {}}}


# What changes each placeholder of a kind of record, in the record itself; the others follow the
# owner or the company, and have tests of their own.
CHANGES: dict[str, dict[str, dict[str, str]]] = {
    "lead": {
        "entity_name": {"title": "New"},
        "lead_name": {"title": "New"},
        "trade_name": {"trade_name": "New"},
        "city": {"address_city": "New"},
        "state": {"address_state": "RJ"},
    },
    "company": {"entity_name": {"name": "New"}, "company_name": {"name": "New"}},
    "deal": {"entity_name": {"title": "New"}, "deal_name": {"title": "New"}},
    "contact": {
        "entity_name": {"name": "New"},
        "contact_name": {"name": "New"},
        "contact_role": {"role": "New"},
    },
}
ELSEWHERE = {"owner_name", "company_name"}
FIXED = {"year", "month", "date", "entity_id"}


@pytest.mark.parametrize("entity_type", CHANGES)
def test_every_placeholder_has_what_changes_it(entity_type: str) -> None:
    names = {one.name for one in catalogue.of(entity_type)}
    assert names - FIXED - ELSEWHERE == CHANGES[entity_type].keys() - ELSEWHERE


@pytest.mark.parametrize(
    ("entity_type", "name"), [(kind, name) for kind, names in CHANGES.items() for name in names]
)
def test_a_change_of_what_a_placeholder_shows_asks_for_the_tree(
    work_off: Callable[[], None], entity_type: str, name: str
) -> None:
    only_folder(entity_type, f"{{{{{name}}}}}")
    record = FACTORIES[entity_type]()
    work_off()

    for attribute, value in CHANGES[entity_type][name].items():
        setattr(record, attribute, value)
    record.save()

    assert DriveFolderTree.objects.behind().of(entity_type, record.pk).exists()


def test_a_log_in_of_an_owner_asks_nothing(
    templates: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = UserFactory(name="Ana", role="sales")
    LeadFactory(owner=ana)

    with django_assert_num_queries(1):
        ana.save(update_fields=["last_login"])


def test_many_dependants_are_asked_for_in_few_queries_and_only_some_woken_at_once(
    work_off: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Any,
) -> None:
    monkeypatch.setattr(naming, "WOKEN_AT_ONCE", 2)
    only_folder("lead", "{{company_name}}")
    company = CompanyFactory(name="Alfa")
    for n in range(12):
        LeadFactory(title=f"L{n}", qualified_company=company)
    work_off()

    with django_assert_max_num_queries(14):
        naming.company_renamed(company.pk)

    assert DriveFolderTree.objects.behind().filter(entity_type="lead").count() == 12
    assert DriveFolderTree.objects.filter(entity_type="lead", queued_at=None).count() == 10
    assert DriveFolderTree.objects.rewake() == 10


# --- POST /drive/sync-name --------------------------------------------------------------------


def test_sync_name_names_the_folders_as_the_record_is_called_now(
    api: Api, work_off: Callable[[], None], drive: DrivePeople
) -> None:
    lead = LeadFactory(title="Old")
    work_off()
    type(lead).objects.filter(pk=lead.pk).update(title="New")

    answer = api("manager").post(ADDRESS, {"entity_type": "lead", "entity_id": str(lead.pk)})
    work_off()

    tree = DriveFolderTree.objects.of("lead", lead.pk).get()
    assert (answer.status_code, answer.json()) == (202, {"job_id": tree.pk, "state": "ready"})
    assert list(drive.tree()["Leads"]) == ["Lead - New"]


def test_sync_name_takes_up_a_tree_that_was_given_up(api: Api, templates: None) -> None:
    lead = LeadFactory()
    DriveFolderTree.objects.update(dead_at="2026-01-01T00:00:00Z", attempts=6)

    answer = api("admin").post(ADDRESS, {"entityType": "lead", "entityId": str(lead.pk)})

    assert answer.status_code == 202
    assert DriveFolderTree.objects.get().dead_at is None


def test_sync_name_is_for_who_may_write_there(api: Api, templates: None) -> None:
    sales = api("sales")
    own, other = LeadFactory(owner=sales.user), LeadFactory()  # type: ignore[attr-defined]
    body = {"entity_type": "lead", "entity_id": str(own.pk)}

    assert sales.post(ADDRESS, body).status_code == 202
    assert sales.post(ADDRESS, {**body, "entity_id": str(other.pk)}).status_code == 403
    assert api(None).post(ADDRESS, body).status_code == 401
    assert DriveFolderTree.objects.of("lead", other.pk).get().requested == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"entity_type": "lead"}, 422),
        ({"entity_type": "user", "entity_id": "6f1c8a52-3c1b-4a55-9d0e-0d7f0f3f3a11"}, 422),
        ({"entity_type": "lead", "entity_id": "x"}, 422),
        ({"entity_type": "lead", "entity_id": "6f1c8a52-3c1b-4a55-9d0e-0d7f0f3f3a11"}, 404),
    ],
)
def test_a_wrong_call_of_sync_name_changes_nothing(
    api: Api, templates: None, body: dict[str, str], status: int
) -> None:
    assert api("admin").post(ADDRESS, body).status_code == status
    assert not DriveFolderTree.objects.exists()


def test_sync_name_of_a_merged_record_names_the_one_that_was_kept(
    api: Api, templates: None
) -> None:
    kept = CompanyFactory()
    gone = CompanyFactory(merged_into=kept, deleted_at=timezone.now())

    answer = api("admin").post(ADDRESS, {"entity_type": "company", "entity_id": str(gone.pk)})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert str(kept.pk) in answer.content.decode()


def test_sync_name_takes_the_same_few_queries_always(
    api: Api, templates: None, django_assert_max_num_queries: Any
) -> None:
    client, lead = api("manager"), LeadFactory()
    body = {"entity_type": "lead", "entity_id": str(lead.pk)}
    client.post(ADDRESS, body)

    with django_assert_max_num_queries(14):
        assert client.post(ADDRESS, body).status_code == 202
