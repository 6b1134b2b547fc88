"""Folder trees, each exactly once: plan in the journal, create in Drive, follow the record.

A folder's id is reserved and committed before Google is asked to create it; a second attempt,
by us, by a twin or by the HTTP library, meets its own id (409) and is done. So nothing here
needs to know how far an earlier run came, and no two runs can make two folders.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import (
    carried,
    client,
    crawling,
    entities,
    journal,
    layout,
    marking,
    mirror,
    placeholders,
    remedies,
)
from gdrive.entities import Entity
from gdrive.feed import start_feed
from gdrive.models import DriveFolder, DriveFolderNode, DriveFolderTree
from gdrive.parsing import RemoteFile
from pipedesk.core.exceptions import GiveUp
from pipedesk.core.work import SLICE_S, Lease
from pipedesk.google.errors import AlreadyExists, InvalidRequest, NotFound, TemporaryError

State = DriveFolderNode.State
Made = tuple[DriveFolderNode, RemoteFile, float]  # the last: when, on the monotonic clock

AT_ONCE = 20  # folders written down together
SILENT_S = 5.0  # and after so long at the latest, so that the lease lives


def provision(lease: Lease) -> None:
    """Bring the folder tree of row `lease.pk` to what its record asks for.

    Stops at the end of its time slice with the rest still requested; the next run goes on.

    Raises GiveUp when there is no place to grow, or somebody deleted the folder above.
    """
    deadline = monotonic() + SLICE_S
    tree = DriveFolderTree.objects.get(pk=lease.pk)
    entity = entities.find(tree.entity_type, tree.entity_id)
    if entity is None and journal.is_planned(tree):
        entity = entities.find_merged(tree.entity_type, tree.entity_id)
    if entity is None:
        lease.complete()
        return
    start_feed()
    place = _place(lease, entity, adopt=tree.adopt_by_name)
    journal.plan(tree, entity, place)
    remedies.carry_out_all(lease, tree)
    if _grow(lease, tree, deadline) and _follow(lease, tree, entity, place, deadline):
        with transaction.atomic():
            lease.complete(state=DriveFolderTree.State.READY)
            carried.settle(tree)


def _place(lease: Lease, entity: Entity, *, adopt: bool = False) -> DriveFolderNode:
    """The existing folder in which the entity's own folder belongs.

    With `adopt` the folders above it are looked for by name before they are made.
    """
    if entity.kept_id is not None:
        return _kept_folder(lease, entity.entity_type, entity.kept_id)
    company = entity.company_id and entities.find("company", entity.company_id, deleted=True)
    if company:
        place = _company_place(lease, company, entity.entity_type, adopt=adopt)
    else:
        place = journal.shared_place(entity.entity_type, adopt=adopt)
    _create_with_parents(lease, place)
    return place


def _kept_folder(lease: Lease, entity_type: str, kept_id: str) -> DriveFolderNode:
    """The folder of the record another one was merged into: that is where its folder goes.

    Raises GiveUp when that folder lies in the trash: nobody's files are to follow it there.
    """
    kept = entities.find(entity_type, kept_id, deleted=True)
    if kept is None:
        raise GiveUp(_("The record this one was merged into is gone for good."))
    merged = entities.find_merged(entity_type, kept_id)
    tree = DriveFolderTree.objects.wanted(entity_type, kept_id)
    if not journal.is_planned(tree):
        if merged is not None and merged.kept_id is not None:  # its tree went on before it
            return _kept_folder(lease, entity_type, merged.kept_id)
        journal.plan(tree, kept, _place(lease, kept))
    root = tree.nodes.select_related("tree", "parent__parent").get(path_key=layout.ROOT_KEY)
    _create_with_parents(lease, root)
    folder = crawling.find(root.google_id)
    if folder is None or folder.trashed:
        msg = _("The folder of the record this one was merged into is gone in Drive: restore it.")
        raise GiveUp(msg)
    return root


def _company_place(
    lease: Lease, company: Entity, entity_type: str, *, adopt: bool
) -> DriveFolderNode:
    """Where the company keeps its leads or deals; the company's tree is asked for if new.

    The journal lets anybody create any folder, so nobody waits for the company's own job.
    """
    trees = DriveFolderTree.objects
    with transaction.atomic():
        tree = trees.wanted("company", company.entity_id)
        if not tree.requested:
            trees.request(tree.pk)
    if not journal.is_planned(tree):
        if adopt and not tree.adopt_by_name:
            trees.filter(pk=tree.pk).update(adopt_by_name=True)
            tree.adopt_by_name = True
        shared = journal.shared_place("company", adopt=tree.adopt_by_name)
        if tree.adopt_by_name:
            _create_with_parents(lease, shared)
        journal.plan(tree, company, shared)
    return journal.company_place(tree, entity_type)


def _grow(lease: Lease, tree: DriveFolderTree, deadline: float) -> bool:
    """Create what is reserved, parents first; False when the time slice ended before.

    What was created is written down a few folders at a time: whoever is killed in between has
    Drive tell the next one (409), which costs a request and no folder.
    """
    made: list[Made] = []
    try:
        for node in tree.nodes.select_related("tree", "parent").to_create():
            if monotonic() > deadline:
                _write_down(lease, made)
                return False
            if made and (len(made) == AT_ONCE or monotonic() - made[0][2] > SILENT_S):
                _write_down(lease, made)
                made = []
            made.append((node, _make(node), monotonic()))
    except Exception:
        _write_down(lease, made)
        raise
    _write_down(lease, made)
    return True


def _create_with_parents(lease: Lease, node: DriveFolderNode) -> None:
    if node.remedy:
        remedies.carry_out(node, lease.write)
    if node.state == State.CREATED:
        return
    if node.parent is not None:
        _create_with_parents(lease, node.parent)
    create(lease, node)


def create(lease: Lease, node: DriveFolderNode) -> None:
    """Create one reserved folder whose parent exists, and write it down.

    `lease` is its tree's, or that of a tree that needs it. Raises GiveUp when there is nothing
    any more to put it in, or to adopt.
    """
    _write_down(lease, [(node, _make(node), 0.0)])


def _make(node: DriveFolderNode) -> RemoteFile:
    """Create one folder in Drive; one to adopt is there already and gets our marks.

    Raises GiveUp when there is nothing any more to put it in, or to adopt.
    """
    if node.adopted:
        try:
            return marking.mark(node.google_id, marking.marks_of(node))
        except NotFound as failure:
            msg = _("The folder “%(name)s”, which was to be adopted, is gone in Drive.")
            raise GiveUp(msg % {"name": node.name}) from failure
    parent_id = node.parent.google_id if node.parent else layout.root_folder_id()
    try:
        return client.create_folder(node.google_id, node.name, parent_id, marking.marks_of(node))
    except AlreadyExists:
        return _created_before(node)
    except NotFound as failure:
        raise _has_no_place(node) from failure


def _write_down(lease: Lease, made: list[Made]) -> None:
    """Mark folders as created, here and in the mirror.

    What lies in an adopted folder did not change, so no feed will tell of it: it is read here.
    """
    if not made:
        return
    adopted = [
        node.google_id for node, _file, _at in made if node.adopted and node.tree is not None
    ]
    inside = crawling.below(adopted, settings.DRIVE_SHARED_DRIVE_ID, lease.write)
    with transaction.atomic():
        lease.write(attempts=0)
        mirror.store_files(inside)
        DriveFolderNode.objects.filter(pk__in=[node.pk for node, _file, _at in made]).update(
            state=State.CREATED
        )
        _store([(node, file) for node, file, _at in made])
    for node, _file, _at in made:
        node.state = State.CREATED


def _created_before(node: DriveFolderNode) -> RemoteFile:
    try:
        return client.get_file(node.google_id)
    except NotFound as failure:
        msg = "Drive says that the folder exists and that it does not"
        raise TemporaryError(msg) from failure


def _store(made: list[tuple[DriveFolderNode, RemoteFile]]) -> None:
    """Write folders to the mirror, and an entity's own folder to the customer's table."""
    made = [(node, folder) for node, folder in made if node.tree is not None]
    if made:
        mirror.store_files([folder for _node, folder in made])
    for node, folder in made:
        if node.tree is None or node.path_key != layout.ROOT_KEY:
            continue
        row = DriveFolder(
            entity_type=node.tree.entity_type,
            entity_id=node.tree.entity_id,
            folder_id=folder.file_id,
            folder_url=folder.web_view_link,
        )
        DriveFolder.objects.bulk_create([row], ignore_conflicts=True)


def _follow(
    lease: Lease, tree: DriveFolderTree, entity: Entity, place: DriveFolderNode, deadline: float
) -> bool:
    """Rename and move the tree's folders after their record; False as in `_grow`."""
    values = entity.placeholders(timezone.localdate(tree.created_at))
    for node in tree.nodes.select_related("tree", "parent"):
        wanted = placeholders.render(node.pattern, values)
        target = place if node.path_key == layout.ROOT_KEY else node.parent
        is_named = bool(node.kept_name) or (wanted == node.name and not node.writing_name)
        if is_named and target == node.parent:
            continue
        if monotonic() > deadline:
            return False
        _bring(lease, node, wanted, target)
    return True


