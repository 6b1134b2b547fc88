"""Whatever is sent anywhere: the contract's error, never a 500, nothing written."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from pipedesk.accounts.models import UserRole
from pipedesk.core.pagination import PAGING
from pipedesk.core.viewsets import SPARSE
from tests.core.test_access import OPERATIONS, address_of
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
    TagFactory,
)

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]

QUERY_POISON = (
    "%00", "%ED%A0%80", "%FF", "9" * 30, "-1", "1e9", "9999-12-31T23:59:59-14:00",
    "2026-01-01T00:00:00-19:05", "' OR 1=1--", "%25", "a" * 3000, "%F0%9F%92%BC", ",,,",
    str(uuid.UUID(int=0)),
)  # fmt: skip
BODY_POISON: tuple[Any, ...] = (
    "\x00", "\ud800", 10**30, -(10**30), 1e308, -1, "", " ", None, True, [], {}, [[]],
    {"a": {"b": []}}, "9999-12-31T23:59:59-14:00", "x" * 20_000, "' OR 1=1--", "<script>",
    str(uuid.UUID(int=0)),
)  # fmt: skip
ID_POISON = (
    "0", "-1", "9" * 30, "x", "%00", "%ED%A0%80", "null", "{id}", "..", "a" * 2000, "1e5",
    str(uuid.UUID(int=0)), "'",
)  # fmt: skip
# What every list has is tried on one of them.
COMMON = {name for parameter in (*PAGING, *SPARSE) for name in parameter.names}
LOOKUPS = (
    "password", "owner__password__startswith", "id__in", "legal_name__regex", "pk", "%3F",
    "user__is_superuser", "__class__", "deleted_at__isnull", "extra", "order", "ordering", "_",
    "page[]", "format", "callback", "owner_id__password", "$where", "1", "",
)  # fmt: skip
# A row behind each address that takes one id.
ROWS: dict[str, Callable[[], Any]] = {
    "/api/leads/{id}": LeadFactory,
    "/api/companies/{id}": CompanyFactory,
    "/api/contacts/{id}": ContactFactory,
    "/api/deals/{id}": DealFactory,
    "/api/tags/{id}": TagFactory,
    "/api/lead-statuses/{id}": LeadStatusFactory,
    "/api/lead-origins/{id}": LeadOriginFactory,
    "/api/user-roles/{id}": lambda: UserRole.objects.create(
        user_id=str(UserFactory().pk), role="sales"
    ),
}
LISTS = sorted(
    address for address, found in OPERATIONS.items() if "GET" in found and "{" not in address
)
WRITES = sorted(
    (address, method)
    for address, found in OPERATIONS.items()
    for method in found
    if method in ("POST", "PUT", "PATCH")
)


@pytest.fixture
def admin(api: Api) -> APIClient:
    client = api("admin")
    client.raise_request_exception = False
    return client


def sealed(answer: Any) -> Any:
    assert answer.status_code < 500, (answer.request, answer.content)
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
    return answer


def parameters_of(address: str) -> Iterator[str]:
    for parameter in OPERATIONS[address]["GET"].get("parameters", ()):
        if parameter["in"] == "query":
            yield parameter["name"]


def rows_by_table() -> dict[str, int]:
    return {
        model._meta.label: model._base_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in ("crm", "gdrive", "gcalendar", "accounts", "audit")
    }


@pytest.mark.parametrize("address", LISTS)
def test_no_value_of_a_parameter_breaks_a_list(admin: APIClient, address: str) -> None:
    common = set() if address == "/api/users" else COMMON
    for name in set(parameters_of(address)) - common:
        for value in QUERY_POISON:
            answer = sealed(admin.get(f"{address}?{name}={value}"))
            assert answer.status_code in (200, 400), (name, value, answer.status_code)


@pytest.mark.parametrize("address", LISTS)
def test_names_and_sorts_nobody_declared_are_400(admin: APIClient, address: str) -> None:
    declared = set(parameters_of(address))
    for name in LOOKUPS:
        if name and name not in declared:
            assert sealed(admin.get(f"{address}?{name}=1")).status_code == 400, name
        for parameter in declared & {"order_by", "fields", "omit"}:
            if name:
                answer = sealed(admin.get(f"{address}?{parameter}={name}"))
                assert answer.status_code == 400, (parameter, name)


@pytest.mark.parametrize("address", LISTS)
def test_a_single_value_given_twice_is_400(admin: APIClient, address: str) -> None:
    for parameter in OPERATIONS[address]["GET"].get("parameters", ()):
        if parameter["in"] == "query" and parameter["schema"].get("type") != "array":
            name = parameter["name"]
            assert sealed(admin.get(f"{address}?{name}=1&{name}=1")).status_code == 400, name


@pytest.mark.parametrize(("address", "method"), WRITES, ids=lambda part: part)
def test_no_body_breaks_a_write(admin: APIClient, address: str, method: str) -> None:
    target = address_of(address)
    if address in ROWS:
        target = address.replace("{id}", str(ROWS[address]().pk))
    before = rows_by_table()
    bodies = [
        "{", "[]", "null", '"x"', "[" * 50_000, '{"a": 1, "a": 2}', '{"a": NaN}',
        '{"nobody_declared_this": 1}', '{"id": "\\u0000"}', '{"id": "\\ud800"}',
    ]  # fmt: skip
    takes = OPERATIONS[address][method].get("requestBody", {}).get("content", {})
    if not takes:
        return
    refusals = (400, 404, 409, 422) if "application/json" in takes else (404, 415)
    for body in bodies:
        answer = sealed(admin.generic(method, target, body, content_type="application/json"))
        assert answer.status_code in refusals, (body, answer.status_code)
    assert rows_by_table() == before


@pytest.mark.parametrize("address", sorted(ROWS))
def test_no_value_of_a_field_breaks_a_row(admin: APIClient, address: str) -> None:
    row = ROWS[address]()
    target = address.replace("{id}", str(row.pk))
    for name in admin.get(target).json():
        for value in BODY_POISON:
            body = json.dumps({name: value})
            sealed(admin.generic("PATCH", target, body, content_type="application/json"))
    listed = sealed(admin.get(address.removesuffix("/{id}")))
    assert listed.status_code == 200


@pytest.mark.parametrize("address", sorted(address for address in OPERATIONS if "{id}" in address))
def test_an_id_that_cannot_exist_is_404(admin: APIClient, address: str) -> None:
    for identifier in ID_POISON:
        path = address.replace("{id}", identifier)
        for parameter in ("{contact_id}", "{fid}", "{pid}"):
            path = path.replace(parameter, str(uuid.uuid4()))
        for method in OPERATIONS[address]:
            answer = sealed(admin.generic(method, path, "{}", content_type="application/json"))
            assert answer.status_code == 404, (method, path, answer.status_code)
