"""What the CRM tells us of: records that need folders, or folders that need other names."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from crm.models import Lead
from crm.signals import (
    entity_created,
    entity_renamed,
    lead_qualified,
    lead_unqualified,
    merge_undone,
    records_merged,
)
from gdrive import carried
from gdrive.models import DriveFolderTree


@receiver([entity_created, entity_renamed], dispatch_uid="gdrive.request_tree")
def request_tree(entity_type: str, entity_id: object, **_kwargs: Any) -> None:
    """Ask for the entity's tree, in the transaction that wrote the entity."""
    with transaction.atomic():
        tree = DriveFolderTree.objects.wanted(entity_type, entity_id)
        DriveFolderTree.objects.request(tree.pk)


@receiver(lead_qualified, dispatch_uid="gdrive.move_qualified")
def move_qualified(lead: Lead, **_kwargs: Any) -> None:
    """Move the lead's folder to its company, and the deal's where it got one."""
    request_tree("lead", lead.pk)
    if lead.qualified_master_deal_id:
        request_tree("deal", lead.qualified_master_deal_id)


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
