"""Faults on request, the clock, the counters."""

import json
import socket
import time
from datetime import UTC, datetime
from typing import Any

import httplib2
import pytest

from pipedesk.sandbox.server import SandboxServer
from tests.sandbox.asking import ask
from tests.sandbox.test_editing import refused

START = datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_a_planned_status_plays_as_often_as_planned(drive: Any, sandbox: SandboxServer) -> None:
    fault = {"method": r"drive\.files\.list", "kind": "status", "times": 2, "skip": 1}
    details = {"status": 403, "reason": "userRateLimitExceeded", "domain": "usageLimits"}
    assert ask(sandbox, "_sandbox/faults", "POST", {**fault, **details})[0] == 200
    assert drive.files().list().execute()["files"] == []
    assert refused(drive.files().list()) == (403, "userRateLimitExceeded")
    assert drive.about().get(fields="user").execute()
    assert refused(drive.files().list()) == (403, "userRateLimitExceeded")
    assert drive.files().list().execute()["files"] == []


def test_a_rate_limit_says_when_to_come_back(sandbox: SandboxServer) -> None:
    sandbox.google.faults.plan(
        {"path": "/files", "kind": "status", "status": 429, "retry_after": "7"}
    )
    http = httplib2.Http(timeout=5)
    answer, _ = http.request(sandbox.root_url + "drive/v3/files")
    http.close()
    assert (answer.status, answer["retry-after"]) == (429, "7")


def test_a_reset_before_has_no_effect_and_one_after_commit_has(
    drive: Any, sandbox: SandboxServer
) -> None:
    ids = drive.files().generateIds(count=2).execute()["ids"]
    for kind, file_id in zip(("reset_before", "reset_after_commit"), ids, strict=True):
        sandbox.google.faults.plan({"method": "files.create", "kind": kind, "times": 1})
        body = {"id": file_id, "name": kind}
        if kind == "reset_before":  # httplib2 sends the request again by itself
            assert drive.files().create(body=body).execute()["id"] == file_id
        else:
            assert refused(drive.files().create(body=body)) == (409, "fileIdInUse")
    assert sorted(sandbox.drive.tree()) == ["reset_after_commit", "reset_before"]
    assert sandbox.google.requests.count("drive.files.create") == 4


def test_truncated_and_malformed_bodies(sandbox: SandboxServer) -> None:
    sandbox.google.faults.plan({"path": "/files", "kind": "malformed"})
    with pytest.raises(json.JSONDecodeError):
        ask(sandbox, "drive/v3/files")
    sandbox.google.faults.plan({"path": "/files", "kind": "truncated"})
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as line:
        line.sendall(b"GET /drive/v3/files HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b"".join(iter(lambda: line.recv(65_536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(part for part in head.split(b"\r\n") if part.startswith(b"Content-Length"))
    assert 0 < len(body) < int(length.split(b":")[1])


@pytest.mark.parametrize(("kind", "made"), [("timeout", 0), ("timeout_after_commit", 1)])
def test_a_timeout_comes_before_or_after_the_effect(
    sandbox: SandboxServer, kind: str, made: int
) -> None:
    sandbox.google.faults.plan({"path": "/files", "kind": kind, "seconds": 0.5})
    http = httplib2.Http(timeout=0.2)
    with pytest.raises(TimeoutError):
        http.request(sandbox.root_url + "drive/v3/files", "POST", b'{"name": "x"}')
    http.close()
    assert len(sandbox.drive.children()) == made


def test_slow_answers_and_latency(sandbox: SandboxServer) -> None:
    sandbox.google.faults.plan({"kind": "slow", "seconds": 0.2})
    started = time.monotonic()
    ask(sandbox, "drive/v3/files")
    assert ask(sandbox, "_sandbox/latency", "POST", {"seconds": 0.2}) == (200, {"seconds": 0.2})
    ask(sandbox, "drive/v3/files")
    assert time.monotonic() - started > 0.4


def test_the_plan_can_be_read_and_dropped(drive: Any, sandbox: SandboxServer) -> None:
    sandbox.google.faults.plan({"kind": "status", "times": 9})
    status, plan = ask(sandbox, "_sandbox/faults")
    assert (status, [fault["kind"] for fault in plan]) == (200, ["status"])
    ask(sandbox, "_sandbox/faults", "DELETE")
    assert drive.files().list().execute()["files"] == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "earthquake"},
        {"kind": "lost"},
        {"push": "exists", "kind": "status"},
        {"kind": "status", "colour": "red"},
        {"kind": "status", "path": "("},
        {"kind": "status", "times": "many"},
        7,
    ],
)
def test_a_fault_that_cannot_be_played_is_refused(sandbox: SandboxServer, fault: Any) -> None:
    status, answer = ask(sandbox, "_sandbox/faults", "POST", [fault])
    assert (status, answer["error"]["code"]) == (400, 400)
    assert ask(sandbox, "_sandbox/faults") == (200, [])


def test_tokens_expire_and_the_clock_shifts_on_request(
    calendar: Any, sandbox: SandboxServer
) -> None:
    token = calendar.events().list(calendarId="primary").execute()["nextSyncToken"]
    assert ask(sandbox, "_sandbox/expire_tokens", "POST")[0] == 200
    request = calendar.events().list(calendarId="primary", syncToken=token)
    assert refused(request) == (410, "fullSyncRequired")
    before = sandbox.google.clock.now()
    assert ask(sandbox, "_sandbox/clock", "POST", {"seconds": 3600})[0] == 200
    assert (sandbox.google.clock.now() - before).total_seconds() >= 3600
    assert ask(sandbox, "_sandbox/clock", "POST", {"hours": 1})[0] == 400


def test_requests_are_counted_per_method(drive: Any, sandbox: SandboxServer) -> None:
    for _ in range(3):
        drive.files().list().execute()
    assert ask(sandbox, "_sandbox/requests") == (200, {"drive.files.list": 3})
    ask(sandbox, "_sandbox/requests", "DELETE")
    assert ask(sandbox, "_sandbox/requests") == (200, {})


def test_reset_leaves_a_fresh_sandbox(drive: Any, calendar: Any, sandbox: SandboxServer) -> None:
    sandbox.drive.create_folder("A")
    sandbox.calendar.create_event("x", START)
    sandbox.google.faults.plan({"kind": "status"})
    assert ask(sandbox, "_sandbox/reset", "POST")[0] == 200
    assert drive.files().list().execute()["files"] == []
    assert calendar.events().list(calendarId="primary").execute()["items"] == []
    assert ask(sandbox, "_sandbox/nothing")[0] == 404
