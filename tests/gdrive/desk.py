"""A lead's folder with files and folders, known to the mirror."""

from __future__ import annotations

from typing import Any

from crm.models import Lead
from gdrive.models import DriveChangeLog, DriveFile, DriveFileAct
from pipedesk.audit.models import AuditLog
from pipedesk.sandbox.people import DrivePeople
from tests.gdrive.following import follow


class Desk:
    """`root`: `offer.pdf` (file), `letters` (folder): `2026` (inner): `deep.txt` (deep)."""

    def __init__(self, drive: DrivePeople, lead: Lead, root: str) -> None:
        self.drive, self.lead, self.root = drive, lead, root
        self.file = drive.drop_file(root, "offer.pdf", b"1")
        self.folder = drive.create_folder("letters", root)
        self.inner = drive.create_folder("2026", self.folder)
        self.deep = drive.drop_file(self.inner, "deep.txt", b"1")
        follow()
        DriveChangeLog.objects.all().delete()

    def address(self, file_id: str, verb: str = "", kind: str = "files") -> str:
        """The address of a file, or with a verb of what is done to it."""
        tail = f"/{verb}" if verb else ""
        return f"/api/drive/lead/{self.lead.pk}/{kind}/{file_id}{tail}"

    def state(self) -> tuple[Any, ...]:
        """Everything a refused call must leave as it is."""
        return (
            self.drive.tree(),
            list(DriveFile.objects.order_by("pk").values()),
            DriveChangeLog.objects.count(),
            DriveFileAct.objects.count(),
            AuditLog.objects.filter(entity_type="lead").count(),
        )

    def row(self, file_id: str) -> DriveFile:
        """The row as it is now."""
        return DriveFile.objects.get(file_id=file_id)


def log() -> list[tuple[str | None, str | None]]:
    """The log of changes, oldest first."""
    rows = DriveChangeLog.objects.order_by("pk")
    return list(rows.values_list("changed_resource_id", "event_type"))
