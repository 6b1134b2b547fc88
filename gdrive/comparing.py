"""One record's folders beside a template: what would change, and what is left and why. Pure.

Folders are matched by identity: the template's row id, whatever it is called now; only then by
name. What a person renamed, moved or threw away is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gdrive import journal, layout, placeholders
from gdrive.models import (
    DriveFile,
    DriveFolderNode,
    DriveStructureNode,
    DriveTemplatePlanItem,
)

Action: TypeAlias = DriveTemplatePlanItem.Action
Reason: TypeAlias = DriveTemplatePlanItem.Reason
Folder: TypeAlias = DriveFolderNode


@dataclass(frozen=True)
class Wanted:
    """A template's folders, parents first, each with the key it has in a new tree."""

    nodes: list[DriveStructureNode]
    keys: dict[int, str]

    @classmethod
    def of(cls, entity_type: str, rows: list[DriveStructureNode]) -> Wanted:
        """The rows of a template, given in their order."""
        inside: dict[int | None, list[DriveStructureNode]] = {}
        for row in rows:
            inside.setdefault(row.parent_id, []).append(row)
        ordered, level = [], inside.get(None, [])
        while level:
            ordered += level
            level = [child for node in level for child in inside.get(node.pk, [])]
        return cls(ordered, journal.keys_of(entity_type, rows))


@dataclass
class Comparison:
    """A record's tree (its journal rows, and the mirror by Google's id) beside a template."""

    wanted: Wanted
    folders: list[Folder]
    mirror: Mapping[str, DriveFile]
    values: Mapping[str, str]
    is_repair: bool = False
    unchanged: int = 0
    by_key: dict[str, Folder] = field(init=False)
    by_id: dict[int, Folder] = field(init=False)
    matched: dict[int, Folder] = field(init=False)

    def __post_init__(self) -> None:
        """Match the template's folders with those of the tree."""
        self.by_key = {folder.path_key: folder for folder in self.folders}
        self.by_id = {folder.pk: folder for folder in self.folders}
        self.matched = _match(self)

    def rendered(self, node: DriveStructureNode) -> str:
        """The name of a template's folder for this record."""
        return placeholders.render(node.name, self.values)

    def target_key(self, node: DriveStructureNode) -> str:
        """The place of the folder in which a template's folder belongs."""
        return layout.ROOT_KEY if node.parent_id is None else self.place_key(node.parent_id)

    def place_key(self, pk: int) -> str:
        """The place of a template's folder in this tree, made or to be made."""
        if pk in self.matched:
            return self.matched[pk].path_key
        key = self.wanted.keys[pk]
        return f"template:{pk}" if key in self.by_key else key

    def fate(self, folder: Folder) -> Reason | None:
        """Why the folder cannot be changed: GONE, TRASHED, WAITING; None where it can."""
        if folder.state == Folder.State.RESERVED:
            return Reason.WAITING
        row = self.mirror.get(folder.google_id)
        if row is None or row.unavailable_at:
            return Reason.GONE
        return Reason.TRASHED if row.trashed_at or row.deleted_at else None


def compare(tree: Comparison) -> Iterator[DriveTemplatePlanItem]:
    """What applying the template does to this tree, in the order it can be done."""
    root = tree.by_key[layout.ROOT_KEY]
    if fate := tree.fate(root):
        yield item(Action.SKIP, root, fate)
        return
    for node in tree.wanted.nodes:
        folder = tree.matched.get(node.pk)
        found = list(_new(tree, node) if folder is None else _known(tree, node, folder))
        tree.unchanged += not found
        yield from found
    claimed = {folder.pk for folder in tree.matched.values()}
    for folder in tree.folders:
        is_ours = folder.path_key.startswith("template:")
        if is_ours and folder.pk not in claimed and not tree.fate(folder):
            yield item(Action.SKIP, folder, Reason.LEFT)


def item(
    action: Action, folder: Folder, reason: Reason, to: str = "", **columns: Any
) -> DriveTemplatePlanItem:
    """An item about a folder that exists."""
    return DriveTemplatePlanItem(
        action=action,
        reason=reason,
        path_key=folder.path_key,
        from_text=columns.pop("from_text", folder.name),
        to_text=to,
        **columns,
    )


