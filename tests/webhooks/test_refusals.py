"""Counting what is refused: by whose it is, and never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from gcalendar.models import CalendarSyncState
from tests.factories.webhooks import CalendarChannelFactory, message
from webhooks.refusals import REFUSALS_PER_WINDOW, WINDOW_S, too_many

pytestmark = pytest.mark.django_db(transaction=True)

NOON = 1_800_000_000.0
STRANGER, GOOGLE = "203.0.113.9", "198.51.100.1"


@pytest.fixture
def channel() -> CalendarSyncState:
    return CalendarChannelFactory()


@pytest.fixture(autouse=True)
def one_window(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """The clock stands, and what is counted is of this test."""
    settings.CACHES = {
        "default": {
            "BACKEND": "pipedesk.core.counters.FileCounters",
            "LOCATION": str(tmp_path / "cache"),
        }
    }
    with time_machine.travel(NOON + 10, tick=False):
        yield


def push(headers: dict[str, str], **kwargs: Any) -> HttpResponse:
    return Client().post("/webhooks/google-calendar", headers=headers, **kwargs)


def flood(address: str) -> None:
    """As much as one address may send, and no more."""
    for _ in range(REFUSALS_PER_WINDOW):
        assert not too_many(address)


def test_behind_a_proxy_each_sender_counts_for_itself(
    channel: CalendarSyncState, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 1
    forged = message(channel, Channel_Token="wrong")
    flood(STRANGER)

    assert push(forged | {"X-Forwarded-For": STRANGER}).status_code == 429
    assert push(forged | {"X-Forwarded-For": GOOGLE}).status_code == 404


def test_who_floods_cannot_name_another_address(channel: CalendarSyncState) -> None:
    forged = message(channel, Channel_Token="wrong")
    flood("127.0.0.1")

    assert push(forged | {"X-Forwarded-For": GOOGLE}).status_code == 429
    assert push(forged, REMOTE_ADDR=GOOGLE).status_code == 404


def test_a_valid_message_passes_from_an_address_that_floods(channel: CalendarSyncState) -> None:
    flood("127.0.0.1")

    assert push(message(channel, Channel_Token="wrong")).status_code == 429
    assert push(message(channel)).status_code == 200
    assert push(message(channel)).status_code == 200  # and once more, changing nothing


def test_a_flood_of_strangers_leaves_one_counter_each_and_none_for_long(tmp_path: Path) -> None:
    for number in range(20):
        for _ in range(5):
            too_many(f"203.0.113.{number}")
    assert len(list((tmp_path / "cache").iterdir())) == 20

    with time_machine.travel(NOON + 3 * WINDOW_S, tick=False):
        too_many(STRANGER)
        assert len(list((tmp_path / "cache").iterdir())) == 1


BROKEN = {
    "a server that is away": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:9/0",
    },
    "a folder that cannot be": {
        "BACKEND": "pipedesk.core.counters.FileCounters",
        "LOCATION": "/dev/null/cache",
    },
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_without_a_cache_refused_messages_are_refused_all_the_same(
    broken: dict[str, str], channel: CalendarSyncState, settings: Settings
) -> None:
    settings.CACHES = {"default": broken}
    with pytest.raises(Exception, match=r".+"):
        cache.set("probe", 1)

    assert push(message(channel, Channel_ID="unknown")).status_code == 404
    assert push(message(channel, Channel_Token="wrong")).status_code == 404
    assert push(message(channel, Message_Number="x")).status_code == 400
    assert push(message(channel)).status_code == 200
