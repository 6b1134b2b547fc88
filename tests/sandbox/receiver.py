"""A receiver of push messages, on loopback."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What arrived, and what to answer: the statuses in turn, then 200."""

    address: str = ""
    statuses: list[int] = field(default_factory=list)
    messages: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Keep a message; the status to answer."""
        with self.changed:
            self.messages.append(headers)
            self.bodies.append(body)
            self.changed.notify_all()
            return self.statuses.pop(0) if self.statuses else 200

    def wait_for(self, number: int, timeout_s: float = 5) -> list[dict[str, str]]:
        """The messages, once there are this many. Raises AssertionError when they do not come."""
        with self.changed:
            arrived = self.changed.wait_for(lambda: len(self.messages) >= number, timeout_s)
            assert arrived, f"{len(self.messages)} of {number} messages came"
            return list(self.messages)

    @property
    def states(self) -> list[str]:
        """The resource states in order of arrival."""
        return [message["x-goog-resource-state"] for message in self.messages]


def _handler(take: Callable[[dict[str, str], bytes], int]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(take(headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    return Handler


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens until the block ends."""
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver.take))
    receiver.address = f"http://127.0.0.1:{server.server_port}/webhooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
