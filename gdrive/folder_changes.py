"""One planned change of one folder, done once however often it is tried.

Each begins by looking whether the folder is still what the plan saw; an attempt that died is
known by what it wrote down before it asked Google (see gdrive.provisioning).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import crawling, entities, journal, placeholders, provisioning, remedies
from gdrive.models import (
    DriveFile,
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureNode,
    DriveTemplatePlan,
    DriveTemplatePlanItem,
)
from gdrive.parsing import RemoteFile
from pipedesk.core.work import Lease

Action, Reason = DriveTemplatePlanItem.Action, DriveTemplatePlanItem.Reason
State = DriveFolderNode.State


class Left(Exception):
    """The folder is left as it is; the message says why."""


@dataclass(frozen=True)
class Tree:
    """A record's tree in our hands. `values` None: the record is gone."""

    row: DriveFolderTree
    lease: Lease
    nodes: dict[int, DriveStructureNode]
    values: dict[str, str] | None

    @classmethod
    def read(cls, row: DriveFolderTree, lease: Lease, plan: DriveTemplatePlan) -> Tree:
        """The tree with its record's values and the template's folders, as they are now."""
        entity = entities.find(row.entity_type, row.entity_id)
        nodes = DriveStructureNode.objects.filter(template=plan.template_id)
        day = timezone.localdate(row.created_at)
        return cls(row, lease, nodes.in_bulk(), entity.placeholders(day) if entity else None)

    def at(self, key: str) -> DriveFolderNode | None:
        """The folder at this place, read anew."""
        rows = self.row.nodes.select_related("tree", "parent")
        return rows.filter(path_key=key).first()


def change(tree: Tree, item: DriveTemplatePlanItem) -> None:
    """Do what the item says. Raises Left, and what calls to Google raise."""
    node = tree.nodes.get(item.template_node_id or 0)
    if node is None or tree.values is None or not tree.row.nodes.filter(path_key="root").exists():
        raise _outdated()
    name = placeholders.render(node.name, tree.values)
    if item.action != Action.MOVE and name != item.to_text:
        raise _outdated()
    DOES[Action(item.action)](tree, item, node)


def outdated() -> str:
    """What is said of a change that was planned for another state of things."""
    return _("changed since the plan")


def _outdated() -> Left:
    return Left(outdated())


def _create(tree: Tree, item: DriveTemplatePlanItem, node: DriveStructureNode) -> None:
    parent = _existing(tree, item.parent_key)
    folder = tree.at(item.path_key)
    if folder is None:
        folder = _reserve(tree, item, node, parent)
    elif item.reason == Reason.GONE_REMADE and folder.google_id == item.google_id:
        folder = _reserve_anew(tree, folder)
    if folder.state != State.CREATED:
        provisioning.create(tree.lease, folder)


def _existing(tree: Tree, key: str) -> DriveFolderNode:
    parent = tree.at(key)
    if parent is None or parent.state != State.CREATED:
        raise Left(_("the folder it belongs in is not there"))
    return parent


def _reserve(
    tree: Tree,
    item: DriveTemplatePlanItem,
    node: DriveStructureNode,
    parent: DriveFolderNode,
    *,
    adopted_id: str = "",
) -> DriveFolderNode:
    """The journal's row of a new folder, committed before Google is asked."""
    google_id = adopted_id or journal.obtain_ids(1)[0]
    row = DriveFolderNode(
        tree=tree.row,
        template_node=node,
        parent=parent,
        path_key=item.path_key,
        google_id=google_id,
        pattern=node.name,
        name=item.to_text,
        adopted=bool(adopted_id),
    )
    with transaction.atomic():
        tree.lease.write()
        DriveFolderNode.objects.bulk_create([row], ignore_conflicts=True)
    stored = tree.at(item.path_key)
    if stored is None:
        raise _outdated()
    return stored


def _reserve_anew(tree: Tree, folder: DriveFolderNode) -> DriveFolderNode:
    """Give a folder that was deleted for good another id, under which it is made again."""
    if crawling.find(folder.google_id) is not None:
        raise Left(_("it is in Drive, outside the record's folder"))
    tree.lease.write()
    remedies.recreate(folder)
    return folder


def _rename(tree: Tree, item: DriveTemplatePlanItem, node: DriveStructureNode) -> None:
    folder = tree.at(item.path_key)
    if folder is None or folder.name not in {item.from_text, item.to_text}:
        raise _outdated()
    if folder.name == item.to_text and folder.pattern == node.name:
        return  # an attempt of ours went through
    current = _present(folder)
    ours = {folder.name, folder.writing_name, item.to_text}
    if folder.kept_name or current.name not in ours:
        raise Left(str(Reason.RENAMED.label))
    provisioning.write(
        tree.lease,
        folder,
        current,
        name=item.to_text,
        pattern=node.name,
        template_node=node,
    )


def _move(tree: Tree, item: DriveTemplatePlanItem, node: DriveStructureNode) -> None:
    target, folder = _existing(tree, item.parent_key), tree.at(item.path_key)
    if folder is None or folder.parent is None:
        raise _outdated()
    if folder.parent == target:
        return  # an attempt of ours went through
    if folder.parent.name != item.from_text:
        raise _outdated()
    current = _present(folder)
    ours = {folder.parent.google_id, target.google_id}
    if folder.kept_parent_id or current.parent_id not in ours:
        raise Left(str(Reason.MOVED.label))
    provisioning.write(
        tree.lease,
        folder,
        current,
        name=None,
        target=target,
        moves=current.parent_id != target.google_id,
        template_node=node,
    )


def _present(folder: DriveFolderNode) -> RemoteFile:
    current = crawling.find(folder.google_id)
    if current is None:
        raise Left(str(Reason.GONE.label))
    if current.trashed:
        raise Left(str(Reason.TRASHED.label))
    return current


def _adopt(tree: Tree, item: DriveTemplatePlanItem, node: DriveStructureNode) -> None:
    """Make a person's folder the template's: it gets our marks and stays where it is."""
    parent, folder = _existing(tree, item.parent_key), tree.at(item.path_key)
    if folder is None:
        there = DriveFile.objects.present().inside(parent.google_id)
        if not there.filter(file_id=item.google_id, name=item.to_text).exists():
            raise _outdated()
        folder = _reserve(tree, item, node, parent, adopted_id=item.google_id)
    if folder.state != State.CREATED:
        provisioning.create(tree.lease, folder)


def _link(tree: Tree, item: DriveTemplatePlanItem, node: DriveStructureNode) -> None:
    """Note that a folder is the template's, or what its name is made of."""
    folder = tree.at(item.path_key)
    if folder is None or folder.name != item.to_text:
        raise _outdated()
    with transaction.atomic():
        tree.lease.write()
        rows = DriveFolderNode.objects.filter(pk=folder.pk)
        rows.update(pattern=node.name, template_node=node)


DOES = {
    Action.CREATE: _create,
    Action.RENAME: _rename,
    Action.MOVE: _move,
    Action.ADOPT: _adopt,
    Action.LINK: _link,
}
