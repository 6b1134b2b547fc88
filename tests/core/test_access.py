"""Every address, every method, every role: what the contract says, and nothing more.

ACCESS is written by hand from the contract's role table, so that a view which names the wrong
resource fails here; an address that is not in it fails too.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from pipedesk.core.checks import endpoints
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]

# The least role that reaches any row by this method. On single rows "sales" may still get 403.
ACCESS = """
    GET anyone                              /api/me
    GET sales                               /api/users /api/users/{id}
    GET,POST admin                          /api/user-roles
    GET,PUT,PATCH,DELETE admin              /api/user-roles/{id}
    GET manager                             /api/audit-logs /api/audit-logs/{id}
    GET,POST sales                          /api/companies /api/contacts /api/deals /api/leads
    GET,PUT,PATCH sales                     /api/companies/{id} /api/contacts/{id} /api/deals/{id}
    GET,PUT,PATCH sales                     /api/leads/{id}
    POST manager                            /api/companies/{id}/restore
    POST manager                            /api/contacts/{id}/restore /api/deals/{id}/restore
    DELETE manager                          /api/companies/{id} /api/contacts/{id} /api/deals/{id}
    DELETE manager                          /api/leads/{id}
    GET sales                               /api/leads/sales-view
    GET,PUT sales                           /api/leads/{id}/tags
    GET,POST sales                          /api/leads/{id}/contacts
    PATCH,DELETE sales                      /api/leads/{id}/contacts/{contact_id}
    GET,POST sales                          /api/leads/{id}/interactions
    DELETE sales                            /api/leads/{id}/interactions/{interaction_id}
    POST sales                              /api/leads/{id}/qualify /api/leads/{id}/unqualify
    POST sales                              /api/leads/{id}/disqualify /api/leads/{id}/reopen
    POST sales                              /api/leads/{id}/change-owner /api/leads/bulk
    POST manager                            /api/leads/{id}/restore
    GET sales                               /api/companies/duplicates /api/companies/{id}/duplicates
    GET sales                               /api/contacts/duplicates /api/contacts/{id}/duplicates
    GET sales                               /api/leads/duplicates /api/leads/{id}/duplicates
    POST manager                            /api/companies/{id}/merge /api/companies/{id}/unmerge
    POST manager                            /api/contacts/{id}/merge /api/contacts/{id}/unmerge
    POST manager                            /api/leads/{id}/merge /api/leads/{id}/unmerge
    GET,PATCH,DELETE sales                  /api/leads/{id}/priority
    GET,POST sales                          /api/tags
    GET sales                               /api/tags/{id}
    PUT,PATCH,DELETE manager                /api/tags/{id}
    GET sales                               /api/lead-statuses /api/lead-statuses/{id}
    GET sales                               /api/lead-origins /api/lead-origins/{id}
    POST admin                              /api/lead-statuses /api/lead-origins
    PUT,PATCH,DELETE admin                  /api/lead-statuses/{id} /api/lead-origins/{id}
    GET sales                               /api/timeline/{entity_type}/{entity_id}
    GET,POST manager                        /api/calendar/calendars
    GET,PATCH,DELETE manager                /api/calendar/calendars/{id}
    POST manager                            /api/calendar/calendars/{id}/sync
    GET,POST sales                          /api/calendar/events
    GET,PATCH,DELETE sales                  /api/calendar/events/{id}
    GET sales                               /api/calendar/freebusy /api/calendar/slots
    POST sales                              /api/calendar/events/quick-add
    POST sales                              /api/calendar/events/{id}/links
    DELETE sales                   /api/calendar/events/{id}/links/{entity_type}/{entity_id}
    POST manager                            /api/calendar/watch
    GET manager                             /api/status
    GET sales                               /api/drive/{entity_type}/{entity_id}
    GET sales                               /api/drive/{entity_type}/{entity_id}/root-folder-url
    POST sales                              /api/drive/{entity_type}/{entity_id}/provision
    POST sales                              /api/drive/sync-name
    DELETE sales                    /api/drive/{entity_type}/{entity_id}/files/{file_id}
    GET,POST sales      /api/drive/{entity_type}/{entity_id}/files/{file_id}/permissions
    GET,PUT sales /api/drive/{entity_type}/{entity_id}/files/{file_id}/permissions/{permission_id}
    DELETE sales /api/drive/{entity_type}/{entity_id}/files/{file_id}/permissions/{permission_id}
    DELETE manager                  /api/drive/{entity_type}/{entity_id}/folders/{file_id}
    POST sales                      /api/drive/{entity_type}/{entity_id}/files/{file_id}/restore
    POST manager                    /api/drive/{entity_type}/{entity_id}/folders/{file_id}/restore
    PUT sales                       /api/drive/{entity_type}/{entity_id}/files/{file_id}/rename
    PUT sales                       /api/drive/{entity_type}/{entity_id}/files/{file_id}/move
    POST sales                              /api/drive/{entity_type}/{entity_id}/folder
    POST sales                              /api/drive/{entity_type}/{entity_id}/upload
    POST sales                              /api/drive/folders /api/drive/files
    GET sales                               /api/drive/search /api/drive/items
    GET sales                               /api/drive/{entity_type}/{entity_id}/files/{file_id}
    GET sales          /api/drive/{entity_type}/{entity_id}/files/{file_id}/download
    GET sales                               /api/drive/templates /api/drive/templates/{id}
    POST manager                            /api/drive/templates /api/drive/templates/import
    POST manager                            /api/drive/templates/{id}/clone
    POST manager                            /api/drive/templates/{id}/plan
    POST manager                            /api/drive/templates/{id}/apply
    GET,POST sales                          /api/drive/templates/{id}/preview
    GET sales                               /api/drive/templates/plans
    GET sales                               /api/drive/templates/plans/{id}
    GET sales                               /api/drive/templates/plans/{id}/items
    POST manager                            /api/drive/templates/plans/{plan_id}/cancel
    POST sales                              /api/drive/{entity_type}/{entity_id}/repair
    GET sales                               /api/drive/templates/placeholders
    GET sales                               /api/drive/templates/{id}/export
    GET sales                               /api/drive/templates/{id}/versions
    GET sales                               /api/drive/templates/{id}/versions/{version}
    POST manager                            /api/drive/templates/{id}/versions/{version}/restore
    PATCH,DELETE manager                    /api/drive/templates/{id}
    GET manager                             /api/drive/changes /api/drive/changes/{id}
    GET,POST manager                        /api/drive/channels
    GET,DELETE manager                      /api/drive/channels/{id}
