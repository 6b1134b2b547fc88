"""The change feed: what happens in Drive is in the mirror and, once, in the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from crm.models import Lead
from gdrive import client, crawling, feed
from gdrive.models import DriveChangeLog, DriveFile, DriveFolderTree, DriveSyncState
from gdrive.tasks import poll_drives, sync_drive
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import CompanyFactory, LeadFactory
from tests.gdrive.dying import Steps
from tests.gdrive.following import log

pytestmark = pytest.mark.django_db(transaction=True)

FolderId = Callable[[str, object], str]
Provision = Callable[[str, object], DriveFolderTree]


def follow(*, times: int = 1) -> DriveSyncState:
    for _ in range(times):
        DriveSyncState.objects.request(feed.followed().pk)
        sync_drive(feed.followed().pk)
    state = feed.followed()
    assert state.last_error == ""
    return state


def check_mirror(drive: DrivePeople, folder_id: str) -> None:
    """The mirror below a folder is Drive's own, name by name."""

    def tree(parent: str) -> dict[str, object]:
        return {
            row.name: tree(row.file_id) if row.is_folder else None
            for row in DriveFile.objects.present().inside(parent)
        }

    assert tree(folder_id) == drive.tree(folder_id)


def test_our_own_folders_are_no_news(lead: Lead, drive: DrivePeople, root: str) -> None:
    follow(times=2)

    assert log() == []
    check_mirror(drive, root)


def test_a_file_dropped_into_a_folder_appears_once(drive: DrivePeople, root: str) -> None:
    inner = drive.create_folder("Fotos", root)
    file_id = drive.drop_file(inner, "a 'b'.jpg", b"12345", "image/jpeg")

    follow(times=3)

    assert sorted(log()) == sorted([(inner, "created"), (file_id, "created")])
    row = DriveFile.objects.get(file_id=file_id)
    assert (row.name, row.size, row.mime_type) == ("a 'b'.jpg", 5, "image/jpeg")
    assert row.parent_folder_id == inner
    assert row.web_view_link == drive.file(file_id)["webViewLink"]


def test_what_lies_outside_every_tree_is_none_of_our_business(
    drive: DrivePeople, root: str
) -> None:
    before = DriveFile.objects.count()
    drive.drop_file(drive.create_folder("Private"), "diary.txt", b"x")

    follow()

    assert DriveFile.objects.count() == before
    assert log() == []


def test_a_rename_a_move_and_new_content_are_told_apart(drive: DrivePeople, root: str) -> None:
    inner = drive.create_folder("Inner", root)
    file_id = drive.drop_file(root, "a.txt", b"1")
    follow()
    DriveChangeLog.objects.all().delete()

    drive.rename(file_id, "b.txt")
    follow()
    drive.move(file_id, inner)
    follow()
    drive._update(file_id, {"modifiedTime": "2030-01-01T00:00:00.000Z"})
    follow()
    drive.rename(file_id, "c.txt")
    drive.move(file_id, root)
    follow()

    assert log() == [
        (file_id, "renamed"),
        (file_id, "moved"),
        (file_id, "updated"),
        (file_id, "moved"),
        (file_id, "renamed"),
    ]
    check_mirror(drive, root)


def test_opening_a_file_is_no_change(drive: DrivePeople, root: str) -> None:
    file_id = drive.drop_file(root, "a.txt", b"1")
    follow()
    DriveChangeLog.objects.all().delete()

    drive._update(file_id, {"viewedByMeTime": "2030-01-01T00:00:00.000Z"})
    follow()

    assert log() == []


