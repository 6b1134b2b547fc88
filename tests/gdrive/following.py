"""Following Drive to the end, and seeing whether the mirror is what Drive is."""

from __future__ import annotations

from gdrive import feed
from gdrive.models import DriveChangeLog, DriveFile, DriveSyncState
from gdrive.tasks import sync_drive
from pipedesk.sandbox.drive.files import FOLDER
from pipedesk.sandbox.people import DrivePeople


def follow() -> None:
    """What a poll leads to, with the drives that come to be followed by it."""
    feed.follow_all()
    for state in DriveSyncState.objects.all():
        DriveSyncState.objects.request(state.pk)
    while behind := DriveSyncState.objects.behind().first():
        sync_drive(behind.pk)
        behind.refresh_from_db()
        assert behind.last_error == ""


def in_drive(drive: DrivePeople, folder_id: str) -> dict[str, tuple[str, str]]:
    """What a person sees below a folder, by id."""
    seen = {}
    for file in drive.children(folder_id):
        seen[file["id"]] = (file["name"], file["parents"][0])
        if file["mimeType"] == FOLDER:
            seen |= in_drive(drive, file["id"])
    return seen


def in_mirror(folder_id: str) -> dict[str, tuple[str, str | None]]:
    seen = {}
    for row in DriveFile.objects.present().inside(folder_id):
        seen[row.file_id] = (row.name, row.parent_folder_id)
        if row.is_folder:
            seen |= in_mirror(row.file_id)
    return seen


def agrees(drive: DrivePeople, folder_id: str) -> bool:
    """Whether the mirror shows the folder, and in it what Drive shows a person."""
    row = DriveFile.objects.get(file_id=folder_id)
    file = drive.file(folder_id)
    assert (row.name, row.drive_id) == (file["name"], file.get("driveId", ""))
    assert (row.trashed_at is not None, row.unavailable_at) == (file["trashed"], None)
    assert in_mirror(folder_id) == in_drive(drive, folder_id)
    return True


def log() -> list[tuple[str | None, str | None]]:
    """What the log of changes says, oldest first."""
    rows = DriveChangeLog.objects.order_by("pk")
    return list(rows.values_list("changed_resource_id", "event_type"))
