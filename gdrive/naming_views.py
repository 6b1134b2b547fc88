"""POST /api/drive/sync-name: have a record's folders named after it now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import access, entities
from gdrive.models import DriveFolderTree, EntityType
from gdrive.serializers import ProvisionSerializer
from pipedesk.core.serializers import StrictBody
from pipedesk.core.views import ContractView


class SyncNameSerializer(StrictBody):
    """Whose folders."""

    aliases: ClassVar[Mapping[str, str]] = {"entityType": "entity_type", "entityId": "entity_id"}

    entity_type = serializers.ChoiceField(EntityType.choices)
    entity_id = serializers.UUIDField()


class SyncNameView(ContractView):
    """POST /api/drive/sync-name."""

    resource = "drive_file"
    failures: ClassVar[Mapping[str, tuple[int, ...]]] = {"post": (404,)}

    @extend_schema(request=SyncNameSerializer, responses={202: ProvisionSerializer})
    def post(self, request: Request) -> Response:
        """Ask for names as the record has them now; what a person renamed keeps its name."""
        body = SyncNameSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        entity_type, entity_id = body.validated_data.values()
        tree = self._ask(str(entity_type), str(entity_id))
        answer = {"job_id": tree.pk, "state": tree.condition}
        return Response(answer, status=status.HTTP_202_ACCEPTED)

    def _ask(self, entity_type: str, entity_id: str) -> DriveFolderTree:
        if not entities.exists(entity_type, entity_id):
            raise Http404
        if access.permission(self.user, entity_type, entity_id) == access.READER:
            raise PermissionDenied
        with transaction.atomic():
            tree = DriveFolderTree.objects.wanted(entity_type, entity_id)
            if not DriveFolderTree.objects.filter(pk=tree.pk).revive():
                DriveFolderTree.objects.request(tree.pk)
        tree.refresh_from_db()
        return tree
