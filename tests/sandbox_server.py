"""The fixture ``sandbox``: a running Google stand-in, fresh for each test.

For ``tests/conftest.py``: ``from tests.sandbox_server import sandbox  # noqa: F401``.
"""

from collections.abc import Iterator

import pytest

from pipedesk.sandbox.server import SandboxServer


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A sandbox on a free port: ``sandbox.root_url``, ``.calendar``, ``.drive``, ``.google``."""
    with SandboxServer() as server:
        server.google.pusher.retry_delays_s = (0.05, 0.1, 0.2)
        yield server
