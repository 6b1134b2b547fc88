"""The connections to Google: an answer has an end in time and in size, whoever sends it.

A socket's time-out is of one read: a peer that sends a byte a second keeps a worker for ever.
"""

from __future__ import annotations

import io
import socket
from http.client import HTTPException, HTTPResponse
from time import monotonic
from typing import Any

import httplib2
from httplib2.decode import DecodeLimitError, DecodeRatioError

MAX_ANSWER_BYTES = 20 * 1024 * 1024


class AnswerTooLarge(HTTPException):
    """The answer is longer than any Google gives us: it was not read to its end."""


class _Bounded(io.RawIOBase):
    """What comes from a socket, until its time-out has passed or it was too much."""

    def __init__(self, sock: socket.socket, file: io.RawIOBase) -> None:
        self._sock, self._file = sock, file
        self._timeout_s = sock.gettimeout()
        self._ends = None if self._timeout_s is None else monotonic() + self._timeout_s
        self._left_bytes = MAX_ANSWER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Raises TimeoutError and AnswerTooLarge."""
        if self._ends is not None:
            left_s = self._ends - monotonic()
            if left_s <= 0:
                msg = "the answer took too long"
                raise TimeoutError(msg)
            self._sock.settimeout(left_s)
        try:
            count = self._file.readinto(buffer)
        finally:
            self._sock.settimeout(self._timeout_s)
        self._left_bytes -= count or 0
        if self._left_bytes < 0:
            msg = f"more than {MAX_ANSWER_BYTES} bytes"
            raise AnswerTooLarge(msg)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class Answer(HTTPResponse):
    """An answer, with headers and body, within the connection's time-out."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Bounded(sock, self.fp.detach()))


# The library has no types.
class Plain(httplib2.HTTPConnectionWithTimeout):  # type: ignore[misc]
    """A connection of http:."""

    response_class = Answer


class Secure(httplib2.HTTPSConnectionWithTimeout):  # type: ignore[misc]
    """A connection of https:."""

    response_class = Answer


class Client(httplib2.Http):  # type: ignore[misc]
    """A client with such connections, that follows no redirect.

    `timeout_s` is for connecting, for sending a piece, and for the whole of an answer.
    """

    plain: type[Plain] = Plain
    secure: type[Secure] = Secure

    def __init__(self, timeout_s: float) -> None:
        super().__init__(timeout=timeout_s, decode_limit_hard=MAX_ANSWER_BYTES)
        self.follow_redirects = False

    def request(self, uri: str, *args: Any, **options: Any) -> Any:
        """As every client does it; a connection with half an answer in it is not used again."""
        options["connection_type"] = self.secure if uri.startswith("https:") else self.plain
        try:
            return super().request(uri, *args, **options)
        except (OSError, HTTPException):
            self.close()
            raise
        except (DecodeLimitError, DecodeRatioError) as failure:
            msg = f"unpacked more than {MAX_ANSWER_BYTES} bytes"
            raise AnswerTooLarge(msg) from failure
