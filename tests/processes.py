"""Real processes on the database of the test that runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.database import free_port


def database_url() -> str:
    """The test database as another process must be told of it."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    return f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


@dataclass
class Running:
    """A process beside the test, and the file it writes to."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def output(self) -> str:
        """All it said so far."""
        return self.log.read_text()

    def end(self, seconds: float = 30) -> int:
        """SIGTERM, as a process manager does; the exit code."""
        self.process.terminate()
        return self.process.wait(seconds)


@contextmanager
def manage(*command: str, **environment: str) -> Iterator[Running]:
    """`manage.py command` beside the test; nothing of it is left afterwards."""
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-u", "manage.py", *command],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": database_url(), **environment},
            stdout=log,
            stderr=log,
        )
        try:
            yield Running(process, Path(log.name))
        finally:
            _finish(process)


@contextmanager
def gunicorn(**environment: str) -> Iterator[int]:
    """The product under its web server, on the database of the test; the port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "pipedesk.wsgi", "--bind", f"127.0.0.1:{port}"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url(), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: _is_alive_at(port), 30, "gunicorn answers")
        yield port
    finally:
        _finish(process)


def _is_alive_at(port: int) -> bool:
    probe = HTTPConnection("127.0.0.1", port, timeout=5)
    with suppress(OSError):
        probe.request("GET", "/healthz")
        return probe.getresponse().status == 200
    return False


def _finish(process: subprocess.Popen[bytes]) -> None:
    for _ in range(2):  # the second signal does not wait for jobs
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
    process.kill()
    process.wait()


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Poll until true; returns how long it took, fails with `what` after `seconds`."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            msg = f"not within {seconds} s: {what}"
            raise AssertionError(msg)
        time.sleep(0.1)
    return time.monotonic() - started


def children(pid: int) -> list[int]:
    """Process ids of the children, oldest first."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def is_alive(pid: int) -> bool:
    """Whether a process lives (one that only waits to be collected does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def descendants(pid: int) -> list[int]:
    """Everything below a process."""
    return [below for child in children(pid) for below in (child, *descendants(child))]


def pool(worker: Running) -> list[int]:
    """Of a run_worker that works: [worker, worker, monitor, pusher]."""
    wait_for(lambda: len(descendants(worker.pid)) == 6, 20, "the pool started")
    [main] = children(worker.pid)
    [guard] = children(main)
    return children(guard)
