"""The sandbox as a threaded server on the loopback interface."""

import threading
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from pipedesk.sandbox.application import Application
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.people import CalendarPeople, DrivePeople

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

HOST = "127.0.0.1"


class Handler(WSGIRequestHandler):
    """Keeps the raw path (calendar ids hold ``%2F`` and ``%23``) and stays quiet."""

    disable_nagle_algorithm = True

    def get_environ(self) -> "WSGIEnvironment":
        environ = super().get_environ()
        environ["REQUEST_URI"] = self.path
        environ.setdefault("HTTP_HOST", HOST)
        return environ

    def log_message(self, format: str, *args: Any) -> None:
        """Addresses hold sync tokens: no access log."""


class ThreadedServer(ThreadingMixIn, WSGIServer):
    """One thread per connection."""

    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """As the base class, without asking the name service who we are."""
        TCPServer.server_bind(self)
        self.server_name = HOST
        self.server_port = self.server_address[1]
        self.setup_environ()


class SandboxServer:
    """A running sandbox.

    ::

        with SandboxServer() as sandbox:
            sandbox.root_url                                  # for GOOGLE_API_ROOT_URL
            sandbox.calendar.create_event("Visit", start, end)  # somebody "in Google" acts
            sandbox.drive.drop_file(folder_id, "offer.pdf", b"...")

    ``port=0`` lets the system choose. ``data`` names the journal that outlives a restart. With
    ``debug`` every answer is checked against Google's schema before it leaves.
    """

    def __init__(self, port: int = 0, data: Path | None = None, *, debug: bool = True) -> None:
        self.google = Google(data)
        self.calendar = CalendarPeople(self.google)
        self.drive = DrivePeople(self.google)
        self._server = ThreadedServer((HOST, port), Handler)
        self._server.set_app(Application(self.google, debug=debug))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    @property
    def root_url(self) -> str:
        """The root to patch into the discovery documents."""
        return f"http://{HOST}:{self.port}/"

    def start(self) -> None:
        """Serve from a thread."""
        self.google.start()
        self._thread.start()

    def serve(self) -> None:
        """Serve in this thread until interrupted."""
        self.google.start()
        self._server.serve_forever()

    def close(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self.google.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
