"""A process that dies while it writes to Google Calendar."""

from __future__ import annotations

import pytest

from gcalendar import client
from tests.dying import DyingProcess


class Steps(DyingProcess):
    """Its steps: around every call to Calendar and every transaction."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch, client)
