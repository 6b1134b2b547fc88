"""Which drive is followed."""

from __future__ import annotations

from typing import Any

import pytest
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from gdrive import feed
from gdrive.models import DriveSyncState
from gdrive.signals import drive_followed
from pipedesk.sandbox.people import DrivePeople

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_drive_is_announced_when_it_is_new(settings: Settings) -> None:
    announced: list[str] = []

    def hear(drive: DriveSyncState, **_kwargs: Any) -> None:
        announced.append(drive.drive_id)

    drive_followed.connect(hear)
    try:
        feed.followed()
        feed.followed()
        settings.DRIVE_SHARED_DRIVE_ID = "0Shared"
        feed.followed()
    finally:
        drive_followed.disconnect(hear)

    assert announced == ["", "0Shared"]


def test_a_new_drive_gets_its_channel_where_google_can_reach_us(settings: Settings) -> None:
    settings.WEBHOOK_BASE_URL = ""
    feed.followed()
    assert OrmQ.objects.count() == 0

    settings.WEBHOOK_BASE_URL = "http://127.0.0.1:8000"
    settings.DRIVE_SHARED_DRIVE_ID = "0Shared"
    feed.followed()
    assert [row.func() for row in OrmQ.objects.all()] == ["webhooks.tasks.renew_channel"]


def test_the_cursor_is_taken_once(drive: DrivePeople) -> None:
    feed.start_feed()
    token = feed.followed().page_token
    drive.create_folder("Later")

    feed.start_feed()

    assert token is not None
    assert feed.followed().page_token == token
    assert feed.as_of() is None
