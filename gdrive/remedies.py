"""What a person asked to be done about folders of ours in Drive; the tree's job does it.

A request is a column of the folder's row, so it survives whoever dies, and is taken off the row
only when Drive shows that it is done. Nothing is ever deleted.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from gdrive import client, crawling, journal, layout
from gdrive.models import DriveFolder, DriveFolderNode, DriveFolderTree
from gdrive.parsing import RemoteFile
from pipedesk.audit.recording import record
from pipedesk.core.work import Lease

Remedy = DriveFolderNode.Remedy


def carry_out_all(lease: Lease, tree: DriveFolderTree) -> None:
    """Do what was asked for about the tree's folders, those above first."""
    for node in tree.nodes.exclude(remedy="").select_related("tree", "parent").order_by("pk"):
        carry_out(node, lease.write)


def carry_out(node: DriveFolderNode, keep_alive: Callable[[], None]) -> None:
    """Do what was asked for about one folder; it may have been done, or be needless, by now.

    `keep_alive` is called before each call to Google.
    """
    keep_alive()
    folder = crawling.find(node.google_id)
    if node.remedy == Remedy.RECREATE:
        if folder is None:
            recreate(node)
            return
    elif folder is not None:
        keep_alive()
        if node.remedy == Remedy.RESTORE and folder.explicitly_trashed:
            client.update_file(node.google_id, trashed=False)
        elif node.remedy == Remedy.MOVE_BACK:
            _move_back(node, folder)
    DriveFolderNode.objects.filter(pk=node.pk, remedy=node.remedy).update(remedy="")
    node.remedy = ""


def _move_back(node: DriveFolderNode, folder: RemoteFile) -> None:
    home = node.parent.google_id if node.parent else layout.root_folder_id()
    if folder.parent_id != home:
        client.update_file(node.google_id, add_parent=home, remove_parent=folder.parent_id)
    DriveFolderNode.objects.filter(pk=node.pk).update(kept_parent_id="")


def recreate(node: DriveFolderNode) -> None:
    """Give the place another reserved id; the old one stays in the record's history."""
    [google_id] = journal.obtain_ids(1)
    old_id = node.google_id
    with transaction.atomic():
        rows = DriveFolderNode.objects.filter(pk=node.pk, google_id=old_id)
        if not rows.update(
            google_id=google_id,
            state=DriveFolderNode.State.RESERVED,
            remedy="",
            adopted=False,
            kept_name="",
            kept_parent_id="",
        ):
            return  # somebody else did
        if node.tree is not None:
            record(
                "update", node.tree.entity_type, node.tree.entity_id,
                {f"drive_folder {node.path_key}": (old_id, google_id)},
            )  # fmt: skip
        for row in DriveFolder.objects.alive().filter(folder_id=old_id):
            row.soft_delete(by=None, reason="gone in Drive, made anew")
    node.google_id, node.state, node.remedy = google_id, DriveFolderNode.State.RESERVED, ""
