"""What push does about what happens below it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from gcalendar.models import MirroredCalendar
from gcalendar.signals import calendar_registered, calendar_removed
from gdrive.models import DriveSyncState
from gdrive.signals import drive_followed
from pipedesk.core.jobs import wake
from pipedesk.core.pruning import drop
from pipedesk.core.signals import pruning
from webhooks.channels import closed, push_is_on, stop_at_google
from webhooks.kinds import CALENDAR, DRIVE, KINDS
from webhooks.models import ChannelStop, Receipt

KEEP_RECEIPTS = timedelta(days=14)
# Google's channels live a week at most: one so old that is of no use is only history.
KEEP_CHANNELS = timedelta(days=30)


def open_channel(calendar: MirroredCalendar, **kwargs: Any) -> None:
    """Receiver: a new calendar gets its channel."""
    if push_is_on():
        wake("webhooks.tasks.renew_channel", CALENDAR.number, calendar.pk)


def open_drive_channel(drive: DriveSyncState, **kwargs: Any) -> None:
    """Receiver: a drive that is followed from now on gets its channel."""
    if push_is_on():
        wake("webhooks.tasks.renew_channel", DRIVE.number, drive.pk)


def stop_channels(calendar: MirroredCalendar, **kwargs: Any) -> None:
    """Receiver, in the transaction that removes the calendar: Google is told afterwards."""
    for channel in CALENDAR.channels_of(calendar.pk).exclude(state="stopped"):
        stop_at_google(CALENDAR, channel, calendar.subject)


def drop_old_rows(dry_run: bool, **kwargs: Any) -> dict[str, int]:
    """Receiver: push messages older than two weeks, stops that never worked out, old channels."""
    now = timezone.now()
    before = now - KEEP_RECEIPTS
    receipts = Receipt.objects.order_by().filter(received_at__lt=before)
    stops = ChannelStop.objects.order_by().filter(dead_at__isnull=False, created_at__lt=before)
    return {
        "push messages": drop(receipts, dry_run=dry_run),
        "channel stops": drop(stops, dry_run=dry_run),
        "channels": sum(
            drop(closed(kind).filter(created_at__lt=now - KEEP_CHANNELS), dry_run=dry_run)
            for kind in KINDS.values()
        ),
    }


def connect() -> None:
    """Called once, when the models are there."""
    calendar_registered.connect(open_channel, dispatch_uid="webhooks.open_channel")
    drive_followed.connect(open_drive_channel, dispatch_uid="webhooks.open_drive_channel")
    calendar_removed.connect(stop_channels, dispatch_uid="webhooks.stop_channels")
    pruning.connect(drop_old_rows, dispatch_uid="webhooks.drop_old_rows")