def test_a_trashed_folder_takes_its_inside_along_and_brings_it_back(
    drive: DrivePeople, root: str
) -> None:
    outer = drive.create_folder("Outer", root)
    inner = drive.create_folder("Inner", outer)
    file_id = drive.drop_file(inner, "a.txt", b"1")
    thrown = drive.drop_file(inner, "thrown.txt", b"1")
    drive.trash(thrown)
    follow()
    DriveChangeLog.objects.all().delete()

    drive.trash(outer)
    follow(times=2)
    assert log() == [(outer, "trashed")]
    trashed = DriveFile.objects.filter(trashed_at__isnull=False)
    assert {row.file_id for row in trashed} == {outer, inner, file_id, thrown}
    check_mirror(drive, root)

    drive.restore(outer)
    follow(times=2)
    assert log() == [(outer, "trashed"), (outer, "untrashed")]
    trashed = DriveFile.objects.filter(trashed_at__isnull=False)
    assert {row.file_id for row in trashed} == {thrown}
    check_mirror(drive, root)


def test_our_own_write_in_between_does_not_hide_that_a_folder_came_back(
    drive: DrivePeople, lead: Lead, root: str, provision: Provision
) -> None:
    drive.trash(root)
    follow()
    drive.restore(root)

    lead.title = "Renamed"
    lead.save()
    provision("lead", lead.pk)
    follow()

    assert (root, "untrashed") in log()
    check_mirror(drive, root)


def test_trashing_the_place_of_all_leads_hides_them_and_back(
    drive: DrivePeople, lead: Lead, root: str
) -> None:
    place = drive.file(root)["parents"][0]

    drive.trash(place)
    follow()
    assert not DriveFile.objects.present().exists()

    drive.restore(place)
    follow()
    check_mirror(drive, root)


def test_what_is_deleted_for_good_is_out_of_reach_and_not_deleted_by_us(
    drive: DrivePeople, root: str
) -> None:
    outer = drive.create_folder("Outer", root)
    file_id = drive.drop_file(drive.create_folder("Inner", outer), "a.txt", b"1")
    follow()
    DriveChangeLog.objects.all().delete()

    drive.delete(outer)
    follow(times=2)

    assert log() == [(outer, "removed")]
    row = DriveFile.objects.get(file_id=file_id)
    assert row.unavailable_at is not None
    assert row.deleted_at is None
    check_mirror(drive, root)


def test_a_folder_moved_in_from_outside_brings_all_it_holds(drive: DrivePeople, root: str) -> None:
    outside = drive.create_folder("Outside")
    drive.drop_file(drive.create_folder("Inner", outside), "a.txt", b"1")
    follow()

    drive.move(outside, root)
    follow(times=2)

    assert log() == [(outside, "moved")]
    check_mirror(drive, root)


def test_a_folder_moved_out_and_back_leaves_and_returns_with_what_changed(
    drive: DrivePeople, root: str
) -> None:
    outer = drive.create_folder("Outer", root)
    file_id = drive.drop_file(outer, "a.txt", b"1")
    follow()
    DriveChangeLog.objects.all().delete()

    drive.move(outer, drive.create_folder("Elsewhere"))
    follow()
    assert DriveFile.objects.get(file_id=file_id).unavailable_at is not None
    check_mirror(drive, root)

    drive.rename(file_id, "b.txt")
    drive.move(outer, root)
    follow(times=2)

    assert log()[:2] == [(outer, "moved"), (outer, "moved")]
    check_mirror(drive, root)


def test_a_lead_stays_in_reach_when_the_folder_it_lies_in_goes_elsewhere(
    drive: DrivePeople, provision: Provision, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="ACME", qualified_company=CompanyFactory(name="ACME SA"))
    provision("lead", lead.pk)
    provision("company", lead.qualified_company_id)
    lead_folder = folder_id("lead", lead.pk)
    follow()

    drive.move(drive.file(lead_folder)["parents"][0], drive.create_folder("Elsewhere"))
    file_id = drive.drop_file(lead_folder, "a.txt", b"1")
    follow()

    assert DriveFile.objects.present().filter(file_id=file_id).exists()
    check_mirror(drive, lead_folder)
    company = folder_id("company", lead.qualified_company_id)
    check_mirror(drive, company)


