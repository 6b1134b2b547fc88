"""What arrives through the real web server: doubled headers, spoofs, bodies without end."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from gcalendar.models import CalendarSyncState
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
