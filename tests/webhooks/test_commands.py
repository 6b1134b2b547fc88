"""renew_channels and stop_channels."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from gcalendar.models import CalendarSyncState, MirroredCalendar
from gdrive.models import DriveWebhookChannel
from pipedesk.google.channels import ChannelState
from pipedesk.sandbox.server import SandboxServer
from tests.factories.webhooks import CalendarChannelFactory, DriveChannelFactory
from webhooks.models import ChannelStop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def push_on(settings: Settings) -> None:
    settings.WEBHOOK_BASE_URL = "http://127.0.0.1:9"


def run(*command: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*command, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def test_what_is_missing_is_opened_also_on_a_fresh_installation(google: SandboxServer) -> None:
    assert len(run("renew_channels")["opened"]) == 2
    assert CalendarSyncState.objects.active().get().state == ChannelState.OPEN
    assert DriveWebhookChannel.objects.get().state == ChannelState.OPEN
    assert run("renew_channels")["opened"] == []


def test_all_replaces_every_channel_and_stops_the_old(google: SandboxServer) -> None:
    run("renew_channels")
    before = set(DriveWebhookChannel.objects.values_list("channel_id", flat=True))
    assert len(run("renew_channels", "--all")["opened"]) == 2

    assert DriveWebhookChannel.objects.get(active=True).channel_id not in before
    assert ChannelStop.objects.count() == 2


def test_within_takes_those_that_end_so_soon(google: SandboxServer) -> None:
    run("renew_channels")

    assert run("renew_channels", "--within", "24")["opened"] == []
    assert len(run("renew_channels", "--within", str(24 * 8))["opened"]) == 2


def test_a_dry_run_opens_nothing(google: SandboxServer) -> None:
    MirroredCalendar.objects.create(calendar_id="primary", subject="ana@pipedesk.example")

    assert "primary" in run("renew_channels", "--dry-run")["opened"]
    assert not CalendarSyncState.objects.exists()


def test_one_that_fails_is_named_and_the_rest_is_done(google: SandboxServer) -> None:
    MirroredCalendar.objects.create(calendar_id="no@x.example", subject="ana@pipedesk.example")
    with pytest.raises(CommandError) as failure:
        call_command("renew_channels", "--no-progress", stderr=StringIO(), stdout=StringIO())

    assert failure.value.returncode == 3
    assert DriveWebhookChannel.objects.get().state == ChannelState.OPEN


def test_without_push_the_command_says_why(settings: Settings) -> None:
    settings.WEBHOOK_BASE_URL = ""
    with pytest.raises(CommandError, match="WEBHOOK_BASE_URL"):
        call_command("renew_channels")


def test_stop_wants_to_know_which() -> None:
    with pytest.raises(CommandError) as failure:
        call_command("stop_channels")
    assert failure.value.returncode == 2


def test_stop_all_tells_google_at_once(google: SandboxServer) -> None:
    run("renew_channels")
    ids = run("stop_channels", "--all")["stopped"]

    assert len(ids) == 2
    for channel_id in ids:
        row = google.google.channels.get(channel_id)
        assert row is not None
        assert not row["live"]
    assert not ChannelStop.objects.exists()
    assert not DriveWebhookChannel.objects.filter(active=True).exists()


def test_orphans_leave_the_channels_in_use(google: SandboxServer) -> None:
    run("renew_channels")
    orphan = DriveChannelFactory(active=False)

    assert run("stop_channels", "--orphans", "--dry-run")["stopped"] == [orphan.channel_id]
    orphan.refresh_from_db()
    assert orphan.state == ChannelState.OPEN
    assert run("stop_channels", "--orphans")["stopped"] == [orphan.channel_id]
    assert DriveWebhookChannel.objects.filter(active=True).count() == 1


def test_what_google_does_not_take_now_is_left_to_a_job(google: SandboxServer) -> None:
    CalendarChannelFactory()
    google.google.faults.plan({"method": "stop", "kind": "status", "status": 503, "times": 9})
    with pytest.raises(CommandError) as failure:
        call_command("stop_channels", "--all", stderr=StringIO(), stdout=StringIO())

    assert failure.value.returncode == 3
    assert ChannelStop.objects.get().attempts == 1
