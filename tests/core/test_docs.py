"""The OpenAPI document and its page, which ask no other host."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.validation import validate_schema

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    return dict(client.get("/api/schema/").json())


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate_schema(document)


def test_yaml_is_there_for_whoever_asks(client: Client) -> None:
    answer = client.get("/api/schema", headers={"accept": "application/yaml"})

    assert answer.content.startswith(b"openapi: 3.1")


def test_every_operation_names_its_error_answer_and_its_bearer(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert {"bearer": []} in operation["security"]


def test_lists_are_described_with_their_pages(document: dict[str, Any]) -> None:
    answer = document["paths"]["/api/users"]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    described = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]

    assert described["required"] == ["data", "pagination"]


def test_declared_parameters_are_described(document: dict[str, Any]) -> None:
    names = {one["name"] for one in document["paths"]["/api/users"]["get"]["parameters"]}

    assert {"search", "q", "page", "page_size", "pageSize", "limit", "cursor"} <= names


def test_the_page_works_under_its_own_policy(client: Client) -> None:
    page = client.get("/api/docs/")
    html = page.content.decode()

    assert page.status_code == 200
    assert "unsafe" not in page["Content-Security-Policy"]
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
    for address in re.findall(r"(?:src|href)=\"/static/([^\"]+)\"", html):
        assert finders.find(address), address
    script = re.search(r"src=\"(/api/docs/\?script=)\"", html)
    assert script
    started = client.get(script[1])
    assert started["Content-Type"].startswith("application/javascript")
    assert "/api/schema" in started.content.decode() or "../schema" in started.content.decode()


def test_only_the_admin_gets_a_looser_policy(client: Client) -> None:
    assert "unsafe-eval" in client.get("/admin/login/")["Content-Security-Policy"]
    for address in ("/api/me", "/api/docs/", "/healthz", "/nothing", "/adminx/"):
        policy = client.get(address)["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
