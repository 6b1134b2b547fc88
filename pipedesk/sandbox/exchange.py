"""One HTTP request and its answer, as the sandbox sees them."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from pipedesk.sandbox.errors import Json


@dataclass
class Request:
    """An HTTP request; header names in lower case, the path still percent-encoded."""

    verb: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    origin: str
    """Scheme, host and port under which the sandbox was called."""

    def overridden(self) -> "Request":
        """The request meant by ``X-HTTP-Method-Override``.

        The Python client turns a GET with a long URL into a POST with a form body.
        """
        verb = self.headers.get("x-http-method-override", "").upper()
        if self.verb != "POST" or not verb:
            return self
        query, body = self.query, self.body
        content_type = self.headers.get("content-type", "")
        if content_type.startswith("application/x-www-form-urlencoded"):
            query = {**query, **parse_qs(body.decode(), keep_blank_values=True)}
            body = b""
        return Request(verb, self.path, query, self.headers, body, self.origin)


@dataclass
class Response:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Media:
    """Uploaded bytes; or, of a resumable upload, what they are kept under and described by."""

    content_type: str
    content: bytes = b""
    kept: str | None = None
    described: Json = field(default_factory=dict)
    file_id: str | None = None
    """The file they became."""


@dataclass
class Call:
    """A validated call of one API method."""

    method_id: str
    user: str
    parameters: dict[str, Any]
    body: Json
    headers: dict[str, str]
    origin: str
    media: Media | None = None

    def text(self, name: str, default: str = "") -> str:
        """A string parameter."""
        return str(self.parameters.get(name, default))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean parameter."""
        return bool(self.parameters.get(name, default))

    def number(self, name: str, default: int) -> int:
        """An integer parameter."""
        return int(self.parameters.get(name, default))


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(
        status, body, {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}
    )
