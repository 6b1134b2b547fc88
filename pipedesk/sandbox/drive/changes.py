"""The change logs of Drive.

https://developers.google.com/workspace/drive/api/guides/about-changes
"""

from heapq import merge

from pipedesk.sandbox.drive.drives import Drives
from pipedesk.sandbox.drive.files import Files
from pipedesk.sandbox.errors import Json, invalid_value


class Changes:
    """One log per user and one per shared drive.

    An entry is the current state of a file; its older entries are gone. Trashing or moving a folder
    changes the folder only: what lies below has no entry of its own.
    """

    def __init__(self, files: Files, drives: Drives) -> None:
        self._files = files
        self._drives = drives
        self.shows_departed = True
        """Whether ``includeCorpusRemovals`` brings the file along: Google does not promise it."""

    def start_token(self, user: str, drive_id: str) -> str:
        """The token from which nothing has happened yet."""
        return str(self._last(self._logs(user, drive_id, with_drives=False)) + 1)

    def page(
        self,
        user: str,
        page_token: str,
        size: int,
        *,
        drive_id: str,
        with_drives: bool,
        with_departed: bool = False,
    ) -> tuple[list[Json], str | None, str | None]:
        """A page of changes, then the next page's token or the next start token.

        Raises GoogleError 400 for a token this log never gave out.
        """
        logs = self._logs(user, drive_id, with_drives=with_drives)
        last = self._last(logs)
        if not page_token.isdigit() or not 1 <= int(page_token) <= last + 1:
            raise invalid_value("pageToken")
        feeds = (self._files.feed, self._files.departures)
        entries = merge(*(feed.since(log, int(page_token) - 1) for log in logs for feed in feeds))
        found: list[Json] = []
        for position, key in entries:
            if "\n" in key:
                change = self._departed(user, key, with_file=with_departed)
            else:
                change = self._change(user, key, in_drive=bool(drive_id))
            if change is None:
                continue
            if len(found) == size:
                return found, str(position), None
            found.append(change)
        return found, None, str(last + 1)

    def check_drive(self, user: str, drive_id: str) -> None:
        """Raise GoogleError 404 for a drive the user is no member of."""
        self._logs(user, drive_id, with_drives=False)

    def _logs(self, user: str, drive_id: str, *, with_drives: bool) -> list[str]:
        if drive_id:
            return [str(self._drives.get(user, drive_id)["id"])]
        return ["", *(drive["id"] for drive in self._drives.of(user))] if with_drives else [""]

    def _last(self, logs: list[str]) -> int:
        feeds = (self._files.feed, self._files.departures)
        return max(feed.last(log) for log in logs for feed in feeds)

    def _departed(self, user: str, key: str, *, with_file: bool) -> Json | None:
        """The entry of a file that went to another drive."""
        departure = self._files.departure(key)
        row = departure and self._files.row(departure["id"])
        if departure is None or row is None:
            return None
        if not departure["log"] and user not in departure["seen_by"]:
            return None
        entry = {**_entry({**row, "drive": departure["log"]}), "time": departure["changed_at"]}
        with_file = with_file and self.shows_departed and not row["removed"]
        if with_file and self._files.is_visible(row, user):
            entry["file"] = self._files.render(row, user)
        return entry

    def _change(self, user: str, key: str, *, in_drive: bool) -> Json | None:
        """The entry of a file as the user's log shows it, None when it does not."""
        row = self._files.row(key)
        if row is None:
            return None
        if row["removed"]:
            shown = in_drive or user in row["seen_by"]
            return _entry(row) if shown else None
        if not self._files.is_visible(row, user):
            return _entry(row) if user in row.get("lost_by", ()) else None
        return {**_entry(row), "removed": False, "file": self._files.render(row, user)}


def _entry(row: Json) -> Json:
    """A removal: deleted, or out of the user's sight."""
    entry: Json = {
        "kind": "drive#change",
        "type": "file",
        "changeType": "file",
        "time": row["changed_at"],
        "removed": True,
        "fileId": row["id"],
    }
    if row["drive"]:
        entry["driveId"] = row["drive"]
    return entry