def test_a_push_is_named_in_the_log_and_only_in_that_of_its_sync(
    drive: DrivePeople, root: str
) -> None:
    push = {
        "channel_id": "c-1",
        "resource_id": "r-1",
        "resource_state": "change",
        "headers": {"X-Goog-Channel-Token": "***"},
    }
    DriveSyncState.objects.update(last_notification=push)
    drive.drop_file(root, "a.txt", b"1")
    follow()
    DriveSyncState.objects.update(last_notification=push)
    follow()
    drive.drop_file(root, "b.txt", b"1")
    follow()

    first, second = DriveChangeLog.objects.order_by("pk")
    assert (first.channel_id, first.resource_id, first.resource_state) == ("c-1", "r-1", "change")
    assert first.raw_headers == '{"X-Goog-Channel-Token": "***"}'
    assert second.channel_id is None
    assert second.raw_headers is None


def test_pages_are_followed_each_with_its_cursor(
    drive: DrivePeople, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_PAGE_SIZE", 3)
    outer = drive.create_folder("Outer", root)
    for number in range(8):
        drive.drop_file(outer, f"{number}.txt", b"1")

    follow()

    assert len(log()) == 9
    check_mirror(drive, root)


def test_a_cursor_drive_refuses_leads_to_reading_everything(drive: DrivePeople, root: str) -> None:
    gone = drive.drop_file(root, "gone.txt", b"1")
    kept = drive.drop_file(root, "kept.txt", b"1")
    follow()
    DriveChangeLog.objects.all().delete()
    DriveSyncState.objects.update(page_token="nonsense")
    drive.delete(gone)
    drive.rename(kept, "renamed.txt")
    new = drive.drop_file(drive.create_folder("New", root), "new.txt", b"1")

    state = follow()

    assert state.page_token is not None
    assert state.page_token.isdigit()
    assert {(gone, "removed"), (kept, "renamed"), (new, "created")} <= set(log())
    check_mirror(drive, root)
    follow()
    assert len(log()) == 4


def test_reading_everything_finds_what_a_person_moved_elsewhere(
    drive: DrivePeople, root: str
) -> None:
    drive.move(root, drive.create_folder("Elsewhere"))
    drive.drop_file(root, "a.txt", b"1")
    DriveSyncState.objects.update(page_token=None)

    follow()

    check_mirror(drive, root)


def test_a_shared_drive_is_followed_by_its_own_log(
    drive: DrivePeople, settings: Settings, provision: Provision, folder_id: FolderId
) -> None:
    settings.DRIVE_SHARED_DRIVE_ID = drive.create_drive("Sales")
    lead = LeadFactory()
    provision("lead", lead.pk)
    root_id = folder_id("lead", lead.pk)
    file_id = drive.drop_file(root_id, "a.txt", b"1")

    follow()

    assert log() == [(file_id, "created")]
    assert feed.followed().drive_id == settings.DRIVE_SHARED_DRIVE_ID
    assert DriveFile.objects.get(file_id=file_id).drive_id == settings.DRIVE_SHARED_DRIVE_ID


def test_a_drive_out_of_reach_is_given_up_with_a_reason(
    drive: DrivePeople, settings: Settings
) -> None:
    settings.DRIVE_SHARED_DRIVE_ID = "0AbsentDriveUkPVA"
    state = feed.followed()
    DriveSyncState.objects.filter(pk=state.pk).update(page_token="5")
    DriveSyncState.objects.request(state.pk)

    sync_drive(state.pk)

    state.refresh_from_db()
    assert state.dead_at is not None
    assert "shared drive" in state.last_error


def test_a_late_answer_does_not_undo_what_we_wrote(drive: DrivePeople, root: str) -> None:
    file_id = drive.drop_file(root, "a.txt", b"1")
    follow()
    DriveFile.objects.filter(file_id=file_id).update(name="ours.txt", version=1000)
    drive.rename(file_id, "late.txt")

    follow()

    assert DriveFile.objects.get(file_id=file_id).name == "ours.txt"


def test_a_file_in_a_folder_we_have_only_reserved_is_not_missed(
    drive: DrivePeople, root: str, lead: Lead
) -> None:
    inner = DriveFile.objects.inside(root).first()
    assert inner is not None
    inner.delete()
    file_id = drive.drop_file(inner.file_id, "early.txt", b"1")

    follow()

    assert DriveFile.objects.present().filter(file_id=file_id).exists()


def test_a_broken_answer_changes_nothing_and_is_tried_again(
    google: SandboxServer, drive: DrivePeople, root: str
) -> None:
    file_id = drive.drop_file(root, "a.txt", b"1")
    google.google.faults.plan({"method": "drive.changes.list", "kind": "truncated", "times": 99})
    DriveSyncState.objects.request(feed.followed().pk)
    sync_drive(feed.followed().pk)
    assert log() == []
    assert feed.followed().next_attempt_at is not None

    google.google.faults.clear()
    DriveSyncState.objects.update(next_attempt_at=None)
    sync_drive(feed.followed().pk)

    assert log() == [(file_id, "created")]


def test_f25_pages_of_changes_that_come_round_are_an_error_and_not_an_endless_loop(
    drive: DrivePeople, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow()
    asked: list[str] = []

    def round_and_round(page_token: str, *_: object) -> client.ChangePage:
        asked.append(page_token)
        return client.ChangePage([], "b" if page_token == "a" else "a", "")

    DriveSyncState.objects.request(feed.followed().pk)
    with monkeypatch.context() as patched:
        patched.setattr(client, "list_changes", round_and_round)
        sync_drive(feed.followed().pk)

    state = feed.followed()
    assert asked[1:] == ["a", "b"]
    assert "come round" in state.last_error
    assert state.next_attempt_at is not None
    assert state.applied < state.requested


def test_a_folder_of_many_pages_outlasts_no_lease(
    drive: DrivePeople, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        drive.drop_file(root, f"{number}", b"1")
    monkeypatch.setattr(client, "MAX_PAGE_SIZE", 2)
    signs: list[int] = []

    found = crawling.inside([root], "", lambda: signs.append(1))

    assert len(found) >= 7
    assert len(signs) == (len(found) - 1) // 2


def test_death_at_every_step_loses_and_doubles_nothing(
    drive: DrivePeople, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_PAGE_SIZE", 2)
    steps = Steps(monkeypatch)
    fatal, survived = 0, False
    while not survived:
        DriveChangeLog.objects.all().delete()
        outside = drive.create_folder(f"Outside {fatal}")
        drive.drop_file(outside, "inner.txt", b"1")
        follow()
        drive.move(outside, root)
        files = [drive.drop_file(root, f"{fatal}-{number}", b"1") for number in range(3)]
        DriveSyncState.objects.request(feed.followed().pk)
        fatal += 1

        survived = steps.run(lambda: sync_drive(feed.followed().pk), fatal)
        let_leases_end(DriveSyncState)
        sync_drive(feed.followed().pk)

        assert not DriveSyncState.objects.behind().exists()
        wanted = [(outside, "moved"), *((file_id, "created") for file_id in files)]
        assert sorted(log()) == sorted(wanted), f"died at step {fatal}"
        check_mirror(drive, root)
    assert fatal > 12


def test_a_drive_is_polled_when_it_is_due_and_only_then(drive: DrivePeople) -> None:
    poll_drives()
    poll_drives()
    assert feed.followed().requested == 1

    DriveSyncState.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
    poll_drives()
    assert feed.followed().requested == 2


def test_a_drive_given_up_on_googles_bad_day_is_tried_again_every_hour(
    drive: DrivePeople, root: str
) -> None:
    follow()
    file_id = drive.drop_file(root, "a.txt", b"1")
    DriveSyncState.objects.update(
        dead_at=timezone.now(),
        attempts=6,
        last_error="no answer",
        next_poll_at=timezone.now() - timedelta(seconds=1),
    )

    poll_drives()
    state = feed.followed()
    wait = state.next_poll_at - timezone.now()
    assert timedelta(minutes=44) < wait < timedelta(minutes=76)
    assert (state.dead_at, state.attempts) == (None, 0)
    sync_drive(state.pk)
    assert DriveFile.objects.filter(file_id=file_id).exists()

    DriveSyncState.objects.update(dead_at=timezone.now())
    asked = feed.followed().requested
    poll_drives()
    assert feed.followed().requested == asked
