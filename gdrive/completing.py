"""What a page of changes leaves open, asked of Drive before anything is written.

Removals are looked at once, because going to another drive looks like one; folders that appear
are listed, because what they hold did not change; and the folders above an entity's are noted,
because what happens to them happens to the entity's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils import timezone

from gdrive import ancestry, crawling
from gdrive.changes import Comparison, Known
from gdrive.client import KeepAlive
from gdrive.models import DriveFile, DriveFolder, DriveFolderNode, DriveSyncState
from gdrive.parsing import Change, RemoteFile

LOOKED_AT_ONCE = 100


class TooMuch(Exception):
    """So much may have gone that everything is to be read anew, in pieces."""


@dataclass
class Told:
    """What Drive told. Of `quiet` files only new ones are news: they came with a folder.

    `around`: folders above an entity's, noted only because they are.
    """

    changes: list[Change]
    quiet: set[str] = field(default_factory=set)
    around: set[str] = field(default_factory=set)
    crawled: set[str] = field(default_factory=set)

    def add(self, changes: Iterable[Change]) -> set[str]:
        """Take these in, but for files there is word of; answers the ids taken."""
        names = {change.file_id for change in self.changes}
        fresh = [change for change in changes if change.file_id not in names]
        self.changes += fresh
        return {change.file_id for change in fresh}


def complete(state: DriveSyncState, changes: list[Change], keep_alive: KeepAlive) -> Told:
    """The changes that count, and what goes with them; not in a transaction.

    Raises TooMuch, GoogleError.
    """
    told = _confirmed(state, changes, keep_alive)
    _bring_along(state, told, keep_alive)
    _note_above(told, keep_alive)
    return told


def known_to(changes: Iterable[Change]) -> Known:
    """The rows these changes are about."""
    ids = {change.file_id for change in changes}
    ids |= {change.file.parent_id for change in changes if change.file}
    return Known(
        {file.file_id: file for file in DriveFile.objects.filter(file_id__in=ids)},
        {node.google_id: node for node in DriveFolderNode.objects.filter(google_id__in=ids)},
    )


def _confirmed(state: DriveSyncState, changes: list[Change], keep_alive: KeepAlive) -> Told:
    """The changes without removals that are none.

    A file is only gone from the drive we know it in. What lay in a folder that is gone is
    believed; every other one is looked at, and every entity's own folder below, which may have
    gone elsewhere before.
    """
    removed = {change.file_id for change in changes if change.file is None}
    told = Told([change for change in changes if change.file])
    rows = DriveFile.objects.filter(file_id__in=removed, drive_id=state.drive_id)
    here = {row.file_id: row for row in rows} if removed else {}
    if not here:
        return told
    tops = {key for key, row in here.items() if row.parent_folder_id not in here}
    roots = _entities_in(list(here))
    if len(tops | roots) > LOOKED_AT_ONCE:
        raise TooMuch
    looked = crawling.look(sorted(tops | roots), keep_alive)
    told.add(looked)
    for change in looked:
        if change.file and change.file.is_folder:
            _tell_below([change.file_id], change.file.drive_id, told, keep_alive)
    told.add(Change(key, None) for key in here)
    return told


def _tell_below(folder_ids: list[str], drive_id: str, told: Told, keep_alive: KeepAlive) -> None:
    """What lies below comes along: that is no news of its own."""
    files = crawling.below(folder_ids, drive_id, keep_alive)
    told.quiet |= told.add(Change(file.file_id, file) for file in files)
    told.crawled.update(folder_ids)


def _entities_in(file_ids: list[str]) -> set[str]:
    """Entities' own folders among these and below them."""
    inside = [*file_ids, *ancestry.below(file_ids)]
    roots = DriveFolder.objects.alive().filter(folder_id__in=inside)
    return set(roots.values_list("folder_id", flat=True))


def _bring_along(state: DriveSyncState, told: Told, keep_alive: KeepAlive) -> None:
    """What lies in folders that appeared: one moved in brings files that did not change."""
    comparison = Comparison(known_to(told.changes), state.as_of, timezone.now())
    appeared = comparison.of(told.changes).appeared
    for drive_id in sorted(set(appeared.values())):
        folders = {key for key, value in appeared.items() if value == drive_id}
        _tell_below(sorted(folders - told.crawled), drive_id, told, keep_alive)


def _note_above(told: Told, keep_alive: KeepAlive) -> None:
    """The folders above entities' own ones that changed their place, as far as unknown."""
    shown = {change.file_id: change.file for change in told.changes if change.file}
    way = WayUp(shown)
    for file in _stand_elsewhere(shown, known_to(told.changes)):
        way.walk(file.parent_id, keep_alive)
    told.add(Change(folder.file_id, folder) for folder in way.asked)
    told.around |= way.passed


@dataclass
class WayUp:
    """Walks from entities' own folders up to what is known. `shown`: what Drive told already."""

    shown: dict[str, RemoteFile]
    asked: list[RemoteFile] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)

    def walk(self, folder_id: str, keep_alive: KeepAlive) -> None:
        """Note this folder and those above it. Inside an entity's folder the way up is known."""
        while folder_id and folder_id not in self.passed:
            self.passed.add(folder_id)
            if folder_id not in self.shown:
                row = DriveFile.objects.filter(file_id=folder_id).first()
                if row is not None and row.unavailable_at is None:
                    return
                if row is not None:
                    folder_id = row.parent_folder_id or ""
                    continue
                keep_alive()
                folder = crawling.find(folder_id)
                if folder is None:
                    return
                self.asked.append(folder)
                self.shown[folder_id] = folder
            folder_id = self.shown[folder_id].parent_id


def _stand_elsewhere(shown: dict[str, RemoteFile], known: Known) -> list[RemoteFile]:
    """Entities' own folders, places, and folders around them whose parent is another now."""
    moved = [
        file
        for file in shown.values()
        if file.is_folder and file.parent_id and _is_new_there(file, known.stored.get(file.file_id))
    ]
    sure = [file for file in moved if known.is_root(file.file_id) or known.is_shared(file.file_id)]
    perhaps = {
        file.file_id
        for file in moved
        if file.file_id in known.stored and not known.holds(file.parent_id)
    }
    return sure + [shown[key] for key in sorted(ancestry.around_entities(perhaps))]


def _is_new_there(file: RemoteFile, stored: DriveFile | None) -> bool:
    return stored is None or stored.parent_folder_id != file.parent_id
