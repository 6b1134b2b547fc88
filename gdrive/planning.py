"""Plans: what a template would change in the folders records have; writes nothing but itself.

Trees are compared a hundred at a time, each piece in one transaction with the place it came to,
from the journal, the mirror and the records: Google is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import groupby
from typing import Any

from django.db import transaction
from django.utils import timezone

from gdrive import entities, layout
from gdrive.comparing import Action, Comparison, Reason, Wanted, compare, item
from gdrive.models import (
    DriveFile,
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureNode,
    DriveStructureTemplate,
    DriveTemplatePlan,
    DriveTemplatePlanItem,
)
from gdrive.parsing import FOLDER_MIME_TYPE
from pipedesk.accounts.models import User
from pipedesk.core.chunks import chunks

TREES_AT_ONCE = 100
State = DriveTemplatePlan.State


def draw(
    template: DriveStructureTemplate,
    by: User | None,
    entity_ids: Collection[str] | None = None,
    **columns: Any,
) -> DriveTemplatePlan:
    """A new plan, for every record with folders or for these. The first trees are compared here,
    a job does the rest.

    Where all of it fits into the first piece the plan is finished at once.
    """
    with transaction.atomic():
        plan = DriveTemplatePlan.objects.create(
            template=template,
            template_name=template.name,
            entity_type=template.entity_type,
            version=template.version,
            created_by=by,
            entity_ids=None if entity_ids is None else sorted(set(entity_ids)),
            **columns,
        )
        is_whole = compare_more(plan)
        plan.save()
        if not is_whole or plan.state == State.APPLYING:
            DriveTemplatePlan.objects.request(plan.pk)
    return plan


def compare_more(plan: DriveTemplatePlan) -> bool:
    """Compare the next trees and store what was found; whether those were the last.

    Inside a transaction; the plan's columns change in memory, the caller stores them.
    """
    trees = _next_trees(plan)
    items, unchanged = _compared(plan, trees) if trees else ([], 0)
    DriveTemplatePlanItem.objects.bulk_create(items, batch_size=500)
    totals = Counter(plan.totals) + Counter(one.action for one in items)
    totals["unchanged"] += unchanged
    plan.totals = dict(totals)
    plan.records += len(trees)
    if trees:
        plan.place = trees[-1].pk
    is_whole = len(trees) < TREES_AT_ONCE
    if is_whole:
        plan.state = State.APPLYING if plan.applies_at_once else State.PLANNED
    return is_whole


def _next_trees(plan: DriveTemplatePlan) -> list[DriveFolderTree]:
    trees = DriveFolderTree.objects.filter(
        entity_type=plan.entity_type, nodes__path_key=layout.ROOT_KEY, pk__gt=plan.place
    )
    if plan.entity_ids is not None:
        trees = trees.filter(entity_id__in=plan.entity_ids)
    return list(trees.order_by("pk")[:TREES_AT_ONCE])


def _compared(
    plan: DriveTemplatePlan, trees: list[DriveFolderTree]
) -> tuple[list[DriveTemplatePlanItem], int]:
    wanted = Wanted.of(
        plan.entity_type, list(DriveStructureNode.objects.filter(template=plan.template_id))
    )
    known = entities.find_many(plan.entity_type, [tree.entity_id for tree in trees])
    rows = DriveFolderNode.objects.filter(tree__in=trees).order_by("tree_id", "pk")
    folders = {pk: list(group) for pk, group in groupby(rows, lambda row: row.tree_id)}
    mirror = _mirror([folder.google_id for group in folders.values() for folder in group])
    items: list[DriveTemplatePlanItem] = []
    unchanged = 0
    for tree in trees:
        entity = known.get(tree.entity_id)
        if entity is None:
            [root] = [f for f in folders[tree.pk] if f.path_key == layout.ROOT_KEY]
            found = [item(Action.SKIP, root, Reason.RECORD)]
        else:
            values = entity.placeholders(timezone.localdate(tree.created_at))
            compared = Comparison(wanted, folders[tree.pk], mirror, values, plan.is_repair)
            found = list(compare(compared))
            unchanged += compared.unchanged
        for one in found:
            one.plan, one.tree = plan, tree
            if one.action == Action.SKIP:
                one.state = DriveTemplatePlanItem.State.SKIPPED
        items += found
    _adopt(items, {(f.tree_id, f.path_key): f.google_id for g in folders.values() for f in g})
    return items, unchanged


def _mirror(google_ids: list[str]) -> dict[str, DriveFile]:
    found: dict[str, DriveFile] = {}
    for piece in chunks(google_ids):
        rows = DriveFile.objects.filter(file_id__in=piece).only(
            *("file_id", "name", "parent_folder_id"),
            *("unavailable_at", "trashed_at", "deleted_at"),
        )
        found |= {row.file_id: row for row in rows}
    return found


def _adopt(items: list[DriveTemplatePlanItem], ids: dict[tuple[int | None, str], str]) -> None:
    """Where a person has made a folder of the wanted name, it is taken over in place of a twin."""
    new = [one for one in items if one.action == Action.CREATE and one.reason == Reason.NEW]
    parents = {ids[key] for one in new if (key := (one.tree_id, one.parent_key)) in ids}
    there: dict[tuple[str | None, str], str] = {}
    for piece in chunks(sorted(parents)):
        rows = DriveFile.objects.present().filter(
            parent_folder_id__in=piece,
            mime_type=FOLDER_MIME_TYPE,
            name__in={one.to_text for one in new},
        )
        ours = DriveFolderNode.objects.filter(google_id__in=rows.values("file_id"))
        ours_ids = set(ours.values_list("google_id", flat=True))
        for row in rows.order_by("-pk"):  # of several the first one
            if row.file_id not in ours_ids:
                there[row.parent_folder_id, row.name] = row.file_id
    for one in new:
        parent_id = ids.get((one.tree_id, one.parent_key), "")
        if google_id := there.get((parent_id, one.to_text)):
            one.action, one.reason = Action.ADOPT, Reason.SAME_NAME
            one.google_id = google_id
