"""A Google of our own that answers at once and calls nobody by itself."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from pipedesk.google import service
from tests.crashes.world import World
from tests.living import busy_sandbox


@pytest.fixture
def world(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty one."""
    settings.WEBHOOK_BASE_URL = "http://127.0.0.1:9"
    with busy_sandbox(settings, monkeypatch) as server:
        monkeypatch.setattr(service, "READ_TIMEOUT_S", 20)
        server.google.pusher.close()
        yield World(server.google, monkeypatch)
        monkeypatch.undo()
    gc.collect()  # the files of the dead are let go here, where they are expected
