"""From what Drive shows to the rows of the mirror."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils import timezone

from gdrive.models import DriveFile
from gdrive.parsing import RemoteFile

# Drive's columns; the others (who deleted it here, and why) are ours and no sync writes them.
DRIVE_FIELDS = (
    "parent_folder_id",
    "name",
    "mime_type",
    "size",
    "drive_id",
    "web_view_link",
    "web_content_link",
    "google_created_at",
    "google_modified_at",
    "version",
    "trashed_at",
    "explicitly_trashed",
    "unavailable_at",
    "echo_due",
)


def row_of(remote: RemoteFile, stored: DriveFile | None, now: datetime) -> DriveFile:
    """The row as it should be: within reach, in the trash since when it was first seen there."""
    trashed_at = (stored.trashed_at if stored else None) or now
    return DriveFile(
        file_id=remote.file_id,
        parent_folder_id=remote.parent_id or (stored.parent_folder_id if stored else None),
        name=remote.name,
        mime_type=remote.mime_type,
        size=remote.size,
        drive_id=remote.drive_id,
        web_view_link=remote.web_view_link,
        web_content_link=remote.web_content_link,
        google_created_at=remote.created_at,
        google_modified_at=remote.modified_at,
        version=remote.version,
        trashed_at=trashed_at if remote.trashed else None,
        explicitly_trashed=remote.explicitly_trashed,
        unavailable_at=None,
    )


def store(rows: Iterable[DriveFile]) -> None:
    """Insert the rows, or give the existing ones Drive's columns."""
    DriveFile.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["file_id"],
        update_fields=DRIVE_FIELDS,
    )


def store_file(remote: RemoteFile) -> None:
    """Store one file as an answer to our own write showed it.

    Whether a known file is in the trash, or in reach, is left to the change feed: what lies
    below it follows there.
    """
    store_files([remote])


def store_files(remotes: Sequence[RemoteFile]) -> None:
    """As `store_file`, several at once."""
    known = {
        row.file_id: row
        for row in DriveFile.objects.filter(file_id__in=[remote.file_id for remote in remotes])
    }
    rows = []
    for remote in remotes:
        stored = known.get(remote.file_id)
        row = row_of(remote, stored, timezone.now())
        if stored is not None:
            row.trashed_at = stored.trashed_at
            row.explicitly_trashed = stored.explicitly_trashed
            row.unavailable_at = stored.unavailable_at
            row.echo_due = stored.echo_due
        rows.append(row)
    store(rows)
