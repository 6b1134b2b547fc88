"""Everything converges by polling alone: push switched off, or every message lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django_q.models import OrmQ
from pytest_django import Settings

from gcalendar.models import CalendarEvent, MirroredCalendar
from gcalendar.tasks import poll_calendars, sync_calendar
from gdrive.models import DriveFile, DriveFolderTree, DriveSyncState
from gdrive.tasks import poll_drives, provision_tree, sync_drive
from pipedesk.google.channels import ChannelState
from pipedesk.sandbox.server import SandboxServer
from tests.factories.crm import CompanyFactory
from webhooks.kinds import CALENDAR, DRIVE
from webhooks.models import Receipt
from webhooks.tasks import renew_channel, renew_channels

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2027, 1, 12, 10, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time that can be moved."""
    with time_machine.travel(datetime.now(UTC)) as traveller:
        yield traveller


def minute_passes() -> None:
    """The schedules, and the jobs they ask for."""
    renew_channels()
    poll_calendars()
    poll_drives()
    for message in OrmQ.objects.order_by("pk"):
        task = message.task
        message.delete()
        jobs = {
            "sync_calendar": sync_calendar,
            "sync_drive": sync_drive,
            "renew_channel": renew_channel,
        }
        job = jobs.get(str(task["func"]).rsplit(".", 1)[-1])
        if job:
            job(*task["args"])


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:9"], ids=["off", "lost"])
def test_d45_f44_what_changes_in_google_is_here_within_the_poll_interval(
    address: str, google: SandboxServer, settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.WEBHOOK_BASE_URL = address
    MirroredCalendar.objects.create(calendar_id="primary", subject="ana@pipedesk.example")
    company = CompanyFactory()
    tree, _ = DriveFolderTree.objects.get_or_create(
        entity_type="company", entity_id=str(company.pk)
    )
    DriveFolderTree.objects.request(tree.pk)
    provision_tree(tree.pk)
    for _ in range(2):
        minute_passes()
    calendar, drive = MirroredCalendar.objects.get(), DriveSyncState.objects.get()
    assert calendar.as_of
    assert drive.as_of
    opened = CALENDAR.rows().filter(state=ChannelState.OPEN).exists()
    assert opened == DRIVE.rows().filter(state=ChannelState.OPEN).exists() == bool(address)

    google.calendar.create_event("Visit", START, START + timedelta(hours=1))
    folder = DriveFile.objects.in_reach().order_by("pk").last()
    assert folder is not None
    google.drive.drop_file(folder.file_id, "offer.pdf", b"x")
    minute_passes()
    assert not CalendarEvent.objects.exists()

    clock.shift(timedelta(seconds=settings.SYNC_POLL_INTERVAL_S * 1.25 + 60))
    minute_passes()
    assert CalendarEvent.objects.get().summary == "Visit"
    assert DriveFile.objects.filter(name="offer.pdf").exists()
    assert not Receipt.objects.exists()
