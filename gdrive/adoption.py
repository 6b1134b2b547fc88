"""Existing folders that become a record's own instead of a twin beside them.

A folder is adopted when the customer's table names it as the record's, when a person gives its
address, or, where a person asked for it, when exactly one folder of the exact name lies in the
place. Never by name alone without being asked: people's folders of the same name are theirs.
What lies in it under the template's names is adopted with it; nothing is moved or renamed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import client, crawling, layout, placeholders, query
from gdrive.crawling import PARENTS_PER_LIST
from gdrive.entities import Entity
from gdrive.models import DriveFile, DriveFolder, DriveFolderNode, DriveFolderTree
from gdrive.models import DriveStructureNode as TemplateNode
from gdrive.parsing import RemoteFile
from pipedesk.core.chunks import chunks
from pipedesk.core.exceptions import Conflict, GiveUp, InvalidInput

FIELD: Final = "folder_url"
ADDRESS: Final = re.compile(
    r"https://(?:drive|docs)\.google\.com/(?:drive/(?:u/\d+/)?folders/|open\?(?:.*&)?id=)"
    r"(?P<id>[A-Za-z0-9_-]{10,128})(?:[/?&#].*)?"
)
BARE_ID: Final = re.compile(r"[A-Za-z0-9_-]{10,128}")
MAX_LEVELS: Final = 100  # Drive's own limit


@dataclass
class Found:
    """What is there already: the record's own folder, and folders inside by template folder.

    `others` are folders of the same name that were not chosen.
    """

    root: RemoteFile | None = None
    inside: dict[int, RemoteFile] = field(default_factory=dict)
    others: list[RemoteFile] = field(default_factory=list)


def folder_id_of(text: str) -> str:
    """The id in the address of a folder, or the id itself.

    Raises InvalidInput for any other text.
    """
    text = text.strip()
    match = ADDRESS.fullmatch(text)
    if match:
        return match["id"]
    if BARE_ID.fullmatch(text):
        return text
    raise InvalidInput(FIELD, _("This is not the address of a folder in Drive."))


def examine(tree: DriveFolderTree, entity: Entity, folder_id: str) -> RemoteFile:
    """The folder, if it can become the record's own. Asks Google; writes nothing.

    Raises InvalidInput when no record could have it, Conflict when another one has.
    """
    folder = crawling.find(folder_id)
    if folder is None:
        raise InvalidInput(FIELD, _("There is no such folder, or it is not shared with us."))
    if not folder.is_folder:
        raise InvalidInput(FIELD, _("This is not a folder."))
    if folder.trashed:
        raise InvalidInput(FIELD, _("This folder lies in the trash: restore it there first."))
    if not folder.parent_id:
        raise InvalidInput(FIELD, _("This is the top of a drive, not a folder in it."))
    _refuse_taken(tree, entity, folder)
    _refuse_above_ours(folder)
    return folder


def find(tree: DriveFolderTree, entity: Entity, place: DriveFolderNode) -> Found:
    """What the tree is to adopt; nothing at all for most trees. Asks Google.

    Raises GiveUp, with the choice a person has, when the folder to adopt cannot be had.
    """
    known = DriveFolder.objects.alive().of(entity.entity_type, entity.entity_id).first()
    folder_id = tree.adopt_folder_id or (known.folder_id if known else "")
    values = entity.placeholders(timezone.localdate(tree.created_at))
    root: RemoteFile | None
    if folder_id:
        root = _examined(tree, entity, folder_id)
    elif tree.adopt_by_name:
        name = placeholders.render(layout.ROOT_PATTERNS[entity.entity_type], values)
        root = only_one(name, place.google_id if place.state == place.State.CREATED else "")
    else:
        return Found()
    found = Found(root)
    if root is not None:
        _match_inside(found, root, entity.entity_type, values)
    return found


def only_one(name: str, parent_id: str) -> RemoteFile | None:
    """The only folder of this name in a folder that is nobody's yet; None when there is none.

    Raises GiveUp when there are several: a person has to choose.
    """
    if not parent_id:
        return None
    candidates = free(folders_in([parent_id], name))
    if len(candidates) > 1:
        links = ", ".join(file.web_view_link or file.file_id for file in candidates)
        msg = _(
            "Several folders are called “%(name)s”: give the address of the right one. %(links)s"
        )
        raise GiveUp(msg % {"name": name, "links": links})
    return candidates[0] if candidates else None


def folders_in(parent_ids: Collection[str], name: str = "") -> list[RemoteFile]:
    """Folders directly in these folders and not in the trash, of this exact name if given."""
    found: list[RemoteFile] = []
    for batch in chunks(list(parent_ids), PARENTS_PER_LIST):
        text = f"{query.in_parents(batch)} and trashed = false"
        if name:
            text += f" and name = {query.quoted(name)}"
        found += client.list_files(text, settings.DRIVE_SHARED_DRIVE_ID)
    # Drive compares names without case.
    return [file for file in found if file.is_folder and name in ("", file.name)]


def free(files: Collection[RemoteFile]) -> list[RemoteFile]:
    """Those that are no record's and no place's, the oldest first."""
    ids = [file.file_id for file in files]
    taken = set(
        DriveFolderNode.objects.filter(google_id__in=ids).values_list("google_id", flat=True)
    )
    rows = DriveFolder.objects.alive().filter(folder_id__in=ids)
    taken |= set(rows.values_list("folder_id", flat=True))
    left = [file for file in files if file.file_id not in taken]
    return sorted(left, key=lambda file: (str(file.created_at or ""), file.file_id))


def _examined(tree: DriveFolderTree, entity: Entity, folder_id: str) -> RemoteFile:
    try:
        return examine(tree, entity, folder_id)
    except (InvalidInput, Conflict) as refusal:
        msg = _("The folder that is to be this record's own cannot be: %(reason)s")
        raise GiveUp(msg % {"reason": refusal.message}) from refusal


def _refuse_taken(tree: DriveFolderTree, entity: Entity, folder: RemoteFile) -> None:
    """Refuse what is another record's folder, or lies in one, or holds one of its kind.

    In the folder of the company that the record belongs to it is at home.
    """
    node = DriveFolderNode.objects.filter(google_id=folder.file_id).first()
    if node is not None and (node.tree_id, node.path_key) != (tree.pk, layout.ROOT_KEY):
        raise Conflict(_("This folder has its place in our folder trees already."))
    others = DriveFolder.objects.alive().exclude(
        entity_type=tree.entity_type, entity_id=tree.entity_id
    )
    if others.filter(folder_id=folder.file_id).exists():
        raise Conflict(_("This folder is another record's own."))
    inside = DriveFile.objects.inside(folder.file_id).values("file_id")
    if others.filter(entity_type=tree.entity_type, folder_id__in=inside).exists():
        raise Conflict(_("The folder of another record lies in this one."))
    above = list(_way_up(folder.parent_id))
    company = Q(entity_type="company", entity_id=entity.company_id or "")
    trees = DriveFolderTree.objects.filter(nodes__google_id__in=above)
    if (
        trees.exclude(company).exists()
        or others.exclude(company).filter(folder_id__in=above).exists()
    ):
        raise Conflict(_("This folder lies in the folder of another record."))


def _refuse_above_ours(folder: RemoteFile) -> None:
    """Refuse a folder in which all of ours grow."""
    tops = [layout.root_folder_id()]
    places = DriveFolderNode.objects.filter(tree=None, state=DriveFolderNode.State.CREATED)
    for top in [*tops, *places.values_list("google_id", flat=True)]:
        if folder.file_id in _way_up(top):
            raise InvalidInput(FIELD, _("All our folders grow in this folder."))


def _way_up(folder_id: str) -> Iterator[str]:
    """The ids of a folder and of those above it, as far as we may see."""
    for _level in range(MAX_LEVELS):
        if not folder_id:
            return
        folder = crawling.find(folder_id)
        if folder is None:
            return
        yield folder.file_id
        folder_id = folder.parent_id


def _match_inside(found: Found, root: RemoteFile, entity_type: str, values: dict[str, str]) -> None:
    """Match the active template's folders with those of the same name, level by level."""
    nodes = TemplateNode.objects.filter(
        template__entity_type=entity_type, template__active=True
    ).order_by("order", "pk")
    below: dict[int | None, list[TemplateNode]] = defaultdict(list)
    for node in nodes:
        below[node.parent_id].append(node)
    level: dict[int | None, RemoteFile] = {None: root}
    while level:
        there = folders_in([file.file_id for file in level.values()])
        by_place: dict[tuple[str, str], list[RemoteFile]] = defaultdict(list)
        for file in free(there):
            by_place[file.parent_id, file.name].append(file)
        matched: dict[int | None, RemoteFile] = {}
        for parent_pk, parent in level.items():
            for node in below[parent_pk]:
                name = placeholders.render(node.name, values)
                twins = by_place.pop((parent.file_id, name), [])
                if twins:
                    matched[node.pk] = _best(twins)
                    found.others += [file for file in twins if file != matched[node.pk]]
        found.inside |= {pk: file for pk, file in matched.items() if pk is not None}
        level = matched if any(below[pk] for pk in matched) else {}


def _best(twins: list[RemoteFile]) -> RemoteFile:
    """Of folders with one name and place: the one with something in it, else the oldest."""
    if len(twins) == 1:
        return twins[0]
    ids = [twin.file_id for twin in twins]
    text = f"{query.in_parents(ids[:PARENTS_PER_LIST])} and trashed = false"
    used = {file.parent_id for file in client.list_files(text, settings.DRIVE_SHARED_DRIVE_ID)}
    return next((twin for twin in twins if twin.file_id in used), twins[0])
