"""A process that dies at a chosen step: around every call to Google and every transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from gcalendar import client


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

        def dying_execute(request: Any, **options: Any) -> dict[str, Any]:
            self.step()
            answer = execute(request, **options)
            self.step()
            return answer

        def dying_enter(atomic: transaction.Atomic) -> None:
            self.step()
            enter(atomic)

        def dying_leave(atomic: transaction.Atomic, *args: Any) -> None:
            leave(atomic, *args)
            if args[0] is None:
                self.step()

        monkeypatch.setattr(client, "execute", dying_execute)
        monkeypatch.setattr(transaction.Atomic, "__enter__", dying_enter)
        monkeypatch.setattr(transaction.Atomic, "__exit__", dying_leave)

    def step(self) -> None:
        """One step further, perhaps the last."""
        self.taken += 1
        if self.taken == self.fatal:
            raise Died

    def run(self, work: Callable[[], Any], fatal: int) -> bool:
        """Run `work`, dying at step `fatal`; whether it lived to its end."""
        self.fatal, self.taken = fatal, 0
        try:
            work()
        except Died:
            return False
        finally:
            self.fatal = 0
        return True
