"""The page of the OpenAPI document, which asks no other host, and who may read it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


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


def test_while_developing_everybody_reads_the_documentation(client: Client) -> None:
    for address in ("/api/schema", "/api/docs/"):
        assert client.get(address).status_code == 200


def test_in_production_the_documentation_is_for_whoever_is_logged_in(
    api: Callable[..., APIClient], client: Client, admin_client: Client, settings: Settings
) -> None:
    settings.PRODUCTION = True

    for address in ("/api/schema/", "/api/docs/"):
        refused = client.get(address)
        assert refused.status_code == 401
        assert refused["Content-Type"] == "application/problem+json"
        assert api("").get(address).status_code == 200
        assert admin_client.get(address).status_code == 200


def test_the_document_is_in_english_whoever_asks(client: Client) -> None:
    english, portuguese = (
        client.get("/api/schema", headers={"accept-language": language}).content
        for language in ("en", "pt-br")
    )

    assert english == portuguese
