"""Answers without an end, from a peer that writes what it likes."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from time import monotonic, sleep

import pytest
from pytest_django import Settings

from pipedesk.google.errors import TemporaryError
from pipedesk.google.service import (
    READ_TIMEOUT_S,
    calendar_service,
    close_services,
    execute,
)
from pipedesk.google.wire import MAX_ANSWER_BYTES

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EMPTY = HEAD + b'Content-Length: 13\r\n\r\n{"items": []}'
EMPTY_IN_PIECES = [EMPTY[:9], EMPTY[9:]]
MIB = 1024 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Writer:
    """Writes its answers piece by piece, one answer per connection."""

    def __init__(self) -> None:
        self.answers: list[Iterable[bytes]] = []
        self.resets = 0  # so many answers end in a reset of the connection
        self.pause_s = 0.0
        self.sent_bytes = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self.socket.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            if connection.recv(65536) and self.answers:
                for piece in self.answers.pop(0):
                    connection.sendall(piece)
                    self.sent_bytes += len(piece)
                    sleep(self.pause_s)
            if self.resets:
                self.resets -= 1
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        except OSError:  # the client had enough
            return

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


# Time runs so much faster here: twenty seconds are one.
FASTER = 20


@pytest.fixture
def writer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    writer = Writer()
    settings.GOOGLE_API_ROOT_URL = writer.url
    monkeypatch.setattr("pipedesk.google.service.READ_TIMEOUT_S", READ_TIMEOUT_S / FASTER)
    yield writer
    close_services()
    writer.close()


def calendars(*, once: bool = False) -> dict[str, object]:
    return execute(calendar_service().calendarList().list(), retries=0, once=once)


CUT = {
    "before the head": b"",
    "in the head": HEAD[:30],
    "after the head": HEAD + b"Content-Length: 13\r\n\r\n",
    "in the body": EMPTY[:-5],
    "in a body of no stated length": HEAD + b'\r\n{"items": [{"id"',
}


@pytest.mark.parametrize("part", CUT.values(), ids=CUT)
def test_f21_a_connection_reset_in_the_middle_is_tried_again(writer: Writer, part: bytes) -> None:
    writer.answers, writer.resets = [[part], EMPTY_IN_PIECES], 1

    assert execute(calendar_service().calendarList().list()) == {"items": []}
    assert writer.answers == []


@pytest.mark.parametrize("part", CUT.values(), ids=CUT)
def test_f21_connections_reset_again_and_again_are_a_passing_failure(
    writer: Writer, part: bytes
) -> None:
    writer.answers, writer.resets = [[part]] * 9, 9

    with pytest.raises(TemporaryError):
        calendars()


def test_f21_a_connection_nobody_accepts_is_a_passing_failure(
    writer: Writer, settings: Settings
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    settings.GOOGLE_API_ROOT_URL = f"http://127.0.0.1:{port}/"

    with pytest.raises(TemporaryError, match="ConnectionRefusedError"):
        calendars()


@pytest.mark.parametrize("once", [False, True], ids=["again", "once"])
@pytest.mark.parametrize(
    "whole", [b"", HEAD + b"Content-Length: 1000\r\n\r\n"], ids=["head", "body"]
)
def test_f28_an_answer_that_comes_byte_by_byte_ends_with_the_deadline_of_the_whole(
    writer: Writer, whole: bytes, once: bool
) -> None:
    dripping = [whole, *(b"%c" % byte for byte in HEAD * 10)]
    writer.answers, writer.pause_s = [dripping, [EMPTY]], 0.1
    started = monotonic()

    with pytest.raises(TemporaryError):
        calendars(once=once)

    assert 0.9 <= monotonic() - started < 3
    assert calendars() == {"items": []}  # the next request has a connection of its own


@pytest.mark.parametrize("once", [False, True], ids=["again", "once"])
@pytest.mark.parametrize("sized", [True, False], ids=["sized", "until the end"])
def test_f29_an_answer_of_60_mib_is_read_to_20_and_refused(
    writer: Writer, sized: bool, once: bool
) -> None:
    length = b"Content-Length: %d\r\n" % (60 * MIB) if sized else b""
    writer.answers = [[HEAD, length, b"\r\n", *[b" " * MIB] * 60], [EMPTY]]

    with pytest.raises(TemporaryError, match="AnswerTooLarge"):
        calendars(once=once)

    assert MAX_ANSWER_BYTES - MIB <= writer.sent_bytes < 35 * MIB  # what lies in the sockets
    assert calendars() == {"items": []}


def test_f29_a_small_answer_that_unpacks_to_60_mib_is_refused(writer: Writer) -> None:
    packed = gzip.compress(b" " * (60 * MIB))
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    writer.answers = [[head, packed]]

    with pytest.raises(TemporaryError, match="AnswerTooLarge"):
        calendars()


def test_an_answer_just_below_the_limit_is_read(writer: Writer) -> None:
    body = b'{"items": []}' + b" " * (MAX_ANSWER_BYTES - 1000)
    writer.answers = [[HEAD, b"Content-Length: %d\r\n\r\n" % len(body), body]]

    assert calendars() == {"items": []}
