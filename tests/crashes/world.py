"""Google, the database and the queue before, during and after a death.

All of it lives in one transaction of a test: what was committed is a savepoint here, so that each
death begins with the same world.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pydoc import locate
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django_q.models import OrmQ

from crm.models import Lead
from crm.statistics import differing
from gdrive import client as drive_client
from gdrive import permission_client
from pipedesk.core import inserting
from pipedesk.core.models import StoredAnswer
from pipedesk.core.tasks import sweep, work_models
from pipedesk.google import sending
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.push import headers_of
from tests.dying import Died, let_leases_end
from tests.gcalendar.calendar_life import desk as calendar_life

ROUNDS = 20
MESSAGES = 300


class Process(calendar_life.Steps):
    """Steps around calls to Google and transactions, before commits, writes and rows of a COPY."""

    passed_over = (*calendar_life.Steps.passed_over, "SELECT", "DECLARE")

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch, drive_client, permission_client)
        monkeypatch.setattr(sending, "checked", self.dying(sending.checked))
        monkeypatch.setattr(inserting, "_copy", self.dying_copy(inserting._copy))
        enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__

        def whole_enter(atomic: transaction.Atomic) -> None:
            if connection.atomic_blocks[-1]._from_testcase:
                atomic.savepoint = True  # the outermost one of the product's: it rolls back alone
            enter(atomic)

        def dying_leave(atomic: transaction.Atomic, *args: Any) -> None:
            if args[0] is None:
                try:
                    self.step()
                except Died as death:
                    leave(atomic, Died, death, death.__traceback__)
                    raise
            leave(atomic, *args)

        monkeypatch.setattr(transaction.Atomic, "__enter__", whole_enter)
        monkeypatch.setattr(transaction.Atomic, "__exit__", dying_leave)

    def dying_copy(self, copy: Callable[..., None]) -> Callable[..., None]:
        """The same COPY, with a step before each row it sends and one before it ends."""

        def dying_copy(statement: str, lines: io.StringIO) -> None:
            feed, before = DyingLines(lines, self.step), transaction.savepoint()
            try:
                copy(statement, feed)
            except DatabaseError:
                if feed.death is None:
                    raise
                transaction.savepoint_rollback(before)  # a statement is whole, or is not
                raise feed.death from None  # the driver only knows that a row did not come

        return dying_copy


class DyingLines:
    """What a COPY reads, row by row; whoever reads may die."""

    def __init__(self, lines: io.StringIO, step: Callable[[], None]) -> None:
        self.lines, self.step = lines, step
        self.death: Died | None = None

    def read(self, _size: int) -> str:
        """The next row, however much is asked for; a row is well below the driver's buffer."""
        try:
            self.step()
        except Died as death:
            self.death = death
            raise
        return self.lines.readline()


class World:
    """Google, the database and the queue."""

    def __init__(self, google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
        self.google = google
        self.monkeypatch = monkeypatch
        self.process = Process(monkeypatch)
        self.works = work_models()
        self.memory: dict[str, dict[str, Any]] = {}
        self.beginning = self.savepoint = transaction.savepoint()

    # --- Before ---------------------------------------------------------------------------------
    def begin(self) -> None:
        """Nothing is there."""
        connection.run_on_commit = []
        transaction.savepoint_rollback(self.beginning)
        self.google.reset()

    def remember(self) -> None:
        """Every death begins with what is there now."""
        self.savepoint = transaction.savepoint()
        store = self.google.store
        self.memory = {name: dict(table._rows) for name, table in store._tables.items()}

    def restore(self) -> None:
        """Back to what was remembered."""
        connection.run_on_commit = []
        transaction.savepoint_rollback(self.savepoint)
        self.google.faults.clear()
        self.google.uploads.clear()
        self.google.pusher.clear()
        self.process.meanwhile = None
        with self.google.store._lock:
            for name, table in self.google.store._tables.items():
                table.clear()
                for key, row in self.memory.get(name, {}).items():
                    table.apply(key, row)

    # --- During ---------------------------------------------------------------------------------
    def work(self) -> None:
        """Workers take what is queued, one message after the other, and acknowledge it."""
        for _message in range(MESSAGES):
            message = OrmQ.objects.order_by("pk").first()
            if message is None:
                return
            job: Any = locate(message.task["func"])
            job(*message.task["args"])
            OrmQ.objects.filter(pk=message.pk).delete()
            self.follow_commits()
        raise AssertionError("the queue never ends: " + str([row.task for row in queued()]))

    def follow_commits(self) -> None:
        """Do what waits for a commit: nothing here ever commits."""
        hooks, connection.run_on_commit = connection.run_on_commit, []
        for _savepoints, hook, _robust in hooks:
            hook()

    def push(self, channel_id: str, state: str) -> int:
        """Google's next message on a channel; the status it is answered with."""
        row = self.google.channels.number_message(channel_id, 1)
        assert row is not None, "a channel that is not live sends nothing"
        return self.deliver(row["address"], headers_of(row, state, set()))

    def deliver(self, address: str, headers: dict[str, str]) -> int:
        """Google's call, the first or a repeated one."""
        wanted = {name: value for name, value in headers.items() if name.startswith("X-Goog")}
        return int(Client().post(urlsplit(address).path, headers=wanted).status_code)

    def live_channels(self) -> list[dict[str, Any]]:
        """Those that would get a message now."""
        rows = self.google.store.table("channels").values()
        return [row for row in rows if self.google.channels.is_live(row)]

    # --- After ----------------------------------------------------------------------------------
    def bury(self, *, queue_too: bool) -> None:
        """What the end of a process does, and perhaps of the queue with it."""
        connection.run_on_commit = []
        StoredAnswer.objects.filter(answer__isnull=True).delete()  # five minutes pass
        if queue_too:
            OrmQ.objects.all().delete()

    def settle(self) -> None:
        """Hours: leases end, pauses pass, the sweeper looks for what was lost, workers work."""
        for _round in range(ROUNDS):
            let_leases_end(*self.works)
            for model in self.works:
                rows = model._base_manager
                rows.filter(next_attempt_at__isnull=False).update(next_attempt_at=None)
            sweep(lost_after_s=0)
            if not OrmQ.objects.exists():
                return
            self.work()
        raise AssertionError("it never settles: " + str([row.task for row in queued()]))

    def check(self) -> None:
        """What is true at rest, whatever the scenario: all asked for is done, numbers are right."""
        for model in self.works:
            for row in model._base_manager.all():
                stand = (row.applied, row.dead_at, row.last_error)
                assert stand == (row.requested, None, ""), (str(row), stand)
        assert not differing(Lead.objects.values_list("pk", flat=True))

    def run(self, deed: Callable[[], None], fatal: int) -> bool:
        """Do it, dying at step `fatal`; whether it lived."""
        return self.process.run(deed, fatal)


def queued() -> list[OrmQ]:
    """Some messages, for people to read."""
    return list(OrmQ.objects.order_by("pk")[:5])
