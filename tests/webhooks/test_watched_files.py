"""Channels on single files and folders: asked for, heard, renewed, stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from gdrive import client as drive_client
from gdrive import feed
from gdrive.models import DriveFile, DriveFolderTree, DriveSyncState, DriveWebhookChannel
from gdrive.tasks import poll_drives, provision_tree, sync_drive
from pipedesk.google.channels import ChannelState
from pipedesk.sandbox.server import SandboxServer
from tests.factories.crm import LeadFactory
from tests.factories.webhooks import TOKEN, DriveChannelFactory, message
from tests.gdrive.following import follow
from webhooks.channels import due, ensure
from webhooks.kinds import DRIVE, FILE
from webhooks.models import ChannelStop, Receipt
from webhooks.tasks import renew_channel, renew_channels

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[..., APIClient]
CHANNELS = "/api/drive/channels"


@pytest.fixture(autouse=True)
def push_on(settings: Settings) -> None:
    settings.WEBHOOK_BASE_URL = "http://127.0.0.1:9"


@pytest.fixture
def root(google: SandboxServer) -> str:
    """A lead's own folder."""
    lead = LeadFactory()
    tree = DriveFolderTree.objects.wanted("lead", lead.pk)
    provision_tree(tree.pk)
    follow()
    return str(tree.nodes.get(path_key="root").google_id)


def live(google: SandboxServer) -> set[str]:
    channels = google.google.channels
    return {row["id"] for row in channels.newest(100) if channels.is_live(row)}


def test_a_folder_is_watched_once_and_stopped_for_good(
    api: Api, google: SandboxServer, root: str
) -> None:
    client = api("manager")
    first, second = (client.post(CHANNELS, {"file_id": root}) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    channel = first.json()
    assert second.json()["id"] == channel["id"]
    assert (channel["resource_type"], channel["watched_resource_id"]) == ("folder", root)
    assert (channel["drive_id"], channel["notice"], channel["state"]) == ("", "", "open")
    assert channel["channel_id"] in live(google)

    assert client.delete(f"{CHANNELS}/{channel['id']}").status_code == 204
    assert ChannelStop.objects.get().channel_id == channel["channel_id"]
    assert not due(FILE).exists()
    assert client.post(CHANNELS, {"file_id": root}).status_code == 201


def test_a_file_and_its_drive_have_channels_of_their_own(
    api: Api, google: SandboxServer, root: str
) -> None:
    file_id = google.drive.drop_file(root, "a.txt", b"1")
    follow()
    client = api("admin")
    of_file = client.post(CHANNELS, {"file_id": file_id}).json()
    of_drive = client.post(CHANNELS, {"drive_id": ""}).json()

    assert (of_file["resource_type"], of_drive["resource_type"]) == ("file", "changes")
    renew_channels()
    both = DriveWebhookChannel.objects.filter(active=True, state=ChannelState.OPEN)
    assert {row.pk for row in both} == {of_file["id"], of_drive["id"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"file_id": "1Nobody"}, "file_id"),
        ({"file_id": "1Nobody", "drive_id": ""}, "file_id"),
        ({"file_id": ""}, "file_id"),
    ],
)
def test_what_cannot_be_watched_is_422_and_leaves_nothing(
    body: dict[str, str], field: str, api: Api, google: SandboxServer
) -> None:
    answer = api("manager").post(CHANNELS, body)
    assert answer.status_code == 422
    assert answer.json()["details"][0]["field"] == field
    assert not DriveWebhookChannel.objects.exists()


def test_d57_a_file_of_a_shared_drive_is_heard_through_its_drive(
    api: Api, google: SandboxServer, root: str
) -> None:
    drive_id = google.drive.create_drive("Sales")
    google.drive.move(root, drive_id)
    follow()

    answer = api("manager").post(CHANNELS, {"file_id": root})

    assert answer.status_code == 201
    assert (answer.json()["resource_type"], answer.json()["drive_id"]) == ("changes", drive_id)
    assert "shared drive" in answer.json()["notice"]


