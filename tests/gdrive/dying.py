"""A process that dies while it works with Drive."""

from __future__ import annotations

import pytest

from gdrive import client, permission_client
from pipedesk.google import sending
from tests.dying import DyingProcess


class Steps(DyingProcess):
    """Its steps: around every call to Drive, each chunk of an upload, and every transaction."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch, client, permission_client)
        # Nothing is sent that does not go through `checked`.
        monkeypatch.setattr(sending, "checked", self.dying(sending.checked))
