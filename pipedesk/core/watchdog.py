"""django-q2's cluster under watch.

A worker killed while it waits for a message takes the queue's lock with it, and the cluster
stands still without a word. So a beat is sent through the queue every few seconds; when
nothing at all comes out at the far end for a while, the cluster is killed whole and started
afresh. What it was working on is found again by the sweeper.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from django.conf import settings
from django.db import close_old_connections

from pipedesk.core import heartbeat
from pipedesk.core.jobs import QUEUE_FAILURES, hand_out_again, is_finished, is_in_database, send
from pipedesk.core.offspring import end_with_parent
from pipedesk.core.schedules import bring_back
from pipedesk.core.tasks import sweep

TICK_S = 0.25
LONGEST_RESTART_DELAY_S = 30.0


class Cluster:
    """The cluster's processes: a session of their own, so that all of them can be ended."""

    def __init__(self, progress_file: Path) -> None:
        self.progress_file = progress_file
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
            heartbeat.PROGRESS_FILE: str(progress_file),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "django", "qcluster", "--skip-checks"],
            cwd=settings.BASE_DIR,
            env=environment,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def is_running(self) -> bool:
        """Whether the main process lives; it ends when the one that guards the others does."""
        return self.process.poll() is None

    def progress(self) -> int:
        """A number that changes with each finished job."""
        try:
            return self.progress_file.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def kill(self) -> None:
        """End every process of the session at once, orphans too."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Limits:
    """Seconds: between beats, without progress until the restart, for jobs to finish."""

    beat_s: float = 15.0
    stall_s: float = 90.0
    grace_s: float = 190.0


class Beat:
    """The message that proves the queue: at most one is on its way."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.sent_at = float("-inf")
        self.message_id = ""

    def send_if_due(self) -> None:
        """Send one when it is time and the last one came through, or was lost.

        Sweeps along the way: what a killed worker left waits for seconds, not for the schedule.
        """
        age_s = monotonic() - self.sent_at
        if age_s < self.limits.beat_s:
            return
        close_old_connections()
        if self.message_id and age_s < self.limits.stall_s and not is_finished(self.message_id):
            return
        bring_back()
        sweep()
        self.message_id = send("pipedesk.core.tasks.beat")
        self.sent_at = monotonic()

    def skip(self) -> None:
        """Database or Redis did not take it: no fault of the workers, and no haste to ask again."""
        self.sent_at, self.message_id = monotonic(), ""

    def is_overdue(self, moved_at: float) -> bool:
        """Whether nothing came out of the queue for too long after it was sent."""
        return monotonic() - max(moved_at, self.sent_at) > self.limits.stall_s


class Watchdog:
    """Keeps one cluster working until it is told to stop."""

    def __init__(self, progress_file: Path, limits: Limits, say: Callable[[str], None]) -> None:
        self.progress_file = progress_file
        self.limits = limits
        self.say = say
        self.stopping = 0  # signals received
        self.failures = 0  # restarts since the last progress

    def signalled(self, *_: object) -> None:
        """Signal handler. The first asks to finish, the second does not wait."""
        self.stopping += 1

    def run(self) -> None:
        """Start the cluster, and start it again whenever it fails, until signalled."""
        while not self.stopping:
            cluster = self._start()
            reason = self._watch(cluster)
            if reason:
                cluster.kill()
                self.say(f"restarting: {reason}")
                self._pause()
            else:
                self._end(cluster)

    def _start(self) -> Cluster:
        self.progress_file.unlink(missing_ok=True)
        self._free_messages()
        cluster = Cluster(self.progress_file)
        self.say(f"queue started (process {cluster.process.pid})")
        return cluster

    def _free_messages(self) -> None:
        try:
            close_old_connections()
            # What Redis handed out it has forgotten; a wake-up too many does no harm.
            if count := hand_out_again() if is_in_database() else sweep(0):
                self.say(f"{count} messages of a cluster before are handed out again")
        except QUEUE_FAILURES as failure:
            self.say(f"no database: {type(failure).__name__}")

    def _watch(self, cluster: Cluster) -> str:
        """Watch until the cluster must be restarted (why) or we were told to stop ("")."""
        beat = Beat(self.limits)
        seen, moved_at = cluster.progress(), monotonic()
        while not self.stopping:
            sleep(TICK_S)
            if not cluster.is_running():
                return f"the queue's processes ended ({cluster.process.returncode})"
            if cluster.progress() != seen:
                seen, moved_at = cluster.progress(), monotonic()
                self.failures = 0
            if beat.is_overdue(moved_at):
                return f"no progress for {self.limits.stall_s:.0f} s"
            try:
                beat.send_if_due()
            except QUEUE_FAILURES as failure:
                self.say(f"no beat: {type(failure).__name__}")
                beat.skip()
        return ""

    def _end(self, cluster: Cluster) -> None:
        self.say("stopping: waiting for running jobs")
        deadline = monotonic() + self.limits.grace_s
        ended = False
        cluster.process.terminate()
        while self.stopping < 2 and monotonic() < deadline and not ended:
            sleep(TICK_S)
            ended = not cluster.is_running()
        cluster.kill()
        self.say("stopped" if ended else "stopped: jobs were cut, and will run again")

    def _pause(self) -> None:
        """Wait longer each time in a row, so that a cluster that cannot start is no busy loop."""
        until = monotonic() + min(2.0**self.failures - 1, LONGEST_RESTART_DELAY_S)
        self.failures += 1
        while monotonic() < until and not self.stopping:
            sleep(TICK_S)
