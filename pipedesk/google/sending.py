"""Sending the content of files through the door: in chunks, going on where Google has it.

https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable

The address of a session is as good as a password for a week: it stays in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import sleep
from typing import IO, Any

from googleapiclient.http import HttpRequest, MediaIoBaseUpload

from pipedesk.google.errors import Gone, NotFound, RateLimited, TemporaryError
from pipedesk.google.service import PATIENCE_S, RETRIES, checked, pause_after

CHUNK_BYTES = 8 * 1024 * 1024
SESSIONS = 3  # how often a session that Google forgot is begun anew


class Content(MediaIoBaseUpload):  # type: ignore[misc]  # the library is untyped
    """A file's bytes, read a chunk at a time."""

    def __init__(self, file: IO[bytes], mime_type: str) -> None:
        super().__init__(file, mime_type, chunksize=CHUNK_BYTES, resumable=True)

    def has_stream(self) -> bool:
        """No: the HTTP library may send a chunk twice, and finds a stream read to its end."""
        return False


class _Lost(Exception):
    """Google does not know the session any more, or its last answer was cut."""


def upload(ask: Callable[[], HttpRequest]) -> dict[str, Any]:
    """Send what `ask` makes a new request for; its media is a Content.

    Passing failures are tried again, as long as something gets through now and then. The body
    must carry an id of ours: where Google forgot the session another begins, and tells by
    AlreadyExists that the first one had been completed. After a failure for good the session is
    ended, so that nothing is left at Google.

    Raises GoogleError.
    """
    for _session in range(SESSIONS):
        request = ask()
        try:
            return _send(request)
        except _Lost:
            continue
        except Exception:
            _end(request)
            raise
    msg = "Google forgets every upload"
    raise TemporaryError(msg)


def _send(request: HttpRequest) -> dict[str, Any]:
    failures = 0
    while True:
        sent = request.resumable_progress
        try:
            _progress, answer = checked(request.next_chunk)
        except (NotFound, Gone) as failure:
            if request.resumable_uri is None:  # not the session: the folder
                raise
            raise _Lost from failure
        except (TemporaryError, RateLimited) as failure:
            failures = 1 if request.resumable_progress > sent else failures + 1
            pause_s = pause_after(failure, failures)
            if failures > RETRIES or pause_s > PATIENCE_S:
                raise
            sleep(pause_s)
            continue
        failures = 0
        if isinstance(answer, dict):
            return answer
        if answer is not None:
            raise _Lost


def _end(request: HttpRequest) -> None:
    """End the session as well as it goes: Google forgets it by itself after a week."""
    if request.resumable_uri is not None:
        with suppress(Exception):
            request.http.request(request.resumable_uri, "DELETE", headers={"Content-Length": "0"})
