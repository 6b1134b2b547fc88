"""Asking for an existing folder to become a record's own; the tree's job adopts it."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from gdrive import adoption, entities, journal, layout
from gdrive.models import DriveFolderTree
from pipedesk.core.exceptions import Conflict


def order(
    entity_type: str, entity_id: str, *, folder_url: str = "", by_name: bool = False
) -> DriveFolderTree:
    """Have the folder at this address adopted, or the only one of the record's name.

    Neither of both takes an earlier order back. A record that has its folder by now keeps it;
    asking for that very folder again changes nothing. Asks Google; not in a transaction.

    Raises InvalidInput and Conflict for a folder the record cannot have.
    """
    trees = DriveFolderTree.objects
    folder_id = adoption.folder_id_of(folder_url) if folder_url else ""
    if folder_id:
        tree = trees.of(entity_type, entity_id).first() or DriveFolderTree(
            entity_type=entity_type, entity_id=entity_id
        )
        entity = entities.find(entity_type, entity_id)
        if entity is not None:
            adoption.examine(tree, entity, folder_id)
    with transaction.atomic():
        tree = trees.wanted(entity_type, entity_id)
        tree = trees.select_for_update(no_key=True).get(pk=tree.pk)
        if journal.is_planned(tree):
            _refuse_second(tree, folder_id)
        else:
            # Whoever is about to plan the tree otherwise must stop.
            trees.filter(pk=tree.pk).update(
                adopt_folder_id=folder_id,
                adopt_by_name=by_name,
                lease_gen=F("lease_gen") + 1,
                lease_until=None,
                next_attempt_at=None,
            )
        trees.ask(tree)
    tree.refresh_from_db()
    return tree


def _refuse_second(tree: DriveFolderTree, folder_id: str) -> None:
    root = tree.nodes.get(path_key=layout.ROOT_KEY)
    if folder_id not in ("", root.google_id):
        raise Conflict(_("This record has a folder already: “%(name)s”.") % {"name": root.name})
