"""No secret is in any log line, whatever went wrong around it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal

import pytest
import structlog
from django.test import Client
from django.urls import path
from rest_framework.request import Request
from rest_framework.test import APIClient

from pipedesk.accounts import tokens
from pipedesk.core.logs import formatter, redact
from pipedesk.core.routing import route
from pipedesk.core.views import ContractView
from tests.factories.accounts import UserFactory

CANARY = "c4n4ry-5f0c954c4b3e"


class Failing(ContractView):
    resource = "me"

    def get(self, request: Request) -> Any:
        credentials = dict(request.headers)  # a local that a rich traceback would show
        logging.getLogger("somebody").warning("asked with %s", credentials)
        raise RuntimeError(f"no luck with Authorization: Bearer {CANARY}")


def plain(request: Any) -> Any:
    logging.getLogger("somebody").error("environment %r", request.META)
    raise TimeoutError(f"GET https://x.example/?syncToken={CANARY}&pageToken={CANARY}")


urlpatterns = [route("api/failing", Failing.as_view()), path("plain", plain)]
handler404 = "pipedesk.core.problems.not_found"
handler500 = "pipedesk.core.problems.server_error"


@pytest.fixture(params=["console", "json"])
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    kind: Literal["console", "json"] = request.param
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(kind))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize(
    "line",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: {CANARY}",
        f"{{'Authorization': 'Bearer {CANARY}', 'Accept': '*/*'}}",
        f'{{"HTTP_AUTHORIZATION": "Basic {CANARY}"}}',
        f"Cookie: sessionid={CANARY}; csrftoken={CANARY}",
        f"{{'HTTP_COOKIE': 'a=b; sessionid={CANARY}'}}",
        f"X-Goog-Channel-Token: {CANARY}",
        f"'HTTP_X_GOOG_CHANNEL_TOKEN': '{CANARY}'",
        f"GET /calendar/v3/events?syncToken={CANARY}&maxResults=2",
        f"GET /drive/v3/changes?pageToken={CANARY} HTTP/1.1",
        f"PUT /upload/drive/v3/files?upload_id={CANARY}",
        f'{{"nextSyncToken": "{CANARY}", "nextPageToken": "{CANARY}"}}',
        f"{{'newStartPageToken': '{CANARY}'}}",
        f"sync_token={CANARY} page_token='{CANARY}'",
        f"access_token={CANARY}&refresh_token={CANARY}",
        f"password={CANARY}",
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c4n4ry-5f0c954c4b3e tail",
        "ya29.c4n4ry-5f0c954c4b3e",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
        f"{CANARY.replace('-', '.')}@pipedesk.example".replace("c4n4ry.", f"{CANARY}."),
    ],
)
def test_secrets_are_taken_out_of_a_line(line: str) -> None:
    assert CANARY not in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "GET /api/leads?page=2&search=token 200",
        "calendar 7 synced: 120 events",
        "token expired",
        "renewed channel 5f0c954c-4b3e-4c2b-9a51-2f9f6f3c1a11",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redact(line) == line


def test_addresses_keep_their_first_letter_and_domain() -> None:
    assert redact("sync of ana.paula@pipedesk.example") == "sync of a***@pipedesk.example"


def test_json_lines_are_json_and_one_line_each(lines: io.StringIO) -> None:
    logging.getLogger("q").error("Failed\r\n%s", "sessionid=x; injected=\nline")
    structlog.get_logger("ours").warning("bound", token=CANARY, agent="a\r\nb")

    text = lines.getvalue()
    assert CANARY not in text
    if text.startswith("{"):
        documents = [json.loads(line) for line in text.splitlines()]
        assert [one["level"] for one in documents] == ["error", "warning"]
        assert documents[0]["logger"] == "q"
        assert all("timestamp" in one for one in documents)


@pytest.mark.django_db
@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    "address",
    ["/api/failing", "/plain", "/api/nothing", "/nothing", f"/api/failing?token={CANARY}"],
)
def test_no_request_leaves_a_secret_in_the_log(lines: io.StringIO, address: str) -> None:
    user = UserFactory(role="sales")
    token = tokens.issue(user, timedelta(hours=1))
    for authorization in (f"Bearer {token}", f"Bearer {CANARY}"):
        client = APIClient(raise_request_exception=False)
        client.cookies["sessionid"] = CANARY
        answer = client.get(
            address,
            headers={
                "authorization": authorization,
                "x-goog-channel-token": CANARY,
                "referer": f"https://x.example/?syncToken={CANARY}",
            },
        )
        assert CANARY not in answer.content.decode()

    text = lines.getvalue()
    assert "request_started" in text
    assert CANARY not in text
    assert token.rpartition(".")[2] not in text


@pytest.mark.django_db
def test_a_push_leaves_no_secret_in_the_log(lines: io.StringIO) -> None:
    for address in ("/webhooks/google-calendar", "/webhooks/google-drive"):
        Client(raise_request_exception=False).post(
            address,
            headers={
                "x-goog-channel-id": "5f0c954c-4b3e-4c2b-9a51-2f9f6f3c1a11",
                "x-goog-resource-id": "r",
                "x-goog-resource-state": "exists",
                "x-goog-message-number": "1",
                "x-goog-channel-token": CANARY,
            },
        )

    assert lines.getvalue()
    assert CANARY not in lines.getvalue()
