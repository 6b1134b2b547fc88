"""What was answered outlives the process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipedesk.sandbox.server import SandboxServer
from tests.sandbox.conftest import build_service
from tests.sandbox.receiver import receiving
from tests.sandbox.test_editing import refused

START = datetime(2026, 11, 23, 13, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.jsonl"


def test_a_restart_keeps_everything_and_its_tokens(path: Path) -> None:
    with receiving() as receiver:
        with SandboxServer(data=path) as before:
            service = build_service(before.root_url, "calendar")
            event = before.calendar.create_event("x", START)
            folder = before.drive.create_folder("A")
            before.drive.drop_file(folder, "b.txt", b"bytes")
            token = service.events().list(calendarId="primary").execute()["nextSyncToken"]
            body = {"id": "channel-1", "type": "web_hook", "address": receiver.address}
            service.events().watch(calendarId="primary", body=body).execute()
            receiver.wait_for(1)
            service.close()
        with SandboxServer(data=path) as after:
            assert after.calendar.events() == [event]
            assert after.drive.tree() == {"A": {"b.txt": None}}
            assert after.drive.content(after.drive.children(folder)[0]["id"]) == b"bytes"
            service = build_service(after.root_url, "calendar")
            after.calendar.change_event(event["id"], summary="y")
            delta = service.events().list(calendarId="primary", syncToken=token).execute()
            assert [item["summary"] for item in delta["items"]] == ["y"]
            assert int(receiver.wait_for(2)[1]["x-goog-message-number"]) > 1
            again = service.events().watch(calendarId="primary", body=body)
            assert refused(again) == (400, "channelIdNotUnique")
            service.close()


def test_a_torn_last_line_is_cut_off(path: Path) -> None:
    with SandboxServer(data=path) as before:
        before.drive.create_folder("A")
        before.drive.create_folder("B")
    path.write_bytes(path.read_bytes()[:-20])
    with SandboxServer(data=path) as after:
        assert after.drive.tree() == {"A": {}}
        after.drive.create_folder("C")
    with SandboxServer(data=path) as last:
        assert last.drive.tree() == {"A": {}, "C": {}}


def test_tokens_of_a_sandbox_without_memory_are_dead_after_a_restart() -> None:
    tokens: list[Any] = []
    for _ in range(2):
        with SandboxServer() as sandbox:
            service = build_service(sandbox.root_url, "calendar")
            tokens.append(service.events().list(calendarId="primary").execute()["nextSyncToken"])
            if len(tokens) == 2:
                dead = service.events().list(calendarId="primary", syncToken=tokens[0])
                assert refused(dead) == (410, "fullSyncRequired")
            service.close()


@pytest.fixture
def process(path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``manage.py sandbox`` as a process, and its root URL."""
    command = [sys.executable, "manage.py", "sandbox", "--port", "0", "--data", str(path)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ.copy())
    assert running.stdout is not None
    line = next(line for line in running.stdout if "http://" in line)
    yield running, line.split()[-1]
    running.kill()
    running.wait()
    running.stdout.close()


def test_kill_minus_nine_loses_nothing_that_was_answered(
    process: tuple[subprocess.Popen[str], str], path: Path
) -> None:
    running, root_url = process
    drive = build_service(root_url, "drive")
    made = [drive.files().create(body={"name": f"f{n}"}).execute()["id"] for n in range(20)]
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    drive.close()
    with SandboxServer(data=path) as after:
        assert [file["id"] for file in after.drive.children()] == made


def test_a_hundred_thousand_files_stay_fast() -> None:
    with SandboxServer(debug=False) as sandbox:
        with sandbox.google.store.transaction():
            folders = [sandbox.drive.create_folder(f"deal {number}") for number in range(1000)]
            for number in range(99_000):
                sandbox.drive.create_folder("x", folders[number % 1000])
        drive = build_service(sandbox.root_url, "drive")
        token = drive.changes().getStartPageToken().execute()["startPageToken"]
        started = time.monotonic()
        for number in range(20):
            sandbox.drive.rename(folders[number], "renamed")
            listed = drive.files().list(q=f"'{folders[number]}' in parents").execute()
            assert len(listed["files"]) == 99
            assert len(drive.changes().list(pageToken=token).execute()["changes"]) == number + 1
        drive.close()
        assert (time.monotonic() - started) / 60 < 0.05