def _bring(
    lease: Lease, node: DriveFolderNode, wanted: str, target: DriveFolderNode | None
) -> None:
    """Give one folder its name and place, unless a person chose others meanwhile."""
    current = crawling.find(node.google_id)
    if current is None or current.trashed:
        return  # the change feed says so too
    known = set() if node.kept_name else {node.name, node.writing_name, wanted}
    name = wanted if current.name in known else None
    moves = target is not None and _may_move(node, current, target)
    try:
        write(lease, node, current, name=name, target=target, moves=moves)
    except InvalidRequest:
        if not moves:
            raise
        # A person put the place where it belongs into this very folder: it stays.
        write(lease, node, current, name=name, target=target)
    except NotFound as failure:
        if crawling.find(node.google_id) is None:
            return
        raise _has_no_place(node) from failure


def _has_no_place(node: DriveFolderNode) -> GiveUp:
    msg = _("The folder in which “%(name)s” belongs is gone in Drive: restore it there.")
    return GiveUp(msg % {"name": node.name})


def write(
    lease: Lease,
    node: DriveFolderNode,
    current: RemoteFile,
    *,
    name: str | None,
    target: DriveFolderNode | None = None,
    moves: bool = False,
    **columns: Any,
) -> None:
    """Give one folder this name (None: it keeps its own) and, if it `moves`, this place.

    What is about to be written is known before Drive has it, so that a name we wrote just before
    dying is not taken for a person's. `columns` of its row change once Drive has it.
    """
    with transaction.atomic():
        lease.write()
        about_to = node.name if name is None else name
        DriveFolderNode.objects.filter(pk=node.pk).update(writing_name=about_to)
    moves_to = target.google_id if target and moves else ""
    if moves_to or name not in {None, current.name}:
        current = client.update_file(
            node.google_id,
            name=name,
            add_parent=moves_to,
            remove_parent=current.parent_id if moves_to else "",
        )
    with transaction.atomic():
        lease.write(attempts=0)
        DriveFolderNode.objects.filter(pk=node.pk).update(
            name=node.name if name is None else name,
            writing_name="",
            parent=target if target and current.parent_id == target.google_id else node.parent,
            **columns,
        )
        _store([(node, current)])


def _may_move(node: DriveFolderNode, current: RemoteFile, target: DriveFolderNode) -> bool:
    """Whether the place changed and the folder still lies in one of ours."""
    if node.kept_parent_id:
        return False
    if target == node.parent or current.parent_id == target.google_id:
        return False
    return DriveFolderNode.objects.filter(google_id=current.parent_id).exists()
