"""Folders and files created in an entity's folder, in the API."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import access, belonging, blocking, client, creating, new_names
from gdrive.creation_serializers import (
    EntityFileSerializer,
    EntityFolderSerializer,
    NewFileSerializer,
    NewFolderSerializer,
)
from gdrive.entity_views import ENTITY_ID, ENTITY_TYPE, EntityView
from gdrive.files import check_present
from gdrive.models import DriveFile, DriveFolderTree
from gdrive.serializers import ItemSerializer
from pipedesk.core import idempotency
from pipedesk.core.exceptions import Conflict, InvalidInput
from pipedesk.core.serializers import StrictBody
from pipedesk.core.uploads import AROUND, Spool, SpooledFile, TooLarge


class CreationView(EntityView):
    """A call that creates something in an entity's folder."""

    calls_google = True
    body: ClassVar[type[StrictBody]]

    def find_entity(self, *args: Any, **kwargs: Any) -> None:
        """Take the entity of the address, and refuse who may only read."""
        super().find_entity(*args, **kwargs)
        self.check_writer()

    def read_body(self, request: Request) -> dict[str, Any]:
        """The values of the body. Raises ValidationError."""
        body = self.body(data=request.data)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def create(self, request: Request, values: dict[str, Any]) -> Response:
        """Create what the body asks for."""
        raise NotImplementedError

    def place(self, parent_id: str | None) -> creating.Place:
        """The folder to create in: one inside the entity's, or that one itself.

        Raises Conflict where it is not there yet or in the trash, Http404 for one that is not
        inside, InvalidInput for a file, PermissionDenied for another record's.
        """
        root = self.root()
        if root is None:
            raise Conflict(self._without_folder())
        folder = self.file(parent_id or root.folder_id)
        if not folder.is_folder:
            raise InvalidInput("parent_id", _("This is a file, not a folder."))
        check_present(folder)
        home = belonging.home_of(folder.file_id) or root  # of a lead, say, in its company's folder
        if access.permission(self.user, home.entity_type, home.entity_id) == access.READER:
            raise PermissionDenied
        return creating.Place(home.entity_type, home.entity_id, folder.file_id)

    def _without_folder(self) -> str:
        tree = DriveFolderTree.objects.of(self.entity_type, self.entity_id).first()
        if tree is None or tree.dead_at:
            return _("This record has no folder; ask for it first (POST …/provision).")
        return _("The folder of this record is being made; try again in a moment.")

    def asked(self, request: Request) -> creating.Request:
        """Who asks, and under which key."""
        key = idempotency.key_of(request)
        if key is None:
            return creating.Request(self.user, None)
        return creating.Request(self.user, key, idempotency.fingerprint(request))

    @staticmethod
    def created(row: DriveFile) -> Response:
        """The answer: the new item."""
        return Response(ItemSerializer(row).data, status=status.HTTP_201_CREATED)


class FolderCreation(CreationView):
    """Creates folders."""

    def create(self, request: Request, values: dict[str, Any]) -> Response:
        """Create a folder under a name made safe."""
        place = self.place(values.get("parent_id"))
        make = partial(
            client.create_folder,
            name=values["name"],
            parent_id=place.folder_id,
            app_properties=place.marks,
        )
        return self.created(creating.create(self.asked(request), make))


class FileCreation(CreationView):
    """Creates files of the content that comes along, written to the disk as it arrives."""

    parser_classes = (MultiPartParser,)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """The request, whose body is read our way, whoever comes to read it first."""
        request.upload_handlers = [Spool(request, self._max_bytes())]
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what says of itself that it is too large, before it is read."""
        super().initial(request, *args, **kwargs)
        length = str(request.META.get("CONTENT_LENGTH"))
        if length.isdecimal() and int(length) > self._max_bytes() + AROUND:
            raise TooLarge(self._max_bytes())

    def create(self, request: Request, values: dict[str, Any]) -> Response:
        """Create a file; its type follows from its name."""
        file: SpooledFile = values["file"]
        name = new_names.file_name(file.name or "")
        place = self.place(values.get("parent_id"))
        blocking.refuse_name(name)
        blocking.refuse_content(file)
        make = partial(
            client.upload_file,
            name=name,
            mime_type=new_names.mime_type(name),
            parent_id=place.folder_id,
            app_properties=place.marks,
            content=file,
        )
        return self.created(creating.create(self.asked(request), make))

    @staticmethod
    def _max_bytes() -> int:
        return int(settings.DRIVE_MAX_UPLOAD_MB) * 2**20


class NamedInBody(CreationView):
    """The same where the body names the entity."""

    failures: ClassVar[dict[str, tuple[int, ...]]] = {"post": (404,)}

    def find_entity(self, *_args: Any, **_kwargs: Any) -> None:
        """Wait for the body."""

    def create(self, request: Request, values: dict[str, Any]) -> Response:
        """Take the entity of the body, and create in its folder."""
        super().find_entity(values["entity_type"], values["entity_id"])
        return super().create(request, values)


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID])
class NewFolderView(FolderCreation):
    """POST /api/drive/{type}/{id}/folder."""

    body = NewFolderSerializer

    @extend_schema(request=NewFolderSerializer, responses={201: ItemSerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Create a folder in the entity's folder, or in one inside."""
        return self.create(request, self.read_body(request))


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID])
class UploadView(FileCreation):
    """POST /api/drive/{type}/{id}/upload."""

    body = NewFileSerializer

    @extend_schema(request=NewFileSerializer, responses={201: ItemSerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Upload a file to the entity's folder, or to one inside."""
        return self.create(request, self.read_body(request))


class FoldersView(NamedInBody, FolderCreation):
    """POST /api/drive/folders."""

    body = EntityFolderSerializer

    @extend_schema(request=EntityFolderSerializer, responses={201: ItemSerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Create a folder of the entity that the body names."""
        return self.create(request, self.read_body(request))


class FilesView(NamedInBody, FileCreation):
    """POST /api/drive/files."""

    body = EntityFileSerializer

    @extend_schema(request=EntityFileSerializer, responses={201: ItemSerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Upload a file of the entity that the form names."""
        return self.create(request, self.read_body(request))
