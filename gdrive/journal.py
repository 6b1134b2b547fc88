"""The journal of folder trees: each folder is a row with a reserved id before it is a folder.

A row is unique per place, so two workers that plan the same folder end up with one row, one
id and one folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone

from gdrive import client, layout, placeholders
from gdrive.entities import Entity
from gdrive.models import (
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureNode,
    DriveStructureTemplate,
    ReservedId,
)
from pipedesk.core.exceptions import LeaseLost


def obtain_ids(count: int) -> list[str]:
    """Take ids from the store, filling it from Google when it runs dry; not in a transaction.

    Ids that a dying worker took are lost, which costs nothing.
    """
    ids: list[str] = []
    while True:
        with transaction.atomic():
            ids += ReservedId.objects.take(count - len(ids))
        if len(ids) == count:
            return ids
        fresh = [ReservedId(google_id=google_id) for google_id in client.generate_ids()]
        ReservedId.objects.bulk_create(fresh, ignore_conflicts=True)


def shared_place(entity_type: str) -> DriveFolderNode:
    """The folder below the root in which entities of this type stand."""
    name = layout.SHARED_PLACES[entity_type]
    return _place(None, None, layout.place_key(entity_type), name)


def company_place(tree: DriveFolderTree, entity_type: str) -> DriveFolderNode:
    """The folder of a planned company in which its leads, or deals, stand."""
    root = tree.nodes.get(path_key=layout.ROOT_KEY)
    name = layout.COMPANY_PLACES[entity_type]
    return _place(tree, root, layout.place_key(entity_type), name)


def _place(
    tree: DriveFolderTree | None, parent: DriveFolderNode | None, key: str, name: str
) -> DriveFolderNode:
    places = DriveFolderNode.objects.select_related("parent__parent").filter(
        tree=tree, path_key=key
    )
    found = places.first()
    if found is None:
        [google_id] = obtain_ids(1)
        row = DriveFolderNode(
            tree=tree, parent=parent, path_key=key, name=name, pattern=name, google_id=google_id
        )
        DriveFolderNode.objects.bulk_create([row], ignore_conflicts=True)
        found = places.get()
    return found


def plan(tree: DriveFolderTree, entity: Entity, place: DriveFolderNode) -> None:
    """Write down every folder of the tree, from the active template, unless it was done.

    From here on the plan is fixed: edits of the template are for trees of tomorrow. Raises
    LeaseLost where the tree became another record's by a merge.
    """
    if is_planned(tree):
        return
    template = DriveStructureTemplate.objects.active_for(entity.entity_type).first()
    patterns = list(template.nodes.all()) if template else []
    ids = iter(obtain_ids(len(patterns) + 1))
    values = entity.placeholders(timezone.localdate(tree.created_at))
    with transaction.atomic():
        locked = DriveFolderTree.objects.select_for_update(no_key=True).get(pk=tree.pk)
        if locked.entity_id != tree.entity_id:  # given to another record meanwhile (carried)
            raise LeaseLost(str(tree))
        if is_planned(tree):
            return
        pattern = layout.ROOT_PATTERNS[entity.entity_type]
        root = DriveFolderNode.objects.create(
            tree=tree,
            parent=place,
            path_key=layout.ROOT_KEY,
            google_id=next(ids),
            pattern=pattern,
            name=placeholders.render(pattern, values),
        )
        for level in _rows(tree, root, patterns, values, ids):
            DriveFolderNode.objects.bulk_create(level)
        DriveFolderTree.objects.filter(pk=tree.pk).update(
            template=template, template_version=template.version if template else None
        )


def is_planned(tree: DriveFolderTree) -> bool:
    """Whether the tree's folders are written down."""
    return tree.nodes.filter(path_key=layout.ROOT_KEY).exists()


def _rows(
    tree: DriveFolderTree,
    root: DriveFolderNode,
    patterns: list[DriveStructureNode],
    values: dict[str, str],
    ids: Iterator[str],
) -> Iterator[list[DriveFolderNode]]:
    """Rows level by level: a level's parents have their keys when the next one is made."""
    keys = _keys(tree, patterns)
    parents: dict[int | None, DriveFolderNode] = {None: root}
    while parents:
        level: dict[int | None, DriveFolderNode] = {
            node.pk: DriveFolderNode(
                tree=tree,
                template_node=node,
                parent=parents[node.parent_id],
                path_key=keys[node.pk],
                google_id=next(ids),
                pattern=node.name,
                name=placeholders.render(node.name, values),
            )
            for node in patterns
            if node.parent_id in parents
        }
        yield list(level.values())
        parents = level


def _keys(tree: DriveFolderTree, patterns: list[DriveStructureNode]) -> dict[int, str]:
    """Each template folder's key. The two places of a company keep one key for ever, so that a
    template without them, or with them under new row ids, makes no second place.
    """
    keys = {node.pk: f"template:{node.pk}" for node in patterns}
    if tree.entity_type == "company":
        for entity_type, name in layout.COMPANY_PLACES.items():
            places = [node.pk for node in patterns if node.parent_id is None and node.name == name]
            for pk in places[:1]:
                keys[pk] = layout.place_key(entity_type)
    return keys
