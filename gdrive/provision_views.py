"""POST /api/drive/{type}/{id}/provision: grow the tree, from an existing folder or a new one."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import access, takeover
from gdrive.entity_views import ENTITY_ID, ENTITY_TYPE, EntityView
from gdrive.models import DriveFolderTree
from gdrive.serializers import ProvisionSerializer
from pipedesk.core.serializers import StrictBody


class ProvisionBodySerializer(StrictBody):
    """The folder to begin with, for managers: the address of an existing one, or the only one
    that has the record's name in its place (`adopt`). Nothing: a new one.
    """

    folder_url = serializers.CharField(max_length=2000, required=False)
    adopt = serializers.BooleanField(required=False)


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID])
class ProvisionView(EntityView):
    """POST /api/drive/{type}/{id}/provision."""

    calls_google = True

    @extend_schema(request=ProvisionBodySerializer, responses={202: ProvisionSerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Ask for the entity's tree; asking again changes nothing."""
        body = ProvisionBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        tree = self._adopt(body.validated_data) if body.validated_data else self._ask()
        return Response(ProvisionSerializer(tree).data, status=status.HTTP_202_ACCEPTED)

    def _ask(self) -> DriveFolderTree:
        with transaction.atomic():
            tree = DriveFolderTree.objects.wanted(self.entity_type, self.entity_id)
            DriveFolderTree.objects.ask(tree)
        tree.refresh_from_db()
        return tree

    def _adopt(self, wish: dict[str, Any]) -> DriveFolderTree:
        if self.user.role not in access.BY_ROLE:
            raise PermissionDenied
        return takeover.order(
            self.entity_type,
            self.entity_id,
            folder_url=wish.get("folder_url", ""),
            by_name=wish.get("adopt", False),
        )
