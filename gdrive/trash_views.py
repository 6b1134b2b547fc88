"""Deleting and restoring what lies in an entity's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import finding_views, trash
from gdrive.entity_views import ENTITY_ID, ENTITY_TYPE
from gdrive.file_views import AS_SEEN, FILE_ID, FileView
from gdrive.serializers import ItemSerializer
from pipedesk.accounts import roles
from pipedesk.core.query import Parameter, text

PARAMETERS = [ENTITY_TYPE, ENTITY_ID, FILE_ID, AS_SEEN]


class DeleteView(FileView):
    """Into the trash, here and in Drive."""

    failures: ClassVar[Mapping[str, tuple[int, ...]]] = {"delete": (400, 409, 503)}
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "delete": (text("reason", max_length=500, description="Why; kept with who and when."),)
    }

    def remove(self, file_id: str, *, folder: bool) -> Response:
        """Delete; what is deleted already stays so."""
        file, home = self.of_kind(file_id, folder=folder)
        self.not_the_root(file, home)
        trash.delete(file, home, by=str(self.user.pk), reason=self.query.get("reason"))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(parameters=PARAMETERS[:-1])
class OneFileView(DeleteView, finding_views.FileView):
    """GET and DELETE …/files/{fid}."""

    role_actions: ClassVar[Mapping[str, str]] = {"delete": roles.CHANGE}

    @extend_schema(parameters=[AS_SEEN], request=None, responses={204: None})
    def delete(self, request: Request, *, file_id: str, **kwargs: Any) -> Response:
        """Put a file into the trash, here and in Drive."""
        return self.remove(file_id, folder=False)


@extend_schema(parameters=PARAMETERS)
class DeleteFolderView(DeleteView):
    """DELETE …/folders/{fid}."""

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, *, file_id: str, **kwargs: Any) -> Response:
        """Put a folder with all it holds into the trash, here and in Drive."""
        return self.remove(file_id, folder=True)


class RestoreView(FileView):
    """Out of the trash, here and in Drive."""

    failures: ClassVar[Mapping[str, tuple[int, ...]]] = {"post": (409, 503)}

    def bring_back(self, file_id: str, *, folder: bool) -> Response:
        """Restore; what is not deleted stays so."""
        file, home = self.of_kind(file_id, folder=folder)
        restored = trash.restore(file, home, by=str(self.user.pk))
        return self.file_response(restored)


@extend_schema(parameters=PARAMETERS)
class RestoreFileView(RestoreView):
    """POST …/files/{fid}/restore."""

    role_actions: ClassVar[Mapping[str, str]] = {"post": roles.CHANGE}

    @extend_schema(request=None, responses=ItemSerializer)
    def post(self, request: Request, *, file_id: str, **kwargs: Any) -> Response:
        """Take a file out of the trash. 409 names the folder above that is deleted."""
        return self.bring_back(file_id, folder=False)


@extend_schema(parameters=PARAMETERS)
class RestoreFolderView(RestoreView):
    """POST …/folders/{fid}/restore."""

    role_actions: ClassVar[Mapping[str, str]] = {"post": roles.RESTORE}

    @extend_schema(request=None, responses=ItemSerializer)
    def post(self, request: Request, *, file_id: str, **kwargs: Any) -> Response:
        """Take a folder out of the trash, with all that was deleted together with it."""
        return self.bring_back(file_id, folder=True)
