"""The API of leads: records, roles, tags, contacts, bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from crm.models import Lead, LeadContact, LeadStatus, LeadTag
from pipedesk.accounts.models import User
from pipedesk.audit.models import AuditLog
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

# An id that no row has.
NOBODY = "00000000-0000-4000-8000-000000000000"

LEADS = "/api/leads"
Api = Callable[..., APIClient]


def url(lead: Lead, *rest: object) -> str:
    return "/".join([LEADS, str(lead.pk), *map(str, rest)])


# --- Records --------------------------------------------------------------------------------


def test_a_lead_is_created_with_every_column_and_read_back(api: Api) -> None:
    client = api("admin")
    sent: dict[str, Any] = {
        "legal_name": "Ação Ltda",
        "trade_name": "Ação",
        "lead_status_id": str(LeadStatusFactory().pk),
        "lead_origin_id": str(LeadOriginFactory().pk),
        "owner_user_id": str(UserFactory().pk),
        "qualified_company_id": str(CompanyFactory().pk),
        "qualified_master_deal_id": str(DealFactory().pk),
        "address_city": "Recife",
        "address_state": "PE",
        "priority_score": 55,
    }
    answer = client.post(LEADS, sent, format="json")
    assert answer.status_code == 201
    shown = answer.json()
    assert {name: shown[name] for name in sent} == sent
    assert shown.pop("possible_duplicates") == []
    assert client.get(f"{LEADS}/{shown['id']}").json() == shown
    assert answer["ETag"] == client.get(f"{LEADS}/{shown['id']}")["ETag"]
    assert shown["last_interaction_at"] is None


def test_title_is_an_alias_of_legal_name(api: Api) -> None:
    client = api("admin")
    shown = client.post(LEADS, {"title": "A"}, format="json").json()
    assert shown["legal_name"] == "A"
    client.patch(f"{LEADS}/{shown['id']}", {"title": "B"}, format="json")
    assert Lead.objects.get().title == "B"


def test_every_address_answers_with_and_without_a_slash(api: Api) -> None:
    client, lead = api("admin"), LeadFactory()
    for address in (LEADS, f"{LEADS}/sales-view", url(lead), url(lead, "tags")):
        assert client.get(address).status_code == 200
        assert client.get(f"{address}/").status_code == 200
    assert client.patch(f"{url(lead)}/", {"title": "B"}, format="json").status_code == 200


def test_the_list_hides_deleted_and_qualified_leads_and_filters(api: Api) -> None:
    kept = LeadFactory(title="Ação", priority_score=80)
    LeadFactory(deleted=True)
    LeadFactory(title="Other")
    done = LeadFactory(qualified=True)
    client = api("sales")
    assert client.get(LEADS).json()["pagination"]["total"] == 2
    found = client.get(LEADS, {"q": "acao", "priority": "hot", "order_by": "-legal_name"}).json()
    assert [row["id"] for row in found["data"]] == [str(kept.pk)]
    everything = client.get(LEADS, {"include_qualified": "true"}).json()["data"]
    assert str(done.pk) in [row["id"] for row in everything]
    assert len(everything) == 3


@pytest.mark.parametrize(
    "order_by", ["created_at", "updated_at", "legal_name", "priority", "last_interaction"]
)
def test_the_list_pages_by_cursor_in_every_order(api: Api, order_by: str) -> None:
    for number in range(5):
        LeadFactory(title=f"Lead {number % 2}", priority_score=number % 3)
    client = api("sales")
    rows = client.get(LEADS, {"order_by": order_by}).json()["data"]
    whole = [row["id"] for row in rows]
    reverse = client.get(LEADS, {"order_by": f"-{order_by}"}).json()["data"]
    assert [row["id"] for row in reverse] == whole[::-1]
    found, cursor = [], ""
    while cursor is not None:
        query = {"order_by": order_by, "cursor": cursor, "page_size": 2}
        answer = client.get(LEADS, query).json()
        found += [row["id"] for row in answer["data"]]
        cursor = answer["pagination"]["next_cursor"]
    assert found == whole


def test_deleting_is_soft_and_restoring_brings_the_lead_back(api: Api) -> None:
    client, lead = api("manager"), LeadFactory()
    assert client.delete(url(lead)).status_code == 204
    assert client.get(url(lead)).status_code == 404
    assert client.patch(url(lead), {"title": "B"}, format="json").status_code == 404
    assert Lead.objects.get().deleted_at is not None
    assert client.post(url(lead, "restore")).status_code == 200
    assert client.get(url(lead)).json()["deleted_at"] is None
    assert client.post(url(lead, "restore")).status_code == 404
    actions = AuditLog.objects.filter(entity_id=str(lead.pk)).values_list("action", flat=True)
    assert list(actions) == ["restore", "delete", "create"]


def test_a_qualified_lead_can_be_looked_up_but_neither_deleted_nor_restored(api: Api) -> None:
    client, lead = api("admin"), LeadFactory(qualified=True)
    assert client.get(url(lead)).status_code == 200
    assert client.delete(url(lead)).status_code == 409
    assert client.post(url(lead, "restore")).status_code == 404


def test_an_entity_tag_spares_reading_and_guards_writing(api: Api) -> None:
    client, lead = api("admin"), LeadFactory(title="A")
    tag = client.get(url(lead))["ETag"]
    assert client.get(url(lead), HTTP_IF_NONE_MATCH=tag).status_code == 304
    LeadFactory._meta.model.objects.filter(pk=lead.pk).update(address_city="Recife")
    refused = client.patch(url(lead), {"title": "B"}, format="json", HTTP_IF_MATCH=tag)
    assert refused.status_code == 412
    assert [fact["field"] for fact in refused.json()["details"]] == ["address_city"]
    assert Lead.objects.get().title == "A"
    fresh = client.get(url(lead))["ETag"]
    accepted = client.patch(url(lead), {"title": "B"}, format="json", HTTP_IF_MATCH=fresh)
    assert accepted.status_code == 200
    assert accepted["ETag"] not in (tag, fresh)


def test_a_write_by_somebody_is_their_entry_in_the_history(api: Api) -> None:
    client = api("manager")
    lead = LeadFactory(title="A")
    client.patch(url(lead), {"title": "B"}, format="json")
    entry = AuditLog.objects.first()
    assert entry is not None
    assert (entry.action, entry.user_id) == ("update", str(client.user.pk))
    assert entry.changes == [{"field": "legal_name", "old": "A", "new": "B"}]
    assert entry.request_id


# --- Bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize("pk", ["1", "nonsense", NOBODY, "%00", "a" * 300])
@pytest.mark.parametrize("rest", ["", "/qualify", "/tags", "/contacts", "/restore"])
def test_a_lead_that_cannot_exist_is_404(api: Api, pk: str, rest: str) -> None:
    client = api("admin")
    method = client.post if rest in ("/qualify", "/restore") else client.get
    answer = method(f"{LEADS}/{pk}{rest}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("body", ["{", "", "nonsense", '{"title": NaN}', '{"a": 1, "a": 2}'])
def test_malformed_json_is_400_and_writes_nothing(api: Api, body: str) -> None:
    client, lead = api("admin"), LeadFactory(title="A")
    for answer in (
        client.generic("POST", LEADS, body, content_type="application/json"),
        client.generic("PATCH", url(lead), body or "{", content_type="application/json"),
    ):
        assert answer.status_code in (400, 422)
        assert answer.status_code == 400 or not body
    assert Lead.objects.get().title == "A"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "legal_name"),
        ({"legal_name": ""}, "legal_name"),
        ({"legal_name": "x" * 501}, "legal_name"),
        ({"legal_name": None}, "legal_name"),
        ({"legal_name": "A", "title": "B"}, "title"),
        ({"legal_name": "A", "lead_status_id": "x"}, "lead_status_id"),
        ({"legal_name": "A", "lead_status_id": NOBODY}, "lead_status_id"),
        ({"legal_name": "A", "qualified_company_id": 5}, "qualified_company_id"),
        ({"legal_name": "A", "owner_user_id": NOBODY}, "owner_user_id"),
        ({"legal_name": "A", "priority_score": "high"}, "priority_score"),
        ({"legal_name": "A", "priority_score": 101}, "priority_score"),
        ({"legal_name": "A", "priority_score": 10**30}, "priority_score"),
        ({"legal_name": "A", "legal_nme": "B"}, "legal_nme"),
        ({"legal_name": "A", "password": "B"}, "password"),
        ({"legal_name": "A\x00"}, "legal_name"),
    ],
)
def test_a_body_that_breaks_a_rule_is_422_naming_the_field(
    api: Api, body: dict[str, Any], field: str
) -> None:
    answer = api("admin").post(LEADS, body, format="json")
    assert answer.status_code == 422
    assert field in [fact["field"] for fact in answer.json()["details"]]
    assert not Lead.objects.exists()


def test_what_the_product_sets_is_not_for_clients_to_set(api: Api) -> None:
    lead = LeadFactory()
    moment = "2020-01-01T00:00:00Z"
    read_only = ("qualified_at", "deleted_at", "disqualified_at", "created_at", "updated_at")
    body = dict.fromkeys((*read_only, "last_interaction_at"), moment) | {"id": NOBODY}
    assert api("admin").patch(url(lead), body, format="json").status_code == 200
    stored = Lead.objects.get()
    assert stored.pk == lead.pk
    assert stored.qualified_at is stored.deleted_at is stored.last_interaction_at is None
    assert stored.created_at == lead.created_at


@pytest.mark.parametrize("address", [LEADS, f"{LEADS}/sales-view"])
def test_unknown_parameters_are_400_with_the_nearest_name(api: Api, address: str) -> None:
    answer = api("sales").get(address, {"serch": "x"})
    assert answer.status_code == 400
    assert "search" in answer.json()["message"]


# --- Roles ----------------------------------------------------------------------------------


def owner_for(kind: str, caller: User) -> User | None:
    return {"own": caller, "unowned": None, "foreign": UserFactory()}[kind]


@pytest.mark.parametrize("role", ["admin", "manager", "sales", "", None])
@pytest.mark.parametrize("kind", ["own", "unowned", "foreign"])
def test_who_may_do_what(api: Api, role: str | None, kind: str) -> None:
    client = api(role)
    caller = getattr(client, "user", None) or UserFactory()
    lead = LeadFactory(owner=owner_for(kind, caller))
    contact = LeadContactFactory(lead=lead).contact_id
    other = ContactFactory().pk
    stranger = {None: 401, "": 403}.get(role)
    boss = role in ("admin", "manager")
    read = stranger or 200
    change = stranger or (200 if boss or kind != "foreign" else 403)
    remove = stranger or (204 if boss else 403)
    made = {200: 201}.get(change, change)
    gone = {200: 204}.get(change, change)

    def status(method: str, path: str, body: object = None) -> int:
        return int(getattr(client, method)(path, body, format="json").status_code)

    assert status("get", LEADS) == read
    assert status("get", f"{LEADS}/sales-view") == read
    assert status("get", url(lead)) == read
    assert status("get", url(lead, "tags")) == read
    assert status("get", url(lead, "contacts")) == read
    assert status("post", LEADS, {"title": "A"}) == (stranger or 201)
    assert status("put", url(lead, "tags"), {"tag_ids": []}) == change
    assert status("post", url(lead, "contacts"), {"contact_id": str(other)}) == made
    assert status("patch", url(lead, "contacts", contact), {"is_primary": True}) == change
    assert status("delete", url(lead, "contacts", contact)) == gone
    assert status("patch", url(lead), {"title": "B"}) == change
    assert status("delete", url(lead)) == remove


def test_the_first_write_of_the_sales_team_makes_its_author_the_owner(api: Api) -> None:
    client = api("sales")
    leads = [LeadFactory() for _ in range(3)]
    client.patch(url(leads[0]), {"address_city": "Recife"}, format="json")
    client.put(url(leads[1], "tags"), {"tag_ids": []}, format="json")
    contact = ContactFactory()
    client.post(url(leads[2], "contacts"), {"contact_id": str(contact.pk)}, format="json")
    assert set(Lead.objects.values_list("owner_id", flat=True)) == {client.user.pk}


def test_managers_do_not_become_owners_by_writing(api: Api) -> None:
    lead = LeadFactory()
    api("manager").patch(url(lead), {"address_city": "Recife"}, format="json")
    assert Lead.objects.get().owner is None


def test_a_lead_created_by_the_sales_team_is_its_creator_s(api: Api) -> None:
    sales = api("sales")
    shown = sales.post(LEADS, {"title": "A"}, format="json").json()
    assert shown["owner_user_id"] == str(sales.user.pk)
    assert api("manager").post(LEADS, {"title": "A"}, format="json").json()["owner_user_id"] is None


@pytest.mark.parametrize("kind", ["own", "unowned"])
@pytest.mark.parametrize("receiver", ["other", "nobody"])
def test_the_sales_team_gives_leads_to_nobody_else(api: Api, kind: str, receiver: str) -> None:
    client = api("sales")
    lead = LeadFactory(owner=owner_for(kind, client.user))
    body = {"owner_user_id": str(UserFactory().pk) if receiver == "other" else None}
    assert client.patch(url(lead), body, format="json").status_code == 403
    assert client.post(LEADS, {"title": "A"} | body, format="json").status_code == 403
    assert Lead.objects.get().owner_id == lead.owner_id


def test_the_sales_team_may_take_an_unowned_lead(api: Api) -> None:
    client, lead = api("sales"), LeadFactory()
    body = {"owner_user_id": str(client.user.pk)}
    assert client.patch(url(lead), body, format="json").status_code == 200
    assert Lead.objects.get().owner == client.user


def test_nobody_locked_out_becomes_an_owner(api: Api) -> None:
    lead, gone = LeadFactory(), UserFactory(locked=True)
    answer = api("admin").patch(url(lead), {"owner_user_id": str(gone.pk)}, format="json")
    assert answer.status_code == 422


# --- Tags -----------------------------------------------------------------------------------


def test_the_tags_of_a_lead_are_replaced_as_a_whole(api: Api) -> None:
    client, lead = api("admin"), LeadFactory()
    gone = LeadTagFactory(lead=lead).tag
    kept = LeadTagFactory(lead=lead).tag
    new = TagFactory(name="a")
    entries = AuditLog.objects.filter(entity_id=str(lead.pk))
    before = entries.count()
    body = {"tag_ids": [str(kept.pk), str(new.pk), str(new.pk)]}
    answer = client.put(url(lead, "tags"), body, format="json")
    assert answer.status_code == 200
    assert {tag["id"] for tag in answer.json()["tags"]} == {str(kept.pk), str(new.pk)}
    assert client.get(url(lead, "tags")).json() == answer.json()
    assert not LeadTag.objects.filter(tag=gone).exists()
    assert [entry.changes[0] for entry in entries[: entries.count() - before]] == [
        {"field": "tag_id", "old": None, "new": str(new.pk)},
        {"field": "tag_id", "old": str(gone.pk), "new": None},
    ]


@pytest.mark.parametrize("body", [{}, {"tag_ids": "x"}, {"tag_ids": ["x"]}, {"tags": []}, []])
def test_tags_that_make_no_sense_are_422(api: Api, body: object) -> None:
    lead = LeadTagFactory().lead
    assert api("admin").put(url(lead, "tags"), body, format="json").status_code == 422
    assert LeadTag.objects.count() == 1


def test_an_unknown_tag_is_422_and_changes_nothing(api: Api) -> None:
    link = LeadTagFactory()
    body = {"tag_ids": [str(TagFactory().pk), NOBODY]}
    assert api("admin").put(url(link.lead, "tags"), body, format="json").status_code == 422
    assert LeadTag.objects.get().tag == link.tag


# --- Contacts -------------------------------------------------------------------------------


def test_the_primary_contact_is_swapped_in_one_call(api: Api) -> None:
    client, lead = api("admin"), LeadFactory()
    first = LeadContactFactory(lead=lead, is_primary=True)
    body = {"contact_id": str(ContactFactory(name="Bia").pk), "is_primary": True}
    answer = client.post(url(lead, "contacts"), body, format="json")
    assert answer.status_code == 201
    assert answer.json()["contact"]["name"] == "Bia"
    assert LeadContact.objects.get(is_primary=True).contact.name == "Bia"
    swapped = client.patch(
        url(lead, "contacts", first.contact_id), {"is_primary": True}, format="json"
    )
    assert swapped.json()["is_primary"] is True
    assert LeadContact.objects.get(is_primary=True).contact_id == first.contact_id
    listed = client.get(url(lead, "contacts")).json()["data"]
    assert [row["contact_id"] for row in listed] == [str(first.contact_id), body["contact_id"]]


def test_a_contact_belongs_to_a_lead_once(api: Api) -> None:
    link = LeadContactFactory()
    body = {"contact_id": str(link.contact_id)}
    answer = api("admin").post(url(link.lead, "contacts"), body, format="json")
    assert answer.status_code == 409


def test_a_contact_of_another_lead_is_404_here(api: Api) -> None:
    client, lead, link = api("admin"), LeadFactory(), LeadContactFactory()
    address = url(lead, "contacts", link.contact_id)
    assert client.patch(address, {"is_primary": True}, format="json").status_code == 404
    assert client.delete(address).status_code == 404
    assert LeadContact.objects.count() == 1


def test_a_deleted_contact_cannot_be_linked_and_is_not_listed(api: Api) -> None:
    client, link = api("admin"), LeadContactFactory()
    link.contact.soft_delete(by=None)
    assert client.get(url(link.lead, "contacts")).json()["data"] == []
    body = {"contact_id": str(link.contact_id)}
    answer = client.post(url(LeadFactory(), "contacts"), body, format="json")
    assert answer.status_code == 422


def test_the_qualified_status_is_found_by_its_code(api: Api) -> None:
    lead = LeadFactory(lead_status=LeadStatus.objects.get(code="qualified"))
    client = api("sales")
    assert client.get(f"{LEADS}/sales-view").json()["data"] == []
    assert client.get(f"{LEADS}/sales-view", {"include_qualified": "true"}).json()["data"][0][
        "id"
    ] == str(lead.pk)
