"""Jobs; each takes primary keys."""

from __future__ import annotations

from gdrive import acts, feed, plan_work, provisioning, sync
from gdrive.models import DriveFileAct, DriveFolderTree, DriveSyncState, DriveTemplatePlan
from pipedesk.core.performing import perform


def provision_tree(pk: int) -> None:
    """Grow, rename or move one folder tree."""
    perform(DriveFolderTree, pk, provisioning.provision)


def sync_drive(pk: int) -> None:
    """Follow the changes of one drive."""
    perform(DriveSyncState, pk, sync.follow)


def work_on_plan(pk: int) -> None:
    """Compare records' folders with a template, or apply what was planned."""
    perform(DriveTemplatePlan, pk, plan_work.work)


def settle_file_act(pk: int) -> None:
    """Do an act on a file that was ordered, or find out what became of one left behind."""
    perform(DriveFileAct, pk, acts.settle)


def poll_drives() -> None:
    """Ask for a sync of every drive that was not looked at within its interval."""
    feed.poll()
