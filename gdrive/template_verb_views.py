"""What can be done with a folder template beside editing it: copies, documents, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import template_documents, templating
from gdrive.models import DriveStructureTemplate, DriveStructureTemplateVersion
from gdrive.template_serializers import (
    CloneSerializer,
    DocumentSerializer,
    ImportSerializer,
    TemplateSerializer,
    VersionSerializer,
    WholeVersionSerializer,
)
from pipedesk.accounts import roles
from pipedesk.core.pagination import PAGING, natural_order
from pipedesk.core.query import Parameter
from pipedesk.core.viewsets import RecordViewSet


class TemplateVerbs(RecordViewSet):
    """The verbs on templates."""

    role_actions: ClassVar[Mapping[str, str]] = {
        "clone": roles.ADD,
        "import_document": roles.ADD,
        "restore_version": roles.CHANGE,
    }
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {"versions": PAGING}

    # --- Copies and documents ----------------------------------------------------------------

    @extend_schema(request=CloneSerializer, responses={201: TemplateSerializer})
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, pk: int) -> Response:
        """Make another template with the same folders; it is not active."""
        body = CloneSerializer(data=request.data)
        with transaction.atomic():
            template = self.locked_object()
            body.is_valid(raise_exception=True)
            copy = templating.clone(template, body.validated_data.get("name", ""), self.user)
            return self.row_response(copy, status.HTTP_201_CREATED)

    @extend_schema(responses=DocumentSerializer)
    @action(detail=True, methods=["get"])
    def export(self, request: Request, pk: int) -> Response:
        """The template as a document, for another installation to import."""
        template: DriveStructureTemplate = self.get_object()
        headers = {"Content-Disposition": template_documents.disposition(template)}
        return Response(template_documents.export(template), headers=headers)

    @extend_schema(request=ImportSerializer, responses={201: TemplateSerializer})
    @action(detail=False, methods=["post"], url_path="import", url_name="import")
    def import_document(self, request: Request) -> Response:
        """Make a template of an exported document; it takes over only where told to."""
        body = ImportSerializer(data=request.data)
        with transaction.atomic():
            templating.lock()
            body.is_valid(raise_exception=True)
            template = template_documents.read(body.validated_data, self.user)
            return self.row_response(template, status.HTTP_201_CREATED)

    # --- Versions ----------------------------------------------------------------------------

    @extend_schema(responses=VersionSerializer(many=True))
    @action(detail=True, methods=["get"])
    def versions(self, request: Request, pk: int) -> Response:
        """The versions of the template that were kept, the newest first."""
        rows = DriveStructureTemplateVersion.objects.filter(template=self.get_object())
        page = self.page_of(rows, natural_order(DriveStructureTemplateVersion))
        return self.page_response(page, VersionSerializer(page.rows, many=True).data)

    @extend_schema(responses=WholeVersionSerializer)
    @action(detail=True, methods=["get"], url_path="versions/<int:version>")
    def version(self, request: Request, pk: int, version: int) -> Response:
        """What the template said at one version."""
        row = self._version(self.get_object(), version)
        return self.tagged_response(dict(WholeVersionSerializer(row).data))

    @extend_schema(request=None, responses=TemplateSerializer)
    @action(detail=True, methods=["post"], url_path="versions/<int:version>/restore")
    def restore_version(self, request: Request, pk: int, version: int) -> Response:
        """Give the template the folders of an older version again: its next version."""
        with transaction.atomic():
            template = self.locked_object()
            templating.restore(template, self._version(template, version).document, self.user)
            return self.row_response(template)

    @staticmethod
    def _version(template: Any, version: int) -> DriveStructureTemplateVersion:
        # A number no column holds is no version either.
        row = template.versions.filter(version=min(version, 2**31 - 1)).first()
        if row is None:
            raise Http404
        return row  # type: ignore[no-any-return]
