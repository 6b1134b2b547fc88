"""Secrets stay in the environment: not in the repository, the database or an answer."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLPattern, get_resolver
from pytest_django import Settings
from rest_framework.test import APIClient

from pipedesk.accounts.models import User
from tests.core.test_access import OPERATIONS
from tests.factories.accounts import UserFactory
from tests.factories.crm import LeadFactory

ROOT = Path(__file__).resolve().parents[2]
CANARY = "c4n4ry-5f0c954c4b3e"
LOOKS_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\\?n?[A-Za-z0-9+/]{40}"
    r"|\bya29\.[\w-]{20,}|\bAIza[\w-]{35}|\b1//0[\w-]{20,}"
    r"|\beyJ[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}|\bsk_live_\w+|\bgh[pousr]_\w{30,}"
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_tracked_file_looks_like_it_holds_a_secret() -> None:
    files = [path for path in tracked_files() if path.is_file()]
    assert len(files) > 100

    guilty = [
        str(path.relative_to(ROOT))
        for path in files
        if LOOKS_SECRET.search(path.read_text(encoding="utf-8", errors="ignore"))
    ]

    assert guilty == []


def test_the_environment_file_is_ignored_and_its_example_empty_of_secrets() -> None:
    ignored = subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=ROOT, check=False)
    if ignored.returncode == 128:
        pytest.skip("not a git checkout")
    assert ignored.returncode == 0

    for line in (ROOT / ".env.example").read_text().splitlines():
        name, _equals, value = line.partition("=")
        if re.fullmatch(r"\w*(SECRET|PASSWORD|KEYS?|TOKEN|JSON|DSN)\w*", name):
            assert value == "", line


@pytest.fixture
def planted(settings: Settings) -> None:
    settings.GOOGLE_SERVICE_ACCOUNT_JSON = json.dumps(
        {"type": "service_account", "private_key": CANARY, "client_email": "x@y.example"}
    )
    settings.SUPABASE_JWT_SECRET = CANARY * 2
    settings.FIELD_ENCRYPTION_KEYS = [CANARY]
    settings.SENTRY_DSN = f"https://{CANARY}@sentry.example/1"


def database_dump() -> str:
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            rows += cursor.fetchall()
    return repr(rows)


@pytest.mark.django_db
@pytest.mark.usefixtures("planted")
def test_no_answer_of_the_api_and_no_row_holds_a_configured_secret(
    api: Callable[..., APIClient],
) -> None:
    client = api("admin")
    LeadFactory()
    call_command("issue_token", "ana@pipedesk.example", "--role", "sales", stdout=io.StringIO())

    for address in OPERATIONS:
        if "{" not in address:
            assert CANARY not in client.get(address).content.decode(), address
    for address in ("/api/schema/", "/api/docs/", "/healthz", "/readyz", "/api/nothing"):
        assert CANARY not in client.get(address).content.decode(), address
    assert CANARY not in database_dump()


@pytest.mark.django_db
@pytest.mark.usefixtures("planted")
def test_no_page_of_the_admin_holds_a_configured_secret(client: Client) -> None:
    root: User = UserFactory(staff=True, is_superuser=True)
    client.force_login(root, "django.contrib.auth.backends.ModelBackend")
    pages = 0
    for name in admin_lists():
        answer = client.get(f"/admin/{name}")
        pages += answer.status_code == 200
        assert CANARY not in answer.content.decode(), name
    assert pages > 15


def admin_lists() -> list[str]:
    resolver = next(one for one in get_resolver().url_patterns if str(one.pattern) == "admin/")
    found = [""]
    for entry in resolver.url_patterns:
        below = getattr(entry, "url_patterns", None)
        address = str(entry.pattern)
        if below and "<" not in address:
            found += [
                address + str(one.pattern)
                for one in below
                if isinstance(one, URLPattern) and "<" not in str(one.pattern)
            ]
    return found
