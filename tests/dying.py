"""A process that dies at a chosen step: around every call to Google and every transaction."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from gdrive.models import DriveSyncState
from pipedesk.core.performing import perform
from pipedesk.core.work import Work


class Died(BaseException):
    """Not an Exception: nothing may catch a kill -9."""


class DyingProcess:
    """Counts steps, and dies at number `fatal` (0: never)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *callers: ModuleType) -> None:
        """`callers`: the modules that call Google by `execute`."""
        self.fatal = 0
        self.taken = 0
        enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__

        def dying_enter(atomic: transaction.Atomic) -> None:
            self.step()
            enter(atomic)

        def dying_leave(atomic: transaction.Atomic, *args: Any) -> None:
            leave(atomic, *args)
            if args[0] is None:
                self.step()

        for module in callers:
            monkeypatch.setattr(module, "execute", self.dying(module.execute))
        monkeypatch.setattr(transaction.Atomic, "__enter__", dying_enter)
        monkeypatch.setattr(transaction.Atomic, "__exit__", dying_leave)

    def dying(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, with a step before and one after it."""

        def dying_call(*args: Any, **options: Any) -> Any:
            self.step()
            answer = call(*args, **options)
            self.step()
            return answer

        return dying_call

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


def let_leases_end(*models: type[Work]) -> None:
    """What two minutes do to the leases of the dead."""
    for model in models:
        rows = model._base_manager.filter(lease_until__isnull=False)
        rows.update(lease_until=Now() - timedelta(seconds=1))


def take_the_worker_along(pk: int) -> None:
    """A job whose process is killed at work, as the kernel does when memory runs out."""
    perform(DriveSyncState, pk, lambda _lease: os.kill(os.getpid(), signal.SIGKILL))
