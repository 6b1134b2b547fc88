"""What the CRM tells us of: records that need folders, or folders that need other names."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from crm.models import Lead, LeadContact
from crm.signals import (
    entity_created,
    entity_described,
    entity_renamed,
    lead_qualified,
    lead_unqualified,
    merge_undone,
    records_merged,
)
from gdrive import carried, naming
from gdrive.creating import drop_creations
from gdrive.models import DriveFolderTree
from pipedesk.accounts.models import User
from pipedesk.core.signals import pruning

pruning.connect(drop_creations, dispatch_uid="gdrive.drop_creations")


@receiver([entity_created, entity_renamed], dispatch_uid="gdrive.request_tree")
def request_tree(entity_type: str, entity_id: object, **_kwargs: Any) -> None:
    """Ask for the entity's tree, in the transaction that wrote the entity."""
    with transaction.atomic():
        tree = DriveFolderTree.objects.wanted(entity_type, entity_id)
        DriveFolderTree.objects.request(tree.pk)


@receiver(entity_renamed, dispatch_uid="gdrive.follow_company_name")
def follow_company_name(entity_type: str, entity_id: object, **_kwargs: Any) -> None:
    """Let the folders of a company's leads and deals show its new name."""
    if entity_type == "company":
        naming.company_renamed(UUID(str(entity_id)))


@receiver(entity_described, dispatch_uid="gdrive.follow_description")
def follow_description(
    entity_type: str, entity_id: object, columns: Collection[str], **_kwargs: Any
) -> None:
    """Let the folders whose names show the owner, the city or the role follow them."""
    naming.described(entity_type, str(entity_id), columns)


@receiver([post_save, post_delete], sender=LeadContact, dispatch_uid="gdrive.follow_contact")
def follow_contact(instance: LeadContact, raw: bool = False, **_kwargs: Any) -> None:
    """Let a contact's folders show who owns the lead it belongs to now."""
    if not raw:
        naming.contact_moved(instance.contact_id)


@receiver(pre_save, sender=User, dispatch_uid="gdrive.notice_owner_name")
def notice_owner_name(
    instance: User, raw: bool, update_fields: Collection[str] | None, **_kwargs: Any
) -> None:
    """Note whether a user is about to get another name; a log-in asks nothing."""
    watched = update_fields is None or "name" in update_fields
    before = None
    if watched and not raw and not instance._state.adding:  # noqa: SLF001  (Django's documented attribute)
        before = User.objects.filter(pk=instance.pk).first()
    instance.__dict__["_name_changes"] = before is not None and str(before) != str(instance)


@receiver(post_save, sender=User, dispatch_uid="gdrive.follow_owner_name")
def follow_owner_name(instance: User, **_kwargs: Any) -> None:
    """Let folders whose names show an owner of leads follow the new name."""
    if instance.__dict__.pop("_name_changes", False):
        naming.owner_renamed(instance.pk)


@receiver(lead_qualified, dispatch_uid="gdrive.move_qualified")
def move_qualified(lead: Lead, **_kwargs: Any) -> None:
    """Move the lead's folder to its company, and the deal's where it got one."""
    request_tree("lead", lead.pk)
    if lead.qualified_master_deal_id:
        request_tree("deal", lead.qualified_master_deal_id)
    naming.described("lead", lead.pk, {"owner_id"})


@receiver(lead_unqualified, dispatch_uid="gdrive.move_unqualified")
def move_unqualified(lead: Lead, deal_id: object, **_kwargs: Any) -> None:
    """Move the lead's folder back; the deal's may name the lead's owner."""
    request_tree("lead", lead.pk)
    if deal_id:
        request_tree("deal", deal_id)


@receiver(records_merged, dispatch_uid="gdrive.carry_folders")
def carry_folders(
    entity_type: str, kept_id: object, merged_id: object, notes: dict[str, Any], **_kwargs: Any
) -> None:
    """Let the folders of a merged record become the kept one's."""
    carried.carry(entity_type, str(kept_id), str(merged_id), notes)


@receiver(merge_undone, dispatch_uid="gdrive.bring_folders_back")
def bring_folders_back(
    entity_type: str, kept_id: object, merged_id: object, notes: dict[str, Any], **_kwargs: Any
) -> None:
    """Give each record its own folders again."""
    carried.bring_back(entity_type, str(kept_id), str(merged_id), notes)
