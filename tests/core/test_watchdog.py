"""The workers under a watchdog: real processes, really killed."""

from __future__ import annotations

import os
import signal
import socket
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from django.core import signing
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule, Task

from gdrive.models import DriveSyncState
from pipedesk.core.heartbeat import QUEUE
from pipedesk.core.jobs import is_finished, send, wake
from pipedesk.core.models import Heartbeat
from pipedesk.core.watchdog import Beat, Limits
from pipedesk.core.work import MAX_ATTEMPTS
from tests.database import free_port
from tests.dying import let_leases_end
from tests.processes import Running, descendants, is_alive, manage, pool, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

BEAT = "pipedesk.core.tasks.beat"


@pytest.fixture(autouse=True)
def nothing_by_the_clock() -> None:
    Schedule.objects.all().delete()


def beats_within(seconds: float) -> float:
    """How long until the queue has proved itself, from now on."""
    Heartbeat.objects.filter(name=QUEUE).delete()
    return wait_for(
        lambda: Heartbeat.objects.filter(name=QUEUE).exists(), seconds, "a job was finished"
    )


def died(pids: list[int]) -> None:
    wait_for(lambda: not [pid for pid in pids if is_alive(pid)], 10, "they died")


def test_jobs_run_and_sigterm_ends_all_processes() -> None:
    with manage("run_worker", "--beat", "0.5") as worker:
        beats_within(30)
        pool(worker)
        everybody = [worker.pid, *descendants(worker.pid)]

        assert worker.end() == 0
        assert "queue started" in worker.output()
        assert worker.output().rstrip().endswith("stopped")
    assert not [pid for pid in everybody if is_alive(pid)]


@pytest.mark.parametrize(
    "victims", [slice(2), slice(2, 3)], ids=["idle workers", "the idle monitor"]
)
def test_g11_f57_a_queue_whose_lock_died_is_noticed_and_goes_on(victims: slice) -> None:
    for _ in range(3):
        with manage("run_worker", "--beat", "1", "--stall", "4") as worker:
            beats_within(30)
            killed = pool(worker)[victims]
            wait_for(lambda: not OrmQ.objects.exists(), 20, "nothing is to be done")
            sleep(0.3)  # what was just acknowledged is written down, and all of them wait
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            died(killed)
            beats_within(45)
            if "no progress" in worker.output():
                return
        # Killed in the moment between two messages, when it held no lock: once more.
    pytest.fail("never did one die that held a lock")


def test_f57_what_stands_still_is_noticed_within_105_seconds() -> None:
    assert Limits().beat_s + Limits().stall_s <= 105


@pytest.mark.parametrize("victim", ["main", "guard"])
def test_the_cluster_is_restarted_when_its_head_is_gone(victim: str) -> None:
    with manage("run_worker", "--beat", "0.5") as worker:
        beats_within(30)
        pool(worker)
        old = descendants(worker.pid)  # the main process, the guard, the pool
        os.kill(old[0 if victim == "main" else 1], signal.SIGKILL)
        wait_for(
            lambda: not [pid for pid in old if is_alive(pid)],
            10,
            "no orphan of the old cluster is left",
        )
        beats_within(20)


@pytest.mark.parametrize("standing_still", [False, True])
def test_workers_do_not_outlive_a_killed_watchdog(standing_still: bool) -> None:
    with manage("run_worker", "--beat", "0.5") as worker:
        beats_within(30)
        workers = pool(worker)[:2]
        everybody = descendants(worker.pid)
        if standing_still:  # these would not even follow a SIGTERM
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
        worker.process.kill()
        wait_for(lambda: not [pid for pid in everybody if is_alive(pid)], 10, "all ended")


def acknowledge(message_id: str) -> None:
    now = timezone.now()
    Task.objects.create(id=message_id, name="beat", func=BEAT, started=now, stopped=now)


def test_at_most_one_beat_is_on_its_way() -> None:
    beat = Beat(Limits(beat_s=0))
    for _ in range(3):
        beat.send_if_due()
    assert OrmQ.objects.count() == 1

    acknowledge(beat.message_id)
    for _ in range(3):
        beat.send_if_due()
    assert OrmQ.objects.count() == 2


def test_a_beat_that_was_lost_is_sent_again() -> None:
    beat = Beat(Limits(beat_s=0, stall_s=60))
    beat.send_if_due()
    OrmQ.objects.all().delete()
    beat.sent_at -= 60
    beat.send_if_due()

    assert OrmQ.objects.count() == 1


def test_jobs_that_come_through_prove_the_queue_while_a_beat_waits_behind_them() -> None:
    beat = Beat(Limits(beat_s=15, stall_s=90))
    beat.sent_at = monotonic() - 100

    assert beat.is_overdue(moved_at=monotonic() - 95)
    assert not beat.is_overdue(moved_at=monotonic() - 5)


def test_a_schedule_nobody_knows_stops_the_start() -> None:
    Schedule.objects.create(name="evil", func="os.system", args="'true'", next_run=timezone.now())
    with manage("run_worker") as worker:
        assert worker.process.wait(30) == 1
        assert "pipedesk.E027" in worker.output()

    assert not OrmQ.objects.exists()