def test_a_watched_file_that_goes_to_a_shared_drive_is_watched_no_more(
    api: Api, google: SandboxServer, root: str
) -> None:
    channel = api("manager").post(CHANNELS, {"file_id": root}).json()
    google.drive.move(root, google.drive.create_drive("Sales"))
    follow()
    renew_channels()

    assert ChannelStop.objects.filter(channel_id=channel["channel_id"]).exists()
    assert not due(FILE).exists()


def test_a_day_is_asked_for_and_the_next_channel_is_there_before_its_end(
    api: Api, google: SandboxServer, root: str
) -> None:
    channel = api("manager").post(CHANNELS, {"file_id": root}).json()
    row = DriveWebhookChannel.objects.get(pk=channel["id"])
    assert row.expires_at is not None
    assert row.renew_at is not None
    life = row.expires_at - timezone.now()
    assert timedelta(hours=23) < life <= timedelta(days=1)
    assert row.expires_at - row.renew_at >= life * 0.24

    DriveWebhookChannel.objects.update(renew_at=timezone.now() - timedelta(seconds=1))
    renew_channel(FILE.number, row.watched_file_id)
    new = DriveWebhookChannel.objects.get(active=True)
    assert new.channel_id != row.channel_id
    assert new.channel_id in live(google)


@pytest.mark.parametrize("method", ["watch_changes", "watch_file"])
def test_d49_a_watch_that_names_no_end_is_renewed_within_the_hour(
    method: str, google: SandboxServer, root: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = getattr(drive_client, method)

    def silent(*args: Any) -> dict[str, Any]:
        return {key: value for key, value in real(*args).items() if key != "expiration"}

    monkeypatch.setattr(drive_client, method, silent)
    body = {"file_id": root} if method == "watch_file" else {}
    api("manager").post(CHANNELS, body)

    [row] = DriveWebhookChannel.objects.all()
    assert row.renew_at is not None
    # The job runs every five minutes.
    assert row.renew_at + timedelta(minutes=5) < timezone.now() + timedelta(minutes=55)


@pytest.fixture
def receiver(live_server: LiveServer, settings: Settings) -> Iterator[LiveServer]:
    settings.WEBHOOK_BASE_URL = live_server.url
    return live_server


def test_what_happens_to_a_watched_folder_asks_for_a_sync_of_its_drive(
    api: Api, google: SandboxServer, root: str, receiver: LiveServer
) -> None:
    api("manager").post(CHANNELS, {"file_id": root})
    google.google.pusher.wait_until_idle()
    own = feed.follow_drive("")
    asked = own.requested

    google.drive.drop_file(root, "a.txt", b"1")
    google.google.pusher.wait_until_idle()

    own.refresh_from_db()
    assert own.requested > asked
    receipt = Receipt.objects.exclude(resource_state="sync").get()
    assert (receipt.resource_state, receipt.headers["X-Goog-Changed"]) == ("update", "children")


@pytest.mark.parametrize(
    ("state", "asks"),
    [(name, True) for name in ("add", "remove", "update", "trash", "untrash", "change", "changed")]
    + [("sync", False), ("exists", False), ("novelty", False)],
)
@pytest.mark.parametrize("changed", [None, "content,properties", "content, permissions"])
def test_d46_each_state_of_drive_is_a_hint_and_others_are_ignored(
    state: str, asks: bool, changed: str | None, client: Any
) -> None:
    channel = DriveChannelFactory()
    extra = {} if changed is None else {"Changed": changed}
    headers = message(channel, Resource_State=state, **extra)

    answer = client.post("/webhooks/google-drive", headers=headers)

    assert answer.status_code == 200
    assert DriveSyncState.objects.get().requested == int(asks)
    assert Receipt.objects.get().headers.get("X-Goog-Changed") == changed
    assert TOKEN not in str(Receipt.objects.get().headers)


def test_d45_without_any_push_the_poll_converges(google: SandboxServer, root: str) -> None:
    file_id = google.drive.drop_file(root, "a.txt", b"1")
    ensure(DRIVE, feed.follow_drive("").pk)  # nobody answers at its address
    DriveSyncState.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
    poll_drives()
    sync_drive(feed.follow_drive("").pk)

    assert DriveFile.objects.present().filter(file_id=file_id).exists()
