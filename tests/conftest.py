"""Fixtures every test may use."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation
from pytest_django import Settings
from rest_framework.test import APIClient

from pipedesk.accounts import tokens
from pipedesk.accounts.models import User, UserRole
from pipedesk.google.service import close_services
from pipedesk.sandbox.server import SandboxServer
from tests.factories.accounts import UserFactory
from tests.figures import Figure
from tests.sandbox_server import sandbox

__all__ = ["sandbox"]


FAULT = re.compile(r"test_(?:[a-z]\d+_)*f\d+_")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What plays a named fault (F1 to F60) is found by `-m fault`."""
    for item in items:
        if FAULT.match(item.name):
            item.add_marker(pytest.mark.fault)


@pytest.fixture(autouse=True)
def own_language() -> None:
    """Whatever language the request of another test left behind is none of this one's."""
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite's test database is a file: threads and processes see one database."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        suffix = os.environ.get("PYTEST_XDIST_WORKER", "main")
        folder = Path(os.environ["PIPEDESK_TEST_FOLDER"])
        database.setdefault("TEST", {})["NAME"] = str(folder / f"test-{suffix}.sqlite3")


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[Figure], None]:
    """Tells a figure to whoever measures goals (`tests/goals`) by running a part of the suite."""
    return lambda figure: record_property("figure", json.dumps(asdict(figure)))


@pytest.fixture
def is_postgres() -> bool:
    """Whether this run is on PostgreSQL."""
    return connection.vendor == "postgresql"


@pytest.fixture
def api(db: None) -> Callable[..., APIClient]:
    """API clients: `api("sales")` has a real bearer token of a new user with that role.

    `api("admin", user=ana)` is that user (who is given the role); `api("")` has a user without
    a role; `api(None)` is nobody. The user is `client.user`.
    """

    def client_of(role: str | None = None, *, user: User | None = None) -> APIClient:
        client = APIClient()
        if role is None and user is None:
            return client
        if user is None:
            user = UserFactory(role=role)
        elif role:
            UserRole.objects.get_or_create(user_id=str(user.id), role=role)
        token = tokens.issue(user, timedelta(hours=1))
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        client.user = user
        return client

    return client_of


def pytest_report_header() -> str:
    """Which database the run is on, and that psycopg 3 has not slipped in."""
    if "psycopg" in sys.modules:
        msg = "psycopg 3 is loaded: Django would use it in place of psycopg2"
        raise RuntimeError(msg)
    return f"database: {os.environ['DATABASE_URL'].split('://')[0]}"


@pytest.fixture
def google(sandbox: SandboxServer, settings: Settings) -> Iterator[SandboxServer]:
    """The sandbox, with the product pointed at it."""
    settings.GOOGLE_API_ROOT_URL = sandbox.root_url
    yield sandbox
    close_services()
