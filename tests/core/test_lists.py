"""One grammar of lists: every list of the schema that is paged, proven to follow it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from crm.models import LeadStatus
from pipedesk.accounts.models import UserRole
from tests.core.test_access import OPERATIONS
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadActivityStatsFactory,
    LeadContactFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
    LeadTagFactory,
    TagFactory,
)

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]


def full_lead() -> Any:
    lead = LeadTagFactory(
        lead__owner=UserFactory(), lead__lead_status=LeadStatus.objects.first()
    ).lead
    LeadContactFactory(lead=lead)
    LeadActivityStatsFactory(lead=lead)
    return lead


# Address -> how one more of its rows comes to be.
LISTS: dict[str, Callable[[], Any]] = {
    "/api/leads": full_lead,
    "/api/leads/sales-view": full_lead,
    "/api/companies": CompanyFactory,
    "/api/contacts": ContactFactory,
    "/api/deals": lambda: DealFactory(company=CompanyFactory()),
    "/api/tags": TagFactory,
    "/api/lead-statuses": LeadStatusFactory,
    "/api/lead-origins": LeadOriginFactory,
    "/api/users": UserFactory,
    "/api/user-roles": lambda: UserFactory(role="sales"),
    "/api/audit-logs": CompanyFactory,
}


def parameters(address: str) -> dict[str, dict[str, Any]]:
    """The query parameters of a GET, as the schema describes them."""
    operation = OPERATIONS[address]["GET"]
    return {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "query"}


@pytest.fixture
def client(api: Api) -> APIClient:
    return api("admin")


def test_every_paged_list_of_the_crm_is_walked_here() -> None:
    rooms = ("/api/drive", "/api/calendar", "/api/timeline")
    paged = {
        address
        for address, operations in OPERATIONS.items()
        if "GET" in operations and "page_size" in parameters(address)
    }
    below_a_record = {address for address in paged if "{" in address}
    assert below_a_record <= {
        "/api/leads/{id}/interactions",  # tests/crm/test_interaction_views.py
        *(address for address in paged if address.startswith(rooms)),
    }
    others = {address for address in paged if not address.startswith(rooms)}
    assert others - below_a_record == set(LISTS)


@pytest.mark.parametrize("address", LISTS)
def test_pages_by_number_and_cursor_hold_every_row_once_in_every_order(
    client: APIClient, address: str
) -> None:
    for _ in range(7):
        LISTS[address]()
    known = parameters(address)
    orders = known["order_by"]["schema"]["enum"] if "order_by" in known else [None]
    for order_by in orders:
        query = {} if order_by is None else {"order_by": order_by}
        whole = client.get(address, query | {"page_size": 100}).json()
        ids = [row["id"] for row in whole["data"]]
        assert len(ids) == len(set(ids)) == whole["pagination"]["total"] >= 7

        numbered: list[str] = []
        for page in range(1, len(ids) // 3 + 2):
            answer = client.get(address, query | {"page": page, "page_size": 3}).json()
            assert answer["pagination"] == {"total": len(ids), "page": page, "per_page": 3}
            numbered += [row["id"] for row in answer["data"]]
        assert numbered == ids, order_by

        followed: list[str] = []
        cursor = ""
        while cursor is not None:
            answer = client.get(address, query | {"cursor": cursor, "page_size": 3}).json()
            followed += [row["id"] for row in answer["data"]]
            assert set(answer["pagination"]) == {"next_cursor", "previous_cursor", "per_page"}
            cursor = answer["pagination"]["next_cursor"]
        assert followed == ids, order_by


@pytest.mark.parametrize("address", LISTS)
def test_minus_is_the_exact_mirror_image(client: APIClient, address: str) -> None:
    for _ in range(5):
        LISTS[address]()
    known = parameters(address)
    assert "order_by" in known or address == "/api/audit-logs"
    for order_by in known.get("order_by", {}).get("schema", {}).get("enum", []):
        if order_by.startswith("-"):
            continue
        ids = [
            [row["id"] for row in client.get(address, {"order_by": sign + order_by}).json()["data"]]
            for sign in ("", "-")
        ]
        assert ids[0] == ids[1][::-1], order_by


@pytest.mark.parametrize("address", LISTS)
def test_a_page_may_be_sized_by_three_names_within_bounds(client: APIClient, address: str) -> None:
    for _ in range(3):
        LISTS[address]()
    for name in ("page_size", "pageSize", "limit"):
        answer = client.get(address, {name: 2})
        assert (len(answer.json()["data"]), answer.json()["pagination"]["per_page"]) == (2, 2)
        for size in ("0", "101", "-1", "x", "1.5"):
            refused = client.get(address, {name: size})
            assert (refused.status_code, refused.json()["details"][0]["field"]) == (400, name)
    for page in ("0", "-1", "x", "1000001"):
        assert client.get(address, {"page": page}).status_code == 400
    assert client.get(address, {"page": 1, "cursor": ""}).status_code == 400
    assert client.get(address, {"page": 1_000_000}).json()["data"] == []


@pytest.mark.parametrize("address", LISTS)
def test_what_a_list_does_not_know_is_400_and_named(client: APIClient, address: str) -> None:
    for query, field in (
        ({"serach": "x"}, "serach"),
        ({"id__in": "1"}, "id__in"),
        ({"order_by": "password"}, "order_by"),
        ({"order_by": "?"}, "order_by"),
        ({"fields": "password"}, "fields"),
        ({"omit": "nothing"}, "omit"),
        ({"cursor": "AAAA"}, "cursor"),
    ):
        answer = client.get(address, query)
        assert answer.status_code == 400, query
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["details"][0]["field"] == field


@pytest.mark.parametrize("address", LISTS)
def test_a_parameter_given_twice_is_400_unless_it_is_a_list(
    client: APIClient, address: str
) -> None:
    samples = {"integer": "1", "boolean": "true", "array": str(uuid.uuid4())}
    for name, parameter in parameters(address).items():
        schema = parameter["schema"]
        value = samples.get(schema.get("type"), "x")
        if schema.get("enum"):
            value = schema["enum"][0]
        if schema.get("format") == "uuid":
            value = str(uuid.uuid4())
        if schema.get("format") == "date-time":
            value = "2026-11-22T10:00:00Z"
        answer = client.get(f"{address}?{name}={value}&{name}={value}")
        if schema.get("type") == "array":
            continue
        assert answer.status_code == 400, name
        assert answer.json()["details"][0]["field"] == name


@pytest.mark.parametrize("address", LISTS)
def test_a_cursor_of_another_order_or_list_is_refused(client: APIClient, address: str) -> None:
    for _ in range(3):
        LISTS[address]()
    cursor = client.get(address, {"cursor": "", "page_size": 1}).json()["pagination"]["next_cursor"]
    orders = parameters(address).get("order_by", {}).get("schema", {}).get("enum", [])
    for order_by in orders[2:]:
        answer = client.get(address, {"cursor": cursor, "order_by": order_by})
        assert answer.status_code == 400
    assert client.get(address, {"cursor": cursor[:-3]}).status_code == 400


@pytest.mark.parametrize("address", LISTS)
def test_one_row_and_fifty_cost_the_same_and_sparse_ones_no_more(
    client: APIClient, address: str
) -> None:
    def statements(**query: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address, {"page_size": "100", **query})
        assert answer.status_code == 200, answer.json()
        return len(captured)

    LISTS[address]()
    one = statements()
    for _ in range(49):
        LISTS[address]()
    whole = statements()
    assert whole == one <= 4
    assert statements(fields="id") <= whole
    assert statements(cursor="") == whole - 1  # nobody counts


@pytest.mark.parametrize("address", LISTS)
def test_sparse_answers_hold_what_was_asked_for_and_nothing_else(
    client: APIClient, address: str
) -> None:
    LISTS[address]()
    [row, *_rest] = client.get(address).json()["data"]
    names = list(row)

    [some, *_rest] = client.get(address, {"fields": f"{names[1]},id"}).json()["data"]
    [rest, *_rest] = client.get(address, {"omit": f"{names[1]},id"}).json()["data"]
    assert set(some) == {names[1], "id"}
    assert list(rest) == [name for name in names if name not in some]
    assert list(client.get(address, {"fields": "id", "omit": "id"}).json()["data"][0]) == []


@pytest.mark.parametrize("address", LISTS)
def test_head_answers_like_get_without_a_body(client: APIClient, address: str) -> None:
    answer = client.head(address)

    assert (answer.status_code, answer.content) == (200, b"")
    assert client.head(address + "/?page=0").status_code == 400


@pytest.mark.parametrize("address", [a for a in LISTS if f"{a}/{{id}}" in OPERATIONS])
def test_details_have_tags_and_answer_304(client: APIClient, address: str) -> None:
    LISTS[address]()
    pk = client.get(address).json()["data"][0]["id"]
    one = f"{address}/{pk}"
    tag = client.get(one)["ETag"]

    unchanged = client.get(one, headers={"If-None-Match": f'W/{tag}, "x"'})
    assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", tag)
    assert client.get(one, headers={"If-None-Match": "*"}).status_code == 304
    assert client.get(one, headers={"If-None-Match": '"x"'}).status_code == 200
    assert client.head(one)["ETag"] == tag
    assert client.get(one, {"page": 1}).status_code == 400
    sparse = client.get(one, {"fields": "id"})
    assert sparse.json() == {"id": pk}
    assert sparse["ETag"].startswith("W/")


@pytest.mark.parametrize("address", ["/api/me", "/api/leads/{id}/tags", "/api/leads/{id}/contacts"])
def test_other_documents_have_tags_too(client: APIClient, address: str) -> None:
    lead = full_lead()
    path = address.replace("{id}", str(lead.pk))
    tag = client.get(path)["ETag"]

    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert client.head(path)["ETag"] == tag
    UserRole.objects.filter(user_id=str(client.user.pk)).update(role="manager")
    LeadTagFactory(lead=lead)
    LeadContactFactory(lead=lead)
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_tags_and_contacts_are_written_against_their_own_tag(client: APIClient) -> None:
    lead = full_lead()
    path = f"/api/leads/{lead.pk}/tags"
    tag = client.get(path)["ETag"]
    body = {"tag_ids": [str(TagFactory().pk)]}

    done = client.put(path, body, headers={"If-Match": tag})
    assert done.status_code == 200
    assert done["ETag"] == client.get(path)["ETag"] != tag
    late = client.put(path, {"tag_ids": []}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert {fault["field"] for fault in late.json()["details"]} == {"tag_ids", "tags"}

    contacts = f"/api/leads/{lead.pk}/contacts"
    tag = client.get(contacts)["ETag"]
    link = LeadContactFactory(lead=lead)
    address = f"{contacts}/{link.contact_id}"
    assert client.delete(address, headers={"If-Match": tag}).status_code == 412
    tag = client.get(contacts)["ETag"]
    assert client.delete(address, headers={"If-Match": tag}).status_code == 204


WRITABLE = [
    address
    for address, operations in OPERATIONS.items()
    if "PUT" in operations and address.removesuffix("/{id}") in LISTS
]


@pytest.mark.parametrize("address", WRITABLE)
def test_put_takes_back_what_get_gave(client: APIClient, address: str) -> None:
    LISTS[address.removesuffix("/{id}")]()
    newest = client.get(address.removesuffix("/{id}"), {"order_by": "-created_at"})
    rows = newest if newest.status_code == 200 else client.get(address.removesuffix("/{id}"))
    pk = rows.json()["data"][-1]["id"]
    one = address.replace("{id}", str(pk))
    seen = client.get(one)

    stored = client.put(one, seen.json(), headers={"If-Match": seen["ETag"]})

    assert stored.status_code == 200, stored.json()
    moved = {name for name in seen.json() if seen.json()[name] != stored.json()[name]}
    assert moved <= {"updated_at"}


@pytest.mark.parametrize("address", WRITABLE)
def test_put_asks_for_what_creation_asks_for(client: APIClient, address: str) -> None:
    LISTS[address.removesuffix("/{id}")]()
    pk = client.get(address.removesuffix("/{id}")).json()["data"][0]["id"]

    lacking = client.put(address.replace("{id}", str(pk)), {})

    assert lacking.status_code == 422
    assert {fault["code"] for fault in lacking.json()["details"]} == {"required"}
    assert client.put(address.replace("{id}", str(uuid.uuid4())), {}).status_code == 404


def test_writing_nothing_new_to_a_lead_is_no_interaction(client: APIClient) -> None:
    lead = LeadFactory()
    seen = client.get(f"/api/leads/{lead.pk}").json()

    assert client.put(f"/api/leads/{lead.pk}", seen).json()["last_interaction_at"] is None
