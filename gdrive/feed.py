"""Which drives are followed, and from where."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from gdrive import client
from gdrive.models import DriveFile, DriveFolderNode, DriveSyncState
from gdrive.signals import drive_followed

OWN_DRIVE = ""


def followed() -> DriveSyncState:
    """The drive the trees grow in; its row is made, and announced, where it is missing."""
    return follow_drive(settings.DRIVE_SHARED_DRIVE_ID)


def follow_drive(drive_id: str) -> DriveSyncState:
    """The row of a drive; made, and announced, where it is missing."""
    rows = DriveSyncState.objects.filter(drive_id=drive_id)
    found = rows.first()
    if found is None:
        with transaction.atomic():
            row = DriveSyncState(drive_id=drive_id)
            DriveSyncState.objects.bulk_create([row], ignore_conflicts=True)
            found = rows.get()
            drive_followed.send(DriveSyncState, drive=found)
    return found


def follow_all() -> None:
    """The drive the trees grow in and the own one, where moves between drives are seen."""
    followed()
    follow_drive(OWN_DRIVE)


def learn(drive_ids: Iterable[str]) -> None:
    """Follow these drives too: something of ours stands in them. Call it in a transaction."""
    known = set(DriveSyncState.objects.values_list("drive_id", flat=True))
    for drive_id in sorted(set(drive_ids) - known):
        DriveSyncState.objects.request(follow_drive(drive_id).pk)


def start_feed() -> None:
    """Take the cursor before the first folder exists: from then on no change is missed."""
    state = followed()
    if state.page_token is None and not DriveFolderNode.objects.created().exists():
        token = client.get_start_page_token(state.drive_id)
        DriveSyncState.objects.filter(pk=state.pk, page_token=None).update(page_token=token)


def poll() -> None:
    """Ask for a sync of every drive not looked at within its interval."""
    follow_all()
    DriveSyncState.objects.all().poll(timezone.now())


def as_of(root_id: str | None = None) -> datetime | None:
    """When the drive in which this entity's folder stands was last compared with the mirror.

    Without a folder: the drive the trees grow in.
    """
    states = DriveSyncState.objects.all()
    if root_id is None:
        states = states.filter(drive_id=settings.DRIVE_SHARED_DRIVE_ID)
    else:
        rows = DriveFile.objects.order_by().filter(file_id=root_id)
        states = states.filter(drive_id__in=rows.values("drive_id"))
    return states.order_by("pk").values_list("as_of", flat=True).first()
