"""Deletes and restores ordered now and done by a job: for many files at once."""

from __future__ import annotations

from django.utils.translation import gettext as _

from gdrive import acts, belonging, trash
from gdrive.models import DriveFile, DriveFileAct, DriveFolder
from pipedesk.core.exceptions import Conflict

Verb = DriveFileAct.Verb


def delete(file: DriveFile, by: str) -> bool:
    """Order the file's way into the trash; False where it is there already.

    Raises Conflict for what cannot be deleted.
    """
    home = _home(file)
    if file.file_id == home.folder_id:
        raise Conflict(_("The record's own folder stays where it is."))
    trash.check_deletable(file)
    if trash.is_deleted(file):
        return False
    return _order(trash.act_on(file, home, Verb.TRASH, by=by))


def restore(file: DriveFile, by: str) -> bool:
    """Order the file's way out of the trash; False where it is out already.

    Raises Conflict below a folder that is deleted.
    """
    home = _home(file)
    if not trash.is_deleted(file):
        return False
    trash.check_folders_above(file, home)
    return _order(trash.act_on(file, home, Verb.RESTORE, by=by))


def _home(file: DriveFile) -> DriveFolder:
    home = belonging.home_of(file.file_id)
    if home is None or file.unavailable_at is not None:
        raise Conflict(_("This is out of reach: it lies in no record's folder."))
    return home


def _order(act: DriveFileAct) -> bool:
    if not acts.order(act):
        raise Conflict(_("Somebody else is changing this right now: try again."))
    return True
