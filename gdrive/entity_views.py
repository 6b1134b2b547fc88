"""What every address below `/api/drive/{type}/{id}` has: the entity, its files, the rights."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from crm.carrying import KINDS
from crm.forwarding import Forwarding, point_on
from gdrive import access, ancestry, entities
from gdrive.models import DriveFile, DriveFolder, EntityType
from gdrive.parsing import FOLDER_MIME_TYPE
from gdrive.serializers import ItemSerializer
from pipedesk.core.pagination import DEFAULT_PER_PAGE, MAX_PER_PAGE, Key, Order, Page
from pipedesk.core.problems import BadQuery
from pipedesk.core.query import choice, identifier, integer
from pipedesk.core.views import ContractView

ENTITY_TYPE = OpenApiParameter(
    "entity_type", str, OpenApiParameter.PATH, enum=list(EntityType.values)
)
ENTITY_ID = OpenApiParameter("entity_id", UUID, OpenApiParameter.PATH)
PAGES = (
    integer("page", minimum=1, maximum=1_000_000),
    integer("page_size", "pageSize", "limit", minimum=1, maximum=MAX_PER_PAGE),
)
# Of querysets with `folders_apart`.
FOLDERS_FIRST = Order("name", (Key("is_file"), Key("name"), Key("pk")))
# The query string of NamedEntityView.
NAMED = (
    choice("entity_type", "entityType", words=EntityType.values),
    identifier("entity_id", "entityId"),
)


def known_id(entity_type: str, entity_id: object, method: str | None) -> UUID:
    """The id of an entity there is.

    Raises Http404 where there is none, MovedAway or Conflict where it was merged.
    """
    uuid = entities.as_uuid(entity_id)
    if uuid is None or not entities.exists(entity_type, uuid):
        if uuid is not None and entity_type in KINDS:
            point_on(KINDS[entity_type], uuid, method)
        raise Http404
    return uuid


class EntityView(Forwarding, ContractView):
    """What concerns the folder of one entity; an unknown entity is 404."""

    resource = "drive_file"
    entity_type: str
    entity_id: str

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Make sure that there is such an entity."""
        super().initial(request, *args, **kwargs)
        self.find_entity(**kwargs)

    def find_entity(self, entity_type: str, entity_id: object, **_others: Any) -> None:
        """Take the entity everything here is about.

        Raises Http404 where there is none, MovedAway or Conflict where it was merged.
        """
        uuid = known_id(entity_type, entity_id, self.request.method)
        self.entity_type, self.entity_id = entity_type, str(uuid)

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

    @staticmethod
    def path(root: DriveFolder | None, folder_id: str | None) -> list[ancestry.Crumb]:
        """The way from the entity's folder to one inside (None: only itself); none without one.

        Raises Http404 for a folder that is not inside, BadQuery for a file.
        """
        crumbs = ancestry.path(root.folder_id, folder_id or root.folder_id) if root else []
        if folder_id and not crumbs:
            raise Http404
        if folder_id and crumbs[-1].mime_type != FOLDER_MIME_TYPE:
            raise BadQuery("folder_id", _("This is a file, not a folder."))
        return crumbs

    def listing(self, page: Page) -> dict[str, Any]:
        """A page of files as the contract shows it, and what the caller may do with them."""
        total, per_page = page.pagination["total"], self.query.get("page_size", DEFAULT_PER_PAGE)
        return {
            "files": ItemSerializer(page.rows, many=True).data,
            "total": total,
            "page": page.pagination["page"],
            "page_size": per_page,
            "total_pages": -(-total // per_page),
            "permission": access.permission(self.user, self.entity_type, self.entity_id),
        }


class NamedEntityView(EntityView):
    """The same where the query string names the entity (see NAMED)."""

    failures: ClassVar[dict[str, tuple[int, ...]]] = {"get": (404,)}

    def find_entity(self, *_args: Any, **_kwargs: Any) -> None:
        """Take the entity of the query string. Raises BadQuery where it names none."""
        query = getattr(self, "query", None)
        if query is None:
            return  # 405
        for parameter in NAMED:
            if parameter.name not in query:
                message = _("“%(name)s” is missing.") % {"name": parameter.name}
                raise BadQuery(parameter.name, message)
        super().find_entity(query["entity_type"], query["entity_id"])
