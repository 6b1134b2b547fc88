"""Scores follow what people write: a lead, the points of a status or origin, the formula."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver
from django.utils import timezone

from crm import scoring
from crm.models import Lead, LeadOrigin, LeadStatus, PriorityFormula
from pipedesk.audit.recording import current_user_id

# What a lead's own row gives to its score, or to there being one.
SCORED_FIELDS: Final = frozenset(
    {
        "lead_status_id",
        "lead_origin_id",
        "last_interaction_at",
        "manual_priority_score",
        "qualified_at",
        "deleted_at",
    }
)


@receiver(pre_save, sender=Lead, dispatch_uid="crm.keep_priority")
def keep_priority(
    instance: Lead, raw: bool, update_fields: Collection[str] | None, **_kwargs: Any
) -> None:
    """Make a score that somebody saves the one set by hand: computed ones are never saved."""
    if raw:
        return
    if instance._state.adding:  # noqa: SLF001  (Django's documented attribute)
        is_set = instance.manual_priority_score is None and instance.priority_score != 0
    else:
        changes = instance.changes(update_fields)
        is_set = "priority_score" in changes and "manual_priority_score" not in changes
    if is_set:
        instance.set_priority(int(instance.priority_score), by=current_user_id())


@receiver(post_save, sender=Lead, dispatch_uid="crm.rescore_lead")
def rescore_lead(
    instance: Lead, raw: bool, created: bool, update_fields: Collection[str] | None, **_kwargs: Any
) -> None:
    """Put the score in force that follows from the row as it is now.

    A lead that left the work list keeps the score it left with.
    """
    if raw:
        return
    changed = instance.changes(update_fields).keys()
    is_hidden = instance.deleted_at is not None and "manual_priority_score" not in changed
    if is_hidden or not (created or changed & SCORED_FIELDS):
        return
    written = scoring.write([instance.pk], timezone.now())
    if created or written:
        instance.adopt(priority_score=written.get(instance.pk, instance.priority_score))


@receiver(post_save, sender=LeadStatus, dispatch_uid="crm.weigh_status")
@receiver(post_save, sender=LeadOrigin, dispatch_uid="crm.weigh_origin")
def weigh(raw: bool, created: bool, update_fields: Collection[str] | None, **_kwargs: Any) -> None:
    """Have all scores computed anew after a change of points; nobody has a new value yet."""
    if raw or created or "priority_weight" not in (update_fields or ("priority_weight",)):
        return
    PriorityFormula.objects.request_rescore()


@receiver(post_save, sender=PriorityFormula, dispatch_uid="crm.weigh_formula")
def weigh_all(raw: bool, **_kwargs: Any) -> None:
    """Have all scores computed anew after a change of the formula."""
    if not raw:
        PriorityFormula.objects.request_rescore()