"""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CALLERS = (None, "", "sales", "manager", "admin")
RANK = {None: 0, "": 1, "anyone": 1, "sales": 2, "manager": 3, "admin": 4}


def table() -> dict[tuple[str, str], str]:
    rows = {}
    for line in ACCESS.strip().splitlines():
        methods, least, *addresses = line.split()
        rows |= {(method, address): least for method in methods.split(",") for address in addresses}
    return rows


def described() -> dict[str, dict[str, Any]]:
    """The addresses of the schema with the operations each has."""
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return {
        address: {method.upper(): operation for method, operation in operations.items()}
        for address, operations in paths.items()
    }


OPERATIONS = described()
ACCESS_TABLE = table()


def address_of(template: str) -> str:
    """The address with ids of rows that do not exist."""
    operation = next(iter(OPERATIONS[template].values()))
    for parameter in operation.get("parameters", ()):
        if parameter["in"] != "path":
            continue
        schema = parameter["schema"]
        value = str(uuid.uuid4())
        if schema.get("type") == "integer":
            value = "2000000000"
        template = template.replace(f"{{{parameter['name']}}}", schema.get("enum", [value])[0])
    return template


def test_every_operation_is_in_the_table_and_the_table_has_no_other() -> None:
    operations = {
        (method, address) for address, methods in OPERATIONS.items() for method in methods
    }

    assert operations == set(ACCESS_TABLE)


def test_every_view_below_api_is_in_the_schema() -> None:
    hidden = {
        address
        for address, callback in endpoints(get_resolver().url_patterns)
        if address.startswith("api/") and not getattr(callback.cls, "public", False)
    }
    assert len(hidden) >= len(OPERATIONS)

    for address in hidden:
        parts = [part for part in address.split("/") if not part.startswith("<")]
        assert any(
            [part for part in known.split("/")[1:] if not part.startswith("{")] == parts
            for known in OPERATIONS
        ), address


@pytest.mark.parametrize("caller", CALLERS, ids=["nobody", "no role", "sales", "manager", "admin"])
@pytest.mark.parametrize("template", sorted(OPERATIONS))
def test_each_caller_reaches_what_the_contract_grants(
    api: Api, template: str, caller: str | None
) -> None:
    client = api(caller)
    client.raise_request_exception = False
    for method in METHODS:
        least = ACCESS_TABLE.get((method, template))
        answer = client.generic(method, address_of(template), "{}", content_type="application/json")

        if caller is None:
            expected = {401}
        elif least is None:
            expected = {403, 404, 405} if caller else {403}
        elif RANK[caller] < RANK[least]:
            expected = {403}
        else:
            expected = {200, 201, 202, 204, 400, 404, 409, 415, 422, 503}
        assert answer.status_code in expected, (method, answer.status_code, answer.content)
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("template", sorted(OPERATIONS))
def test_a_session_without_csrf_token_writes_nothing_anywhere(template: str) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(UserFactory(role="admin"), "django.contrib.auth.backends.ModelBackend")

    for method in METHODS[1:]:
        answer = client.generic(method, address_of(template), "{}", content_type="application/json")
        assert answer.status_code == 403, method


@pytest.mark.parametrize("template", sorted(OPERATIONS))
def test_where_a_bearer_token_is_sent_the_session_counts_for_nothing(
    api: Api, template: str
) -> None:
    session = APIClient()
    session.force_login(UserFactory(role="admin"), "django.contrib.auth.backends.ModelBackend")
    both = api("")  # a bearer token of somebody without a role
    both.cookies = session.cookies

    for method in sorted({method for method, address in ACCESS_TABLE if address == template}):
        body = {"data": "{}", "content_type": "application/json"}
        alone = session.generic(method, address_of(template), **body, HTTP_AUTHORIZATION="Bearer x")
        assert alone.status_code == 401, method
        if ACCESS_TABLE[method, template] != "anyone":
            answer = both.generic(method, address_of(template), **body)
            assert answer.status_code == 403, method