def _match(tree: Comparison) -> dict[int, Folder]:
    by_template = {row.template_node_id: row for row in tree.folders if row.template_node_id}
    matched: dict[int, Folder] = {}
    for node in tree.wanted.nodes:
        folder = by_template.get(node.pk) or tree.by_key.get(f"template:{node.pk}")
        if folder is not None:
            matched[node.pk] = folder
    claimed = {folder.pk for folder in matched.values()}
    free = {row.path_key: row for row in tree.folders if row.pk not in claimed}
    root = free.pop(layout.ROOT_KEY)
    for node in tree.wanted.nodes:  # parents first: theirs is known
        if node.pk in matched:
            continue
        above = root if node.parent_id is None else matched.get(node.parent_id)
        folder = free.get(tree.wanted.keys[node.pk]) or (
            above and _alike(node, above, free, tree.rendered(node))
        )
        if folder:
            matched[node.pk] = free.pop(folder.path_key)
    return matched


def _alike(
    node: DriveStructureNode, above: Folder, free: Mapping[str, Folder], name: str
) -> Folder | None:
    """A folder of the same pattern or name in the same place, of another template perhaps."""
    for folder in free.values():
        if folder.parent_id == above.pk and (folder.pattern == node.name or folder.name == name):
            return folder
    return None


def _new(tree: Comparison, node: DriveStructureNode) -> Iterator[DriveTemplatePlanItem]:
    parent_key = tree.target_key(node)
    parent = tree.by_key.get(parent_key)
    fate = tree.fate(parent) if parent else None
    is_remade = tree.is_repair and fate == Reason.GONE
    lost = fate not in {None, Reason.WAITING} and not is_remade
    yield DriveTemplatePlanItem(
        action=Action.SKIP if lost else Action.CREATE,
        reason=Reason.PARENT if lost else Reason.NEW,
        path_key=tree.place_key(node.pk),
        parent_key=parent_key,
        template_node_id=node.pk,
        to_text=tree.rendered(node),
    )


def _known(
    tree: Comparison, node: DriveStructureNode, folder: Folder
) -> Iterator[DriveTemplatePlanItem]:
    name = tree.rendered(node) if folder.pattern != node.name else folder.name
    parent_key = tree.target_key(node)
    target, present = tree.by_key.get(parent_key), tree.by_id.get(folder.parent_id or 0)
    renames, moves = name != folder.name, target is None or target != present
    links = not renames and (folder.pattern != node.name or folder.template_node_id != node.pk)
    fate = tree.fate(folder)
    columns: dict[str, Any] = {"template_node_id": node.pk, "parent_key": parent_key}
    if tree.is_repair and fate == Reason.GONE:
        yield item(
            Action.CREATE,
            folder,
            Reason.GONE_REMADE,
            tree.rendered(node),
            google_id=folder.google_id,
            **columns,
        )
        return
    if fate:
        if renames or moves or (tree.is_repair and fate == Reason.TRASHED):
            yield item(Action.SKIP, folder, fate, name if renames else "", **columns)
        return
    row = tree.mirror[folder.google_id]
    if moves:
        above = present.name if present else ""
        to = target.name if target else _name_of_place(tree, node)
        home = present.google_id if present and not folder.kept_parent_id else None
        strayed = row.parent_folder_id != home
        action, reason = (Action.SKIP, Reason.MOVED) if strayed else (Action.MOVE, Reason.CHANGED)
        yield item(action, folder, reason, to, from_text=above, **columns)
    if renames:
        kept = bool(folder.kept_name) or row.name not in {folder.name, folder.writing_name}
        action, reason = (Action.SKIP, Reason.RENAMED) if kept else (Action.RENAME, Reason.CHANGED)
        yield item(action, folder, reason, name, **columns)
    elif links:
        yield item(Action.LINK, folder, Reason.SAME_PLACE, name, **columns)


def _name_of_place(tree: Comparison, node: DriveStructureNode) -> str:
    """The name of the folder above that is still to be made."""
    [above] = [one for one in tree.wanted.nodes if one.pk == node.parent_id]
    return tree.rendered(above)
