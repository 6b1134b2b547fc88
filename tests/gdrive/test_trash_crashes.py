"""A process killed at any step of a delete or restore: both sides agree afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gdrive import trash
from gdrive.belonging import home_of
from gdrive.models import DriveFile, DriveFileAct, DriveStructureNode
from gdrive.tasks import settle_file_act
from pipedesk.core.tasks import sweep
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import LeadFactory
from tests.gdrive.desk import Desk
from tests.gdrive.dying import Steps
from tests.gdrive.following import follow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


@pytest.fixture
def small_desk(
    drive: DrivePeople,
    provision: Callable[[str, object], object],
    folder_id: Callable[[str, object], str],
) -> Desk:
    DriveStructureNode.objects.all().delete()
    lead = LeadFactory()
    provision("lead", lead.pk)
    return Desk(drive, lead, folder_id("lead", lead.pk))


def delete(desk: Desk) -> None:
    home = home_of(desk.folder)
    assert home
    trash.delete(desk.row(desk.folder), home, by="ana", reason="old")


def restore(desk: Desk) -> None:
    home = home_of(desk.folder)
    assert home
    trash.restore(desk.row(desk.folder), home, by="ana")


def clear_up(*, looked_first: bool) -> None:
    """What the sweeper, the workers and the feed do within two minutes, in either order."""
    let_leases_end(DriveFileAct)
    if looked_first:
        follow()
    sweep()
    for pk in list(DriveFileAct.objects.values_list("pk", flat=True)):
        settle_file_act(pk)
    follow()


def both_sides_agree(desk: Desk, fatal: int) -> bool:
    """Whether it is deleted; who and why is known, and nothing is left over."""
    assert not DriveFileAct.objects.exists()
    is_trashed = bool(desk.drive.file(desk.folder)["trashed"])
    whole = [desk.folder, desk.inner, desk.deep]
    for row in DriveFile.objects.filter(file_id__in=whole):
        assert (row.trashed_at is not None) == is_trashed, f"died at step {fatal}"
        assert row.deleted_by == ("ana" if is_trashed else None), f"died at step {fatal}"
        assert row.delete_reason == ("old" if is_trashed else None)
        took = desk.folder if is_trashed and row.file_id != desk.folder else ""
        assert row.deleted_with == took
    assert DriveFile.objects.filter(explicitly_trashed=True).count() == is_trashed
    return is_trashed


@pytest.mark.parametrize("looked_first", [False, True])
def test_a_delete_and_a_restore_survive_death_at_every_step(
    sandbox: SandboxServer,
    small_desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    looked_first: bool,
) -> None:
    steps = Steps(monkeypatch)
    outcomes = set()
    for deed, undo, is_done in ((delete, restore, True), (restore, delete, False)):
        fatal, survived = 0, False
        while not survived:
            fatal += 1
            survived = steps.run(lambda deed=deed: deed(small_desk), fatal)
            clear_up(looked_first=looked_first)
            done = both_sides_agree(small_desk, fatal) == is_done
            outcomes.add((survived, done))
            if done and not survived:
                undo(small_desk)
        assert fatal > 7
        assert both_sides_agree(small_desk, fatal) == is_done
    # Some died too early, some late enough, and who lived did it.
    assert outcomes == {(False, False), (False, True), (True, True)}


def test_the_settling_itself_survives_death_at_every_step(
    sandbox: SandboxServer, small_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipedesk.google.service.PATIENCE_S", 0)
    steps = Steps(monkeypatch)
    fatal, survived = 0, False
    while not survived:
        fatal += 1
        sandbox.google.faults.plan(
            {"method": "files.update", "kind": "reset_after_commit", "times": 99}
        )
        with pytest.raises(Exception, match="did not answer"):
            delete(small_desk)
        sandbox.google.faults.clear()
        [pk] = DriveFileAct.objects.values_list("pk", flat=True)

        survived = steps.run(lambda pk=pk: settle_file_act(pk), fatal)
        clear_up(looked_first=False)

        assert both_sides_agree(small_desk, fatal)
        restore(small_desk)
    assert fatal > 5
