"""Other names and other places for files and folders of an entity."""

from __future__ import annotations

from django.utils.translation import gettext as _

from gdrive import ancestry, client, own_writes, placeholders, refusals
from gdrive.models import DriveFile
from pipedesk.core.exceptions import Conflict, InvalidInput


def check_present(file: DriveFile) -> None:
    """Refuse what was deleted, here or in Drive. Raises Conflict."""
    if file.deleted_at is not None or file.trashed_at is not None:
        message = _("“%(name)s” is deleted: restore it first.") % {"name": file.name}
        raise Conflict(message, deleted_at=file.deleted_at or file.trashed_at)


def proper_name(text: str, field: str = "name") -> str:
    """The name Drive keeps as it is. Raises InvalidInput when nothing is left of it."""
    if not placeholders.one_line(text):
        raise InvalidInput(field, _("A name needs a character one can see."), "blank")
    return placeholders.safe_name(text)


def rename(file: DriveFile, name: str) -> DriveFile:
    """Give a file or folder another name, in Drive and here.

    A folder we made counts as renamed by a person from then on and keeps its name (see
    gdrive.provisioning). Raises Conflict, or what gdrive.refusals says.
    """
    check_present(file)
    with refusals.translated(file):
        return own_writes.store(client.update_file(file.file_id, name=name))


def move(file: DriveFile, target: DriveFile) -> DriveFile:
    """Put a file or folder into another folder of the same entity, in Drive and here.

    Raises InvalidInput when the target is no folder, Conflict when it is deleted, when it is
    or lies in the folder that is to be moved, and when somebody moved the file meanwhile.
    """
    check_present(file)
    if not target.is_folder:
        raise InvalidInput("destination_parent_id", _("This is not a folder."), "not_a_folder")
    check_present(target)
    if ancestry.path(file.file_id, target.file_id):
        raise Conflict(_("A folder cannot be put into itself."))
    if file.parent_folder_id == target.file_id:
        return file
    with refusals.translated(file):
        current = client.get_file(file.file_id)
    if current.trashed or current.parent_id != file.parent_folder_id:
        raise refusals.changed_meanwhile()
    with refusals.translated(file):
        moved = client.update_file(
            file.file_id, add_parent=target.file_id, remove_parent=current.parent_id
        )
    return own_writes.store(moved)
