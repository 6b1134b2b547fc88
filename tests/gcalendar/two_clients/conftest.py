"""A calendar with two mirrors: ours and gcal-sync's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from pipedesk.sandbox.server import SandboxServer
from tests.gcalendar.two_clients.comparing import NOW
from tests.gcalendar.two_clients.other_client import OtherClient


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The week in which the payloads were recorded; our mirror's fixture runs on it."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def other(google: SandboxServer) -> OtherClient:
    """The second mirror of Ana's calendar."""
    return OtherClient(google.root_url, "ana@pipedesk.example")
