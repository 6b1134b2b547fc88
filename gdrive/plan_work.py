"""Doing what a plan says, folder by folder, and nothing else.

A tree is worked on under its own lease, so that its own job and ours never meet in it. Whatever
is not as the plan saw it, template, record, or folder, is left and said so; nothing is deleted.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, TypeAlias

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from gdrive import folder_changes, planning
from gdrive.folder_changes import Left
from gdrive.models import DriveFolderTree, DriveTemplatePlan, DriveTemplatePlanItem
from pipedesk.core.exceptions import GiveUp, TryLater
from pipedesk.core.work import SLICE_S, Lease, borrow, give_back, rows_of
from pipedesk.google.errors import GoogleError, RateLimited, Unauthorized

PlanState: TypeAlias = DriveTemplatePlan.State
ItemState: TypeAlias = DriveTemplatePlanItem.State
TRIES = 3  # of one folder, when Google answers nothing or 5xx
BUSY_S = 30.0
COUNTERS = {ItemState.DONE: "done", ItemState.FAILED: "failed", ItemState.SKIPPED: "skipped"}


def work(lease: Lease) -> None:
    """Go on with the plan of row `lease.pk`: compare, then apply what was asked for.

    Stops at the end of its time slice with the rest still requested. Raises TryLater while
    every tree that is left is in another worker's hands.
    """
    deadline = monotonic() + SLICE_S
    while monotonic() < deadline:
        plan = DriveTemplatePlan.objects.get(pk=lease.pk)
        if plan.state == PlanState.PLANNING:
            _compare_more(lease, plan)
        elif plan.state == PlanState.APPLYING:
            if _apply_some(lease, plan, deadline):
                return
        else:
            _complete(lease)
            return


def _compare_more(lease: Lease, plan: DriveTemplatePlan) -> None:
    with transaction.atomic():
        lease.write()
        planning.compare_more(plan)
        columns = ("totals", "records", "place")
        lease.write(attempts=0, **{name: getattr(plan, name) for name in columns})
        # Somebody may have cancelled it meanwhile.
        rows = DriveTemplatePlan.objects.filter(pk=plan.pk, state=PlanState.PLANNING)
        rows.update(state=plan.state)


def _apply_some(lease: Lease, plan: DriveTemplatePlan, deadline: float) -> bool:
    """Apply tree after tree until the slice or the plan ends; True when there is no more to do.

    Raises TryLater when all that is left is in other hands.
    """
    busy: set[int] = set()
    while monotonic() < deadline:
        pending = plan.items.filter(state=ItemState.PENDING).exclude(tree__in=busy)
        tree_id = pending.order_by("pk").values_list("tree_id", flat=True).first()
        if tree_id is None:
            break
        tree_lease = borrow(DriveFolderTree, tree_id)
        if tree_lease is None:
            busy.add(tree_id)
            continue
        try:
            goes_on = _apply_tree(lease, tree_lease, plan)
        except Exception:
            give_back(tree_lease)
            raise
        give_back(tree_lease)
        if not goes_on:
            return False  # the state says why; the next round ends it
    else:
        return False
    if busy:
        raise TryLater(_("Some folders are being worked on by others."), BUSY_S)
    _complete(lease, PlanState.DONE)
    return True


def _apply_tree(lease: Lease, tree_lease: Lease, plan: DriveTemplatePlan) -> bool:
    """Do what is left to do in one tree; False when the whole plan must stop."""
    tree = DriveFolderTree.objects.get(pk=tree_lease.pk)
    work = folder_changes.Tree.read(tree, tree_lease, plan)
    for item in plan.items.filter(state=ItemState.PENDING, tree=tree).order_by("pk"):
        if not _may_go_on(lease, plan):
            return False
        _record(lease, item, *_attempt(lease, work, item))
    tree_lease.write(template=plan.template_id, template_version=plan.version)
    return True


def _may_go_on(lease: Lease, plan: DriveTemplatePlan) -> bool:
    """Whether the plan still holds; where it does not, say so in its rows."""
    rows = DriveTemplatePlan.objects.filter(pk=plan.pk)
    if rows.fresh().filter(failed__lt=F("max_failures")).exists():
        return True
    with transaction.atomic():
        lease.write()
        applying = rows.filter(state=PlanState.APPLYING)
        if applying.filter(failed__gte=F("max_failures")).exists():
            applying.update(state=PlanState.STOPPED, finished_at=Now())
        elif applying.exists():  # the template was edited, retired or deleted
            left = plan.items.filter(state=ItemState.PENDING).update(
                state=ItemState.SKIPPED, error=folder_changes.outdated()
            )
            applying.update(skipped=F("skipped") + left)
    return False


def _attempt(
    lease: Lease, tree: folder_changes.Tree, item: DriveTemplatePlanItem
) -> tuple[ItemState, str]:
    """One item; a failure of this folder alone is its own."""
    try:
        folder_changes.change(tree, item)
    except Left as reason:
        return ItemState.SKIPPED, str(reason)
    except (RateLimited, Unauthorized):
        raise
    except TryLater as failure:
        if rows_of(lease.model).get(pk=lease.pk).attempts < TRIES:
            raise
        return ItemState.FAILED, str(failure)
    except (GiveUp, GoogleError) as failure:
        return ItemState.FAILED, str(failure)
    return ItemState.DONE, ""


def _record(lease: Lease, item: DriveTemplatePlanItem, state: ItemState, error: str) -> None:
    counter = COUNTERS[state]
    progress: dict[str, Any] = {counter: F(counter) + 1}
    with transaction.atomic():
        lease.write(attempts=0, **progress)
        DriveTemplatePlanItem.objects.filter(pk=item.pk).update(state=state, error=error)


def _complete(lease: Lease, state: PlanState | None = None) -> None:
    with transaction.atomic():
        lease.complete()
        if state is not None:
            rows = DriveTemplatePlan.objects.filter(pk=lease.pk, state=PlanState.APPLYING)
            rows.update(state=state, finished_at=Now())
