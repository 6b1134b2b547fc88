"""Folders of entities in the API: read from the mirror, provisioned by a job."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import feed
from gdrive.entity_views import ENTITY_ID, ENTITY_TYPE, FOLDERS_FIRST, PAGES, EntityView
from gdrive.models import DriveFile, DriveFolder, DriveFolderTree
from gdrive.serializers import (
    CrumbSerializer,
    FolderStateSerializer,
    ListingSerializer,
    RootFolderSerializer,
)
from pipedesk.core.pagination import paginate
from pipedesk.core.query import Parameter, boolean, text


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID])
class FolderView(EntityView):
    """GET /api/drive/{type}/{id}."""

    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "get": (
            text("folder_id", description="A folder inside; empty: the entity's own."),
            boolean("include_deleted"),
            *PAGES,
        )
    }

    @extend_schema(responses=ListingSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """What lies in a folder of the entity, as Drive last showed it."""
        root = self.root()
        crumbs = self.path(root, self.query.get("folder_id"))
        rows = self._rows(crumbs[-1].file_id) if crumbs else DriveFile.objects.none()
        page = paginate(rows, self.query, FOLDERS_FIRST)
        return Response(
            {
                **self.listing(page),
                "breadcrumbs": CrumbSerializer(crumbs, many=True).data,
                "folder": self._state(root),
            }
        )

    def _rows(self, folder_id: str) -> QuerySet[DriveFile]:
        rows = DriveFile.objects.inside(folder_id).folders_apart()
        return rows.in_reach() if self.query.get("include_deleted") else rows.present()

    def _state(self, root: DriveFolder | None) -> dict[str, Any]:
        tree = DriveFolderTree.objects.of(self.entity_type, self.entity_id).first()
        state = {
            "state": tree.condition if tree else "none",
            "url": root.folder_url if root else None,
            "as_of": feed.as_of(root.folder_id if root else None),
        }
        return dict(FolderStateSerializer(state).data)


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID])
class RootFolderView(EntityView):
    """GET /api/drive/{type}/{id}/root-folder-url."""

    @extend_schema(responses=RootFolderSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Where the entity's folder is in Drive."""
        root = self.root()
        return Response(
            {
                "url": root.folder_url if root else None,
                "folder_id": root.folder_id if root else None,
                "created": root is not None,
            }
        )
