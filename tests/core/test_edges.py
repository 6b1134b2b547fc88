"""What the outermost layers add and refuse: headers, origins, hosts, cookies, forged addresses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from pipedesk.accounts.models import UserQuerySet
from tests.core.test_checks import GOOD
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "http://localhost:3000"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/me", 401), ("/api/nothing", 404), ("/nothing", 404), ("/healthz", 200),
        ("/admin/login/", 200), ("/api/leads?x=1", 401), ("/api/docs/", 200),
    ],
)  # fmt: skip
def test_every_answer_has_the_protecting_headers(client: Client, address: str, status: int) -> None:
    answer = client.get(address)

    assert answer.status_code == status
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    if not address.startswith("/admin"):
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    "origin",
    [
        "null", "http://localhost:3000.evil.example", "http://evil.example",
        "https://localhost:3000", "http://localhost:30001", "http://xlocalhost:3000",
        "https://app-1.crm.example.evil.example", "https://evil.example/?https://app-1.crm.example",
    ],
)  # fmt: skip
def test_other_origins_get_no_leave(api: Api, settings: Settings, origin: str) -> None:
    client = api("sales")

    for answer in (
        client.get("/api/me", headers={"Origin": origin}),
        client.options(
            "/api/me", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
        ),
    ):
        assert "Access-Control-Allow-Origin" not in answer


def test_our_origin_gets_leave_by_name_and_without_credentials(api: Api) -> None:
    answer = api("sales").get("/api/me", headers={"Origin": ORIGIN})

    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in answer
    assert "ETag" in answer["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("address", ["/api/me", "/admin/login/", "/healthz"])
def test_a_forged_host_is_refused(client: Client, address: str) -> None:
    answer = client.get(address, headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert b"evil.example" not in answer.content


@pytest.mark.parametrize("proxies", [0, 1])
def test_guessing_passwords_ends_whatever_address_is_forged(
    client: Client, settings: Settings, proxies: int
) -> None:
    settings.TRUSTED_PROXIES = proxies
    user = UserFactory(staff=True)
    codes = [
        client.post(
            "/admin/login/",
            {"username": user.email, "password": "wrong"},
            # The last entry is the proxy's own.
            headers={"X-Forwarded-For": f"203.0.113.{n}" + ", 198.51.100.7" * proxies},
        ).status_code
        for n in range(6)
    ]

    assert codes[-1] == 429
    assert codes[0] == 200


def test_without_a_database_there_is_no_answer_and_no_trace(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api("admin")

    def away(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("connection to server at 10.1.2.3 failed: secret")

    monkeypatch.setattr(UserQuerySet, "with_role", away)
    answer = client.get("/api/leads")

    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"]
    assert "secret" not in answer.content.decode()
    assert "10.1.2.3" not in answer.content.decode()


PRODUCTION = """
import json, re, django
django.setup()
from corsheaders.conf import conf
from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.test import RequestFactory
request = RequestFactory().get("/admin/login/", secure=True)
middleware = CsrfViewMiddleware(lambda request: None)
get_token(request)
response = middleware.process_response(request, HttpResponse())
pattern = re.compile(conf.CORS_ALLOWED_ORIGIN_REGEXES[0])
origins = ["https://a.crm.example", "https://a.crm.example.evil.example"]
print(json.dumps({
    "cookie": response.cookies.output(header=""),
    "session": [settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE,
                settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE,
                settings.SESSION_COOKIE_AGE],
    "origins": [bool(pattern.match(origin)) for origin in origins],
}))
"""


def test_cookies_of_production_are_this_hosts_alone() -> None:
    environment = {
        **os.environ,
        **GOOD,
        "DJANGO_SETTINGS_MODULE": "pipedesk.settings",
        "CORS_ORIGIN_REGEX": r"https://\w+\.crm\.example",
    }
    run = subprocess.run(
        [sys.executable, "-c", PRODUCTION],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)

    assert said["cookie"].strip().startswith("__Host-csrftoken=")
    for part in ("Secure", "Path=/", "SameSite=Lax"):
        assert part in said["cookie"]
    assert "Domain" not in said["cookie"]
    assert said["session"] == ["__Host-sessionid", True, True, "Lax", 12 * 3600]
    # A pattern of origins means the whole origin.
    assert said["origins"] == [True, False]
