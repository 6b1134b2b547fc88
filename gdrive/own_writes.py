"""What Drive answers to a write of ours, taken into the mirror at once.

The change feed tells of it later: then nothing differs any more, and it is no news.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gdrive import mirror
from gdrive.ancestry import Edge, below
from gdrive.changes import differences, event_of
from gdrive.models import DriveChangeLog, DriveFile, DriveSyncState
from gdrive.parsing import RemoteFile
from pipedesk.core.chunks import chunks


def store(remote: RemoteFile) -> DriveFile:
    """Store a known file as Drive answered it, with a line in the log for each difference.

    A folder's trash is passed on to what lies below. The feed may have read files below it
    just before, and write them back afterwards: `echo_due` lets it pass the trash on once more.
    """
    now = timezone.now()
    with transaction.atomic():
        DriveSyncState.objects.lock()
        rows = DriveFile.objects.select_for_update(no_key=True)
        stored = rows.get(file_id=remote.file_id)
        if remote.version is not None and (stored.version or 0) > remote.version:
            return stored  # the feed was faster, and with a later state
        kinds = differences(stored, remote, None)
        row = mirror.row_of(remote, stored, now)
        row.echo_due = stored.echo_due
        if remote.is_folder and remote.trashed != bool(stored.trashed_at):
            row.echo_due = True
            _pass_on(remote, now if remote.trashed else None)
        mirror.store([row])
        DriveChangeLog.objects.bulk_create(
            DriveChangeLog(
                changed_resource_id=remote.file_id,
                event_type=event.kind,
                received_at=now,
                drive_id=remote.drive_id,
                folder_id=event.folder_id,
                details=event.details or None,
            )
            for event in (event_of(stored, row, kind) for kind in kinds)
        )
        return DriveFile.objects.get(file_id=remote.file_id)


def out_of_reach(file: DriveFile) -> None:
    """Drive says that there is no such file: write that down, and what lay in it goes along."""
    now = timezone.now()
    with transaction.atomic():
        DriveSyncState.objects.lock()
        ids = [file.file_id, *below([file.file_id])]
        within_reach = DriveFile.objects.in_reach()
        if within_reach.filter(file_id__in=ids).update(unavailable_at=now):
            DriveChangeLog.objects.create(
                changed_resource_id=file.file_id, event_type="removed", received_at=now
            )


def _pass_on(remote: RemoteFile, trashed_at: object) -> None:
    edge = Edge.NONE if remote.trashed else Edge.OWN_TRASH
    differing = Q(trashed_at__isnull=remote.trashed)
    inside = DriveFile.objects.filter(differing, file_id__in=below([remote.file_id], edge))
    inside.update(trashed_at=trashed_at)


def unmark(file_ids: Collection[str]) -> None:
    """Forget who deleted these files, and those that were deleted together with them.

    What lies below in the trash for its own sake stays deleted.
    """
    if not file_ids:
        return
    nobody = dict.fromkeys(("deleted_at", "deleted_by", "delete_reason"))
    ids = [*file_ids, *below(file_ids, Edge.OWN_TRASH)]
    for some in chunks(ids):
        DriveFile.objects.deleted().filter(file_id__in=some).update(deleted_with="", **nobody)
