"""`make run`: prepare the database, then web, workers and the local Google in one terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

import honcho.manager
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

# A job may be in the middle of a call to Google when Ctrl-C comes.
honcho.manager.KILL_WAIT = 20
READY_WITHIN_S = 60
# The default calendar and the drive, followed and with channels.
CONNECT = (
    ("sync_calendars", "--no-progress"),
    ("sync_drive", "--no-progress"),
    ("renew_channels", "--no-progress"),
)
# Then the folders of the demo records, which take a while and hinder nobody.
AFTERWARDS = ("provision", "--missing", "--no-progress")


@dataclass(frozen=True)
class Addresses:
    """Where things listen."""

    web: str
    sandbox: str | None


def addresses(environment: dict[str, str]) -> Addresses:
    """From PORT and SANDBOX_PORT; no sandbox where Google itself can be asked."""
    web = f"http://127.0.0.1:{environment.get('PORT', '8000')}"
    if settings.GOOGLE_SERVICE_ACCOUNT_JSON:
        return Addresses(web, None)
    return Addresses(web, f"http://127.0.0.1:{environment.get('SANDBOX_PORT', '8085')}")


def child_environment(where: Addresses) -> dict[str, str]:
    """What the processes get on top of `.env`: with a sandbox, where it is and who calls whom."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if where.sandbox:
        environment |= {"GOOGLE_API_ROOT_URL": f"{where.sandbox}/", "WEBHOOK_BASE_URL": where.web}
    return environment


def answers(url: str) -> bool:
    """Whether something says 200 there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Command(BaseCommand):
    """Prepare, start, announce; Ctrl-C ends all of it."""

    help = (
        "Prepare the database and run web, workers and (without Google credentials) the"
        " sandbox in one terminal. For development. Example: PORT=8001 manage.py run"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Only the preparation, for tests and scripts."""
        parser.add_argument("--prepare-only", action="store_true", help="start nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare; unless told otherwise run until Ctrl-C."""
        if settings.PRODUCTION:
            msg = "`run` is for development; docs/operations.md says how production starts."
            raise CommandError(msg)
        where = addresses(dict(os.environ))
        self.prepare()
        if not options["prepare_only"]:
            sys.exit(self.start(where))

    def prepare(self) -> None:
        """Migrate, then what a new installation starts with; each step may run again."""
        for step, command in (
            ("Database", ["migrate", "--no-input"]),
            ("Roles", ["sync_roles"]),
            ("Folder templates", ["ensure_templates"]),
            ("Demo data", ["seed_demo", "--once", "--leads", "40"]),
        ):
            self.stdout.write(f"{step} …")
            call_command(*command, verbosity=0)

    def start(self, where: Addresses) -> int:
        """Run the processes until one of them ends or Ctrl-C comes; returns the exit code."""
        environment = child_environment(where)
        python = sys.executable
        manager = honcho.manager.Manager()
        if where.sandbox:
            port = where.sandbox.rsplit(":", 1)[1]
            manager.add_process(
                "sandbox",
                f"{python} manage.py sandbox --port {port} --data {settings.VAR_DIR}/sandbox",
                env=environment,
                cwd=str(settings.BASE_DIR),
            )
        manager.add_process(
            "web",
            f"{python} -m gunicorn pipedesk.wsgi --bind {where.web.removeprefix('http://')}"
            " --log-level warning",
            env=environment,
            cwd=str(settings.BASE_DIR),
        )
        manager.add_process(
            "worker",
            f"{python} manage.py run_worker",
            env=environment,
            cwd=str(settings.BASE_DIR),
        )
        threading.Thread(target=self.announce, args=(where,), daemon=True).start()
        manager.loop()
        return 0 if manager.returncode in (0, 130, 143) else 1

    def announce(self, where: Addresses) -> None:
        """Once everything answers, connect it to Google, then say where, and who may log in."""
        urls = [f"{where.web}/healthz", *([f"{where.sandbox}/"] if where.sandbox else [])]
        deadline = time.monotonic() + READY_WITHIN_S
        while not all(answers(url) for url in urls):
            if time.monotonic() > deadline:
                self.stderr.write("Not everything answers yet; see the lines above.")
                return
            time.sleep(0.2)
        for command in CONNECT:
            self.connect(command, where)
        self.stdout.write(self.welcome(where))
        self.connect(AFTERWARDS, where)

    def connect(self, command: tuple[str, ...], where: Addresses) -> None:
        """Run a command that needs Google; its failure is told and stops nothing."""
        done = subprocess.run(  # noqa: S603  our own command
            [sys.executable, "manage.py", *command],
            cwd=settings.BASE_DIR,
            env=child_environment(where),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            self.stderr.write(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")

    def welcome(self, where: Addresses) -> str:
        """The addresses, the demo users and their password."""
        password = settings.DEMO_PASSWORD or "(DEMO_PASSWORD in .env is empty)"
        lines = [
            "PipeDesk is ready.",
            "",
            f"  Admin     {where.web}/admin/",
            f"  API docs  {where.web}/api/docs/",
            *([f"  Google    {where.sandbox}/  (the sandbox)"] if where.sandbox else []),
            "",
            "  admin@pipedesk.example · manager@pipedesk.example · sales@pipedesk.example",
            f"  password  {password}",
            "",
            "Ctrl-C ends all of it.",
        ]
        width = max(len(line) for line in lines) + 2
        edge = "─" * width
        body = "\n".join(f"│ {line.ljust(width - 2)} │" for line in lines)
        return f"\n┌{edge}┐\n{body}\n└{edge}┘\n"
