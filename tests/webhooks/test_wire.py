"""What arrives through the real web server: doubled headers, spoofs, bodies without end."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from gcalendar.models import CalendarSyncState
from tests.database import free_port
from tests.factories.webhooks import TOKEN, CalendarChannelFactory, message
from tests.processes import gunicorn
from webhooks.models import Receipt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


@pytest.fixture
def channel() -> CalendarSyncState:
    return CalendarChannelFactory()


@pytest.fixture
def port(channel: CalendarSyncState) -> Iterator[int]:
    """The product under gunicorn, on the database of the test."""
    with gunicorn() as number:
        yield number


def status_of(port: int, headers: list[tuple[str, str]], body: bytes = b"") -> int:
    lines = ["POST /webhooks/google-calendar HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    with socket.create_connection(("127.0.0.1", port), 20) as wire:
        wire.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        answer = wire.recv(65536)
    return int(answer.split(b" ", 2)[1])


EMPTY = ("Content-Length", "0")


def test_s45_what_the_wire_can_do(port: int, channel: CalendarSyncState) -> None:
    valid = list(message(channel).items())
    wrong = list(message(channel, Channel_Token="wrong").items())
    chunks = b"".join(b"1000\r\n" + b"x" * 4096 + b"\r\n" for _ in range(5)) + b"0\r\n\r\n"

    # Doubled headers arrive joined: an id or a token that is nobody's.
    assert status_of(port, [*valid, ("X-Goog-Channel-ID", channel.channel_id), EMPTY]) == 404
    assert status_of(port, [*valid, ("X-Goog-Channel-Token", TOKEN), EMPTY]) == 404
    assert status_of(port, [*valid, ("X-Goog-Resource-ID", "other"), EMPTY]) == 404
    assert status_of(port, [*valid, ("X-Goog-Message-Number", "3"), EMPTY]) == 400
    # A header with underscores is not the one with hyphens.
    assert status_of(port, [*wrong, ("X_Goog_Channel_Token", TOKEN), EMPTY]) == 404
    assert status_of(port, [*valid, ("X-Goog-Changed", "c" * 9000), EMPTY]) == 400
    assert status_of(port, [*valid, ("X-Goog-Changed", "c" * 40_000), EMPTY]) == 431
    # Refused by what is announced, or as soon as it is too much.
    assert status_of(port, [*valid, ("Content-Length", "1000000000")]) == 413
    assert status_of(port, [*valid, ("Transfer-Encoding", "chunked")], chunks) == 413
    assert not Receipt.objects.exists()

    assert status_of(port, [*valid, EMPTY]) == 200
    assert status_of(port, [*valid, EMPTY]) == 200
    assert Receipt.objects.count() == 1


def raw(port: int, request: bytes, answers: int = 1) -> list[int]:
    """The codes of what comes back, until so many came or the connection ends."""
    seen = b""
    with socket.create_connection(("127.0.0.1", port), 20) as wire:
        wire.sendall(request)
        while seen.count(b"HTTP/1.") < answers and (more := wire.recv(65536)):
            seen += more
    return [int(part.split(b" ", 2)[1]) for part in seen.split(b"HTTP/1.")[1:]]


def test_odd_requests_are_refused_and_none_is_a_fault(
    port: int, channel: CalendarSyncState
) -> None:
    head = b"POST /webhooks/google-calendar HTTP/1.1\r\nHost: evil.example\r\n"
    valid = b"".join(f"{k}: {v}\r\n".encode() for k, v in message(channel).items())
    empty = b"Content-Length: 0\r\n\r\n"

    for length in (b"1" * 5000, b"-1", b"\xc2\xb2", b"0x10", b"1, 2", b" "):
        assert raw(port, head + valid + b"Content-Length: " + length + b"\r\n\r\n")[0] in {
            400, 413,
        }, length  # fmt: skip
    both = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert raw(port, head + valid + both)[0] == 400
    chunks = head + valid + b"Transfer-Encoding: chunked\r\n\r\n"
    assert raw(port, chunks + b"zz\r\nxx\r\n0\r\n\r\n")[0] in {400, 413}
    assert not Receipt.objects.exists()

    assert raw(port, chunks + b"0\r\n\r\n") == [200]
    # After what was not read the connection is of no use, or what follows is read right.
    long = head + valid + b"Content-Length: 20000\r\n\r\n" + b"x" * 20000
    assert raw(port, long + head + valid + empty, 2) in ([413], [413, 200])
    assert raw(port, (head + valid + empty) * 2, 2) == [200, 200]
    assert raw(port, (head + valid + empty).replace(b"HTTP/1.1", b"HTTP/1.0")) == [200]
    target = b"/webhooks/google-calendar"
    for path, code in (
        (b"//webhooks/google-calendar", 404), (target + b"?a=1", 200), (target + b"//", 404),
        (b"/webhooks/./google-calendar", 404), (b"/webhooks/google%2Dcalendar", 200),
        (target + b"%0a", 404), (target + b"%00", 404), (b"http://x" + target, 200),
    ):  # fmt: skip
        answer = raw(port, (head + valid + empty).replace(target, path))
        assert answer in ([code], [400]), path
    assert raw(port, (head + valid + b"Expect: 100-continue\r\n" + empty))[-1] in {100, 200}


def test_a_database_that_is_away_is_503_before_the_first_query(channel: CalendarSyncState) -> None:
    with gunicorn(DATABASE_URL=f"postgres://x@127.0.0.1:{free_port()}/x") as port:
        assert status_of(port, [*message(channel).items(), EMPTY]) == 503
        assert status_of(port, [*message(channel, Channel_ID="y").items(), EMPTY]) == 503
        assert status_of(port, [*message(channel, Message_Number="x").items(), EMPTY]) == 400


def test_a_database_that_is_silent_is_503_before_google_gives_up(
    channel: CalendarSyncState,
) -> None:
    """A server that hangs, or packets that vanish on the way to it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://x@127.0.0.1:{silent.getsockname()[1]}/x"
        with gunicorn(DATABASE_URL=url) as port:
            assert status_of(port, [*message(channel).items(), EMPTY]) == 503
