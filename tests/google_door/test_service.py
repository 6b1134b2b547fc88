"""The door to Google, against a small HTTP server that answers what it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from pytest_socket import SocketConnectBlockedError

from pipedesk.google.credentials import is_google
from pipedesk.google.errors import Forbidden, NotFound, RateLimited, TemporaryError
from pipedesk.google.service import (
    calendar_service,
    close_services,
    drive_service,
    execute,
    pause_after,
)

EMPTY = (200, {}, b'{"items": []}')


@dataclass
class Peer:
    """What the server answers next, and what it was asked."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[BaseHTTPRequestHandler] = field(default_factory=list)
    url: str = ""

    def query(self, position: int) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.asked[position].path).query)


@pytest.fixture
def peer(settings: Settings) -> Iterator[Peer]:
    peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            peer.asked.append(self)
            if "/calendars/" in self.path:
                # An answer that names what was asked for.
                name = urlsplit(self.path).path.split("/")[-1]
                status, headers, body = 200, {}, json.dumps({"id": name}).encode()
            else:
                status, headers, body = peer.answers.pop(0)
            if status == 0:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.send_response(status)
            length = headers.get("Content-Length", str(len(body)))
            for name, value in {"Content-Type": "application/json", **headers}.items():
                if name != "Content-Length":
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    peer.url = f"http://127.0.0.1:{server.server_port}/"
    settings.GOOGLE_API_ROOT_URL = peer.url
    yield peer
    close_services()
    server.shutdown()
    server.server_close()
    thread.join()


def calendars(**options: int) -> dict[str, object]:
    return execute(calendar_service().calendarList().list(), **options)


def test_an_answer_comes_back_as_a_dict(peer: Peer) -> None:
    peer.answers = [EMPTY]

    assert calendars() == {"items": []}


def test_a_passing_failure_is_tried_again(peer: Peer) -> None:
    busy = (503, {"Retry-After": "1"}, b"{}")
    peer.answers = [busy, EMPTY]

    assert calendars() == {"items": []}
    assert len(peer.asked) == 2


def test_a_long_retry_after_is_left_to_the_job(peer: Peer) -> None:
    peer.answers = [(429, {"Retry-After": "120"}, b"{}")]

    with pytest.raises(RateLimited) as failure:
        calendars()
    assert failure.value.retry_after_s == 120
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("in half an hour", 1800),
        ("soon", None),
        ("-5", None),
        ("0", None),
        (str(10**9), 3600),
        ("9" * 400, 3600),
    ],
    ids=["date", "garbage", "negative", "zero", "thirty years", "400 digits"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_f14_an_odd_retry_after_is_no_failure_of_its_own(
    peer: Peer, status: int, header: str, seconds: float | None
) -> None:
    if seconds == 1800:
        header = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    peer.answers = [(status, {"Retry-After": header}, b"{}")]

    with pytest.raises((RateLimited, TemporaryError)) as failure:
        calendars(retries=0)

    assert failure.value.retry_after_s == (seconds and pytest.approx(seconds, abs=120))


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_f15_a_403_that_means_a_rate_is_tried_again_as_a_429_is(peer: Peer, reason: str) -> None:
    limit = {"error": {"code": 403, "message": "slow", "errors": [{"reason": reason}]}}
    peer.answers = [(403, {}, json.dumps(limit).encode()), EMPTY]
    started = monotonic()

    assert calendars() == {"items": []}

    assert len(peer.asked) == 2
    assert monotonic() - started >= 0.5


def test_f15_those_who_wait_for_a_rate_do_not_come_back_together() -> None:
    pauses = {pause_after(RateLimited("slow"), attempt=1) for _ in range(50)}

    assert 1 <= min(pauses) < max(pauses) <= 2
    assert len(pauses) > 40


def test_a_refusal_is_not_tried_again(peer: Peer) -> None:
    body = b'{"error": {"errors": [{"reason": "forbidden"}], "message": "no", "code": 403}}'
    peer.answers = [(403, {}, body)]

    with pytest.raises(Forbidden):
        calendars()
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    "broken",
    [
        (200, {"Content-Type": "application/json"}, b'{"items": [{"id": "a'),
        (200, {"Content-Type": "application/json"}, b""),
        (200, {"Content-Type": "text/html"}, b"<html>log in to the hotel's network</html>"),
        (200, {"Content-Length": "5000"}, b'{"items": []}'),
        (0, {}, b""),
    ],
    ids=["truncated", "nothing left of it", "captive portal", "cut in the middle", "no answer"],
)
def test_f22_f23_a_broken_answer_is_no_empty_page(
    peer: Peer, broken: tuple[int, dict[str, str], bytes], settings: Settings
) -> None:
    peer.answers = [broken] * 3  # the HTTP library itself asks again where nothing was answered
    if broken[1].get("Content-Length"):
        # The server keeps the connection open, so the missing rest is a time-out.
        calendar_service()._http.http.timeout = 0.5

    with pytest.raises(TemporaryError):
        calendars(retries=0)


