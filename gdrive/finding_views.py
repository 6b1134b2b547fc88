"""Files of an entity in the API, found and looked at: from the mirror, without asking Google."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crm.folding import containing
from gdrive.ancestry import Edge
from gdrive.entity_views import (
    ENTITY_ID,
    ENTITY_TYPE,
    FOLDERS_FIRST,
    NAMED,
    PAGES,
    EntityView,
    NamedEntityView,
)
from gdrive.file_views import FILE_ID
from gdrive.files import check_present
from gdrive.models import DriveFile
from gdrive.serializers import (
    DownloadLinkSerializer,
    FileEntriesSerializer,
    FileEntrySerializer,
    FoundFilesSerializer,
    ItemSerializer,
)
from pipedesk.core.exceptions import Conflict
from pipedesk.core.pagination import paginate
from pipedesk.core.query import Parameter, boolean, moment, text


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID, FILE_ID])
class FileView(EntityView):
    """GET /api/drive/{type}/{id}/files/{fid}."""

    @extend_schema(responses=ItemSerializer)
    def get(self, request: Request, file_id: str, **kwargs: Any) -> Response:
        """A file or folder of the entity, deleted or not, as Drive last showed it."""
        return self.tagged_response(ItemSerializer(self.file(file_id)).data)


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID, FILE_ID])
class DownloadView(EntityView):
    """GET /api/drive/{type}/{id}/files/{fid}/download."""

    failures: ClassVar[dict[str, tuple[int, ...]]] = {"get": (409,)}

    @extend_schema(responses=DownloadLinkSerializer)
    def get(self, request: Request, file_id: str, **kwargs: Any) -> Response:
        """Where the browser gets a file's content, or opens it where Google alone shows it."""
        file = self.file(file_id)
        if file.is_folder:
            raise Conflict(_("This is a folder: only files can be downloaded."))
        check_present(file)
        url = file.web_content_link or file.web_view_link
        if url is None:
            raise Conflict(_("Drive offers no way to download this."))
        return Response({"url": url})


class SearchView(NamedEntityView):
    """GET /api/drive/search."""

    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "get": (
            *NAMED,
            text("q", "search", description="Part of the name, without case and accents."),
            text("mime_type", "mimeType"),
            moment("created_from"),
            moment("created_to", description="Before this instant."),
            boolean("include_deleted", "includeDeleted"),
            *PAGES,
        )
    }

    @extend_schema(responses=FoundFilesSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """What lies anywhere below the entity's folder, as Drive last showed it."""
        root = self.root()
        rows = DriveFile.objects.none()
        if root is not None:
            edge = Edge.OUT_OF_REACH if self.query.get("include_deleted") else Edge.HIDDEN
            rows = DriveFile.objects.below(root.folder_id, edge)
        columns = {
            "mime_type": "mime_type",
            "created_from": "google_created_at__gte",
            "created_to": "google_created_at__lt",
        }
        chosen = {columns[name]: value for name, value in self.query.items() if name in columns}
        rows = rows.filter(**chosen).folders_apart()
        if "q" in self.query:
            rows = rows.filter(containing(self.query["q"], "name"))
        return Response(self.listing(paginate(rows, self.query, FOLDERS_FIRST)))


class ItemsView(NamedEntityView):
    """GET /api/drive/items."""

    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "get": (
            *NAMED,
            text("folder_id", "folderId", description="A folder inside; empty: the entity's own."),
            *PAGES,
        )
    }

    @extend_schema(responses=FileEntriesSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """What lies in a folder of the entity, for a file picker."""
        root = self.root()
        crumbs = self.path(root, self.query.get("folder_id"))
        rows = DriveFile.objects.none()
        if crumbs:
            rows = DriveFile.objects.inside(crumbs[-1].file_id).present().folders_apart()
        page = paginate(rows, self.query, FOLDERS_FIRST)
        return Response(
            {
                "items": FileEntrySerializer(page.rows, many=True).data,
                "total": page.pagination["total"],
                "root_url": root.folder_url if root else None,
            }
        )
