"""Fixtures every test may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import Settings

from pipedesk.google.service import close_services
from pipedesk.sandbox.server import SandboxServer
from tests.sandbox_server import sandbox

__all__ = ["sandbox"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite's test database is a file: threads and processes see one database."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        suffix = os.environ.get("PYTEST_XDIST_WORKER", "main")
        folder = Path(os.environ["PIPEDESK_TEST_FOLDER"])
        database.setdefault("TEST", {})["NAME"] = str(folder / f"test-{suffix}.sqlite3")


@pytest.fixture
def is_postgres() -> bool:
    """Whether this run is on PostgreSQL."""
    return connection.vendor == "postgresql"


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
