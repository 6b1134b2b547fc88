"""Changing what lies in an entity's folder: names, places, trash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import access, belonging, blocking, files
from gdrive.entity_views import ENTITY_ID, ENTITY_TYPE, EntityView
from gdrive.file_serializers import DestinationSerializer, NameSerializer
from gdrive.models import DriveFile, DriveFolder
from gdrive.query import FILE_ID as FILE_ID_PATTERN
from gdrive.serializers import ItemSerializer
from pipedesk.core.etags import entity_tag
from pipedesk.core.exceptions import Conflict
from pipedesk.core.schema_answers import request_header

DRIVE_ID = {"type": "string", "pattern": f"^{FILE_ID_PATTERN.pattern}$"}
FILE_ID = OpenApiParameter("file_id", DRIVE_ID, OpenApiParameter.PATH, description="Drive's id.")
AS_SEEN = request_header("If-Match")


class FileView(EntityView):
    """What changes one file or folder of an entity."""

    calls_google = True
    failures: ClassVar[Mapping[str, tuple[int, ...]]] = {"put": (409, 503)}

    def mine(self, file_id: str) -> tuple[DriveFile, DriveFolder]:
        """The file, with the entity's folder it lies in: the caller may write there.

        Raises PermissionDenied, Http404, and Conflict for another record's own folder: that is
        changed at that record's address.
        """
        self.check_writer()
        file = self.file(file_id)
        home = belonging.home_of(file_id)
        assert home is not None  # noqa: S101  (the file is inside the entity's folder)
        if (home.entity_type, home.entity_id) != (self.entity_type, self.entity_id):
            if access.permission(self.user, home.entity_type, home.entity_id) == access.READER:
                raise PermissionDenied
            if home.folder_id == file_id:
                raise Conflict(
                    _("This is the folder of another record: change it there."),
                    entity_type=home.entity_type,
                    entity_id=home.entity_id,
                )
        return file, home

    def as_seen(self, file_id: str) -> tuple[DriveFile, DriveFolder]:
        """As `mine`, where the file still is what the caller saw (If-Match).

        Raises PreconditionFailed besides.
        """
        file, home = self.mine(file_id)
        self.refuse_overtaken(lambda: ItemSerializer(file).data)
        return file, home

    @staticmethod
    def file_response(file: DriveFile) -> Response:
        """The file as it is now."""
        row = ItemSerializer(file).data
        return Response(row, headers={"ETag": entity_tag(row)})

    def not_the_root(self, file: DriveFile, home: DriveFolder) -> None:
        """Refuse what cannot be done to the entity's own folder. Raises ParseError."""
        if file.file_id == home.folder_id:
            raise ParseError(_("The record's own folder stays where it is."))

    def of_kind(self, file_id: str, *, folder: bool) -> tuple[DriveFile, DriveFolder]:
        """As `as_seen`; a folder where a file is meant is 404, and the other way round."""
        file, home = self.as_seen(file_id)
        if file.is_folder != folder:
            raise Http404
        return file, home


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID, FILE_ID, AS_SEEN])
class RenameView(FileView):
    """PUT …/files/{fid}/rename."""

    @extend_schema(request=NameSerializer, responses=ItemSerializer)
    def put(self, request: Request, *, file_id: str, **kwargs: Any) -> Response:
        """Another name. Folders that carry the record's name keep the new one from then on."""
        body = NameSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        file, _home = self.as_seen(file_id)
        name = body.validated_data["name"]
        if not file.is_folder:
            blocking.refuse_name(name)
        return self.file_response(files.rename(file, name))


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID, FILE_ID, AS_SEEN])
class MoveView(FileView):
    """PUT …/files/{fid}/move."""

    failures: ClassVar[Mapping[str, tuple[int, ...]]] = {"put": (400, 409, 503)}

    @extend_schema(request=DestinationSerializer, responses=ItemSerializer)
    def put(self, request: Request, *, file_id: str, **kwargs: Any) -> Response:
        """Another folder of the same record. A destination outside is 404."""
        body = DestinationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        file, home = self.as_seen(file_id)
        self.not_the_root(file, home)
        target = self.file(body.validated_data["destination_parent_id"])
        if belonging.home_of(target.file_id) != home:
            raise Conflict(_("Files are moved inside the folder of one record only."))
        return self.file_response(files.move(file, target))
