"""What is a lead's: statistics follow when contacts, their addresses or interactions change hands.

Queryset updates and bulk writes pass this by; who uses them calls `statistics.refresh`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone

from crm import scoring, statistics
from crm.models import Contact, Lead, LeadContact
from crm.signals import merge_undone, records_merged

# What decides which meetings a contact attends.
ADDRESSING = frozenset({"email", "deleted_at"})


@receiver(post_save, sender=LeadContact, dispatch_uid="crm.count_meetings_of_added")
def count_meetings_of_added(
    instance: LeadContact, raw: bool, created: bool, **_kwargs: object
) -> None:
    """The lead has the meetings of its new contact."""
    if created and not raw:
        _follow([instance.lead_id])


@receiver(post_delete, sender=LeadContact, dispatch_uid="crm.count_meetings_without_removed")
def count_meetings_without_removed(
    instance: LeadContact, origin: object, **_kwargs: object
) -> None:
    """The lead no longer has the meetings of that contact."""
    model = origin.model if isinstance(origin, QuerySet) else type(origin)
    if model is not Lead:  # else the lead itself goes
        _follow([instance.lead_id])


@receiver(post_save, sender=Contact, dispatch_uid="crm.count_meetings_of_changed")
def count_meetings_of_changed(
    instance: Contact,
    raw: bool,
    created: bool,
    update_fields: Collection[str] | None,
    **_kwargs: object,
) -> None:
    """Leads have the meetings of the contact's address, if it is there and alive."""
    if raw or created or ADDRESSING.isdisjoint(instance.changes(update_fields)):
        return
    links = LeadContact.objects.filter(contact=instance)
    _follow(list(links.values_list("lead_id", flat=True)))


@receiver(records_merged, dispatch_uid="crm.count_for_the_kept")
@receiver(merge_undone, dispatch_uid="crm.count_for_both_again")
def count_after_merge(
    entity_type: str, kept_id: uuid.UUID, merged_id: uuid.UUID, **_kwargs: object
) -> None:
    """Interactions, contacts and addresses changed hands."""
    ids = [kept_id, merged_id]
    if entity_type == "lead":
        _follow(ids)
        # Status, origin and the priority set by hand may have changed hands, too.
        scoring.rescore(ids, timezone.now())
    elif entity_type == "contact":
        links = LeadContact.objects.filter(contact__in=ids).order_by()
        _follow(list(links.values_list("lead_id", flat=True)))


def _follow(lead_ids: Collection[uuid.UUID]) -> None:
    """Now, and once more when others see the link.

    A meeting that is being stored meanwhile knows nothing of it yet, nor we of the meeting:
    whichever is seen last looks again.
    """
    if lead_ids:
        statistics.refresh(lead_ids)
        transaction.on_commit(partial(statistics.refresh, lead_ids), robust=True)
