"""Companies, contacts, deals, tags, statuses and origins in the API."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from crm.models import Company, Contact, Deal, LeadOrigin, LeadStatus, Tag
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
    LeadTagFactory,
    TagFactory,
)

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
# address, factory, name of its name in the API, attribute
RECORDS = [
    pytest.param("companies", CompanyFactory, "name", "name", id="companies"),
    pytest.param("contacts", ContactFactory, "name", "name", id="contacts"),
    pytest.param("deals", DealFactory, "client_name", "title", id="deals"),
]
REFERENCES = [
    pytest.param("tags", TagFactory, {"name": "A"}, id="tags"),
    pytest.param("lead-statuses", LeadStatusFactory, {"code": "a", "label": "A"}, id="statuses"),
    pytest.param("lead-origins", LeadOriginFactory, {"code": "a", "label": "A"}, id="origins"),
]


def tie(row: Any, owner: Any) -> None:
    """Make a lead of this owner's that the row is tied to."""
    lead = LeadFactory(owner=owner)
    match row:
        case Company():
            lead.qualified_company = row
        case Deal():
            lead.qualified_master_deal = row
        case Contact():
            LeadContactFactory(lead=lead, contact=row)
    lead.save()


@pytest.mark.parametrize(("address", "factory", "name", "attribute"), RECORDS)
def test_a_record_lives_from_creation_to_deletion(
    api: Api, address: str, factory: Any, name: str, attribute: str
) -> None:
    client = api("manager")
    made = client.post(f"/api/{address}", {name: "Ação"}, format="json")
    assert made.status_code == 201
    one = f"/api/{address}/{made.json()['id']}"
    shown = {**client.get(one).json()}
    if address != "deals":
        shown["possible_duplicates"] = []
    assert shown == made.json()
    changed = client.patch(one, {name: "Coração"}, format="json")
    assert changed.json()[name] == "Coração"
    assert changed.json()["updated_at"] > made.json()["updated_at"]
    assert client.delete(f"{one}?reason=twice").status_code == 204
    assert client.get(one).status_code == 404
    row = factory._meta.model.objects.get()
    assert (row.deleted_by, row.delete_reason) == (str(client.user.pk), "twice")
    assert getattr(row, attribute) == "Coração"


@pytest.mark.parametrize(("address", "factory", "name", "attribute"), RECORDS)
def test_records_are_searched_sorted_and_paged(
    api: Api, address: str, factory: Any, name: str, attribute: str
) -> None:
    for word in ("Ação", "Bola", "Coração"):
        factory(**{attribute: word})
    factory(**{attribute: "Ação deleted"}).soft_delete(by=None)
    client = api("sales")

    def ask(**query: Any) -> list[str]:
        return [row[name] for row in client.get(f"/api/{address}", query).json()["data"]]

    assert ask() == ["Ação", "Bola", "Coração"] or ask() == ["Bola", "Coração", "Ação"]
    assert ask(search="ACAO", order_by="created_at") == ["Coração", "Ação"]
    assert ask(order_by="-created_at") == ["Ação", "Bola", "Coração"]
    assert ask(order_by="-created_at", page=2, page_size=2) == ["Coração"]
    assert client.get(f"/api/{address}", {"order_by": "password"}).status_code == 400
    assert client.get(f"/api/{address}", {"nme": "x"}).status_code == 400


def test_contacts_are_found_by_address_and_by_lead(api: Api) -> None:
    contact = ContactFactory(name="Bia", email="Bia@X.example", phone="1", role="CEO")
    ContactFactory(name="Ana")
    lead = LeadContactFactory(contact=contact).lead
    client = api("sales")
    for query in ({"email": "bia@x.EXAMPLE"}, {"lead_id": str(lead.pk)}, {"q": "x.example"}):
        rows = client.get("/api/contacts", query).json()["data"]
        assert [row["name"] for row in rows] == ["Bia"]
    assert client.get("/api/contacts", {"lead_id": "x"}).status_code == 400


def test_deals_are_found_by_company(api: Api) -> None:
    deal = DealFactory(company=CompanyFactory())
    DealFactory()
    rows = api("sales").get("/api/deals", {"company_id": str(deal.company_id)}).json()["data"]
    assert [row["id"] for row in rows] == [str(deal.pk)]
    assert rows[0]["company_id"] == str(deal.company_id)


def test_title_is_an_alias_of_client_name(api: Api) -> None:
    made = api("sales").post("/api/deals", {"title": "Obra"}, format="json")
    assert made.json()["client_name"] == "Obra"


def test_a_deal_cannot_belong_to_a_deleted_company(api: Api) -> None:
    company = CompanyFactory()
    company.soft_delete(by=None)
    body = {"client_name": "Obra", "company_id": str(company.pk)}
    assert api("admin").post("/api/deals", body, format="json").status_code == 422


@pytest.mark.parametrize("role", ["admin", "manager", "sales", "", None])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(("address", "factory", "name", "attribute"), RECORDS)
def test_who_may_do_what_with_records(
    api: Api, role: str | None, tied: bool, address: str, factory: Any, name: str, attribute: str
) -> None:
    client, row = api(role), factory()
    tie(row, getattr(client, "user", None) if tied else UserFactory())
    stranger = {None: 401, "": 403}.get(role)
    boss = role in ("admin", "manager")
    one = f"/api/{address}/{row.pk}"
    assert client.get(f"/api/{address}").status_code == (stranger or 200)
    assert client.get(one).status_code == (stranger or 200)
    made = client.post(f"/api/{address}", {name: "A"}, format="json")
    assert made.status_code == (stranger or 201)
    changed = client.patch(one, {name: "B"}, format="json")
    assert changed.status_code == (stranger or (200 if boss or tied else 403))
    assert client.delete(one).status_code == (stranger or (204 if boss else 403))


