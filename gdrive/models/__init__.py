"""Folder templates, folder trees, and the mirror of Drive."""

from gdrive.models.act import DriveFileAct
from gdrive.models.channel import (
    DriveChangeLog,
    DriveSyncState,
    DriveWebhookChannel,
    WatchedFile,
)
from gdrive.models.creation import DriveCreation
from gdrive.models.mirror import DriveFile, DriveFolder, EntityType
from gdrive.models.plan import DriveTemplatePlan, DriveTemplatePlanItem
from gdrive.models.template import DriveStructureNode, DriveStructureTemplate
from gdrive.models.template_version import DriveStructureTemplateVersion
from gdrive.models.tree import DriveFolderNode, DriveFolderTree, ReservedId

__all__ = [
    "DriveChangeLog",
    "DriveCreation",
    "DriveFile",
    "DriveFileAct",
    "DriveFolder",
    "DriveFolderNode",
    "DriveFolderTree",
    "DriveStructureNode",
    "DriveStructureTemplate",
    "DriveStructureTemplateVersion",
    "DriveSyncState",
    "DriveTemplatePlan",
    "DriveTemplatePlanItem",
    "DriveWebhookChannel",
    "EntityType",
    "ReservedId",
    "WatchedFile",
]
