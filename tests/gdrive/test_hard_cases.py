"""The feed's hard cases, each by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crm.models import Lead
from gdrive import client
from gdrive.models import DriveChangeLog, DriveFile, DriveFolder, DriveFolderTree, DriveSyncState
from gdrive.parsing import parse_changes, parse_file
from gdrive.tasks import sync_drive
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import LeadFactory
from tests.gdrive.dying import Steps
from tests.gdrive.following import agrees, follow, log

pytestmark = pytest.mark.django_db(transaction=True)

FolderId = Callable[[str, object], str]
Provision = Callable[[str, object], DriveFolderTree]


def test_a_foreign_folder_around_an_entitys_one_takes_it_to_the_trash_and_back(
    drive: DrivePeople, root: str
) -> None:
    file_id = drive.drop_file(root, "a.txt", b"1")
    outer = drive.create_folder("Outer")
    wrap = drive.create_folder("Wrap", outer)
    drive.move(root, wrap)
    follow()
    DriveChangeLog.objects.all().delete()

    drive.trash(outer)
    follow()
    assert agrees(drive, root)
    assert DriveFile.objects.get(file_id=file_id).trashed_at is not None
    assert log() == [(outer, "trashed")]

    drive.restore(outer)
    follow()
    assert agrees(drive, root)
    assert log() == [(outer, "trashed"), (outer, "untrashed")]


def test_a_wrap_that_moves_into_another_one_is_still_followed(
    drive: DrivePeople, root: str
) -> None:
    wrap = drive.create_folder("Wrap")
    drive.move(root, wrap)
    follow()
    drive.move(wrap, drive.create_folder("Middle", outer := drive.create_folder("Outer")))
    follow()
    drive.trash(outer)
    follow()

    assert DriveFile.objects.get(file_id=root).trashed_at is not None
    assert agrees(drive, root)


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_wrap_that_moved_while_the_cursor_was_lost_is_found_again(
    drive: DrivePeople, root: str, is_deleted: bool
) -> None:
    wrap = drive.create_folder("Wrap")
    other = drive.create_folder("Other")
    drive.move(root, wrap)
    follow()
    DriveSyncState.objects.update(page_token="nonsense")
    drive.move(wrap, outer := drive.create_folder("Outer"))
    if is_deleted:
        drive.move(root, other)
        drive.delete(wrap)
        outer = other
    follow()

    drive.trash(outer)
    follow()

    assert DriveFile.objects.get(file_id=root).trashed_at is not None
    assert agrees(drive, root)


def test_the_folder_above_everything_goes_to_the_trash(
    drive: DrivePeople, root: str, settings: Any
) -> None:
    place = drive.file(root)["parents"][0]
    top = drive.create_folder("Top")
    drive.move(place, top)
    follow()
    drive.trash(top)
    follow()
    assert agrees(drive, root)
    drive.restore(top)
    follow()
    assert agrees(drive, root)


def test_a_wrap_that_goes_for_good_takes_the_entitys_folder_along(
    drive: DrivePeople, root: str
) -> None:
    drive.move(root, wrap := drive.create_folder("Wrap"))
    follow()
    drive.delete(wrap)
    follow()

    assert not DriveFile.objects.in_reach().exists()
    assert log()[-1] == (root, "removed")


def test_a_wrap_out_of_our_sight_leaves_the_entitys_folder_where_it_is(
    google: SandboxServer, drive: DrivePeople, root: str
) -> None:
    bob = drive.as_user("bob@pipedesk.example")
    wrap = bob.create_folder("Wrap")
    bob.share(wrap, drive.user)
    drive.move(root, wrap)
    drive.drop_file(root, "a.txt", b"1")
    follow()

    with google.google.store.transaction():
        row = google.google.files.stored(wrap)
        assert row is not None
        [given] = google.google.permissions.given(wrap)
        google.google.sharing.take(row, given["id"])
    follow()

    assert agrees(drive, root)


def test_folders_are_followed_to_any_depth(drive: DrivePeople, root: str) -> None:
    folder = root
    for level in range(40):
        folder = drive.create_folder(f"Level {level}", folder)
    follow()
    file_id = drive.drop_file(folder, "deep.txt", b"1")
    follow()

    assert log()[-1] == (file_id, "created")
    assert agrees(drive, root)


def test_d58_children_count_as_trashed_and_come_back_with_their_folder(
    drive: DrivePeople, root: str
) -> None:
    outer = drive.create_folder("Outer", root)
    file_id = drive.drop_file(drive.create_folder("Inner", outer), "a.txt", b"1")
    follow()
    drive.trash(outer)
    follow()
    assert not DriveFile.objects.present().filter(file_id=file_id).exists()
    drive.restore(outer)
    follow()
    assert DriveFile.objects.present().filter(file_id=file_id).exists()


def test_a_move_between_two_entities_is_one_change(
    drive: DrivePeople, root: str, provision: Provision, folder_id: FolderId
) -> None:
    other = LeadFactory(title="Other")
    provision("lead", other.pk)
    folder = drive.create_folder("Folder", root)
    drive.drop_file(folder, "a.txt", b"1")
    follow()
    DriveChangeLog.objects.all().delete()

    drive.move(folder, folder_id("lead", other.pk))
    follow()

    assert log() == [(folder, "moved")]
    change = DriveChangeLog.objects.get()
    assert change.folder_id == root
    assert change.details == {"parent_folder_id": [root, folder_id("lead", other.pk)]}
    assert agrees(drive, root)
    assert agrees(drive, folder_id("lead", other.pk))


@pytest.mark.parametrize("size", [1, 1000])
def test_two_folders_that_change_places_never_loop(
    drive: DrivePeople, root: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_PAGE_SIZE", size)
    outer = drive.create_folder("Outer", root)
    inner = drive.create_folder("Inner", outer)
    drive.drop_file(inner, "a.txt", b"1")
    follow()

    drive.move(inner, root)
    drive.move(outer, inner)
    drive.rename(inner, "Above")  # its entry comes last now: for a moment each is in the other
    follow()

    assert agrees(drive, root)
    assert len([kind for _, kind in log() if kind == "moved"]) == 2


def test_a_shortcut_is_a_file_and_never_followed(drive: DrivePeople, root: str) -> None:
    private = drive.create_folder("Private")
    drive.drop_file(private, "diary.txt", b"1")
    with drive._google.store.transaction():
        row = drive._google.file_editing.create(
            actor(drive),
            {
                "name": "Link", "mimeType": "application/vnd.google-apps.shortcut",
                "parents": [root], "shortcutDetails": {"targetId": private},
            },
        )  # fmt: skip
    follow()

    shown = DriveFile.objects.get(file_id=row["id"])
    assert (shown.is_folder, shown.size) == (False, None)
    assert not DriveFile.objects.filter(name="diary.txt").exists()
    assert log() == [(row["id"], "created")]


def test_a_document_of_google_has_no_size(drive: DrivePeople, root: str) -> None:
    with drive._google.store.transaction():
        row = drive._google.file_editing.create(
            actor(drive),
            {"name": "Doc", "mimeType": "application/vnd.google-apps.document", "parents": [root]},
        )
    follow()
    assert DriveFile.objects.get(file_id=row["id"]).size is None
    assert agrees(drive, root)


def actor(drive: DrivePeople) -> Any:
    from pipedesk.sandbox.drive.editing import Actor

    return Actor(drive.user)


def test_names_no_database_takes_are_cleaned() -> None:
    file = parse_file({"id": "1", "name": "a\x00b\ud800c", "mimeType": "x", "news": {"a": 1}})
    assert file.name == "ab?c"
    assert file.parent_id == ""


def test_of_two_entries_on_one_file_the_last_counts() -> None:
    entries = [
        {"fileId": "1", "removed": True},
        {"fileId": "2", "removed": False, "file": {"id": "2", "name": "old"}},
        {"fileId": "1", "removed": False, "file": {"id": "1", "name": "new"}},
        {"fileId": "2", "removed": True, "unknown": 5},
        {"changeType": "drive", "driveId": "D"},
    ]
    first, second = parse_changes(entries)
    assert first.file is not None
    assert (first.file.name, second) == ("new", parse_changes(entries[3:4])[0])


def test_a_file_without_visible_parents_leaves_and_an_entitys_folder_stays(
    google: SandboxServer, drive: DrivePeople, root: str
) -> None:
    file_id = drive.drop_file(root, "a.txt", b"1")
    follow()
    with google.google.store.transaction():
        for each in (file_id, root):
            row = google.google.files.stored(each)
            assert row is not None
            google.google.files.save({**row, "body": {**row["body"], "parents": []}}, "update")
    follow()

    assert DriveFile.objects.get(file_id=file_id).unavailable_at is not None
    assert DriveFile.objects.get(file_id=root).unavailable_at is None


def test_d62_a_creation_that_notifies_twice_is_one_line(drive: DrivePeople, root: str) -> None:
    file_id = drive.drop_file(root, "a.txt", b"1")
    for number in (1, 2):
        state = DriveSyncState.objects.get()
        push = {"channel_id": f"c-{number}", "resource_state": "change"}
        DriveSyncState.objects.request(state.pk, last_notification=push)
        sync_drive(state.pk)

    assert log() == [(file_id, "created")]
    assert DriveChangeLog.objects.get().channel_id == "c-1"


def test_a_list_that_is_suddenly_empty_empties_nothing(
    google: SandboxServer, drive: DrivePeople, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive.drop_file(drive.create_folder("Inner", root), "a.txt", b"1")
    follow()
    rows = DriveFile.objects.present().count()
    DriveChangeLog.objects.all().delete()
    DriveSyncState.objects.update(page_token=None)
    monkeypatch.setattr(google.google.searching, "page", lambda *_args: ([], None))

    follow()

    assert DriveFile.objects.present().count() == rows
    assert log() == []


def test_a_folder_that_is_gone_does_not_spoil_the_list_of_others(
    google: SandboxServer, drive: DrivePeople, root: str
) -> None:
    drive.drop_file(drive.create_folder("Inner", root), "a.txt", b"1")
    follow()
    DriveSyncState.objects.update(page_token=None)
    google.google.faults.plan(
        {"method": r"files\.list", "kind": "status", "status": 404, "reason": "notFound"}
    )
    follow()
    assert agrees(drive, root)


def test_more_removals_than_are_looked_at_in_one_go(
    drive: DrivePeople, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gdrive.sync.LOOKED_AT_ONCE", 3)
    monkeypatch.setattr("gdrive.completing.LOOKED_AT_ONCE", 3)
    files = [drive.drop_file(root, f"{number}.txt", b"1") for number in range(10)]
    follow()
    DriveChangeLog.objects.all().delete()
    for file_id in files:
        drive.delete(file_id)
    follow()
    assert sorted(log()) == sorted((file_id, "removed") for file_id in files)
    assert agrees(drive, root)


def test_a_place_of_very_many_that_goes_makes_us_read_anew(
    drive: DrivePeople, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gdrive.sync.LOOKED_AT_ONCE", 1)
    monkeypatch.setattr("gdrive.completing.LOOKED_AT_ONCE", 1)
    drive.delete(drive.file(root)["parents"][0])
    follow()
    assert not DriveFile.objects.in_reach().exists()


def test_a_reading_goes_on_where_the_time_slice_ended(
    drive: DrivePeople, lead: Lead, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = drive.drop_file(root, "gone.txt", b"1")
    drive.drop_file(drive.create_folder("Inner", root), "a.txt", b"1")
    follow()
    DriveChangeLog.objects.all().delete()
    drive.delete(gone)
    drive.move(root, drive.create_folder("Elsewhere"))
    drive.drop_file(root, "new.txt", b"1")
    DriveSyncState.objects.update(page_token=None)
    monkeypatch.setattr("gdrive.crawling.PARENTS_PER_LIST", 1)
    steps = Steps(monkeypatch)

    for fatal in range(5, 200):
        DriveSyncState.objects.request(DriveSyncState.objects.get(drive_id="").pk)
        if steps.run(follow, fatal):
            break
        let_leases_end(DriveSyncState)
        DriveSyncState.objects.update(attempts=0, dead_at=None, last_error="")
    follow()

    assert sorted(kind or "" for _, kind in log()) == ["created", "moved", "removed"]
    assert agrees(drive, root)
    assert DriveFolder.objects.alive().count() == 1


@pytest.mark.parametrize("anew", [False, True], ids=["by the feed", "read anew"])
def test_an_entity_below_another_one_that_goes_for_good_is_looked_at(
    drive: DrivePeople, root: str, provision: Provision, folder_id: FolderId, anew: bool
) -> None:
    """Its folder lay there, was taken out with the one between them, and we did not see it."""
    other = LeadFactory(title="Other")
    provision("lead", other.pk)
    between = drive.create_folder("Between", folder_id("lead", other.pk))
    drive.move(root, wrap := drive.create_folder("Wrap", between))
    drive.drop_file(root, "a.txt", b"1")
    follow()

    drive.move(between, drive.create_folder("Elsewhere"))
    drive.rename(wrap, "Wrapping")
    drive.delete(folder_id("lead", other.pk))
    if anew:
        DriveSyncState.objects.update(page_token=None)
    follow()

    assert agrees(drive, root)
    assert not DriveFile.objects.in_reach().filter(file_id=folder_id("lead", other.pk)).exists()
