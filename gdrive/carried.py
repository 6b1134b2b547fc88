"""Folder trees of records that were merged: rows change here, the trees' jobs do Google's part.

Where only the record that went has folders, its tree becomes the kept one's. Where both have,
the tree stays that of the merged record, and its root moves into the kept one's (see
gdrive.provisioning): where a merged record stands follows from its row alone, so taking the
merge back is asking for the tree once more.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F

from gdrive import journal, layout
from gdrive.models import DriveFolder, DriveFolderNode, DriveFolderTree

APP = "gdrive"


def carry(entity_type: str, kept_id: str, merged_id: str, notes: dict[str, Any]) -> None:
    """React to a merge, inside its transaction."""
    trees = DriveFolderTree.objects
    if not trees.of(entity_type, merged_id).exists():
        return
    trees.wanted(entity_type, kept_id)
    kept, merged = _locked(entity_type, kept_id, merged_id)
    if _has_folder(merged) and not _has_folder(kept):
        _exchange(kept, merged)
        notes[APP] = {"exchanged": True}
    for tree in (kept, merged):
        if tree.requested:
            trees.request(tree.pk)


def bring_back(entity_type: str, kept_id: str, merged_id: str, notes: dict[str, Any]) -> None:
    """React to the undo of a merge, inside its transaction."""
    trees = DriveFolderTree.objects
    if not trees.of(entity_type, merged_id).exists():
        return
    trees.wanted(entity_type, kept_id)
    kept, merged = _locked(entity_type, kept_id, merged_id)
    if notes.get(APP, {}).get("exchanged"):
        _exchange(merged, kept)
    for tree in (kept, merged):
        if tree.requested:
            trees.request(tree.pk)


def settle(tree: DriveFolderTree) -> None:
    """Let the customer's table name the record whose tree this is now, whoever wrote it."""
    root = DriveFolderNode.objects.filter(tree=tree, path_key=layout.ROOT_KEY)
    DriveFolder.objects.filter(folder_id__in=root.values("google_id")).exclude(
        entity_id=tree.entity_id
    ).update(entity_id=tree.entity_id)


def _locked(
    entity_type: str, kept_id: str, merged_id: str
) -> tuple[DriveFolderTree, DriveFolderTree]:
    rows = DriveFolderTree.objects.filter(
        entity_type=entity_type, entity_id__in=[kept_id, merged_id]
    )
    by_id = {row.entity_id: row for row in rows.order_by("pk").select_for_update(no_key=True)}
    return by_id[kept_id], by_id[merged_id]


def _has_folder(tree: DriveFolderTree) -> bool:
    folders = DriveFolder.objects.alive().of(tree.entity_type, tree.entity_id)
    return journal.is_planned(tree) or folders.exists()


def _exchange(empty: DriveFolderTree, full: DriveFolderTree) -> None:
    """Give each of two trees to the other's record; who works on one of them must stop."""
    rows = DriveFolderTree.objects
    empty_id, full_id = empty.entity_id, full.entity_id
    fenced = {"lease_gen": F("lease_gen") + 1, "lease_until": None}
    # In three steps: a record never has two trees.
    rows.filter(pk=empty.pk).update(entity_id=f"exchange-{empty.pk}", **fenced)
    rows.filter(pk=full.pk).update(entity_id=empty_id, **fenced)
    rows.filter(pk=empty.pk).update(entity_id=full_id)
    folders = DriveFolder.objects.of(full.entity_type, full_id)
    folders.update(entity_id=empty_id)
