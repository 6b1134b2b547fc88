"""A process that dies at a chosen step: around every call to Google and every transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from gdrive import client, marking, permission_client
from pipedesk.core.work import Work
from pipedesk.google import sending


class Died(BaseException):
    """Not an Exception: nothing may catch a kill -9."""


class Steps:
    """Counts steps, and dies at number `fatal` (0: never)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fatal = 0
        self.taken = 0
        execute, enter, leave = (
            client.execute,
            transaction.Atomic.__enter__,
            transaction.Atomic.__exit__,
        )

        def dying_execute(request: Any) -> dict[str, Any]:
            self.step()
            answer = execute(request)
            self.step()
            return answer

        def dying_enter(atomic: transaction.Atomic) -> None:
            self.step()
            enter(atomic)

        def dying_leave(atomic: transaction.Atomic, *args: Any) -> None:
            leave(atomic, *args)
            if args[0] is None:
                self.step()

        for module in (client, marking, permission_client):
            monkeypatch.setattr(module, "execute", dying_execute)
        # Around each chunk, too: nothing is sent that does not go through `checked`.
        checked = sending.checked

        def dying_checked(ask: Any) -> Any:
            self.step()
            answer = checked(ask)
            self.step()
            return answer

        monkeypatch.setattr(sending, "checked", dying_checked)
        monkeypatch.setattr(transaction.Atomic, "__enter__", dying_enter)
        monkeypatch.setattr(transaction.Atomic, "__exit__", dying_leave)

    def step(self) -> None:
        """One step further, perhaps the last."""
        self.taken += 1
        if self.taken == self.fatal:
            raise Died

    def run(self, work: Callable[[], None], fatal: int) -> bool:
        """Run `work`, dying at step `fatal`; whether it lived to its end."""
        self.fatal, self.taken = fatal, 0
        try:
            work()
        except Died:
            return False
        finally:
            self.fatal = 0
        return True


def let_leases_end(*models: type[Work]) -> None:
    """What two minutes do to the leases of the dead."""
    for model in models:
        rows = model._base_manager.filter(lease_until__isnull=False)
        rows.update(lease_until=Now() - timedelta(seconds=1))
