"""The workers, under a watchdog."""

from __future__ import annotations

import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from pipedesk.core.queue_checks import schedule_row_faults
from pipedesk.core.watchdog import Limits, Watchdog


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C; a second one does not wait for running jobs."""

    help = (
        "Run the workers: the queue's processes under a watchdog that notices when they stand"
        " still and starts them afresh. Example: manage.py run_worker --stall 90"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Seconds; the defaults fit Q_CLUSTER's time-outs."""
        defaults = Limits()
        parser.add_argument("--beat", type=float, default=defaults.beat_s, metavar="SECONDS")
        parser.add_argument("--stall", type=float, default=defaults.stall_s, metavar="SECONDS")
        parser.add_argument("--grace", type=float, default=defaults.grace_s, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse to start on what could do harm; then watch."""
        try:
            faults = schedule_row_faults()
        except DatabaseError as failure:
            msg = f"The database cannot be asked; is it up, and migrated? {failure}"
            raise CommandError(msg) from failure
        if faults:
            raise CommandError("\n".join(str(fault) for fault in faults))
        limits = Limits(options["beat"], options["stall"], options["grace"])
        with TemporaryDirectory(prefix="pipedesk-worker-") as folder:
            watchdog = Watchdog(Path(folder) / "progress", limits, self.say)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, watchdog.signalled)
            watchdog.run()

    def say(self, line: str) -> None:
        """One line of what happens, at once."""
        self.stdout.write(f"run_worker[{os.getpid()}] {line}")
        self.stdout.flush()
