"""Bare HTTP requests, for what Google's library would not send."""

import json
from typing import Any

import httplib2

from pipedesk.sandbox.server import SandboxServer


def ask(
    sandbox: SandboxServer,
    path: str,
    verb: str = "GET",
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:
    """Status and JSON of one request; a body that is no bytes is sent as JSON."""
    http = httplib2.Http(timeout=5)
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    try:
        answer, content = http.request(sandbox.root_url + path, verb, body, headers)
    finally:
        http.close()
    return answer.status, json.loads(content or b"null")
