"""Whose a file is: of the entities' folders around it, the nearest one."""

from __future__ import annotations

from gdrive.ancestry import MAX_DEPTH, ids_below
from gdrive.models import DriveFolder


def home_of(file_id: str) -> DriveFolder | None:
    """The nearest entity's own folder, the file itself or above it; None outside of them all.

    A lead's folder stands in its company's: what lies in it is the lead's.
    """
    found = DriveFolder.objects.raw(
        """
        WITH RECURSIVE above(file_id, parent_folder_id, depth) AS (
            SELECT file_id, parent_folder_id, 0 FROM drive_files WHERE file_id = %s
            UNION ALL
            SELECT f.file_id, f.parent_folder_id, a.depth + 1 FROM drive_files f
            JOIN above a ON f.file_id = a.parent_folder_id WHERE a.depth < %s
        )
        SELECT e.* FROM google_drive_folders e JOIN above a ON e.folder_id = a.file_id
        WHERE e.deleted_at IS NULL ORDER BY a.depth LIMIT 1
        """,
        [file_id, MAX_DEPTH],
    )
    return next(iter(found), None)


def held_by(folder_id: str) -> DriveFolder | None:
    """An entity's own folder somewhere below this folder, if there is one."""
    own = DriveFolder.objects.alive().filter(folder_id__in=ids_below(folder_id))
    return own.order_by("pk").first()
