"""What changed between the mirror and what Drive shows. Pure: nothing is read or written.

Drive's feed gives present states, not deltas: an entry is compared with the stored row, and
only a difference is a change. So an entry that comes twice, or the echo of our own write, is
none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gdrive import layout
from gdrive.mirror import DRIVE_FIELDS, row_of
from gdrive.models import DriveFile, DriveFolderNode
from gdrive.parsing import Change, RemoteFile

# The columns whose old and new values a line of the log tells.
TOLD = {
    "renamed": ("name",),
    "moved": ("parent_folder_id", "drive_id"),
    "updated": ("size", "mime_type", "google_modified_at"),
}


@dataclass(frozen=True)
class Known:
    """The rows a page of changes is about: by Google's id, the files and their parents."""

    stored: dict[str, DriveFile]
    ours: dict[str, DriveFolderNode]

    def holds(self, folder_id: str) -> bool:
        """Whether this folder lies in the tree of an entity.

        A folder of ours counts from the moment its id is reserved: somebody may put a file
        into it before we wrote down that it exists.
        """
        if folder_id in self.stored:
            return self.stored[folder_id].unavailable_at is None
        return folder_id in self.ours and not self.is_shared(folder_id)

    def is_root(self, file_id: str) -> bool:
        """Whether this is an entity's own folder, which is the entity's wherever it lies."""
        node = self.ours.get(file_id)
        return node is not None and node.tree_id is not None and node.path_key == layout.ROOT_KEY

    def is_shared(self, file_id: str) -> bool:
        """Whether this is a place of many entities, which the mirror does not show."""
        node = self.ours.get(file_id)
        return node is not None and node.tree_id is None


@dataclass(frozen=True)
class Event:
    """A change for the log; the file lay in `folder_id` before. `details`: old and new values."""

    file_id: str
    kind: str
    folder_id: str | None = None
    details: dict[str, list[Any]] = field(default_factory=dict)


@dataclass
class Outcome:
    """What is to be written.

    `appeared`: folders whose inside Drive's feed does not tell, with their drives. `around`:
    folders above entities' own ones, which are noted and not shown. `revived`: deleted here,
    and taken out of the trash at Google's page since.
    """

    rows: dict[str, DriveFile] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    trashed: list[str] = field(default_factory=list)
    untrashed: list[str] = field(default_factory=list)
    appeared: dict[str, str] = field(default_factory=dict)
    around: set[str] = field(default_factory=set)
    revived: list[str] = field(default_factory=list)


