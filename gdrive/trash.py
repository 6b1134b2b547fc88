"""Deleting and restoring: the trash in Drive, who and why here, both or neither.

The intention is written down first, then Drive is asked, then the rows here follow in one
transaction. So nothing is ever deleted here and living there, and who died in between is
remembered (see gdrive.acts).
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import acts, ancestry, belonging, client, crawling, own_writes, refusals
from gdrive.ancestry import Edge
from gdrive.layout import COMPANY_PLACES, place_key
from gdrive.models import DriveFile, DriveFileAct, DriveFolder, DriveFolderNode
from gdrive.parsing import RemoteFile
from pipedesk.core.chunks import chunks
from pipedesk.core.exceptions import Conflict
from pipedesk.core.work import Lease
from pipedesk.google.errors import NotFound

Verb = DriveFileAct.Verb


def delete(file: DriveFile, home: DriveFolder, *, by: str | None, reason: str | None) -> None:
    """Put a file or folder into the trash, here with who and why; what is there stays there.

    Raises Conflict for a folder in which other records' folders stand, and what
    gdrive.refusals says.
    """
    check_deletable(file)
    if not is_deleted(file):
        _do(file, act_on(file, home, Verb.TRASH, by=by, reason=reason))


def restore(file: DriveFile, home: DriveFolder, *, by: str | None) -> DriveFile:
    """Take a file or folder out of the trash, with all that went there with it.

    What was deleted for itself before stays deleted. Raises Conflict when a folder above is
    deleted, naming it.
    """
    if not is_deleted(file):
        return file
    check_folders_above(file, home)
    _check_parent_in_drive(file)
    _do(file, act_on(file, home, Verb.RESTORE, by=by))
    return DriveFile.objects.get(pk=file.pk)


def is_deleted(file: DriveFile) -> bool:
    """Whether people see it as deleted: by us, or in Drive's trash."""
    return file.deleted_at is not None or file.trashed_at is not None


def act_on(
    file: DriveFile, home: DriveFolder, verb: str, *, by: str | None, reason: str | None = None
) -> DriveFileAct:
    """The act, not yet begun."""
    return DriveFileAct(
        file_id=file.file_id,
        verb=verb,
        entity_type=home.entity_type,
        entity_id=home.entity_id,
        user_id=by,
        reason=reason,
    )


def check_deletable(file: DriveFile) -> None:
    """Refuse to take other records' folders along. Raises Conflict."""
    if not file.is_folder:
        return
    places = [place_key(entity_type) for entity_type in COMPANY_PLACES]
    if DriveFolderNode.objects.filter(google_id=file.file_id, path_key__in=places).exists():
        raise Conflict(_("Folders of other records stand in this one: it stays."))
    held = belonging.held_by(file.file_id)
    if held is not None:
        raise Conflict(
            _("The folder of another record lies in this one: move it out first."),
            entity_type=held.entity_type,
            entity_id=held.entity_id,
        )


def check_folders_above(file: DriveFile, home: DriveFolder) -> None:
    """Refuse to restore into the trash. Raises Conflict naming the folder above."""
    way = [crumb.file_id for crumb in ancestry.path(home.folder_id, file.file_id)][:-1]
    above = {row.file_id: row for row in DriveFile.objects.filter(file_id__in=way)}
    for folder in (above[file_id] for file_id in way):
        if is_deleted(folder):
            raise _above_is_deleted(folder.name, folder.file_id)


def _check_parent_in_drive(file: DriveFile) -> None:
    """The same, asked of Drive: the mirror may lag, and shows no folder around a record's."""
    parent = crawling.find(file.parent_folder_id) if file.parent_folder_id else None
    if parent is not None and parent.trashed:
        raise _above_is_deleted(parent.name, parent.file_id)


def _above_is_deleted(name: str, file_id: str) -> Conflict:
    message = _("It lies in “%(name)s”, which is deleted: restore that first.")
    return Conflict(message % {"name": name}, parent_id=file_id)


def _do(file: DriveFile, act: DriveFileAct) -> None:
    with acts.begun(act) as lease, refusals.translated(file):
        file.refresh_from_db()
        if is_deleted(file) == (act.verb == Verb.TRASH):  # somebody was faster
            acts.drop(lease)
        else:
            _write(lease, act, client.update_file(file.file_id, trashed=act.verb == Verb.TRASH))


@acts.settles(Verb.TRASH, Verb.RESTORE)
def settle(lease: Lease, act: DriveFileAct) -> None:
    """Write down an act that went through in Drive; drop one that did not.

    An ordered one is done first; what Drive refuses then is given up.
    """
    try:
        if act.ordered:
            remote = client.update_file(act.file_id, trashed=act.verb == Verb.TRASH)
        else:
            remote = client.get_file(act.file_id)
    except NotFound:
        remote = None
    if remote is not None and remote.explicitly_trashed == (act.verb == Verb.TRASH):
        _write(lease, act, remote)
        return
    with transaction.atomic():
        acts.drop(lease)
        for file in DriveFile.objects.filter(file_id=act.file_id, unavailable_at=None):
            if remote is None:
                own_writes.out_of_reach(file)


def _write(lease: Lease, act: DriveFileAct, remote: RemoteFile) -> None:
    """What Drive answered, and the marks here, in one transaction."""
    is_trash = act.verb == Verb.TRASH
    with transaction.atomic():
        name = {"file": (remote.name, None) if is_trash else (None, remote.name)}
        why = {"delete_reason": (None, act.reason)} if act.reason else {}
        action = "file_deleted" if is_trash else "file_restored"
        acts.end(lease, act, action, name | why)
        own_writes.store(remote)
        if is_trash:
            _mark(act)
        else:
            own_writes.unmark([remote.file_id])


def _mark(act: DriveFileAct) -> None:
    """Mark the file, and what goes with it: not what was deleted for itself before."""
    marks = {
        "deleted_at": timezone.now(),
        "deleted_by": act.user_id,
        "delete_reason": act.reason,
    }
    DriveFile.objects.filter(file_id=act.file_id).update(**marks, deleted_with="")
    for ids in chunks(ancestry.below([act.file_id], Edge.OWN_TRASH)):
        inside = DriveFile.objects.alive().filter(file_id__in=ids)
        inside.update(**marks, deleted_with=act.file_id)
