"""Whatever people do in Drive, and whenever we look: the mirror ends as Drive is."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from crm.models import Lead
from gdrive import client
from gdrive.models import (
    DriveChangeLog,
    DriveFile,
    DriveFolder,
    DriveFolderTree,
    DriveStructureNode,
    DriveSyncState,
)
from gdrive.tasks import provision_tree
from pipedesk.sandbox.drive.files import FOLDER
from pipedesk.sandbox.people import DrivePeople
from tests.factories.crm import CompanyFactory, LeadFactory
from tests.gdrive.following import follow, in_drive, in_mirror

pytestmark = pytest.mark.django_db(transaction=True)

FolderId = Callable[[str, object], str]


class People:
    """Somebody who does this and that in Drive, and a CRM that goes on meanwhile."""

    def __init__(self, drive: DrivePeople, seed: int, leads: list[Lead]) -> None:
        self.drive, self.choice, self.leads = drive, random.Random(seed), leads
        self.count = 0
        self.shared_drive = drive.create_drive("Shared")
        self.ours = set(self.files())

    def files(self, *, folders_only: bool = False) -> list[str]:
        """Everything a person could click on, trash included."""
        store = self.drive._google.files
        rows = [row for row in store._rows.values() if not row["removed"]]
        return [
            row["id"]
            for row in rows
            if row["body"]["parents"] and (not folders_only or row["body"]["mimeType"] == FOLDER)
        ]

    def act(self) -> None:
        """One deed; what Drive refuses (a folder into itself) is no deed."""
        self.count += 1
        deeds = (
            self.drop, self.drop, self.make_folder, self.rename, self.move, self.move,
            self.trash, self.restore, self.delete, self.rename_lead, self.look, self.look,
        )  # fmt: skip
        try:
            self.choice.choice(deeds)()
        except Exception as refusal:
            if type(refusal).__name__ != "GoogleError":
                raise

    def drop(self) -> None:
        folder = self.choice.choice(self.files(folders_only=True))
        self.drive.drop_file(folder, f"f{self.count}", b"1")

    def make_folder(self) -> None:
        folder = self.choice.choice([*self.files(folders_only=True), "root"])
        self.drive.create_folder(f"d{self.count}", folder)

    def rename(self) -> None:
        self.drive.rename(self.choice.choice(self.files()), f"n{self.count}")

    def move(self) -> None:
        places = [*self.files(folders_only=True), "root", self.shared_drive]
        self.drive.move(self.choice.choice(self.files()), self.choice.choice(places))

    def trash(self) -> None:
        self.drive.trash(self.choice.choice(self.files()))

    def restore(self) -> None:
        self.drive.restore(self.choice.choice(self.files()))

    def delete(self) -> None:
        """For good; but no folder in which an entity's own one lies."""
        kept = self.ours | self.above_entities()
        made_here = [file_id for file_id in self.files() if file_id not in kept]
        if made_here:
            self.drive.delete(self.choice.choice(made_here))

    def above_entities(self) -> set[str]:
        lineage, stored = self.drive._google.files.lineage, self.drive._google.files.stored
        roots = DriveFolder.objects.values_list("folder_id", flat=True)
        return {row["id"] for root in roots if stored(root) for row in lineage(stored(root))}

    def rename_lead(self) -> None:
        lead = self.choice.choice(self.leads)
        lead.title = f"L{self.count}"
        lead.save()
        for pk in DriveFolderTree.objects.behind().values_list("pk", flat=True):
            provision_tree(pk)

    def look(self) -> None:
        follow()


def mirrored() -> list[dict[str, object]]:
    """Every row, without the marks of a reading."""
    marks = {"read_in", "listed_in"}
    rows = DriveFile.objects.order_by("pk").values()
    return [{key: row[key] for key in row if key not in marks} for row in rows]


@pytest.mark.parametrize("seed", range(8))
def test_the_mirror_ends_as_drive_is(
    drive: DrivePeople, seed: int, folder_id: FolderId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_PAGE_SIZE", 2 + seed % 8)
    DriveStructureNode.objects.exclude(order=1).delete()
    leads = [LeadFactory(), LeadFactory(qualified_company=CompanyFactory())]
    for pk in DriveFolderTree.objects.behind().values_list("pk", flat=True):
        provision_tree(pk)
    people = People(drive, seed, leads)

    for _ in range(60):
        people.act()
    follow()

    for lead in leads:
        root = folder_id("lead", lead.pk)
        row = DriveFile.objects.get(file_id=root)
        exists = drive._google.files.stored(root) is not None
        assert exists == (row.unavailable_at is None)
        if exists:
            assert drive.file(root)["name"] == row.name
            assert drive.file(root)["trashed"] == (row.trashed_at is not None)
            assert in_drive(drive, root) == in_mirror(root)
    before = DriveChangeLog.objects.count(), mirrored()
    follow()
    assert (DriveChangeLog.objects.count(), mirrored()) == before
    everything_agrees(before[1])


def everything_agrees(rows: list[dict[str, object]]) -> None:
    """Reading everything anew finds no difference that the feed missed."""
    DriveSyncState.objects.update(page_token=None)
    reported = DriveChangeLog.objects.count()
    follow()
    assert DriveChangeLog.objects.count() == reported
    assert mirrored() == rows
