"""The lead listener, and the facts that higher apps hear of.

Queryset updates, bulk writes and fixtures send none of this: they are the way of machines.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver
from django.utils import timezone

from crm.models import (
    Company,
    Contact,
    Deal,
    Lead,
    LeadActivityStats,
    LeadContact,
    LeadOrigin,
    LeadStatus,
    LeadTag,
    PriorityFormula,
    Tag,
)
from crm.models.formula import NUMBERS
from crm.models.lead import is_interaction
from crm.models.loaded import Changes, LoadedModel
from crm.signals import entity_created, entity_described, entity_renamed
from crm.statistics import UPDATE_KIND
from pipedesk.audit.following import follow
from pipedesk.audit.recording import record

ENTITY_TYPES: dict[type[LoadedModel], str] = {
    Company: "company",
    Contact: "contact",
    Deal: "deal",
    Lead: "lead",
}
# What a folder's name and place are made of.
NAMING_FIELDS: dict[type[LoadedModel], frozenset[str]] = {
    Company: frozenset({"name"}),
    Contact: frozenset({"name"}),
    Deal: frozenset({"title", "company_id"}),
    Lead: frozenset({"title", "trade_name", "qualified_company_id"}),
}
# What its folders' names may show besides.
DESCRIBING_FIELDS: dict[type[LoadedModel], frozenset[str]] = {
    Contact: frozenset({"role"}),
    Lead: frozenset({"owner_id", "address_city", "address_state"}),
}
# Moved by the listeners themselves: no news in the history.
STAMPS = frozenset(
    {
        "created_at",
        "updated_at",
        "last_interaction_at",
        "manual_priority_by",
        "manual_priority_at",
    }
)


@receiver(pre_save, sender=Lead, dispatch_uid="crm.stamp_lead")
def stamp_lead(
    instance: Lead, raw: bool, update_fields: Collection[str] | None, **_kwargs: Any
) -> None:
    """Move `updated_at`, and `last_interaction_at` when a tracked field changed.

    A time the caller sets in the same save stays as set.
    """
    if raw or instance._state.adding:  # noqa: SLF001  (Django's documented attribute)
        return
    changes = instance.changes(update_fields)
    now = timezone.now()
    tracked = is_interaction(changes)
    if tracked or (changes and "updated_at" not in changes):
        instance.updated_at = now
    if tracked and "last_interaction_at" not in changes:
        instance.last_interaction_at = now


@receiver(post_save, sender=Lead, dispatch_uid="crm.copy_last_interaction")
def copy_last_interaction(
    instance: Lead, raw: bool, created: bool, update_fields: Collection[str] | None, **_kwargs: Any
) -> None:
    """Give the statistics row, where one exists, the lead's last interaction."""
    if raw or created:
        return
    changes = instance.changes(update_fields)
    if "last_interaction_at" not in changes:
        return
    copied: dict[str, Any] = {"last_interaction_at": instance.last_interaction_at}
    if is_interaction(changes):
        copied["last_interaction_type"] = UPDATE_KIND
    LeadActivityStats.objects.filter(lead_id=instance.pk).update(**copied)


def announce(
    sender: type[LoadedModel],
    instance: LoadedModel,
    raw: bool,
    created: bool,
    update_fields: Collection[str] | None,
    **_kwargs: Any,
) -> None:
    """Tell higher apps of a new row, or of one whose folder is now called or placed otherwise."""
    if raw:
        return
    facts = {"entity_type": ENTITY_TYPES[sender], "entity_id": instance.pk}
    if created:
        entity_created.send(sender, **facts)
        return
    changed = instance.changes(update_fields).keys()
    if not NAMING_FIELDS[sender].isdisjoint(changed):
        entity_renamed.send(sender, **facts)
    if described := DESCRIBING_FIELDS.get(sender, frozenset()) & changed:
        entity_described.send(sender, **facts, columns=described)


def record_write(
    sender: type[LoadedModel],
    instance: LoadedModel,
    raw: bool,
    created: bool,
    update_fields: Collection[str] | None,
    **_kwargs: Any,
) -> None:
    """Add what was written to the history, by the names of the columns."""
    if raw:
        return
    changes = instance.changes(update_fields)
    columns = {
        str(field.column): changes[field.attname]
        for field in sender._meta.concrete_fields  # noqa: SLF001  (Django's documented attribute)
        if field.attname in changes
        and field.attname not in STAMPS
        and (not created or changes[field.attname][1] is not None)
    }
    if created or columns:
        action = "create" if created else _action(changes)
        record(action, ENTITY_TYPES[sender], instance.pk, columns)


def _action(changes: Changes) -> str:
    was, is_now = changes.get("deleted_at", (None, None))
    if was is None and is_now is not None:
        return "delete"
    return "restore" if was is not None and is_now is None else "update"


def record_removal(sender: type[LoadedModel], instance: LoadedModel, **_kwargs: Any) -> None:
    """Add to the history that a row is gone for good."""
    record("purge", ENTITY_TYPES[sender], instance.pk, {})


for _model in ENTITY_TYPES:
    post_save.connect(announce, sender=_model, dispatch_uid=f"crm.announce.{_model.__name__}")
    post_save.connect(record_write, sender=_model, dispatch_uid=f"crm.record.{_model.__name__}")
    post_delete.connect(record_removal, sender=_model, dispatch_uid=f"crm.purge.{_model.__name__}")

# Their weights move scores, their names are what people see on leads.
follow(LeadStatus, "lead_status")
follow(LeadOrigin, "lead_origin")
follow(Tag, "tag")
follow(PriorityFormula, "priority_formula", columns=NUMBERS)


@receiver(post_save, sender=LeadTag, dispatch_uid="crm.record_tag")
@receiver(post_save, sender=LeadContact, dispatch_uid="crm.record_contact")
def record_link(instance: LeadTag | LeadContact, raw: bool, created: bool, **_kwargs: Any) -> None:
    """Add a tag or contact given to a lead, or its new mark, to the lead's history."""
    if raw:
        return
    column, value = _link(instance)
    changes: dict[str, tuple[Any, Any]] = {column: (None if created else value, value)}
    if isinstance(instance, LeadContact):
        was = None if created else not instance.is_primary
        changes["is_primary"] = (was, instance.is_primary)
    record("update", "lead", instance.lead_id, changes)


@receiver(post_delete, sender=LeadTag, dispatch_uid="crm.record_tag_removal")
@receiver(post_delete, sender=LeadContact, dispatch_uid="crm.record_contact_removal")
def record_unlink(instance: LeadTag | LeadContact, origin: object, **_kwargs: Any) -> None:
    """Add a tag or contact taken from a lead to the lead's history."""
    model = origin.model if isinstance(origin, QuerySet) else type(origin)
    if model is Lead:  # the lead itself goes, and says so
        return
    column, value = _link(instance)
    record("update", "lead", instance.lead_id, {column: (value, None)})


def _link(row: LeadTag | LeadContact) -> tuple[str, Any]:
    return ("tag_id", row.tag_id) if isinstance(row, LeadTag) else ("contact_id", row.contact_id)
