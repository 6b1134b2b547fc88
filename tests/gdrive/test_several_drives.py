"""Own drive and shared drives, each with its cursor: what goes between them is one change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from crm.models import Lead
from gdrive import feed
from gdrive.models import DriveChangeLog, DriveFile, DriveFolderTree, DriveSyncState
from gdrive.tasks import poll_drives, sync_drive
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import LeadFactory
from tests.gdrive.dying import Steps
from tests.gdrive.following import agrees, follow, log

pytestmark = pytest.mark.django_db(transaction=True)

FolderId = Callable[[str, object], str]
Provision = Callable[[str, object], DriveFolderTree]


@pytest.fixture(params=[True, False], ids=["file comes along", "bare removal"])
def departures(request: pytest.FixtureRequest, google: SandboxServer) -> None:
    """Google may or may not show the file with the entry that says it left the drive."""
    google.google.changes.shows_departed = request.param


@pytest.fixture
def shared(drive: DrivePeople, google: SandboxServer) -> str:
    """Somebody else's shared drive, which our account is a member of."""
    bob = drive.as_user("bob@pipedesk.example")
    drive_id = bob.create_drive("Sales")
    bob.admit(drive_id, drive.user)
    return drive_id


def test_d56_a_move_into_a_shared_drive_is_a_move_and_not_a_deletion(
    departures: None, drive: DrivePeople, root: str, shared: str
) -> None:
    inner = drive.create_folder("Inner", root)
    file_id = drive.drop_file(inner, "a.txt", b"1")
    follow()
    DriveChangeLog.objects.all().delete()

    drive.move(root, shared)
    follow()

    assert log() == [(root, "moved")]
    assert agrees(drive, root)
    assert DriveFile.objects.get(file_id=file_id).drive_id == shared
    assert DriveSyncState.objects.filter(drive_id=shared).exists()

    drive.rename(file_id, "b.txt")
    follow()
    assert log()[1:] == [(file_id, "renamed")]
    assert DriveChangeLog.objects.latest("pk").details == {"name": ["a.txt", "b.txt"]}


def test_a_folder_that_goes_to_a_shared_drive_and_back_is_two_moves(
    departures: None, drive: DrivePeople, root: str, shared: str
) -> None:
    home = drive.file(root)["parents"][0]
    drive.move(root, shared)
    follow()
    drive.move(root, home)
    drive.drop_file(root, "late.txt", b"1")
    follow()

    assert [kind for _, kind in log()] == ["moved", "moved", "created"]
    assert agrees(drive, root)


def test_a_file_moved_out_of_a_tree_into_a_drive_nobody_follows_leaves(
    departures: None, drive: DrivePeople, root: str, shared: str
) -> None:
    file_id = drive.drop_file(root, "a.txt", b"1")
    follow()
    drive.move(file_id, shared)
    follow()

    assert log() == [(file_id, "created"), (file_id, "moved")]
    assert DriveFile.objects.get(file_id=file_id).unavailable_at is not None
    assert not DriveSyncState.objects.filter(drive_id=shared).exists()


def test_d56_what_is_removed_is_unavailable_and_deleted_by_nobody(
    drive: DrivePeople, root: str
) -> None:
    bob = drive.as_user("bob@pipedesk.example")
    file_id = drive.drop_file(root, "a.txt", b"1")
    follow()
    drive.delete(file_id)
    follow()

    row = DriveFile.objects.get(file_id=file_id)
    assert (row.unavailable_at is not None, row.deleted_at, row.deleted_by) == (True, None, None)
    assert log()[-1] == (file_id, "removed")
    assert bob.user != drive.user


def test_d57_a_shared_drive_is_asked_for_its_own_changes(
    google: SandboxServer, drive: DrivePeople, settings: Settings, shared: str,
    provision: Provision, folder_id: FolderId,
) -> None:  # fmt: skip
    settings.DRIVE_SHARED_DRIVE_ID = shared
    lead = LeadFactory()
    provision("lead", lead.pk)
    root = folder_id("lead", lead.pk)
    file_id = drive.drop_file(root, "a.txt", b"1")
    follow()

    cursors = dict(DriveSyncState.objects.values_list("drive_id", "page_token"))
    assert set(cursors) == {"", shared}
    assert log() == [(file_id, "created")]
    assert agrees(drive, root)


def test_a_listing_is_as_old_as_its_own_drive(
    drive: DrivePeople, lead: Lead, root: str, shared: str
) -> None:
    drive.move(root, shared)
    follow()
    moment = timezone.now() - timedelta(hours=3)
    DriveSyncState.objects.filter(drive_id=shared).update(as_of=moment)

    assert feed.as_of(root) == moment
    assert feed.as_of() != moment


def test_a_lost_shared_drive_is_given_up_with_a_reason_and_comes_back(
    drive: DrivePeople, root: str, shared: str
) -> None:
    bob = drive.as_user("bob@pipedesk.example")
    drive.drop_file(root, "a.txt", b"1")
    drive.move(root, shared)
    follow()
    DriveChangeLog.objects.all().delete()
    state = DriveSyncState.objects.get(drive_id=shared)

    bob.dismiss(shared, drive.user)
    DriveSyncState.objects.request(state.pk)
    sync_drive(state.pk)
    state.refresh_from_db()
    assert state.dead_at is not None
    assert "not shared with us" in state.last_error
    assert not DriveFile.objects.in_reach().filter(drive_id=shared).exists()
    assert log() == [(shared, "removed")]

    poll_drives()
    assert not DriveSyncState.objects.behind().filter(pk=state.pk).exists()  # within the hour

    bob.admit(shared, drive.user)
    bob.drop_file(root, "b.txt", b"1")
    DriveSyncState.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
    poll_drives()
    follow()
    assert agrees(drive, root)
    state.refresh_from_db()
    assert (state.dead_at, state.lost_at, state.last_error) == (None, None, "")


def test_two_drives_that_tell_the_same_leave_one_line(
    drive: DrivePeople, root: str, shared: str
) -> None:
    drive.move(root, shared)
    follow()
    DriveChangeLog.objects.all().delete()

    file_id = drive.drop_file(root, "a.txt", b"1")
    follow()
    follow()

    assert log() == [(file_id, "created")]


def test_death_at_every_step_of_a_move_between_drives(
    drive: DrivePeople, root: str, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = drive.file(root)["parents"][0]
    steps = Steps(monkeypatch)
    fatal, survived = 0, False
    while not survived:
        drive.move(root, home if drive.file(root).get("driveId") else shared)
        feed.follow_all()
        DriveSyncState.objects.request(feed.followed().pk)
        fatal += 1
        survived = steps.run(follow, fatal)
        let_leases_end(DriveSyncState)
        follow()
        assert log()[-1] == (root, "moved"), f"died at step {fatal}"
        assert len(log()) == fatal
        assert agrees(drive, root)
    assert fatal > 10
