"""Shared drives, basic.

https://developers.google.com/workspace/drive/api/guides/about-shareddrives
"""

import hashlib

from pipedesk.sandbox.clock import Clock, rfc3339
from pipedesk.sandbox.drive.files import Files
from pipedesk.sandbox.errors import GoogleError, Json, not_found, required
from pipedesk.sandbox.store import Store


class Drives:
    """Shared drives; the id of a drive is also that of its top folder."""

    def __init__(self, store: Store, clock: Clock, files: Files) -> None:
        self._rows = store.table("drives")
        self._clock = clock
        self._files = files

    def create(self, user: str, request_id: str, body: Json) -> Json:
        """A new drive with the user as organizer; the same request id again answers 409."""
        if not body.get("name"):
            raise required("name", "The name of the shared drive is required.")
        drive_id = (
            "0A" + hashlib.sha256(f"{user}\n{request_id}".encode()).hexdigest()[:14] + "UkPVA"
        )
        if drive_id in self._rows:
            raise GoogleError(409, "duplicate", "A shared drive with this request id exists.")
        drive: Json = {
            "kind": "drive#drive",
            "id": drive_id,
            "name": body["name"],
            "createdTime": rfc3339(self._clock.now()),
            "hidden": False,
        }
        self._rows.put(drive_id, drive)
        self._files.add_root(drive_id, owner="", drive_id=drive_id, name=body["name"])
        member = {"type": "user", "role": "organizer", "emailAddress": user}
        self._files.permissions.give(drive_id, member)
        return drive

    def get(self, user: str, drive_id: str) -> Json:
        """A drive the user is a member of. Raises GoogleError 404."""
        drive = self._rows.get(drive_id)
        if drive is None or not self._files.permissions.allows([drive_id], user):
            raise not_found(f"Shared drive not found: {drive_id}", "driveId")
        return drive

    def of(self, user: str) -> list[Json]:
        """The drives the user is a member of."""
        allows = self._files.permissions.allows
        return [drive for drive in self._rows.values() if allows([drive["id"]], user)]
