"""The product as real processes: sandbox, web, workers, on a database of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import requests

from tests.database import free_port

ROOT = Path(__file__).resolve().parents[2]
STARTED_WITHIN_S = 40


def eventually(
    check: Callable[[], Any], within_s: float = 5.0, every_s: float = 0.05, what: str = ""
) -> Any:
    """The first true value of `check`; fails when there is none in time."""
    deadline = time.monotonic() + within_s
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            msg = f"not within {within_s} s: {what or check}; last seen: {found!r}"
            raise AssertionError(msg)
        time.sleep(every_s)


def new_database(folder: Path) -> str:
    """The URL of an empty database beside the one of the test run."""
    url = os.environ["DATABASE_URL"]
    if url.startswith("sqlite"):
        return f"sqlite:///{folder}/product.sqlite3"
    server, name = url.rsplit("/", 1)[0], f"e2e_{uuid.uuid4().hex[:8]}"
    admin = psycopg2.connect(f"{server}/postgres")
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    admin.close()
    return f"{server}/{name}"


@dataclass
class Product:
    """Running processes and how to talk to them."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    token: str = ""

    @classmethod
    def prepare(cls, folder: Path, **settings: str) -> Product:
        """A migrated database with roles and templates, and no process yet."""
        web, sandbox = free_port(), free_port()
        product = cls(folder)
        product.environment = {
            **os.environ,
            "DATABASE_URL": settings.get("DATABASE_URL") or new_database(folder),
            "CACHE_URL": f"file://{folder}/cache",
            "PORT": str(web),
            "SANDBOX_PORT": str(sandbox),
            "GOOGLE_API_ROOT_URL": f"http://127.0.0.1:{sandbox}/",
            "WEBHOOK_BASE_URL": f"http://127.0.0.1:{web}",
            "LOG_LEVEL": "INFO",
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        product.manage("migrate", "--no-input")
        product.manage("sync_roles")
        product.manage("ensure_templates")
        product.token = product.manage(
            "issue_token", "ops@pipedesk.example", "--role", "admin"
        ).split()[-1]
        return product

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    @property
    def google(self) -> str:
        return f"http://127.0.0.1:{self.environment['SANDBOX_PORT']}"

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, name: str, *command: str) -> None:
        """Start a process in a session of its own; its output goes to a file."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def start_sandbox(self) -> None:
        self.start(
            "sandbox", sys.executable, "manage.py", "sandbox",
            "--port", self.environment["SANDBOX_PORT"], "--data", str(self.folder / "google"),
        )  # fmt: skip
        eventually(lambda: self.answers(self.google), STARTED_WITHIN_S, what="sandbox answers")

    def start_web(self, name: str = "web", port: int | None = None) -> str:
        """Start a web server, and wait until it answers; returns its address."""
        address = f"127.0.0.1:{port or self.environment['PORT']}"
        self.start(name, sys.executable, "-m", "gunicorn", "pipedesk.wsgi", "--bind", address)
        eventually(
            lambda: self.answers(f"http://{address}/healthz"), STARTED_WITHIN_S, what="web answers"
        )
        return f"http://{address}"

    def start_worker(self, name: str = "worker", *options: str, wait: bool = True) -> None:
        """Start workers, and wait until they take jobs. Each name is a machine of its own."""
        path = self.folder / f"{name}.log"
        before = path.stat().st_size if path.exists() else 0
        self.start(name, sys.executable, "manage.py", "run_worker", *options)
        if wait:
            eventually(
                lambda: b"running." in path.read_bytes()[before:],
                STARTED_WITHIN_S,
                what="workers take jobs",
            )

    def kill_worker(self, name: str = "worker") -> None:
        """kill -9 of every process of the workers: supervisor, cluster, children."""
        supervisor = self.processes.pop(name)
        pids = [supervisor.pid, *descendants(supervisor.pid)]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        supervisor.wait(10)

    def stop(self) -> None:
        """End everything that was started."""
        for name in sorted(self.processes, key=ends_after):
            process = self.processes.pop(name)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    @staticmethod
    def answers(url: str) -> bool:
        try:
            return requests.get(url, timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """A call of the product's API as an admin."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return requests.request(method, f"{self.web}{path}", headers=headers, timeout=20, **options)

    def in_google(self, method: str, path: str, **options: Any) -> Any:
        """A call of Google's API, as a person working in Google would cause it."""
        answer = requests.request(method, f"{self.google}{path}", timeout=20, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else {}

    def folder_tree(self, folder_id: str = "root") -> dict[str, Any]:
        """{name: subtree} of what lies in the sandbox's Drive; a doubled name is an error."""
        found = self.in_google(
            "GET",
            "/drive/v3/files",
            params={
                "q": f"'{folder_id}' in parents and trashed = false",
                "fields": "files(id,name,mimeType)",
                "pageSize": 1000,
            },
        )["files"]
        names = [file["name"] for file in found]
        assert len(names) == len(set(names)), f"doubled: {sorted(names)}"
        return {file["name"]: self.folder_tree(file["id"]) for file in found}

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")


@contextmanager
def product_with_google(**settings: str) -> Iterator[Product]:
    """A product in a folder of its own, with a sandbox; nothing of them is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pipedesk-product-"))
    product = Product.prepare(folder, **settings)
    try:
        product.start_sandbox()
        yield product
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


def ends_after(name: str) -> int:
    """Workers end first, and Google last."""
    kinds = ("worker", "web", "sandbox")
    return next((place for place, kind in enumerate(kinds) if name.startswith(kind)), len(kinds))


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, also those that moved to a session of their own."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found: list[int] = []
    queue = [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def as_json(text: str) -> Any:
    """The JSON in a command's output."""
    return json.loads(text)
