"""A credential that Google refuses in the middle: Google's own library, against a token server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pytest_django import Settings

from pipedesk.google import credentials
from pipedesk.google.errors import Unauthorized
from pipedesk.google.service import calendar_service, close_services, execute

ANA = "ana@pipedesk.example"


class Gatekeeper:
    """Gives out tokens and takes all but the refused ones."""

    def __init__(self) -> None:
        self.given = 0
        self.refused: set[str] = set()
        self.shown: list[str] = []
        gatekeeper = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                gatekeeper.given += 1
                token = f"token-{gatekeeper.given}"
                self.say(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

            def do_GET(self) -> None:
                token = self.headers["Authorization"].removeprefix("Bearer ")
                gatekeeper.shown.append(token)
                if token in gatekeeper.refused or "all" in gatekeeper.refused:
                    reason = {"reason": "authError", "message": "Invalid Credentials"}
                    self.say(401, {"error": {"code": 401, "errors": [reason]}})
                else:
                    self.say(200, {"id": "primary"})

            def say(self, status: int, body: object) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def gatekeeper(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gatekeeper]:
    """The product with the key of a service account, and this in Google's place."""
    gatekeeper = Gatekeeper()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "client_email": "desk@project.iam.gserviceaccount.com",
        "private_key": key.decode(),
        "token_uri": f"{gatekeeper.url}token",
    }
    settings.GOOGLE_SERVICE_ACCOUNT_JSON = json.dumps(account)
    settings.GOOGLE_API_ROOT_URL = gatekeeper.url
    # Real credentials go to Google's own addresses only.
    monkeypatch.setattr(credentials, "is_google", lambda url: url == gatekeeper.url)
    close_services()
    yield gatekeeper
    close_services()
    credentials._account.cache_clear()
    gatekeeper.close()


def ask() -> object:
    """One call."""
    return execute(calendar_service(ANA).calendars().get(calendarId="primary"))


def test_f17_a_credential_refused_once_is_refreshed_and_the_call_made_again(
    gatekeeper: Gatekeeper,
) -> None:
    ask()
    gatekeeper.refused = {"token-1"}  # revoked long before it expires

    assert ask() == {"id": "primary"}
    assert ask() == {"id": "primary"}

    assert gatekeeper.shown == ["token-1", "token-1", "token-2", "token-2"]
    assert gatekeeper.given == 2


def test_f18_a_credential_that_stays_refused_is_an_error_soon_and_is_in_no_log(
    gatekeeper: Gatekeeper, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    gatekeeper.refused = {"all"}

    with pytest.raises(Unauthorized) as refusal:
        ask()

    assert 2 <= len(gatekeeper.shown) <= 3
    assert "token-" not in caplog.text + str(refusal.value)
