"""Requests are checked against the discovery documents, and so are the sandbox's own answers."""

from typing import Any

import pytest

from pipedesk.sandbox.exchange import Request
from pipedesk.sandbox.router import HANDLERS, Router
from pipedesk.sandbox.server import SandboxServer
from tests.sandbox.asking import ask


@pytest.mark.parametrize(
    ("path", "reason", "location"),
    [
        ("calendar/v3/users/me/calendarList?nonsense=1", "invalidParameter", "nonsense"),
        ("calendar/v3/users/me/calendarList?maxResults=many", "invalidParameter", "maxResults"),
        ("calendar/v3/users/me/calendarList?maxResults=0", "invalidParameter", "maxResults"),
        ("calendar/v3/users/me/calendarList?showHidden=maybe", "invalidParameter", "showHidden"),
        ("calendar/v3/calendars/primary/events?orderBy=mood", "invalidParameter", "orderBy"),
        ("calendar/v3/calendars/primary/events?timeMin=today", "invalidParameter", "timeMin"),
        ("drive/v3/files?pageSize=1001", "invalidParameter", "pageSize"),
        ("drive/v3/changes", "required", "pageToken"),
        ("drive/v3/files?fields=files(nonsense)", "invalidParameter", "fields"),
    ],
)
def test_a_wrong_parameter_is_named_in_googles_words(
    sandbox: SandboxServer, path: str, reason: str, location: str
) -> None:
    status, answer = ask(sandbox, path)
    assert status == 400
    error = answer["error"]
    assert error["code"] == 400
    assert error["message"]
    assert error["errors"] == [
        {
            "domain": "global",
            "reason": reason,
            "message": error["message"],
            "locationType": "parameter",
            "location": location,
        }
    ]


def test_paths_google_does_not_have_answer_404(sandbox: SandboxServer) -> None:
    for verb, path in (("GET", "calendar/v3/nothing"), ("PATCH", "drive/v3/files"), ("GET", "x")):
        status, answer = ask(sandbox, path, verb)
        assert (status, answer["error"]["errors"][0]["reason"]) == (404, "notFound")


def test_a_method_the_sandbox_does_not_play_says_so(sandbox: SandboxServer) -> None:
    status, answer = ask(sandbox, "calendar/v3/colors")
    assert (status, answer["error"]["errors"][0]["reason"]) == (501, "notImplemented")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
def test_a_body_that_is_no_object_is_a_parse_error(sandbox: SandboxServer, body: bytes) -> None:
    status, answer = ask(sandbox, "drive/v3/files", "POST", body)
    assert (status, answer["error"]["errors"][0]["reason"]) == (400, "parseError")


def test_the_user_comes_from_the_bearer_or_the_quota_user(sandbox: SandboxServer) -> None:
    path = "calendar/v3/calendars/primary"
    bearer = {"Authorization": "Bearer bob@pipedesk.example"}
    assert ask(sandbox, path)[1]["id"] == "ana@pipedesk.example"
    assert ask(sandbox, path, headers=bearer)[1]["id"] == "bob@pipedesk.example"
    assert ask(sandbox, f"{path}?quotaUser=eva@pipedesk.example")[1]["id"] == "eva@pipedesk.example"
    opaque = {"Authorization": "Bearer ya29.x"}
    assert ask(sandbox, path, headers=opaque)[1]["id"] == "ana@pipedesk.example"


def test_a_percent_encoded_id_is_understood(sandbox: SandboxServer) -> None:
    status, answer = ask(sandbox, "calendar/v3/calendars/ana%40pipedesk.example")
    assert (status, answer["id"]) == (200, "ana@pipedesk.example")


def test_an_answer_that_breaks_googles_schema_is_a_fault_of_the_sandbox(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HANDLERS, "drive.drives.list", lambda *_: {"drives": [{"id": 7}]})
    status, answer = ask(sandbox, "drive/v3/drives")
    assert (status, answer["error"]["errors"][0]["reason"]) == (500, "sandboxFault")


def test_a_handler_that_breaks_changes_nothing(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = HANDLERS["drive.files.create"]

    def half(google: Any, call: Any) -> Any:
        create(google, call)
        raise ValueError

    monkeypatch.setitem(HANDLERS, "drive.files.create", half)
    token = sandbox.google.changes.start_token("ana@pipedesk.example", "")
    with pytest.raises(ValueError):
        Router(sandbox.google).answer(_create_request())
    assert sandbox.drive.tree() == {}
    monkeypatch.undo()
    assert Router(sandbox.google).answer(_create_request()).status == 200
    found, _, _ = sandbox.google.changes.page(
        "ana@pipedesk.example", token, 10, drive_id="", with_drives=False
    )
    assert [change["file"]["name"] for change in found] == ["x"]


def _create_request() -> Request:
    return Request("POST", "/drive/v3/files", {}, {}, b'{"name": "x"}', "http://127.0.0.1")