@dataclass
class Comparison:
    """Compares entries with what is known. `since`: when the drive was last looked at.

    Of `quiet` files only new ones are reported: the others came along with a folder, which is
    the change. `around`: ids of folders to be noted because they are above an entity's own.
    """

    known: Known
    since: datetime | None
    now: datetime
    quiet: Collection[str] = ()
    around: Collection[str] = ()
    outcome: Outcome = field(default_factory=Outcome)

    def of(self, changes: Iterable[Change]) -> Outcome:
        """The outcome of these entries, one per file."""
        entries = {change.file_id: change.file for change in changes}
        stored = self.known.stored
        gone = {
            file_id
            for file_id, file in entries.items()
            if file is None and file_id in stored and stored[file_id].unavailable_at is None
        }
        for file_id in gone:
            self._remove(stored[file_id], gone)
        for file in parents_first({key: file for key, file in entries.items() if file}):
            self._compare(file)
        return self.outcome

    def _remove(self, stored: DriveFile, gone: set[str]) -> None:
        """Deleted for good, or out of our sight; what is in a removed folder goes along."""
        self.outcome.removed.append(stored.file_id)
        stored.unavailable_at = self.now
        if stored.parent_folder_id not in gone:
            self._report(Event(stored.file_id, "removed", stored.parent_folder_id))

    def _compare(self, file: RemoteFile) -> None:
        stored = self.known.stored.get(file.file_id)
        if _is_older(file, stored):
            return
        noted = stored is not None or file.file_id in self.around
        if self.known.is_root(file.file_id) or self.known.holds(file.parent_id):
            self._store(file, stored)
        elif stored is not None and stored.unavailable_at is None:
            self._leave(file, stored)
        elif noted or self.known.is_shared(file.file_id):
            self._surround(file, stored)

    def _surround(self, file: RemoteFile, stored: DriveFile | None) -> None:
        """A folder around entities' own ones: what goes to the trash with it is theirs."""
        row = row_of(file, stored, self.now)
        row.unavailable_at = (stored and stored.unavailable_at) or self.now
        if stored is None or not same(row, stored):
            self._keep(row)
        self.outcome.around.add(file.file_id)
        if file.is_folder:
            (self.outcome.trashed if file.trashed else self.outcome.untrashed).append(file.file_id)

    def _leave(self, file: RemoteFile, stored: DriveFile) -> None:
        row = row_of(file, stored, self.now)
        row.unavailable_at = self.now
        self._keep(row)
        self.outcome.left.append(file.file_id)
        self._pass_on_trash(file, stored)
        self._report(event_of(stored, row, "moved"))

    def _pass_on_trash(self, file: RemoteFile, stored: DriveFile) -> None:
        differs = bool(stored.trashed_at) != file.trashed
        if file.is_folder and (differs or stored.echo_due):
            (self.outcome.trashed if file.trashed else self.outcome.untrashed).append(file.file_id)

    def _store(self, file: RemoteFile, stored: DriveFile | None) -> None:
        node = self.known.ours.get(file.file_id)
        is_back = stored is not None and stored.unavailable_at is not None
        went = stored is not None and stored.drive_id != file.drive_id
        if file.is_folder and (is_back or went or (stored is None and node is None)):
            self.outcome.appeared[file.file_id] = file.drive_id
        row = row_of(file, stored, self.now)
        if stored is None:
            if node is None:  # a folder of ours is no news
                self._report_arrival(file)
        else:
            for kind in differences(stored, file, node):
                self._report(event_of(stored, row, kind))
            self._pass_on_trash(file, stored)
            # The version we stored with our mark is the trashed one: an equal one tells nothing.
            if stored.deleted_at and not file.trashed and file.version != stored.version:
                self.outcome.revived.append(file.file_id)
        if stored is None or not same(row, stored):
            self._keep(row)

    def _keep(self, row: DriveFile) -> None:
        self.outcome.rows[row.file_id] = row
        self.known.stored[row.file_id] = row

    def _report_arrival(self, file: RemoteFile) -> None:
        """A file that was there before, only elsewhere, was moved in."""
        created_at = file.created_at or self.now
        is_new = self.since is None or created_at >= self.since
        arrival = Event(file.file_id, "created" if is_new else "moved", file.parent_id)
        if self.since is not None and is_new:
            self.outcome.events.append(arrival)
        else:
            self._report(arrival)

    def _report(self, event: Event) -> None:
        if event.file_id not in self.quiet:
            self.outcome.events.append(event)


def event_of(stored: DriveFile, row: DriveFile, kind: str) -> Event:
    """What happened to a stored file, with the values that moved."""
    details = {
        column: [_plain(getattr(stored, column)), _plain(getattr(row, column))]
        for column in TOLD.get(kind, ())
        if getattr(stored, column) != getattr(row, column)
    }
    return Event(stored.file_id, kind, stored.parent_folder_id, details)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def differences(stored: DriveFile, file: RemoteFile, node: DriveFolderNode | None) -> list[str]:
    """What happened to a stored file, in words; `updated` when nothing has a word of its own.

    A name we are about to write down ourselves is no news.
    """
    moved = bool(file.parent_id) and file.parent_id != stored.parent_folder_id
    if stored.unavailable_at is not None:
        return ["moved" if moved else "created"]
    renamed = file.name != stored.name and (node is None or file.name != node.writing_name)
    events = [
        event
        for event, happened in (
            ("trashed", file.explicitly_trashed and not stored.explicitly_trashed),
            ("untrashed", stored.explicitly_trashed and not file.explicitly_trashed),
            ("moved", moved),
            ("renamed", renamed),
        )
        if happened
    ]
    if not events and not file.is_folder and _content(file) != _stored_content(stored):
        events.append("updated")
    return events


def same(row: DriveFile, stored: DriveFile) -> bool:
    """Whether storing the row would change nothing."""
    return all(getattr(row, name) == getattr(stored, name) for name in DRIVE_FIELDS)


def parents_first(files: dict[str, RemoteFile]) -> Iterator[RemoteFile]:
    """The files, each after the folder it lies in where that is among them."""
    done: set[str] = set()
    for file in files.values():
        way: list[RemoteFile] = []
        current: RemoteFile | None = file
        while current is not None and current.file_id not in done:
            done.add(current.file_id)
            way.append(current)
            current = files.get(current.parent_id)
        yield from reversed(way)


def _is_older(file: RemoteFile, stored: DriveFile | None) -> bool:
    """Whether we know a later state already, from an answer to our own write."""
    if stored is None or stored.version is None or file.version is None:
        return False
    return file.version < stored.version


def _content(file: RemoteFile) -> tuple[int | None, str, datetime | None]:
    return (file.size, file.mime_type, file.modified_at)


def _stored_content(stored: DriveFile) -> tuple[int | None, str | None, datetime | None]:
    return (stored.size, stored.mime_type, stored.google_modified_at)
