"""What lives of random people, workers and failures have in common, whatever is mirrored.

A life works in one transaction of a test, so that the next one begins with nothing; what dies in
it rolls back to a savepoint, as the database does with a lost connection's work.
"""

from __future__ import annotations

import gc
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.utils.module_loading import import_string
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from pipedesk.accounts import tokens
from pipedesk.core.work import Work
from pipedesk.google import service
from pipedesk.google.service import close_services
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.server import SandboxServer
from tests.dying import DyingProcess, let_leases_end
from tests.factories.accounts import UserFactory

ROUNDS = 40


class Desk(ABC):
    """The workers of one app, people at the API, and the dust that settles."""

    def __init__(self, google: Google, steps: DyingProcess, app: str, role: str) -> None:
        self.google = google
        self.steps = steps
        self.works: list[type[Work]] = [
            model for model in apps.get_app_config(app).get_models() if issubclass(model, Work)
        ]
        self.client = APIClient()
        token = tokens.issue(UserFactory(role=role), timedelta(days=1))
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    @abstractmethod
    def poll(self) -> None:
        """The clock asks whether there is news."""

    def ask(
        self, method: str, address: str, body: Any = None, *, fatal: int = 0, **headers: str
    ) -> Any:
        """One request, during which the process may die; None when it did or was refused."""
        answers: list[Any] = []
        kind = "multipart" if method == "upload" else "json"
        call = getattr(self.client, "post" if method == "upload" else method)
        self.steps.run(
            lambda: answers.append(call(address, body, format=kind, headers=headers)), fatal
        )
        self.follow_commits()
        if not answers:
            return None
        code = answers[0].status_code
        assert code < 500 or code == 503, (method, address, body, answers[0].content)
        return answers[0].json() if code in {200, 201, 202} else None

    def behind(self) -> list[tuple[type[Work], int]]:
        """Rows with work to do."""
        return [
            (model, pk)
            for model in self.works
            for pk in model.objects.behind().order_by("pk").values_list("pk", flat=True)
        ]

    def work(self, number: int, fatal: int) -> None:
        """A worker takes one of the rows with work, and dies at a step or lives."""
        rows = self.behind()
        if rows:
            model, pk = rows[number % len(rows)]
            self.steps.run(lambda: import_string(model.task)(pk), fatal)
            self.follow_commits()

    def let_leases_end(self) -> None:
        """What two minutes do to the leases of the dead."""
        let_leases_end(*self.works)

    def settle(self) -> None:
        """What hours do: leases end, faults pass, everything is tried again and looked at."""
        self.google.faults.clear()
        for model in self.works:
            model.objects.revive()
        for number in range(ROUNDS):
            self.let_leases_end()
            if number in {0, 1, 3}:
                self.poll()
            rows = self.behind()
            if not rows and number > 3:
                return
            self.work_off(rows)
        raise AssertionError("it never settles: " + str(self.behind()))

    def work_off(self, rows: list[tuple[type[Work], int]]) -> None:
        """Do the work of these rows, however long they are to wait."""
        for model, pk in rows:
            model.objects.filter(pk=pk).update(next_attempt_at=None)
            import_string(model.task)(pk)
            self.follow_commits()

    def follow_commits(self) -> None:
        """Do what waits for a commit: the life itself never commits."""
        hooks, connection.run_on_commit = connection.run_on_commit, []
        for _savepoints, hook, _robust in hooks:
            hook()


class Living(RuleBasedStateMachine):
    """One life: it begins with nothing and ends with a look, whatever its rules did."""

    sandbox: ClassVar[SandboxServer]
    lives: ClassVar[int] = 0
    steps: ClassVar[int] = 0
    desk: Any

    def __init__(self) -> None:
        super().__init__()
        type(self).lives += 1
        self.monkeypatch = pytest.MonkeyPatch()
        self.transaction = transaction.atomic()
        self.transaction._from_testcase = True
        self.transaction.__enter__()
        self.sandbox.google.reset()

    @invariant()
    def count(self) -> None:
        """Another rule was played."""
        type(self).steps += 1

    def teardown(self) -> None:
        """Let the dust settle and look; then forget this life."""
        try:
            if sys.exc_info()[0] is None:
                self.desk.settle()
                self.desk.check()
        finally:
            self.monkeypatch.undo()
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)


def live(kind: type[Living], name: str) -> None:
    """As many lives as `<name>_RUNS` says, of `<name>_STEPS` steps at most; `<name>_SHRINK`."""
    shrinks = os.environ.get(f"{name}_SHRINK", "1") == "1"
    _run(
        kind,
        max_examples=int(os.environ.get(f"{name}_RUNS", "20")),
        derandomize=f"{name}_RUNS" not in os.environ,
        phases=[phase for phase in Phase if shrinks or phase is not Phase.shrink],
        stateful_step_count=int(os.environ.get(f"{name}_STEPS", "30")),
    )


def finds_a_fault(kind: type[Living], lives: int) -> bool:
    """Whether one of so many lives, always the same, ends with something to complain about."""
    try:
        _run(
            kind,
            max_examples=lives,
            derandomize=True,
            phases=[Phase.generate],
            stateful_step_count=30,
            report_multiple_bugs=False,
            database=None,
        )
    except AssertionError:
        return True
    return False


def _run(kind: type[Living], **chosen: Any) -> None:
    quiet = list(HealthCheck)
    try:
        run_state_machine_as_test(
            kind, settings=settings(deadline=None, suppress_health_check=quiet, **chosen)
        )
    finally:
        gc.collect()  # the files of the dead are let go here, where they are expected


def differences(shown: dict[Any, Any], wanted: dict[Any, Any]) -> dict[Any, Any]:
    """What the mirror shows and what Google has, where they differ."""
    return {
        key: {"mirror": shown.get(key), "google": wanted.get(key)}
        for key in shown.keys() | wanted.keys()
        if shown.get(key) != wanted.get(key)
    }


@contextmanager
def busy_sandbox(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """One sandbox for all lives, and a client that does not wait for it."""
    close_services()
    with SandboxServer() as server:
        settings.GOOGLE_API_ROOT_URL = server.root_url
        settings.API_THROTTLE_USER = "1000000/min"
        monkeypatch.setattr(service, "sleep", lambda _seconds: None)
        monkeypatch.setattr(service, "READ_TIMEOUT_S", 0.4)
        yield server
    close_services()
