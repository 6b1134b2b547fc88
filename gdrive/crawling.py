"""Reading folders from Drive: what the change feed does not tell."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gdrive import client, query
from gdrive.models import DriveFolder, DriveFolderNode
from gdrive.parsing import RemoteFile
from pipedesk.google.errors import NotFound

PARENTS_PER_LIST = 25  # an address stays under 2,048 characters


def below(
    folder_ids: Collection[str], drive_id: str, keep_alive: Callable[[], None]
) -> list[RemoteFile]:
    """Everything below these folders, trashed or not; `keep_alive` is called before each call."""
    found: dict[str, RemoteFile] = {}
    waiting = list(folder_ids)
    while waiting:
        batch, waiting = waiting[:PARENTS_PER_LIST], waiting[PARENTS_PER_LIST:]
        keep_alive()
        for file in client.list_files(query.in_parents(batch), drive_id):
            if file.file_id not in found:
                found[file.file_id] = file
                if file.is_folder:
                    waiting.append(file.file_id)
    return list(found.values())


def everything(drive_id: str, keep_alive: Callable[[], None]) -> list[RemoteFile]:
    """Every entity's folder and all below it; what Drive does not show any more is missing."""
    places = DriveFolderNode.objects.filter(tree=None, state=DriveFolderNode.State.CREATED)
    roots = set(DriveFolder.objects.alive().values_list("folder_id", flat=True))
    shown = {
        file.file_id: file
        for file in _inside(list(places.values_list("google_id", flat=True)), drive_id, keep_alive)
        if file.file_id in roots
    }
    found = {file.file_id: file for file in below(list(shown), drive_id, keep_alive)} | shown
    for root_id in roots - found.keys():  # somebody put them elsewhere, or deleted them
        keep_alive()
        try:
            found[root_id] = client.get_file(root_id)
        except NotFound:
            continue
        found |= {file.file_id: file for file in below([root_id], drive_id, keep_alive)}
    return list(found.values())


def _inside(
    folder_ids: list[str], drive_id: str, keep_alive: Callable[[], None]
) -> list[RemoteFile]:
    if not folder_ids:
        return []
    keep_alive()
    return client.list_files(query.in_parents(folder_ids), drive_id)
