"""What people do with plans: draw, apply, cancel, repair one record. Each in a transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from gdrive import layout, planning
from gdrive.models import (
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureTemplate,
    DriveTemplatePlan,
    DriveTemplatePlanItem,
)
from pipedesk.accounts.models import User
from pipedesk.core.exceptions import Conflict
from pipedesk.core.pruning import drop

State, ItemState = DriveTemplatePlan.State, DriveTemplatePlanItem.State
MAX_ID = 2**31 - 1
KEEP_UNAPPLIED = timedelta(days=1)
KEEP_FINISHED = timedelta(days=90)


def draw(
    template: DriveStructureTemplate, by: User | None, entity_ids: Collection[UUID] | None = None
) -> DriveTemplatePlan:
    """A plan for these records, or for all that have folders.

    Plans of this template that nobody applied within a day are dropped.
    """
    old = timezone.now() - KEEP_UNAPPLIED
    plans = DriveTemplatePlan.objects.filter(template=template, state=State.PLANNED)
    plans.filter(created_at__lt=old).delete()
    ids = None if entity_ids is None else [str(entity_id) for entity_id in entity_ids]
    return planning.draw(template, by, ids, max_failures=settings.DRIVE_APPLY_MAX_FAILURES)


def drop_finished(dry_run: bool, **_kwargs: Any) -> dict[str, int]:
    """Receiver: plans that were finished long ago, with their items."""
    plans = DriveTemplatePlan.objects.filter(finished_at__lt=timezone.now() - KEEP_FINISHED)
    items = DriveTemplatePlanItem.objects.filter(plan__in=plans)
    counted = drop(items, dry_run=dry_run)
    drop(plans, dry_run=dry_run)
    return {"planned changes of folders": counted}


def items_of(plan: DriveTemplatePlan) -> QuerySet[Any]:
    """The items with the name of their record's folder as `record_name`."""
    roots = DriveFolderNode.objects.filter(tree=OuterRef("tree"), path_key=layout.ROOT_KEY)
    rows = plan.items.select_related("tree")
    return rows.annotate(record_name=Subquery(roots.values("name")[:1]))


@transaction.atomic
def apply(template: DriveStructureTemplate, plan_id: int, max_failures: int) -> DriveTemplatePlan:
    """Ask for what a plan says; a plan that is being applied, or was, stays as it is.

    One that stopped goes on, its failed folders included. Raises Http404 for a plan of another
    template, Conflict for one that cannot be applied, or no longer says what the template does.
    """
    plans = DriveTemplatePlan.objects.filter(template=template, pk=plan_id)
    plan = plans.select_for_update(of=("self",), no_key=True).first()
    if plan is None:
        raise Http404
    if plan.state in {State.APPLYING, State.DONE}:
        if plan.dead_at is not None:
            DriveTemplatePlan.objects.filter(pk=plan.pk).revive()
            plan.refresh_from_db()
        return plan
    if plan.state in {State.PLANNING, State.CANCELLED}:
        raise Conflict(_("This plan is not ready, or was cancelled."), state=plan.state)
    _check_current(template, plan.version)
    again = plan.items.filter(state=ItemState.FAILED).update(state=ItemState.PENDING, error="")
    DriveTemplatePlan.objects.request(
        plan.pk,
        state=State.APPLYING,
        failed=F("failed") - again,
        max_failures=max_failures,
        finished_at=None,
    )
    plan.refresh_from_db()
    return plan


def apply_version(
    template: DriveStructureTemplate, version: int, by: User | None, max_failures: int
) -> DriveTemplatePlan:
    """Plan for every record and apply at once. Raises Conflict unless that is the version."""
    _check_current(template, version)
    return planning.draw(template, by, applies_at_once=True, max_failures=max_failures)


@transaction.atomic
def cancel(plan_id: int) -> DriveTemplatePlan:
    """Stop a plan. Raises Http404 where there is none, Conflict when it is over."""
    plans = DriveTemplatePlan.objects.filter(pk=min(plan_id, MAX_ID))
    cancelled = plans.cancel()
    plan = plans.first()
    if plan is None:
        raise Http404
    if not cancelled:
        raise Conflict(_("This plan is over."), state=plan.state)
    return plan


@transaction.atomic
def repair(entity_type: str, entity_id: str, by: User | None) -> DriveTemplatePlan:
    """Ask for one record's folders as its active template says, missing ones included.

    A record without folders gets them from its own job, which is asked for, too. Raises
    Conflict where its kind has no active template.
    """
    template = DriveStructureTemplate.objects.active_for(entity_type).first()
    if template is None:
        raise Conflict(_("There is no active template for this kind of record."))
    trees = DriveFolderTree.objects
    trees.ask(trees.wanted(entity_type, entity_id))
    return planning.draw(
        template,
        by,
        [entity_id],
        is_repair=True,
        applies_at_once=True,
        max_failures=settings.DRIVE_APPLY_MAX_FAILURES,
    )


def _check_current(template: DriveStructureTemplate, version: int) -> None:
    if not template.active:
        raise Conflict(_("Only the active template can be applied."))
    if template.version != version:
        raise Conflict(
            _("The template was changed since: make a new plan."), version=template.version
        )
