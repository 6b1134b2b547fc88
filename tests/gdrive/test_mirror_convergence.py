"""Whatever people do in Drive, and whenever we look: the mirror ends as Drive is."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from crm.models import Lead
from gdrive import client, feed
from gdrive.models import (
    DriveChangeLog,
    DriveFile,
    DriveFolder,
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureNode,
    DriveSyncState,
)
from gdrive.tasks import provision_tree, sync_drive
from pipedesk.sandbox.drive.files import FOLDER
from pipedesk.sandbox.people import DrivePeople
from tests.factories.crm import CompanyFactory, LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)

FolderId = Callable[[str, object], str]


class People:
    """Somebody who does this and that in Drive, and a CRM that goes on meanwhile."""

    def __init__(self, drive: DrivePeople, seed: int, leads: list[Lead]) -> None:
        self.drive, self.choice, self.leads = drive, random.Random(seed), leads
        self.count = 0
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
        folder = self.choice.choice([*self.files(folders_only=True), "root"])
        self.drive.move(self.choice.choice(self.followed()), folder)

    def trash(self) -> None:
        self.drive.trash(self.choice.choice([*self.followed(), *self.shared()]))

    def restore(self) -> None:
        self.drive.restore(self.choice.choice([*self.followed(), *self.shared()]))

    def delete(self) -> None:
        made_here = [file_id for file_id in self.followed() if file_id not in self.ours]
        if made_here:
            self.drive.delete(self.choice.choice(made_here))

    def shared(self) -> list[str]:
        """Places of many entities, while no foreign folder lies between them and an entity."""
        inside, above = self.around_entities()
        ids = self.places()
        top = {self.drive._google.files.root_id(self.drive.user)}
        return [] if above - inside - {*ids} - top else ids

    def followed(self) -> list[str]:
        """Everything but places of many entities, and foreign folders that hold an entity's.

        An entity's folder inside a foreign one is followed, the foreign one is not: what
        becomes of it is seen when everything is read anew.
        """
        inside, above = self.around_entities()
        refused = (above - inside) | {*self.places()}
        return [each for each in self.files() if each not in refused]

    def places(self) -> list[str]:
        """Folders below the product's root that belong to no entity."""
        nodes = DriveFolderNode.objects.filter(tree=None).order_by("pk")
        return list(nodes.values_list("google_id", flat=True))

    def around_entities(self) -> tuple[set[str], set[str]]:
        """Ids inside entities' folders (these included), and above or on them."""
        lineage, stored = self.drive._google.files.lineage, self.drive._google.files.stored
        roots = set(DriveFolder.objects.values_list("folder_id", flat=True))
        above = {row["id"] for root in roots if stored(root) for row in lineage(stored(root))}
        ways = {each: {row["id"] for row in lineage(stored(each))} for each in self.files()}
        return {each for each, way in ways.items() if way & roots}, above

    def rename_lead(self) -> None:
        lead = self.choice.choice(self.leads)
        lead.title = f"L{self.count}"
        lead.save()
        for pk in DriveFolderTree.objects.behind().values_list("pk", flat=True):
            provision_tree(pk)

    def look(self) -> None:
        follow()


def follow() -> None:
    DriveSyncState.objects.request(feed.followed().pk)
    sync_drive(feed.followed().pk)
    assert feed.followed().last_error == ""


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


@pytest.mark.parametrize("seed", range(8))
def test_the_mirror_ends_as_drive_is(
    drive: DrivePeople, seed: int, folder_id: FolderId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_PAGE_SIZE", 2 + seed)
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
    before = DriveChangeLog.objects.count(), list(DriveFile.objects.values())
    follow()
    assert (DriveChangeLog.objects.count(), list(DriveFile.objects.values())) == before
    everything_agrees(before[1])


def everything_agrees(rows: list[dict[str, object]]) -> None:
    """Reading everything anew finds no difference that the feed missed."""
    DriveSyncState.objects.update(page_token=None)
    reported = DriveChangeLog.objects.count()
    follow()
    assert DriveChangeLog.objects.count() == reported
    assert list(DriveFile.objects.values()) == rows
