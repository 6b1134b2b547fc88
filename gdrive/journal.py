"""The journal of folder trees: each folder is a row with a reserved id before it is a folder.

A row is unique per place, so two workers that plan the same folder end up with one row, one
id and one folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import adoption, client, layout, placeholders
from gdrive.adoption import Found
from gdrive.entities import Entity
from gdrive.models import (
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureNode,
    DriveStructureTemplate,
    ReservedId,
)
from gdrive.parsing import RemoteFile
from pipedesk.core.exceptions import GiveUp, LeaseLost


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


def shared_place(entity_type: str, *, adopt: bool = False) -> DriveFolderNode:
    """The folder below the root in which entities of this type stand.

    With `adopt` it is the only folder of that name, where there is one.
    """
    name = layout.SHARED_PLACES[entity_type]
    return _place(None, None, layout.place_key(entity_type), name, adopt=adopt)


def company_place(tree: DriveFolderTree, entity_type: str) -> DriveFolderNode:
    """The folder of a planned company in which its leads, or deals, stand."""
    root = tree.nodes.get(path_key=layout.ROOT_KEY)
    name = layout.COMPANY_PLACES[entity_type]
    return _place(tree, root, layout.place_key(entity_type), name, adopt=tree.adopt_by_name)


def _place(
    tree: DriveFolderTree | None,
    parent: DriveFolderNode | None,
    key: str,
    name: str,
    *,
    adopt: bool,
) -> DriveFolderNode:
    places = DriveFolderNode.objects.select_related("parent__parent").filter(
        tree=tree, path_key=key
    )
    found = places.first()
    if found is None:
        above = layout.root_folder_id() if parent is None else parent.google_id
        is_there = adopt and (parent is None or parent.state == parent.State.CREATED)
        file = adoption.only_one(name, above) if is_there else None
        google_id = file.file_id if file else obtain_ids(1)[0]
        row = DriveFolderNode(
            tree=tree,
            parent=parent,
            path_key=key,
            name=name,
            pattern=name,
            google_id=google_id,
            adopted=file is not None,
        )
        DriveFolderNode.objects.bulk_create([row], ignore_conflicts=True)
        found = places.get()
    return found


def plan(tree: DriveFolderTree, entity: Entity, place: DriveFolderNode) -> None:
    """Write down every folder of the tree, from the active template, unless it was done.

    From here on the plan is fixed: edits of the template are for trees of tomorrow. Folders to
    adopt (gdrive.adoption) are planned under the ids they have.

    Raises LeaseLost where the tree became another record's by a merge, or is to adopt another
    folder since; GiveUp when a folder to adopt cannot be had.
    """
    if is_planned(tree):
        return
    found = adoption.find(tree, entity, place)
    template = DriveStructureTemplate.objects.active_for(entity.entity_type).first()
    patterns = list(template.nodes.all()) if template else []
    ids = iter(obtain_ids(len(patterns) + 1))
    try:
        with transaction.atomic():
            locked = DriveFolderTree.objects.select_for_update(no_key=True).get(pk=tree.pk)
            if _orders(locked) != _orders(tree):
                raise LeaseLost(str(tree))
            if is_planned(tree):
                return
            values = entity.placeholders(timezone.localdate(tree.created_at))
            root = _root(tree, place, values, found.root, ids)
            for level in _rows(tree, root, patterns, values, found, ids):
                DriveFolderNode.objects.bulk_create(level)
            DriveFolderTree.objects.filter(pk=tree.pk).update(
                template=template,
                template_version=template.version if template else None,
                remark=_remark(found),
            )
    except IntegrityError as clash:
        if found.root is None:
            raise
        # A folder to adopt went to another tree between the look and the writing.
        raise GiveUp(_("A folder to adopt is another record's by now.")) from clash


def _orders(tree: DriveFolderTree) -> tuple[str, str, bool]:
    return tree.entity_id, tree.adopt_folder_id, tree.adopt_by_name


def _remark(found: Found) -> str:
    links = ", ".join(file.web_view_link or file.file_id for file in found.others)
    if not links:
        return ""
    return _("Folders of the same name were left alone: %(links)s") % {"links": links}


def _root(
    tree: DriveFolderTree,
    place: DriveFolderNode,
    values: dict[str, str],
    adopted: RemoteFile | None,
    ids: Iterator[str],
) -> DriveFolderNode:
    """The row of the entity's own folder; an adopted one keeps the name and place it has."""
    pattern = layout.ROOT_PATTERNS[tree.entity_type]
    root = DriveFolderNode(
        tree=tree,
        parent=place,
        path_key=layout.ROOT_KEY,
        pattern=pattern,
        name=placeholders.render(pattern, values),
    )
    if adopted is None:
        root.google_id = next(ids)
    else:
        root.google_id, root.adopted = adopted.file_id, True
        root.kept_name = adopted.name if adopted.name != root.name else ""
        root.kept_parent_id = adopted.parent_id if adopted.parent_id != place.google_id else ""
    root.save()
    return root


def is_planned(tree: DriveFolderTree) -> bool:
    """Whether the tree's folders are written down."""
    return tree.nodes.filter(path_key=layout.ROOT_KEY).exists()


def _rows(
    tree: DriveFolderTree,
    root: DriveFolderNode,
    patterns: list[DriveStructureNode],
    values: dict[str, str],
    found: Found,
    ids: Iterator[str],
) -> Iterator[list[DriveFolderNode]]:
    """Rows level by level: a level's parents have their keys when the next one is made."""
    keys = keys_of(tree.entity_type, patterns)
    parents: dict[int | None, DriveFolderNode] = {None: root}
    while parents:
        level: dict[int | None, DriveFolderNode] = {
            node.pk: DriveFolderNode(
                tree=tree,
                template_node=node,
                parent=parents[node.parent_id],
                path_key=keys[node.pk],
                google_id=found.inside[node.pk].file_id if node.pk in found.inside else next(ids),
                adopted=node.pk in found.inside,
                pattern=node.name,
                name=placeholders.render(node.name, values),
            )
            for node in patterns
            if node.parent_id in parents
        }
        yield list(level.values())
        parents = level


def keys_of(entity_type: str, patterns: list[DriveStructureNode]) -> dict[int, str]:
    """Each template folder's key. The two places of a company keep one key for ever, so that a
    template without them, or with them under new row ids, makes no second place.
    """
    keys = {node.pk: f"template:{node.pk}" for node in patterns}
    if entity_type == "company":
        for guest, name in layout.COMPANY_PLACES.items():
            places = [node.pk for node in patterns if node.parent_id is None and node.name == name]
            for pk in places[:1]:
                keys[pk] = layout.place_key(guest)
    return keys
