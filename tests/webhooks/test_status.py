"""GET /api/status: how fresh everything is, and the remedy for each fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from gcalendar.models import CalendarSyncState, MirroredCalendar
from gdrive.models import DriveSyncState
from pipedesk.core import heartbeat
from pipedesk.google.channels import ChannelState
from tests.factories.webhooks import CalendarChannelFactory, DriveChannelFactory

URL = "/api/status"
State = MirroredCalendar.State


@pytest.fixture
def answer(api: Callable[..., APIClient]) -> Callable[[], Any]:
    """Asks as a manager."""
    client = api("manager")

    def ask() -> Any:
        response = client.get(URL)
        assert response.status_code == 200, response.content
        return response.json()

    return ask


@pytest.fixture
def fresh(db: None, settings: Settings) -> tuple[Any, Any]:
    """A calendar and a drive that are up to date and heard of, and workers that work."""
    settings.WEBHOOK_BASE_URL = "https://crm.example.com"
    heartbeat.record(heartbeat.QUEUE)
    channels = CalendarChannelFactory(), DriveChannelFactory()
    MirroredCalendar.objects.update(state=State.OK, as_of=timezone.now())
    DriveSyncState.objects.update(as_of=timezone.now())
    return channels


def remedies(found: Any) -> list[str]:
    rows = [found["queue"], *found["calendars"], *found["drives"], *found["channels"]]
    return [row["remedy"] for row in rows if row["remedy"]]


@pytest.mark.parametrize(("role", "code"), [("admin", 200), ("manager", 200), ("sales", 403)])
def test_it_is_for_managers(api: Callable[..., APIClient], role: str, code: int) -> None:
    assert api(role).get(URL).status_code == code
    assert api(None).get(URL).status_code == 401


def test_what_is_fresh_needs_nothing(fresh: Any, answer: Callable[[], Any]) -> None:
    found = answer()

    assert (found["state"], remedies(found)) == ("ok", [])
    assert [row["state"] for row in found["calendars"] + found["drives"]] == ["ok", "ok"]
    assert [(row["kind"], row["state"]) for row in found["channels"]] == [
        ("calendar", "open"),
        ("drive", "open"),
    ]


def test_silent_workers_are_a_fault(answer: Callable[[], Any]) -> None:
    found = answer()

    assert (found["state"], found["queue"]["state"]) == ("error", "error")
    assert "run_worker" in found["queue"]["remedy"]


@pytest.mark.parametrize(
    ("columns", "state", "word"),
    [
        ({"as_of": timezone.now() - timedelta(days=1)}, "stale", "run_worker"),
        ({"state": State.ERROR, "remedy": "Share it."}, "error", "Share it."),
        ({"dead_at": timezone.now(), "last_error": "boom"}, "error", "Run again"),
    ],
)
def test_a_calendar_in_trouble_says_what_to_do(
    fresh: Any, answer: Callable[[], Any], columns: dict[str, Any], state: str, word: str
) -> None:
    MirroredCalendar.objects.update(**columns)

    found = answer()

    assert found["state"] == "error"
    assert found["calendars"][0]["state"] == state
    assert word in found["calendars"][0]["remedy"]


@pytest.mark.parametrize(
    ("columns", "state", "word"),
    [
        ({"as_of": timezone.now() - timedelta(days=1)}, "stale", "run_worker"),
        ({"as_of": None}, "pending", ""),
        ({"lost_at": timezone.now(), "dead_at": timezone.now()}, "error", "Share"),
        ({"dead_at": timezone.now(), "last_error": "boom"}, "error", "Run again"),
    ],
)
def test_a_drive_in_trouble_says_what_to_do(
    fresh: Any, answer: Callable[[], Any], columns: dict[str, Any], state: str, word: str
) -> None:
    DriveSyncState.objects.update(**columns)

    found = answer()

    assert found["drives"][0]["state"] == state
    assert word in found["drives"][0]["remedy"]


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({"expiration": timezone.now() - timedelta(hours=1)}, "expired"),
        ({"state": ChannelState.FAILED, "failure": "webhookUrlNotHttps"}, "failed"),
        ({"state": ChannelState.STOPPED}, "stopped"),
        ({"channel_id": None}, "missing"),
    ],
)
def test_a_channel_that_brings_nothing_says_what_to_do(
    fresh: Any, answer: Callable[[], Any], columns: dict[str, Any], state: str
) -> None:
    type(fresh[0]).objects.update(**columns)

    found = answer()

    assert found["channels"][0]["state"] == state
    assert "renew_channels" in found["channels"][0]["remedy"]


def test_without_an_address_of_ours_polling_is_no_fault(
    fresh: Any, answer: Callable[[], Any], settings: Settings
) -> None:
    settings.WEBHOOK_BASE_URL = ""
    type(fresh[0]).objects.update(channel_id=None)
    fresh[1].delete()

    found = answer()

    assert [row["state"] for row in found["channels"]] == ["polling", "polling"]
    assert remedies(found) == []


def test_one_calendar_and_ten_cost_the_same(fresh: Any, answer: Callable[[], Any]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        answer()
    for _ in range(9):
        CalendarChannelFactory()
        DriveChannelFactory()
    with CaptureQueriesContext(connection) as many:
        assert len(answer()["channels"]) == 20
    assert len(few) == len(many) <= 13


def test_a_channels_age_last_message_and_next_renewal_are_told_everywhere(
    fresh: tuple[Any, Any], api: Callable[..., APIClient], answer: Callable[[], Any]
) -> None:
    calendar, drive = fresh
    heard = timezone.now() - timedelta(minutes=3)
    for channel in fresh:
        type(channel).objects.filter(pk=channel.pk).update(last_message_at=heard)
        channel.refresh_from_db()
    client = api("manager")
    listed = client.get("/api/calendar/calendars").json()["data"][0]["channel"]
    found = answer()["channels"]

    for row, channel in (
        (listed, calendar),
        (found[0], calendar),
        (found[1], drive),
        (client.get("/api/drive/channels").json()["data"][0], drive),
    ):
        for field in ("opened_at", "last_message_at", "renew_at"):
            assert datetime.fromisoformat(row[field]) == getattr(channel, field)


def test_a_calendar_google_offers_no_push_for_is_no_fault(
    fresh: tuple[Any, Any], answer: Callable[[], Any]
) -> None:
    reason = "400 pushNotSupportedForRequestedResource"
    CalendarSyncState.objects.update(state=ChannelState.FAILED, active=False, failure=reason)

    found = answer()

    assert (found["state"], remedies(found)) == ("ok", [])
    assert (found["channels"][0]["state"], found["channels"][0]["failure"]) == ("failed", reason)
