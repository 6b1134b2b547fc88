"""What every address below `/api/drive/{type}/{id}` has: the entity, its files, the rights."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from crm.carrying import KINDS
from crm.forwarding import Forwarding, point_on
from gdrive import access, ancestry, entities
from gdrive.models import DriveFile, DriveFolder, EntityType
from pipedesk.core.pagination import MAX_PER_PAGE
from pipedesk.core.query import integer
from pipedesk.core.views import ContractView

ENTITY_TYPE = OpenApiParameter(
    "entity_type", str, OpenApiParameter.PATH, enum=list(EntityType.values)
)
ENTITY_ID = OpenApiParameter("entity_id", UUID, OpenApiParameter.PATH)
PAGES = (
    integer("page", minimum=1, maximum=1_000_000),
    integer("page_size", "pageSize", "limit", minimum=1, maximum=MAX_PER_PAGE),
)


class EntityView(Forwarding, ContractView):
    """What concerns the folder of one entity; an unknown entity is 404."""

    resource = "drive_file"
    entity_type: str
    entity_id: str

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Make sure that there is such an entity."""
        super().initial(request, *args, **kwargs)
        self.entity_type = kwargs["entity_type"]
        uuid = entities.as_uuid(kwargs["entity_id"])
        if uuid is None or not entities.exists(self.entity_type, uuid):
            if uuid is not None and self.entity_type in KINDS:
                point_on(KINDS[self.entity_type], uuid, request.method)
            raise Http404
        self.entity_id = str(uuid)

    def root(self) -> DriveFolder | None:
        """The entity's own folder, where it exists."""
        return DriveFolder.objects.alive().of(self.entity_type, self.entity_id).first()

    def check_writer(self) -> None:
        """Refuse who may only read in this entity's folder.

        Raises PermissionDenied.
        """
        if access.permission(self.user, self.entity_type, self.entity_id) == access.READER:
            raise PermissionDenied

    def file(self, file_id: str) -> DriveFile:
        """A file or folder inside the entity's folder, that one included, deleted or not.

        Raises Http404 for everything else, wherever it may lie.
        """
        root = self.root()
        if root is None or not ancestry.path(root.folder_id, file_id):
            raise Http404
        return DriveFile.objects.get(file_id=file_id)
