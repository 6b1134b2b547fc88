"""Folders and files that people create, each exactly once.

Each is created under an id reserved before. With an `Idempotency-Key` the id is kept under that
key, so that a repeat, after whatever happened, meets the file of the first attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import client, journal, mirror, refusals
from gdrive.models import DriveChangeLog, DriveCreation, DriveFile, DriveSyncState
from gdrive.parsing import RemoteFile
from pipedesk.accounts.models import User
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.idempotency import KEEP
from pipedesk.core.pruning import drop
from pipedesk.google.errors import AlreadyExists, NotFound, TemporaryError

PRUNED_AFTER = KEEP + timedelta(days=1)


@dataclass(frozen=True)
class Request:
    """Who asks, under which key (None: under none), and the hash of what is asked for."""

    user: User
    key: str | None
    fingerprint: str = ""


@dataclass(frozen=True)
class Place:
    """A folder of an entity."""

    entity_type: str
    entity_id: str
    folder_id: str

    @property
    def marks(self) -> dict[str, str]:
        """What tells in Drive whose file this is."""
        return {"entity_type": self.entity_type, "entity_id": self.entity_id}


def create(request: Request, make: Callable[[str], RemoteFile]) -> DriveFile:
    """Have `make` create a file under the request's id, and store it; not in a transaction.

    Raises Conflict where Google refuses for good or the folder is gone, other GoogleErrors
    where it cannot be asked, InvalidInput for a key that was used for another request.
    """
    file_id = _reserved_id(request)
    try:
        remote = make(file_id)
    except AlreadyExists:
        remote = _created_before(file_id)
    except NotFound as failure:
        raise Conflict(_("This folder is gone in Drive.")) from failure
    except refusals.FINAL as failure:
        raise Conflict(refusals.text_of(failure), reason=failure.reason) from failure
    return _store(remote)


def _reserved_id(request: Request) -> str:
    if request.key is None:
        return journal.obtain_ids(1)[0]
    rows = DriveCreation.objects.filter(user=request.user, key=request.key)
    rows.filter(created_at__lt=timezone.now() - KEEP).delete()
    stored = rows.first()
    if stored is None:
        [google_id] = journal.obtain_ids(1)
        row = DriveCreation(
            user=request.user,
            key=request.key,
            fingerprint=request.fingerprint,
            google_id=google_id,
        )
        # A twin may have been faster: its id counts.
        DriveCreation.objects.bulk_create([row], ignore_conflicts=True)
        stored = rows.get()
    if stored.fingerprint != request.fingerprint:
        message = _("This Idempotency-Key was used for another request.")
        raise InvalidInput("Idempotency-Key", message, "key_reused")
    return stored.google_id


def _created_before(file_id: str) -> RemoteFile:
    try:
        return client.get_file(file_id)
    except NotFound as failure:
        # Created, and deleted for good since: the next attempt creates another.
        DriveCreation.objects.filter(google_id=file_id).delete()
        msg = "Drive says that the file exists and that it does not"
        raise TemporaryError(msg) from failure


def _store(remote: RemoteFile) -> DriveFile:
    """Write the file to the mirror and, unless the change feed was faster, to the log."""
    with transaction.atomic():
        DriveSyncState.objects.lock()  # else the feed and we might both take it for news
        is_news = not DriveFile.objects.filter(file_id=remote.file_id).exists()
        mirror.store_file(remote)
        if is_news:
            DriveChangeLog.objects.create(
                changed_resource_id=remote.file_id,
                event_type="created",
                drive_id=remote.drive_id,
                folder_id=remote.parent_id,
            )
    return DriveFile.objects.get(file_id=remote.file_id)


def drop_creations(dry_run: bool, **kwargs: Any) -> dict[str, int]:
    """Receiver: ids under keys nobody may use again."""
    old = DriveCreation.objects.filter(created_at__lt=timezone.now() - PRUNED_AFTER).order_by()
    return {"creations in Drive": drop(old, dry_run=dry_run)}
