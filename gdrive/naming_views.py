"""POST /api/drive/sync-name: have a record's folders named after it now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import access
from gdrive.creation_serializers import ENTITY, OfEntity
from gdrive.entity_views import known_id
from gdrive.models import DriveFolderTree
from gdrive.serializers import ProvisionSerializer
from pipedesk.core.serializers import StrictBody
from pipedesk.core.views import ContractView


class SyncNameSerializer(StrictBody, OfEntity):
    """Whose folders."""

    aliases: ClassVar[Mapping[str, str]] = ENTITY


class SyncNameView(ContractView):
    """POST /api/drive/sync-name."""

    resource = "drive_file"
    failures: ClassVar[Mapping[str, tuple[int, ...]]] = {"post": (404, 409)}

    @extend_schema(request=SyncNameSerializer, responses={202: ProvisionSerializer})
    def post(self, request: Request) -> Response:
        """Ask for names as the record has them now; what a person renamed keeps its name."""
        body = SyncNameSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        entity_type, entity_id = body.validated_data.values()
        tree = self._ask(str(entity_type), str(entity_id))
        return Response(ProvisionSerializer(tree).data, status=status.HTTP_202_ACCEPTED)

    def _ask(self, entity_type: str, entity_id: str) -> DriveFolderTree:
        known_id(entity_type, entity_id, self.request.method)
        if access.permission(self.user, entity_type, entity_id) == access.READER:
            raise PermissionDenied
        with transaction.atomic():
            tree = DriveFolderTree.objects.wanted(entity_type, entity_id)
            if not DriveFolderTree.objects.filter(pk=tree.pk).revive():
                DriveFolderTree.objects.request(tree.pk)
        tree.refresh_from_db()
        return tree