def test_a_redirect_is_not_followed(peer: Peer) -> None:
    peer.answers = [(302, {"Location": "http://169.254.169.254/latest/"}, b"")]

    with pytest.raises(Exception, match=r"302|redirect"):
        calendars(retries=0)
    assert len(peer.asked) == 1


def test_a_root_that_is_not_google_receives_no_credentials(peer: Peer, settings: Settings) -> None:
    settings.GOOGLE_SERVICE_ACCOUNT_JSON = '{"private_key": "would be sent"}'
    peer.answers = [EMPTY]

    calendars()

    assert peer.asked[0].headers.get("Authorization") is None


@pytest.mark.parametrize(
    ("url", "google"),
    [
        ("https://www.googleapis.com/", True),
        ("https://googleapis.com/", True),
        ("http://www.googleapis.com/", False),
        ("https://googleapis.com.example.org/", False),
        ("https://www.googleapis.com@example.org/", False),
        ("https://examplegoogleapis.com/", False),
    ],
)
def test_only_googles_own_hosts_over_https_count_as_google(url: str, google: bool) -> None:
    assert is_google(url) is google


def test_d64_an_address_beyond_this_machine_is_stopped_at_the_socket(settings: Settings) -> None:
    settings.GOOGLE_API_ROOT_URL = "http://192.0.2.1/"

    with pytest.warns(UserWarning, match="192"), pytest.raises(SocketConnectBlockedError):
        calendars()


def test_google_itself_is_not_asked_without_a_key(settings: Settings) -> None:
    settings.GOOGLE_API_ROOT_URL = "https://www.googleapis.com/"

    with pytest.raises(ImproperlyConfigured, match="GOOGLE_SERVICE_ACCOUNT_JSON"):
        calendar_service()


@pytest.mark.parametrize("key", ["/no/such/file.json", "{broken", "[1]"])
def test_an_unreadable_key_says_what_is_wrong(key: str, settings: Settings) -> None:
    settings.GOOGLE_API_ROOT_URL = "https://www.googleapis.com/"
    settings.GOOGLE_SERVICE_ACCOUNT_JSON = key

    with pytest.raises(ImproperlyConfigured, match="GOOGLE_SERVICE_ACCOUNT_JSON"):
        drive_service()


def test_each_request_is_charged_to_the_person_it_is_made_for(peer: Peer) -> None:
    peer.answers = [(200, {}, b'{"items": [], "nextPageToken": "2"}'), EMPTY]
    people = calendar_service("bia@example.com").calendarList()

    first = people.list(maxResults=1)
    execute(people.list_next(first, execute(first)))

    assert [peer.query(n)["quotaUser"] for n in (0, 1)] == [["bia@example.com"]] * 2
    assert peer.query(1)["pageToken"] == ["2"]


def test_d63_eight_threads_never_see_each_others_answers(peer: Peer) -> None:
    def ask(number: int) -> bool:
        name = f"calendar-{number}"
        found = execute(calendar_service().calendars().get(calendarId=name))
        return found["id"] == name

    with ThreadPoolExecutor(8, thread_name_prefix="door") as threads:
        right = list(threads.map(ask, range(400)))

    assert right == [True] * 400


def test_each_thread_has_a_service_of_its_own_and_keeps_it(peer: Peer) -> None:
    mine = calendar_service()
    with ThreadPoolExecutor(1) as threads:
        theirs = threads.submit(calendar_service).result()

    assert calendar_service() is mine
    assert theirs is not mine


def test_what_is_not_there_is_not_found(peer: Peer) -> None:
    peer.answers = [(404, {}, b'{"error": {"errors": [{"reason": "notFound"}], "code": 404}}')]

    with pytest.raises(NotFound):
        calendars()
