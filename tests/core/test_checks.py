"""What does not start, and that the right thing does."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pytest_django import Settings
from rest_framework.views import APIView

from pipedesk.core import checks
from pipedesk.core.throttling import ThrottledView
from pipedesk.core.views import ContractView
from pipedesk.core.viewsets import RecordViewSet

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "DJANGO_ENV": "production",
    "SECRET_KEY": secrets.token_urlsafe(60),
    "DATABASE_URL": "postgres://app@localhost/app",
    "ALLOWED_HOSTS": "crm.example.com",
    "SUPABASE_JWT_SECRET": secrets.token_urlsafe(40),
    "SUPABASE_JWKS_URL": "",
    "GOOGLE_API_ROOT_URL": "https://www.googleapis.com/",
    "WEBHOOK_BASE_URL": "https://crm.example.com",
    "CACHE_URL": "file:///var/cache/pipedesk",
}


def deploy_check(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **GOOD, **changes}
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # the browser tests' own
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_good_production_has_nothing_to_complain_about() -> None:
    result = deploy_check()

    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"SECRET_KEY": "change-me" * 10}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY"),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"DATABASE_URL": "sqlite:////tmp/x.sqlite3"}, "ALLOW_SQLITE_IN_PRODUCTION"),
        ({"SUPABASE_JWT_SECRET": ""}, "SUPABASE_JWKS_URL"),
        ({"SUPABASE_JWT_SECRET": "a" * 31}, "32 bytes"),
        ({"SUPABASE_JWKS_URL": "http://127.0.0.1:1/jwks.json"}, "https"),
        ({"GOOGLE_API_ROOT_URL": "http://127.0.0.1:8085/"}, "sandbox"),
        ({"CACHE_URL": "locmem://"}, "CACHE_URL"),
        ({"CACHE_URL": "memory"}, "CACHE_URL"),
        ({"Q_BROKER": "redis://queue:6379/0"}, "CACHE_URL=redis://"),
        ({"API_THROTTLE_USER": "often"}, "API_THROTTLE_USER"),
        ({"API_THROTTLE_ANON": "0/min"}, "API_THROTTLE_ANON"),
        ({"API_THROTTLE_ANON": "60/fortnight"}, "60/min"),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES"),
    ],
    ids=str,
)
def test_a_bad_production_does_not_start(changes: dict[str, str], word: str) -> None:
    result = deploy_check(**changes)

    assert result.returncode != 0
    assert word in result.stderr


def test_the_server_does_not_start_either() -> None:
    result = subprocess.run(
        [sys.executable, "-c", "import pipedesk.wsgi"],
        cwd=ROOT, env={**os.environ, **GOOD, "SUPABASE_JWT_SECRET": "short"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode != 0
    assert "pipedesk.E002" in result.stderr


def test_a_yes_to_sqlite_is_enough() -> None:
    result = deploy_check(
        DATABASE_URL="sqlite:////tmp/x.sqlite3", ALLOW_SQLITE_IN_PRODUCTION="true"
    )

    assert result.returncode == 0, result.stderr


def test_several_machines_share_a_cache_over_the_network() -> None:
    result = deploy_check(Q_BROKER="redis://queue:6379/0", CACHE_URL="redis://queue:6379/1")

    assert result.returncode == 0, result.stderr


def test_development_starts() -> None:
    call_command("check", "--fail-level", "WARNING")


@pytest.mark.parametrize(
    ("url", "production", "good"),
    [
        ("https://p.supabase.co/jwks", True, True),
        ("http://p.supabase.co/jwks", False, False),
        ("http://127.0.0.1:9/jwks", False, True),
        ("http://localhost:9/jwks", False, True),
        ("http://[::1]:9/jwks", False, True),
        ("http://127.0.0.1:9/jwks", True, False),
        ("http://localhost.evil.example/jwks", False, False),
        ("https://user@evil.example/jwks", True, False),
        ("file:///etc/passwd", False, False),
        ("ftp://p.supabase.co/jwks", False, False),
        ("https://", False, False),
        ("jwks", False, False),
    ],
)
def test_published_keys_come_over_https_only(
    settings: Settings, url: str, production: bool, good: bool
) -> None:
    settings.SUPABASE_JWKS_URL = url
    settings.PRODUCTION = production

    faults = [fault.id for fault in checks.tokens_can_be_trusted(None)]

    assert faults == ([] if good else ["pipedesk.E003"])


class Named(ContractView):
    resource = "lead"


class Nameless(ContractView):
    pass


class Misnamed(ContractView):
    resource = "laed"


class OddAction(ContractView):
    resource = "lead"
    role_actions: ClassVar[dict[str, str]] = {"post": "qualify_it"}


class Foreign(APIView):
    pass


class Public(ThrottledView):
    public = True


class Uncounted(APIView):
    public = True


class Verbs(RecordViewSet):
    resource = "lead"

    def qualify(self) -> None:
        """A verb whose rights nobody named."""


class NamedVerbs(Verbs):
    role_actions: ClassVar[dict[str, str]] = {"qualify": "change"}


def function(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@pytest.mark.parametrize(
    ("view", "good"),
    [
        (Named.as_view(), True),
        (Public.as_view(), True),
        (NamedVerbs.as_view({"get": "list", "post": "qualify"}), True),
        (Verbs.as_view({"get": "qualify"}), True),
        (Verbs.as_view({"post": "qualify"}), False),
        (NamedVerbs.as_view({"trace": "qualify"}), False),
        (Nameless.as_view(), False),
        (Misnamed.as_view(), False),
        (OddAction.as_view(), False),
        (Foreign.as_view(), False),
        (Uncounted.as_view(), False),
        (function, False),
    ],
)
def test_a_view_that_names_no_right_does_not_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, view: Any, good: bool
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "urlpatterns", [path("api/x", view)])
    settings.ROOT_URLCONF = __name__

    faults = [fault.id for fault in checks.views_name_what_they_touch(None)]

    assert faults == ([] if good else ["pipedesk.E001"])


urlpatterns: list[Any] = []
