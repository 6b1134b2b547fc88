"""Giving and taking permissions, with what it does to the change logs."""

from pipedesk.sandbox.channels import Happening
from pipedesk.sandbox.drive.files import Files, changes_topic
from pipedesk.sandbox.errors import Json


class Sharing:
    """Permissions of a file the caller has already been let in to."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def give(self, row: Json, request: Json) -> Json:
        """Let somebody in; answers the permission."""
        body = self._files.permissions.give(row["id"], request)
        self._files.save(row, "update", "permissions")
        return body

    def change(self, row: Json, permission_id: str, request: Json) -> Json:
        """Another role; answers the permission."""
        body = self._files.permissions.change(row["id"], permission_id, request)
        self._files.save(row, "update", "permissions")
        return body

    def take(self, row: Json, permission_id: str) -> None:
        """Shut somebody out: in his log the file looks removed."""
        body = self._files.permissions.take(row["id"], permission_id)
        email = body.get("emailAddress", "")
        lost_by = [*row.get("lost_by", []), email]
        self._files.save({**row, "lost_by": lost_by}, "update", "permissions")
        self._files.announce(Happening(changes_topic(email), "change"))
