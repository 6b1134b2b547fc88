"""Drive's admin pages."""

from gdrive.admin import overview
from gdrive.admin.file_verbs import FileActAdmin
from gdrive.admin.mirror import DriveChangeAdmin, DriveFileAdmin
from gdrive.admin.plans import PlanAdmin
from gdrive.admin.templates import TemplateAdmin
from gdrive.admin.work import DriveChannelAdmin, FolderTreeAdmin, FollowedDriveAdmin

__all__ = [
    "DriveChangeAdmin",
    "DriveChannelAdmin",
    "DriveFileAdmin",
    "FileActAdmin",
    "FolderTreeAdmin",
    "FollowedDriveAdmin",
    "PlanAdmin",
    "TemplateAdmin",
    "overview",
]
