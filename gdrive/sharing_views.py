"""Permissions of an entity's files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import sharing
from gdrive.entity_views import ENTITY_ID, ENTITY_TYPE
from gdrive.file_views import DRIVE_ID, FILE_ID, FileView
from gdrive.sharing_serializers import (
    PermissionSerializer,
    PermissionsSerializer,
    RoleSerializer,
    WantedSerializer,
)
from pipedesk.accounts import roles

PERMISSION_ID = OpenApiParameter("permission_id", DRIVE_ID, OpenApiParameter.PATH)


class SharingView(FileView):
    """Permissions of one file, asked of Drive each time."""

    role_actions: ClassVar[Mapping[str, str]] = {"post": roles.CHANGE, "delete": roles.CHANGE}
    failures: ClassVar[Mapping[str, tuple[int, ...]]] = dict.fromkeys(
        ("get", "post", "put", "delete"), (409, 503)
    )

    def sharing(self, file_id: str) -> sharing.Sharing:
        """The file, for somebody who may change it. Raises as `mine`."""
        file, home = self.mine(file_id)
        return sharing.Sharing(file, home, str(self.user.pk))


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID, FILE_ID])
class PermissionsView(SharingView):
    """GET, POST …/files/{fid}/permissions."""

    @extend_schema(operation_id="drive_files_permissions_list", responses=PermissionsSerializer)
    def get(self, request: Request, *, file_id: str, **kwargs: Any) -> Response:
        """Who may do what with the file, the owner included."""
        permissions = sharing.listed(self.file(file_id))
        return Response({"permissions": PermissionSerializer(permissions, many=True).data})

    @extend_schema(
        request=WantedSerializer,
        examples=[
            OpenApiExample(
                "A person",
                {"type": "user", "role": "reader", "emailAddress": "ana@pipedesk.example"},
                request_only=True,
            )
        ],
        responses={201: PermissionSerializer, 200: PermissionSerializer},
    )
    def post(self, request: Request, *, file_id: str, **kwargs: Any) -> Response:
        """Let somebody in. Who is in already gets this role (200)."""
        body = WantedSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given, is_new = self.sharing(file_id).give(body.wanted())
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(PermissionSerializer(given).data, status=code)


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID, FILE_ID, PERMISSION_ID])
class PermissionView(SharingView):
    """GET, PUT, DELETE …/files/{fid}/permissions/{pid}."""

    @extend_schema(responses=PermissionSerializer)
    def get(self, request: Request, *, file_id: str, permission_id: str, **kwargs: Any) -> Response:
        """One permission of the file."""
        for permission in sharing.listed(self.file(file_id)):
            if permission.permission_id == permission_id:
                return Response(PermissionSerializer(permission).data)
        raise Http404

    @extend_schema(request=RoleSerializer, responses=PermissionSerializer)
    def put(self, request: Request, *, file_id: str, permission_id: str, **kwargs: Any) -> Response:
        """Another role. The owner's stays."""
        body = RoleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        changed = self.sharing(file_id).change(permission_id, body.validated_data["role"])
        return Response(PermissionSerializer(changed).data)

    @extend_schema(request=None, responses={204: None})
    def delete(
        self, request: Request, *, file_id: str, permission_id: str, **kwargs: Any
    ) -> Response:
        """Shut somebody out. The owner stays."""
        self.sharing(file_id).take(permission_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
