"""The product's side of a life: its workers, its API, and the dust that settles."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from gdrive import entities, layout
from gdrive.models import (
    DriveFile,
    DriveFolder,
    DriveFolderNode,
    DriveFolderTree,
    DriveSyncState,
)
from gdrive.tasks import poll_drives
from pipedesk.sandbox.google import Google
from tests.gdrive.drive_life.plain_drive import PlainDrive, PlainFile
from tests.gdrive.dying import Steps
from tests.living import Desk, differences


class DriveDesk(Desk):
    """Everything that works on folders and files, and people at the API."""

    def __init__(self, google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(google, Steps(monkeypatch), "gdrive", "manager")

    def plain(self) -> PlainDrive:
        """Drive as it is now."""
        return PlainDrive(self.google)

    def poll(self) -> None:
        """The clock asks for every drive."""
        DriveSyncState.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
        poll_drives()

    def check(self) -> None:
        """The mirror is what Drive is, and every record has its one tree."""
        plain = self.plain()
        assert plain.twins() == []
        roots = DriveFolder.objects.alive().values_list("folder_id", flat=True)
        shown = {
            row.file_id: PlainFile(
                row.name,
                row.parent_folder_id or "",
                row.trashed_at is not None,
                None if row.size is None else str(row.size),
                row.drive_id,
            )
            for row in DriveFile.objects.in_reach()
        }
        wanted = plain.below(roots)
        assert shown == wanted, differences(shown, wanted)
        for entity_type in entities.READERS:
            for entity_id in entities.all_ids(entity_type):
                self.check_tree(plain, entity_type, entity_id)
        for state in DriveSyncState.objects.all():
            assert (state.dead_at, state.last_error) == (None, "")

    def check_tree(self, plain: PlainDrive, entity_type: str, entity_id: str) -> None:
        """One tree, every folder of it made once; what was never made had no place any more."""
        tree = DriveFolderTree.objects.of(entity_type, entity_id).get()
        nodes = list(DriveFolderNode.objects.filter(tree=tree))
        for node in nodes:
            assert node.google_id in plain.ever or self.has_no_place(plain, node), node.name
        if tree.dead_at is None:
            assert (tree.state, nodes != []) == (DriveFolderTree.State.READY, True)
        else:
            # A reason for people to read, and not the name of a failure nobody foresaw.
            assert " " in tree.last_error, (str(tree), tree.last_error)
            assert self.may_be_given_up(plain), (str(tree), tree.last_error)
        roots = [node.google_id for node in nodes if node.path_key == layout.ROOT_KEY]
        folders = DriveFolder.objects.alive().of(entity_type, entity_id)
        made = [google_id for google_id in roots if google_id in plain.ever]
        if tree.dead_at and any(plain.was_deleted(google_id) for google_id in made):
            return  # deleted before the worker that made it wrote it down, which then died
        assert list(folders.values_list("folder_id", flat=True)) == made

    def has_no_place(self, plain: PlainDrive, node: DriveFolderNode) -> bool:
        """Whether somebody deleted a folder above the one that was to be made."""
        above = node.parent
        while above is not None and not plain.was_deleted(above.google_id):
            above = above.parent
        return above is not None

    def may_be_given_up(self, plain: PlainDrive) -> bool:
        """Whether a person deleted a folder of ours, or threw one away."""
        ours = DriveFolderNode.objects.values_list("google_id", flat=True)
        trashed = any(row["trashed"] for row in plain.rows.values())
        return trashed or any(plain.was_deleted(google_id) for google_id in ours)