@pytest.mark.parametrize("server", ["away", "silent"])
def test_without_a_database_it_says_so_and_ends(server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if server == "silent" else free_port()
        url = f"postgres://nobody@127.0.0.1:{port}/nothing"
        with manage("run_worker", DATABASE_URL=url) as worker:
            assert worker.process.wait(30) == 1
            assert "The database cannot be asked" in worker.output()
            assert "Traceback" not in worker.output()


def test_a_second_sigterm_does_not_wait_for_jobs_and_leaves_nobody() -> None:
    with manage("run_worker", "--beat", "0.5") as worker:
        beats_within(30)
        pool(worker)
        everybody = [worker.pid, *descendants(worker.pid)]
        send("time.sleep", 40)
        wait_for(lambda: Task.objects.count() > 0, 10, "the cluster works")
        sleep(1)
        worker.process.terminate()
        sleep(1)
        assert worker.process.poll() is None  # a job runs
        worker.process.terminate()
        assert worker.process.wait(10) == 0
        assert "jobs were cut" in worker.output()
    died(everybody)
    assert OrmQ.objects.exists()  # it is handed out again


def test_a_job_sent_before_the_workers_start_is_done_after() -> None:
    wake(BEAT)
    with manage("run_worker", "--beat", "60"):
        beats_within(30)
        wait_for(lambda: not OrmQ.objects.exists(), 5, "the message was acknowledged")


def test_f55_messages_nobody_can_read_stop_no_other_and_go() -> None:
    """Before the first worker: rubbish, one of another SECRET_KEY, and one of another Python."""
    foreign = signing.dumps({"func": BEAT}, key="another" * 9, salt=Conf.PREFIX)
    strange = signing.dumps(b"\x80\x63", key=Conf.SECRET_KEY, salt=Conf.PREFIX, serializer=AsIs)
    for payload in ("rubbish", "", foreign, strange):
        OrmQ.objects.create(key=Conf.PREFIX, payload=payload, lock=timezone.now())
    [*_, poison] = OrmQ.objects.order_by("pk").values_list("pk", flat=True)
    wake(BEAT)

    with manage("run_worker", "--beat", "60") as worker:
        beats_within(45)
        others = OrmQ.objects.exclude(pk=poison)
        wait_for(lambda: not others.exists(), 20, "the others are gone")
        wake("pipedesk.core.tasks.sweep")
        wait_for(lambda: not OrmQ.objects.exists(), 20, "the last one is gone, too")
        assert f"message {poison} of the queue cannot be read" in worker.output()


def alive_pool(worker: Running) -> list[int]:
    """The pool when all of it lives: the killed ones are replaced and collected."""
    wait_for(lambda: all(map(is_alive, pool(worker))), 20, "the killed one was replaced")
    return pool(worker)


def another_flows() -> None:
    """A job beside the one in question is done and acknowledged."""
    message_id = send(BEAT)
    wait_for(lambda: is_finished(message_id), 20, "another job was finished")


def test_f56_a_job_that_kills_each_worker_it_meets_is_given_up_and_others_flow() -> None:
    with manage("run_worker", "--beat", "60") as worker:  # and no sweeper beside the test
        beats_within(30)
        row = DriveSyncState.objects.create(requested=1)
        for death in range(1, MAX_ATTEMPTS + 1):
            before = alive_pool(worker)
            wake("tests.dying.take_the_worker_along", row.pk)
            wait_for(lambda: not all(map(is_alive, before)), 20, "one was killed")  # noqa: B023
            another_flows()
            row.refresh_from_db()
            assert (row.attempts, row.dead_at) == (death, None)
            let_leases_end(DriveSyncState)
        before = alive_pool(worker)
        wake("tests.dying.take_the_worker_along", row.pk)
        wait_for(lambda: bool(DriveSyncState.objects.get().dead_at), 20, "it was given up")
        another_flows()
        assert alive_pool(worker) == before
        assert f"gave up DriveSyncState {row.pk}" in worker.output()

    row.refresh_from_db()
    assert row.last_error != ""
    assert not DriveSyncState.objects.behind().exists()


class AsIs:
    """Bytes that are no pickle."""

    def dumps(self, data: bytes) -> bytes:
        return data


def test_messages_a_dead_cluster_held_are_handed_out_again_at_once() -> None:
    wake(BEAT)
    OrmQ.objects.update(lock=timezone.now() + timedelta(minutes=5))
    with manage("run_worker", "--beat", "60") as worker:
        beats_within(30)
        wait_for(lambda: not OrmQ.objects.exists(), 5, "all messages were acknowledged")

        assert "1 messages of a cluster before" in worker.output()


def test_the_working_folder_leaves_no_trace(tmp_path: Path) -> None:
    with manage("run_worker", "--beat", "0.5", TMPDIR=str(tmp_path)) as worker:
        beats_within(30)
        wait_for(
            lambda: bool(list(tmp_path.glob("pipedesk-worker-*/progress"))),
            5,
            "the queue's progress is seen",
        )
        assert worker.end() == 0

    assert not list(tmp_path.glob("pipedesk-worker-*"))
