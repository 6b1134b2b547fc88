"""The API of push channels: who may, what comes back, what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from gcalendar.models import MirroredCalendar
from gdrive.models import DriveSyncState, DriveWebhookChannel
from pipedesk.google.channels import ChannelState
from pipedesk.sandbox.server import SandboxServer
from tests.factories.webhooks import CalendarChannelFactory, DriveChannelFactory
from webhooks.models import ChannelStop

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[..., APIClient]
WATCH, CHANNELS = "/api/calendar/watch", "/api/drive/channels"


@pytest.fixture(autouse=True)
def push_on(settings: Settings) -> None:
    settings.WEBHOOK_BASE_URL = "http://127.0.0.1:9"


@pytest.fixture
def calendar() -> MirroredCalendar:
    return MirroredCalendar.objects.create(calendar_id="primary", subject="ana@pipedesk.example")


@pytest.mark.parametrize("path", [WATCH, WATCH + "/"])
def test_a_calendar_is_watched_once(
    path: str, api: Api, google: SandboxServer, calendar: MirroredCalendar
) -> None:
    client = api("manager")
    first, second = client.post(path, {}), client.post(path, {"calendar_id": "primary"})

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json().keys() == {"status", "channel_id", "resource_id", "expiration"}
    assert first.json()["status"] == "watching"


def test_without_a_calendar_the_primary_one_is_registered_and_watched(
    api: Api, google: SandboxServer
) -> None:
    assert api("admin").post(WATCH, {}).status_code == 201
    assert MirroredCalendar.objects.get().calendar_id == "primary"


def test_a_calendar_not_on_the_registry_is_422(
    api: Api, google: SandboxServer, calendar: MirroredCalendar
) -> None:
    answer = api("manager").post(WATCH, {"calendar_id": "stranger@x.example"})

    assert answer.status_code == 422
    assert answer.json()["details"][0]["field"] == "calendar_id"


def test_what_google_refuses_for_good_is_a_conflict_with_the_reason(
    api: Api, google: SandboxServer, calendar: MirroredCalendar
) -> None:
    google.google.faults.plan({"method": "watch", "kind": "status", "status": 400,
                               "reason": "pushNotSupportedForRequestedResource"})  # fmt: skip
    answer = api("manager").post(WATCH, {})

    assert answer.status_code == 409
    assert "pushNotSupportedForRequestedResource" in answer.json()["message"]


def test_what_google_cannot_do_now_is_503(
    api: Api, google: SandboxServer, calendar: MirroredCalendar
) -> None:
    google.google.faults.plan({"method": "watch", "kind": "status", "status": 503})
    answer = api("manager").post(WATCH, {})

    assert (answer.status_code, answer.json()["code"]) == (503, "google_unavailable")
    assert int(answer["Retry-After"]) > 0


def test_without_push_the_answer_says_so(
    api: Api, settings: Settings, calendar: MirroredCalendar
) -> None:
    settings.WEBHOOK_BASE_URL = ""
    answer = api("manager").post(WATCH, {})

    assert answer.status_code == 409
    assert "WEBHOOK_BASE_URL" in answer.json()["message"]


@pytest.mark.parametrize(("role", "code"), [("sales", 403), ("", 403), (None, 401)])
def test_channels_are_for_managers(role: str | None, code: int, api: Api) -> None:
    channel = DriveChannelFactory()
    client = api(role)

    assert client.post(WATCH, {}).status_code == code
    assert client.get(CHANNELS).status_code == code
    assert client.post(CHANNELS, {}).status_code == code
    assert client.delete(f"{CHANNELS}/{channel.pk}").status_code == code
    channel.refresh_from_db()
    assert channel.active


def test_a_drive_is_watched_once_listed_and_stopped(api: Api, google: SandboxServer) -> None:
    client = api("manager")
    first, second = client.post(CHANNELS, {}), client.post(f"{CHANNELS}/", {})
    assert (first.status_code, second.status_code) == (201, 200)
    channel = first.json()
    assert channel["id"] == second.json()["id"]
    assert channel["resource_type"] == "changes"

    listed = client.get(f"{CHANNELS}/", {"active": "true"}).json()
    assert [row["channel_id"] for row in listed["data"]] == [channel["channel_id"]]
    assert listed["pagination"]["total"] == 1

    assert client.delete(f"{CHANNELS}/{channel['id']}").status_code == 204
    row = DriveWebhookChannel.objects.get()
    assert (row.active, row.state) == (False, ChannelState.STOPPED)
    assert ChannelStop.objects.get().channel_id == row.channel_id
    assert client.get(CHANNELS, {"active": "true"}).json()["data"] == []


def test_a_drive_nobody_follows_is_422(api: Api, google: SandboxServer) -> None:
    answer = api("manager").post(CHANNELS, {"drive_id": "0ABC"})

    assert answer.status_code == 422
    assert not DriveWebhookChannel.objects.exists()
    assert DriveSyncState.objects.count() == 1


def test_tokens_and_hashes_never_leave(api: Api) -> None:
    CalendarChannelFactory()
    channel = DriveChannelFactory()
    answer = api("admin").get(f"{CHANNELS}/{channel.pk}")

    assert answer.status_code == 200
    assert channel.token_hash not in answer.content.decode()
    assert "token" not in answer.json()


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_channel_cannot_be_changed(method: str, api: Api) -> None:
    channel = DriveChannelFactory()

    assert getattr(api("admin"), method)(f"{CHANNELS}/{channel.pk}", {}).status_code == 405
