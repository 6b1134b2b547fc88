"""The WSGI application: the two APIs, the sandbox's own controls, its page."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from pipedesk.sandbox.control import Control
from pipedesk.sandbox.errors import GoogleError
from pipedesk.sandbox.exchange import Request, Response, json_response
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.page.actions import PREFIX, Page
from pipedesk.sandbox.router import Router

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

REASONS = {308: "Resume Incomplete"}


class Application:
    """One WSGI callable for everything."""

    def __init__(self, google: Google, *, debug: bool = True) -> None:
        self._router = Router(google, debug=debug)
        self._control = Control(google)
        self._page = Page(google)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        request = read_request(environ)
        if request.path == "/" or request.path.startswith("/_sandbox/"):
            response = self._own_answer(request)
        else:
            response = self._answer(request)
        headers = {"Content-Length": str(len(response.body)), **response.headers}
        if response.status in {204, 304}:
            headers.pop("Content-Length")
        reason = REASONS.get(response.status, "Answer")
        start_response(f"{response.status} {reason}", list(headers.items()))
        return [response.body]

    def _answer(self, request: Request) -> Response:
        """The API's answer; a fault of our own is a 500 in Google's words, and logged."""
        try:
            return self._router.answer(request)
        except ConnectionResetError:
            raise  # planned: the server closes the line without an answer
        except Exception:
            logger.exception("the sandbox broke on %s %s", request.verb, request.path)
            error = GoogleError(500, "backendError", "Backend Error")
            return json_response(error.as_json(), error.status)

    def _own_answer(self, request: Request) -> Response:
        """The page and the controls, for this machine's own pages and programs only."""
        if not _is_from_here(request):
            return Response(403)
        if request.path == "/":
            return self._page.show(request)
        if request.path.startswith(PREFIX):
            return self._page.act(request)
        return self._control.answer(request)


def _is_from_here(request: Request) -> bool:
    """Whether no foreign site stands behind a browser's request.

    A site could point its name at 127.0.0.1 (Host) or post a form to it (Origin).
    """
    host = urlsplit(request.origin).hostname
    origin = request.headers.get("origin")
    return host in {"127.0.0.1", "localhost", "::1"} and origin in {None, request.origin}


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
