"""Addresses of this room, below the site's root."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from gdrive.change_views import ChangeViewSet
from gdrive.creation_views import FilesView, FoldersView, NewFolderView, UploadView
from gdrive.file_views import MoveView, RenameView
from gdrive.finding_views import DownloadView, ItemsView, SearchView
from gdrive.naming_views import SyncNameView
from gdrive.plan_views import CancelPlanView, PlannedTemplateViewSet, PlanViewSet, RepairView
from gdrive.provision_views import ProvisionView
from gdrive.sharing_views import PermissionsView, PermissionView
from gdrive.template_views import PlaceholdersView
from gdrive.trash_views import (
    DeleteFolderView,
    OneFileView,
    RestoreFileView,
    RestoreFolderView,
)
from gdrive.views import FolderView, RootFolderView
from pipedesk.core.routing import Router, route

ENTITY = "api/drive/<str:entity_type>/<str:entity_id>"
FILE = f"{ENTITY}/files/<str:file_id>"
FOLDER = f"{ENTITY}/folders/<str:file_id>"

router = Router()
router.register("api/drive/templates/plans", PlanViewSet, basename="drive-template-plan")
router.register("api/drive/templates", PlannedTemplateViewSet, basename="drive-template")
router.register("api/drive/changes", ChangeViewSet, basename="drive-change")

urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    route("api/drive/sync-name", SyncNameView.as_view(), name="drive-sync-name"),
    route(
        "api/drive/templates/placeholders",
        PlaceholdersView.as_view(),
        name="drive-template-placeholders",
    ),
    route(f"{FILE}/rename", RenameView.as_view(), name="drive-file-rename"),
    route(f"{FILE}/move", MoveView.as_view(), name="drive-file-move"),
    route("api/drive/search", SearchView.as_view(), name="drive-search"),
    route("api/drive/items", ItemsView.as_view(), name="drive-items"),
    route("api/drive/folders", FoldersView.as_view(), name="drive-folders"),
    route("api/drive/files", FilesView.as_view(), name="drive-files"),
    route(
        "api/drive/templates/plans/<int:plan_id>/cancel",
        CancelPlanView.as_view(),
        name="drive-template-plan-cancel",
    ),
    route(ENTITY, FolderView.as_view(), name="drive-folder"),
    route(f"{ENTITY}/provision", ProvisionView.as_view(), name="drive-provision"),
    route(f"{ENTITY}/repair", RepairView.as_view(), name="drive-repair"),
    route(f"{ENTITY}/root-folder-url", RootFolderView.as_view(), name="drive-root-folder-url"),
    route(f"{ENTITY}/folder", NewFolderView.as_view(), name="drive-new-folder"),
    route(f"{ENTITY}/upload", UploadView.as_view(), name="drive-upload"),
    route(FILE, OneFileView.as_view(), name="drive-file"),
    route(f"{FILE}/permissions", PermissionsView.as_view(), name="drive-file-permissions"),
    route(
        f"{FILE}/permissions/<str:permission_id>",
        PermissionView.as_view(),
        name="drive-file-permission",
    ),
    route(f"{FILE}/restore", RestoreFileView.as_view(), name="drive-file-restore"),
    route(FOLDER, DeleteFolderView.as_view(), name="drive-subfolder"),
    route(f"{FOLDER}/restore", RestoreFolderView.as_view(), name="drive-subfolder-restore"),
    route(f"{FILE}/download", DownloadView.as_view(), name="drive-file-download"),
]
