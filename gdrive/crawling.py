"""What the change feed does not tell and Drive has to be asked for."""

from __future__ import annotations

from collections.abc import Collection

from gdrive import client, query
from gdrive.client import KeepAlive
from gdrive.parsing import Change, RemoteFile
from pipedesk.google.errors import NotFound

PARENTS_PER_LIST = 25  # an address stays under 2,048 characters


def below(folder_ids: Collection[str], drive_id: str, keep_alive: KeepAlive) -> list[RemoteFile]:
    """Everything below these folders, trashed or not; `keep_alive` is called before each call."""
    found: dict[str, RemoteFile] = {}
    waiting = list(folder_ids)
    while waiting:
        batch, waiting = waiting[:PARENTS_PER_LIST], waiting[PARENTS_PER_LIST:]
        keep_alive()
        for file in inside(batch, drive_id, keep_alive):
            if file.file_id not in found:
                found[file.file_id] = file
                if file.is_folder:
                    waiting.append(file.file_id)
    return list(found.values())


def inside(folder_ids: Collection[str], drive_id: str, keep_alive: KeepAlive) -> list[RemoteFile]:
    """What lies directly in these folders. In one that is gone lies nothing.

    `keep_alive` is called between two calls: a folder may have hundreds of pages.

    Drive refuses the whole list when one of its folders does not exist.
    """
    if not folder_ids:
        return []
    try:
        return client.list_files(query.in_parents(folder_ids), drive_id, keep_alive)
    except NotFound:
        if len(folder_ids) == 1:
            return []
        found: list[RemoteFile] = []
        for each in folder_ids:
            keep_alive()
            found += inside([each], drive_id, keep_alive)
        return found


def look(file_ids: Collection[str], keep_alive: KeepAlive) -> list[Change]:
    """These files as Drive shows them this moment, whatever its lists and feeds say."""
    changes = []
    for file_id in file_ids:
        keep_alive()
        changes.append(Change(file_id, find(file_id)))
    return changes


def find(file_id: str) -> RemoteFile | None:
    """The file, or None for one that is gone or out of our sight."""
    try:
        return client.get_file(file_id)
    except NotFound:
        return None
