"""Which drive is followed, and from where."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from gdrive import client
from gdrive.models import DriveSyncState
from gdrive.signals import drive_followed


def followed() -> DriveSyncState:
    """The drive the trees grow in; its row is made, and announced, where it is missing."""
    rows = DriveSyncState.objects.filter(drive_id=settings.DRIVE_SHARED_DRIVE_ID)
    found = rows.first()
    if found is None:
        with transaction.atomic():
            row = DriveSyncState(drive_id=settings.DRIVE_SHARED_DRIVE_ID)
            DriveSyncState.objects.bulk_create([row], ignore_conflicts=True)
            found = rows.get()
            drive_followed.send(DriveSyncState, drive=found)
    return found


def start_feed() -> None:
    """Take the cursor before the first folder exists: from then on no change is missed."""
    state = followed()
    if state.page_token is None:
        token = client.get_start_page_token(state.drive_id)
        DriveSyncState.objects.filter(pk=state.pk, page_token=None).update(page_token=token)


def as_of() -> datetime | None:
    """When the mirror was last compared with Drive."""
    state = DriveSyncState.objects.filter(drive_id=settings.DRIVE_SHARED_DRIVE_ID).first()
    return state.as_of if state else None
