"""Uploads: simple, multipart, resumable.

https://developers.google.com/workspace/drive/api/guides/manage-uploads
"""

import json
import re
import secrets
import threading
from dataclasses import dataclass

from pipedesk.sandbox.drive.contents import Contents
from pipedesk.sandbox.errors import GoogleError, Json, bad_request, not_found
from pipedesk.sandbox.exchange import Call, Media

CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-(?P<last>\d+)|\*)/(?P<total>\d+|\*)\Z")
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


@dataclass
class Session:
    """A resumable upload under way; its bytes are in `kept` (see Contents), `size` so far."""

    id: str
    call: Call
    content_type: str
    kept: str
    size: int = 0
    file_id: str | None = None
    """The file it became, once it is complete."""


class Uploads:
    """Resumable sessions; like Google's they are gone after a restart (404: begin again)."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, call: Call) -> Session:
        """Open a session for a call whose metadata has been checked."""
        content_type = call.headers.get("x-upload-content-type", "application/octet-stream")
        session = Session(secrets.token_urlsafe(48), call, content_type, self._contents.new())
        with self._lock:
            self._sessions[session.id] = session
        return session

    def receive(self, upload_id: str, content_range: str, chunk: bytes) -> tuple[Session, bool]:
        """Add a chunk; True when it was the last.

        Raises GoogleError 404 for an unknown session, 400 for a chunk out of place.
        """
        with self._lock:
            session = self._sessions.get(upload_id)
            if session is None:
                raise not_found("Upload session not found.")
            if session.file_id is not None:
                return session, True
            total = self._add(session, content_range, chunk)
            return session, total is not None and session.size == total

    def media(self, session: Session) -> Media:
        """All of a session's bytes."""
        described = self._contents.described(session.kept)
        return Media(session.content_type, kept=session.kept, described=described)

    def cancel(self, upload_id: str) -> None:
        """End a session before its end; what it brought is dropped. Raises GoogleError 404."""
        with self._lock:
            session = self._sessions.pop(upload_id, None)
        if session is None:
            raise not_found("Upload session not found.")
        if session.file_id is None:
            self._contents.drop(session.kept)

    def open_sessions(self) -> int:
        """How many are under way."""
        with self._lock:
            return sum(session.file_id is None for session in self._sessions.values())

    def clear(self) -> None:
        """Forget every session."""
        with self._lock:
            self._sessions.clear()

    def _add(self, session: Session, content_range: str, chunk: bytes) -> int | None:
        if not content_range:
            self._write(session, 0, chunk)
            return len(chunk)
        match = _RANGE.match(content_range)
        if match is None:
            raise bad_request("Invalid Content-Range.", "badContent")
        total = None if match["total"] == "*" else int(match["total"])
        if match["first"] is None:
            return total
        first = int(match["first"])
        if first > session.size or len(chunk) != int(match["last"]) - first + 1:
            raise bad_request("The chunk does not follow the bytes received.", "badContent")
        if total is None and len(chunk) % CHUNK:
            raise bad_request("Chunks must be multiples of 256 KiB.", "badContent")
        self._write(session, first, chunk)
        return total

    def _write(self, session: Session, first: int, chunk: bytes) -> None:
        """Write at a place; what was behind it is forgotten."""
        with self._contents.change(session.kept) as content:
            content.truncate(first)
            content.seek(first)
            content.write(chunk)
        session.size = first + len(chunk)


def read_multipart(content_type: str, body: bytes) -> tuple[Json, Media]:
    """Metadata and media of a multipart/related body.

    Lines may end in a bare newline, which is what the Python client sends.
    """
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise bad_request("Missing multipart boundary.", "badContent")
    pieces = body.split(b"--" + match.group(1).encode())
    parts = [_part(piece) for piece in pieces[1:-1]]
    if len(parts) != 2:
        raise GoogleError(400, "badContent", "A multipart upload has exactly two parts.")
    try:
        metadata = json.loads(parts[0].content)
    except ValueError:
        raise bad_request("Parse Error", "parseError") from None
    return metadata, parts[1]


def _part(piece: bytes) -> Media:
    ending = b"\r\n" if piece.startswith(b"\r\n") else b"\n"
    head, _, content = piece.removeprefix(ending).partition(ending * 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head.decode().splitlines())
    }
    return Media(
        headers.get("content-type", "application/octet-stream"), content.removesuffix(ending)
    )
