"""Compare the journal of folder trees with Drive: what is only here, only there, or differs.

Trees are read a few dozen at a time, by our marks and by listing what lies below, so memory
stays the same however many there are. A list may lag behind Drive: whatever looks wrong is
asked for by its id before it counts. Nothing is written here; gdrive.repair does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from gdrive import ancestry, client, crawling, entities, layout, marking
from gdrive.marking import Marked
from gdrive.models import DriveFile, DriveFolder, DriveFolderNode, DriveFolderTree
from gdrive.parsing import RemoteFile

TREES_AT_ONCE = 50


class Kind(models.TextChoices):
    """What can be wrong with a folder of ours."""

    STUCK = "stuck", _("Not finished")
    GONE = "gone", _("Gone in Drive, or out of our sight")
    TRASHED = "trashed", _("In the trash")
    RENAMED = "renamed", _("Renamed by a person")
    MOVED = "moved", _("Moved by a person")
    DOUBLED = "doubled", _("Marked as ours twice")
    UNKNOWN = "unknown", _("Ours by its marks, but unknown here")
    BEHIND = "behind", _("The mirror is behind")


@dataclass(frozen=True)
class Finding:
    """One difference. `node` is the row it is about, `folder_id` what is in Drive, `now` how it
    is called or where it lies there. Without an entity it is about a place of many.
    """

    kind: Kind
    entity_type: str = ""
    entity_id: str = ""
    folder_id: str = ""
    name: str = ""
    now: str = ""
    node: DriveFolderNode | None = field(default=None, compare=False, repr=False)
    tree: DriveFolderTree | None = field(default=None, compare=False, repr=False)

    def as_row(self) -> dict[str, str]:
        """Plain values, for reports."""
        return {
            "kind": self.kind.value,
            "entity_type": self.entity_type,
            "entity_id": self.entity_id,
            "folder_id": self.folder_id,
            "name": self.name,
            "now": self.now,
        }


@dataclass(frozen=True)
class Shown:
    """A folder as somebody sees it: Drive, or the mirror."""

    name: str
    parent_id: str
    trashed: bool


def difference(node: DriveFolderNode, shown: Shown | None, home_id: str) -> list[tuple[Kind, str]]:
    """What differs between a folder's row and what is shown of it; `home_id`: where it belongs."""
    if shown is None:
        return [(Kind.GONE, "")]
    found = []
    if shown.trashed:
        found.append((Kind.TRASHED, ""))
    if shown.name not in {node.name, node.writing_name, node.kept_name}:
        found.append((Kind.RENAMED, shown.name))
    if shown.parent_id not in {home_id, node.kept_parent_id or home_id}:
        found.append((Kind.MOVED, shown.parent_id))
    return found


def places() -> Iterator[Finding]:
    """What is wrong with the places below the root that hold many records' folders."""
    nodes = DriveFolderNode.objects.shared().created()
    root_id = client.get_file(layout.root_folder_id()).file_id
    for node in nodes:
        shown = _shown(crawling.find(node.google_id))
        for kind, now in difference(node, shown, root_id):
            yield Finding(kind, "", "", node.google_id, node.name, now, node)


def chunks_of_trees(pks: Sequence[int] | None = None) -> Iterator[list[DriveFolderTree]]:
    """The trees of records that are not deleted, in pieces; None: all."""
    rows = DriveFolderTree.objects.order_by("pk")
    if pks is not None:
        rows = rows.filter(pk__in=pks)
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:TREES_AT_ONCE]):
        last = chunk[-1].pk
        yield _of_living(chunk)


def of_trees(trees: Sequence[DriveFolderTree]) -> Iterator[Finding]:
    """What is wrong with these trees."""
    yield from (_about(tree, Kind.STUCK, tree.last_error) for tree in trees if tree.dead_at)
    nodes = list(DriveFolderNode.objects.filter(tree__in=trees).select_related("tree", "parent"))
    resting = {tree.pk for tree in trees if not tree.dead_at and tree.requested == tree.applied}
    reserved = {node.tree_id for node in nodes if node.state == node.State.RESERVED}
    yield from (_about(tree, Kind.STUCK) for tree in trees if tree.pk in resting & reserved)
    created = [node for node in nodes if node.state == node.State.CREATED]
    drive_id = settings.DRIVE_SHARED_DRIVE_ID
    marked = list(marking.of_records([tree.entity_id for tree in trees], drive_id))
    there = {each.file.file_id: each.file for each in marked}
    roots = [node.google_id for node in created if node.path_key == layout.ROOT_KEY]
    below = {file.file_id: file for file in crawling.below(roots, drive_id, _nothing)}
    there |= below
    for node in created:
        yield from _of_node(node, there.get(node.google_id))
    yield from _doubled(trees, marked)
    yield from _behind(trees, nodes, below)


def unknown_roots() -> Iterator[Finding]:
    """Records' own folders, by their marks, of records that have no tree here."""
    batch: list[Marked] = []
    for each in marking.of_place(layout.ROOT_KEY, settings.DRIVE_SHARED_DRIVE_ID):
        batch.append(each)
        if len(batch) == client.MAX_PAGE_SIZE:
            yield from _unknown(batch)
            batch = []
    yield from _unknown(batch)


