"""Channels: what watch and stop accept and answer."""

import time
from typing import Any
from uuid import uuid4

import pytest

from pipedesk.sandbox.server import SandboxServer
from tests.sandbox.test_editing import refused

ADDRESS = "https://crm.example.com/webhooks/google"
DAY_S = 86_400


def request_body(**changes: Any) -> dict[str, Any]:
    return {"id": uuid4().hex, "type": "web_hook", "address": ADDRESS, **changes}


@pytest.fixture(autouse=True)
def _silence(sandbox: SandboxServer) -> None:
    """The addresses here belong to nobody."""
    sandbox.google.faults.plan({"push": "", "kind": "lost", "times": 1000})


def seconds_left(answer: dict[str, Any]) -> float:
    return int(answer["expiration"]) / 1000 - time.time()


def test_two_channels_on_one_calendar_have_one_resource_id(calendar: Any) -> None:
    watch = calendar.events().watch
    first = watch(calendarId="primary", body=request_body(token="t")).execute()
    second = watch(calendarId="ana@pipedesk.example", body=request_body()).execute()
    assert first["resourceId"] == second["resourceId"]
    assert first["resourceUri"].endswith("/calendars/ana%40pipedesk%2Eexample/events?alt=json")
    assert first["token"] == "t"
    assert set(second) == {"kind", "id", "resourceId", "resourceUri", "expiration"}


def test_a_used_id_stays_used_after_stop(calendar: Any) -> None:
    body = request_body()
    answer = calendar.events().watch(calendarId="primary", body=body).execute()
    stop = {"id": answer["id"], "resourceId": answer["resourceId"]}
    calendar.channels().stop(body=stop).execute()
    again = calendar.events().watch(calendarId="primary", body=body)
    assert refused(again) == (400, "channelIdNotUnique")
    assert refused(calendar.channels().stop(body=stop)) == (404, "notFound")


def test_only_the_same_user_stops_a_channel_and_with_the_right_resource(
    calendar: Any, service_of: Any
) -> None:
    answer = calendar.events().watch(calendarId="primary", body=request_body()).execute()
    stop = {"id": answer["id"], "resourceId": answer["resourceId"]}
    bobs = service_of("calendar", "bob@pipedesk.example")
    assert refused(bobs.channels().stop(body=stop)) == (404, "notFound")
    wrong = {**stop, "resourceId": "wrong"}
    assert refused(calendar.channels().stop(body=wrong)) == (404, "notFound")
    assert refused(calendar.channels().stop(body={"id": "x"})) == (400, "required")
    assert calendar.channels().stop(body=stop).execute() == ""


def test_channels_live_as_long_as_google_lets_them(
    calendar: Any, drive: Any, sandbox: SandboxServer
) -> None:
    folder = sandbox.drive.create_folder("A")
    watches = {
        7 * DAY_S: calendar.events().watch(calendarId="primary", body=request_body()),
        600: calendar.events().watch(
            calendarId="primary", body=request_body(params={"ttl": "600"})
        ),
        3600: drive.changes().watch(pageToken="1", body=request_body()),
        7 * DAY_S + 1: drive.changes().watch(
            pageToken="1", body=request_body(expiration=str(int(time.time() + 1e7) * 1000))
        ),
        DAY_S: drive.files().watch(fileId=folder, body=request_body(params={"ttl": "9999999"})),
    }
    for expected, watch in watches.items():
        assert seconds_left(watch.execute()) == pytest.approx(expected, abs=5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ""}, "required"),
        ({"id": "x" * 65}, "invalid"),
        ({"token": "x" * 257}, "invalid"),
        ({"type": "carrier_pigeon"}, "channelUnknown"),
        ({"address": None}, "required"),
        ({"address": "http://crm.example.com/"}, "push.webhookUrlNotHttps"),
        ({"address": "ftp://127.0.0.1/"}, "push.webhookUrlNotHttps"),
        ({"expiration": "1000"}, "invalid"),
        ({"params": {"ttl": "soon"}}, "invalid"),
    ],
)
def test_a_channel_google_would_refuse(calendar: Any, changes: dict[str, Any], reason: str) -> None:
    request = calendar.events().watch(calendarId="primary", body=request_body(**changes))
    assert refused(request) == (400, reason)


def test_watching_what_is_not_there_answers_404(calendar: Any, drive: Any) -> None:
    unknown = "c_x@group.calendar.google.com"
    assert refused(calendar.events().watch(calendarId=unknown, body=request_body()))[0] == 404
    assert refused(drive.files().watch(fileId="nowhere", body=request_body()))[0] == 404