def test_the_company_of_a_deal_of_ones_lead_is_tied_too(api: Api) -> None:
    client, deal = api("sales"), DealFactory(company=CompanyFactory())
    tie(deal, client.user)
    address = f"/api/companies/{deal.company_id}"
    assert client.patch(address, {"name": "B"}, format="json").status_code == 200


@pytest.mark.parametrize("role", ["admin", "manager", "sales", "", None])
@pytest.mark.parametrize(("address", "factory", "body"), REFERENCES)
def test_who_may_do_what_with_reference_data(
    api: Api, role: str | None, address: str, factory: Any, body: dict[str, str]
) -> None:
    client, row = api(role), factory()
    stranger = {None: 401, "": 403}.get(role)
    tags = address == "tags"
    add = role == "admin" or (tags and role in ("manager", "sales"))
    change = role == "admin" or (tags and role == "manager")
    one = f"/api/{address}/{row.pk}"
    assert client.get(f"/api/{address}").status_code == (stranger or 200)
    assert client.get(one).status_code == (stranger or 200)
    made = client.post(f"/api/{address}", body, format="json")
    assert made.status_code == (stranger or (201 if add else 403))
    label = {"name": "B"} if tags else {"label": "B"}
    changed = client.patch(one, label, format="json")
    assert changed.status_code == (stranger or (200 if change else 403))
    assert client.delete(one).status_code == (stranger or (204 if change else 403))


def test_reference_data_in_use_stays_and_says_by_how_many(api: Api) -> None:
    client = api("admin")
    status, origin, tag = LeadStatusFactory(), LeadOriginFactory(), TagFactory()
    for _ in range(2):
        LeadTagFactory(lead=LeadFactory(lead_status=status, lead_origin=origin), tag=tag)
    for address, row in (("lead-statuses", status), ("lead-origins", origin), ("tags", tag)):
        answer = client.delete(f"/api/{address}/{row.pk}")
        assert answer.status_code == 409
        assert answer.json()["details"] == [{"field": "leads", "code": "conflict", "message": "2"}]
        assert client.get(f"/api/{address}/{row.pk}").status_code == 200


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("tags", {"name": "new"}),
        ("lead-statuses", {"code": "new", "label": "Again"}),
        ("lead-origins", {"code": "event", "label": "Again"}),
    ],
)
def test_a_name_or_code_is_taken_once(api: Api, address: str, body: dict[str, str]) -> None:
    TagFactory(name="new")
    before = Tag.objects.count(), LeadStatus.objects.count(), LeadOrigin.objects.count()
    assert api("admin").post(f"/api/{address}", body, format="json").status_code in (409, 422)
    assert before == (Tag.objects.count(), LeadStatus.objects.count(), LeadOrigin.objects.count())


def test_the_code_the_product_relies_on_stays(api: Api) -> None:
    status = LeadStatus.objects.get(code="qualified")
    client, address = api("admin"), f"/api/lead-statuses/{status.pk}"
    assert client.patch(address, {"code": "done"}, format="json").status_code == 422
    assert client.patch(address, {"label": "Done"}, format="json").status_code == 200


def test_statuses_come_in_their_order_and_can_be_put_aside(api: Api) -> None:
    client = api("sales")
    LeadStatus.objects.filter(code="lost").update(is_active=False)
    rows = client.get("/api/lead-statuses").json()["data"]
    assert [row["sort_order"] for row in rows] == list(range(1, 8))
    inactive = client.get("/api/lead-statuses", {"is_active": "false"}).json()["data"]
    assert [row["code"] for row in inactive] == ["lost"]


@pytest.mark.parametrize(
    "address", ["companies", "contacts", "deals", "tags", "lead-statuses", "lead-origins"]
)
def test_an_id_that_cannot_exist_is_404(api: Api, address: str) -> None:
    client = api("admin")
    for pk in ("1", "x", uuid.uuid4()):
        assert client.get(f"/api/{address}/{pk}").status_code == 404
    assert client.put(f"/api/{address}", {}, format="json").status_code == 405


MAKERS: dict[str, Callable[[], Any]] = {
    "leads": lambda: LeadContactFactory(lead=LeadTagFactory(lead__owner=UserFactory()).lead),
    "companies": CompanyFactory,
    "contacts": ContactFactory,
    "deals": lambda: DealFactory(company=CompanyFactory()),
    "tags": TagFactory,
    "lead-statuses": LeadStatusFactory,
    "lead-origins": LeadOriginFactory,
    "audit-logs": CompanyFactory,
}


@pytest.mark.parametrize("address", MAKERS)
def test_one_row_and_fifty_cost_the_same_statements(api: Api, address: str) -> None:
    client = api("admin")

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/api/{address}", {"page_size": 100}).status_code == 200
        return len(captured)

    MAKERS[address]()
    one = statements()
    for _ in range(49):
        MAKERS[address]()
    # The caller with the role, the total, the rows.
    assert statements() == one == 3