def from_mirror(tree: DriveFolderTree) -> list[Finding]:
    """What is wrong with a tree as far as the mirror knows; asks nobody."""
    nodes = list(tree.nodes.created().select_related("tree", "parent"))
    rows = DriveFile.objects.filter(file_id__in=[node.google_id for node in nodes])
    stored = {row.file_id: row for row in rows}
    found = [_about(tree, Kind.STUCK, tree.last_error)] if tree.dead_at else []
    for node in nodes:
        row = stored.get(node.google_id)
        if row is None:
            continue  # no news from the feed yet
        moved_out = row.unavailable_at and node.parent and row.parent_folder_id
        is_gone = row.unavailable_at is not None and not (
            moved_out and row.parent_folder_id != (node.parent and node.parent.google_id)
        )
        shown = Shown(row.name, row.parent_folder_id or "", row.explicitly_trashed)
        found += _findings(node, None if is_gone else shown)
    return found


def _of_living(trees: list[DriveFolderTree]) -> list[DriveFolderTree]:
    alive: set[tuple[str, str]] = set()
    for entity_type, (model, _read) in entities.READERS.items():
        ids = [tree.entity_id for tree in trees if tree.entity_type == entity_type]
        rows = entities.living(model).filter(pk__in=ids).values_list("pk", flat=True)
        alive |= {(entity_type, str(pk)) for pk in rows}
    return [tree for tree in trees if (tree.entity_type, tree.entity_id) in alive]


def _of_node(node: DriveFolderNode, file: RemoteFile | None) -> list[Finding]:
    found = _findings(node, _shown(file))
    return _findings(node, _shown(crawling.find(node.google_id))) if found else []


def _findings(node: DriveFolderNode, shown: Shown | None) -> list[Finding]:
    home_id = node.parent.google_id if node.parent else ""
    tree = node.tree
    assert tree is not None  # noqa: S101  (a folder of a tree)
    return [
        Finding(kind, tree.entity_type, tree.entity_id, node.google_id, node.name, now, node, tree)
        for kind, now in difference(node, shown, home_id)
    ]


def _shown(file: RemoteFile | None) -> Shown | None:
    return Shown(file.name, file.parent_id, file.explicitly_trashed) if file else None


def _about(tree: DriveFolderTree, kind: Kind, now: str = "") -> Finding:
    return Finding(kind, tree.entity_type, tree.entity_id, now=now, tree=tree)


def _doubled(trees: Sequence[DriveFolderTree], marked: Sequence[Marked]) -> Iterator[Finding]:
    """Folders with the marks of a place that another folder has."""
    asked = {(tree.entity_type, tree.entity_id): tree for tree in trees}
    ids = [each.file.file_id for each in marked]
    ours = set(
        DriveFolderNode.objects.filter(google_id__in=ids).values_list("google_id", flat=True)
    )
    planned = set(DriveFolderNode.objects.filter(tree__in=trees).values_list("tree_id", flat=True))
    for each in marked:
        tree = asked.get((each.entity_type, each.entity_id))
        if tree is None or tree.pk not in planned or each.file.file_id in ours or each.file.trashed:
            continue
        now = each.file.web_view_link or ""
        yield Finding(
            Kind.DOUBLED,
            each.entity_type,
            each.entity_id,
            each.file.file_id,
            each.file.name,
            now,
            tree=tree,
        )


def _behind(
    trees: Sequence[DriveFolderTree], nodes: Sequence[DriveFolderNode], below: dict[str, RemoteFile]
) -> Iterator[Finding]:
    """Trees of which the mirror shows something else than Drive does."""
    roots = {node.google_id: node.tree for node in nodes if node.path_key == layout.ROOT_KEY}
    known = DriveFile.objects.in_reach()
    ids = {*below, *ancestry.below(list(roots), ancestry.Edge.NONE)}
    stored = {row.file_id: row for row in known.filter(file_id__in=ids)}
    differing = {file_id for file_id in ids if not _same(stored.get(file_id), below.get(file_id))}
    above = {file_id: file.parent_id for file_id, file in below.items()}
    above |= {
        file_id: row.parent_folder_id or ""
        for file_id, row in stored.items()
        if file_id not in above
    }
    counts: dict[int, int] = {}
    for file_id in differing:
        seen, current = set[str](), file_id
        while current and current not in roots and current not in seen:
            seen.add(current)
            current = above.get(current, "")
        tree = roots.get(current)
        if tree is not None:
            counts[tree.pk] = counts.get(tree.pk, 0) + 1
    yield from (
        _about(tree, Kind.BEHIND, str(counts[tree.pk])) for tree in trees if tree.pk in counts
    )


def _same(row: DriveFile | None, file: RemoteFile | None) -> bool:
    if row is None or file is None:
        return row is None and file is None
    return (row.name, row.parent_folder_id, row.trashed_at is not None) == (
        file.name,
        file.parent_id,
        file.trashed,
    )


def _unknown(batch: Sequence[Marked]) -> Iterator[Finding]:
    ids = [each.file.file_id for each in batch]
    ours = set(
        DriveFolderNode.objects.filter(google_id__in=ids).values_list("google_id", flat=True)
    )
    ours |= set(DriveFolder.objects.filter(folder_id__in=ids).values_list("folder_id", flat=True))
    for each in batch:
        if each.file.file_id in ours or each.file.trashed:
            continue
        trees = DriveFolderTree.objects.of(each.entity_type, each.entity_id)
        if trees.filter(nodes__path_key=layout.ROOT_KEY).exists():
            continue  # doubled: told with its tree
        if entities.exists(each.entity_type, each.entity_id):
            file = each.file
            yield Finding(Kind.UNKNOWN, each.entity_type, each.entity_id, file.file_id, file.name)


def _nothing() -> None:
    """No lease to keep alive: reading only."""
