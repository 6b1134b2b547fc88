"""The WSGI application: the two APIs, the sandbox's own controls, its page."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from pipedesk.sandbox.control import Control
from pipedesk.sandbox.exchange import Request
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.router import Router

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

REASONS = {308: "Resume Incomplete"}


class Application:
    """One WSGI callable for everything."""

    def __init__(self, google: Google, *, debug: bool = True) -> None:
        self._router = Router(google, debug=debug)
        self._control = Control(google)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        request = read_request(environ)
        if request.path == "/" or request.path.startswith("/_sandbox/"):
            response = self._control.answer(request)
        else:
            response = self._router.answer(request)
        headers = {"Content-Length": str(len(response.body)), **response.headers}
        if response.status in {204, 304}:
            headers.pop("Content-Length")
        reason = REASONS.get(response.status, "Answer")
        start_response(f"{response.status} {reason}", list(headers.items()))
        return [response.body]


def read_request(environ: "WSGIEnvironment") -> Request:
    """The request in our words; the whole body is read."""
    url = urlsplit(environ["REQUEST_URI"])
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    return Request(
        verb=environ["REQUEST_METHOD"],
        path=url.path,
        query=parse_qs(url.query, keep_blank_values=True),
        headers=headers,
        body=_read_body(environ),
        origin=f"http://{environ['HTTP_HOST']}",
    )


def _read_body(environ: "WSGIEnvironment") -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    source: Any = environ["wsgi.input"]
    return bytes(source.read(int(length))) if length.isdigit() else b""
