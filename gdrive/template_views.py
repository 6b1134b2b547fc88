"""Folder templates in the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from gdrive import catalogue, templating
from gdrive.models import DriveStructureTemplate, EntityType
from gdrive.placeholders import EMPTY
from gdrive.template_serializers import KindSerializer, PlaceholdersSerializer, TemplateSerializer
from gdrive.template_verb_views import TemplateVerbs
from pipedesk.core.query import Parameter, boolean, choice
from pipedesk.core.views import ContractView


class TemplateViewSet(TemplateVerbs):
    """The folders new records get. One template of each kind is active."""

    resource = "drive_template"
    lookup_value_converter = "int"
    queryset = DriveStructureTemplate.objects.prefetch_related("nodes")
    serializer_class = TemplateSerializer
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        **TemplateVerbs.parameters,
        "list": (choice("entity_type", words=EntityType.values), boolean("active")),
    }

    def filter_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Of one kind, or the active ones."""
        columns = ("entity_type", "active")
        return rows.filter(**{name: self.query[name] for name in columns if name in self.query})

    def locked_object(self) -> Any:
        """The row of this address; nobody else edits any template meanwhile."""
        templating.lock()
        return super().locked_object()

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """A new template takes over only when told to, or when it is the first of its kind."""
        templating.lock()
        values = dict(serializer.validated_data)
        nodes = values.pop("nodes", [])
        template = DriveStructureTemplate(**{"active": False, **values})
        templating.add(template, nodes, self.user)
        serializer.instance = template

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Another version of the template, for folders made from now on."""
        template: DriveStructureTemplate = serializer.instance  # type: ignore[assignment]  # the locked row
        templating.change(template, dict(serializer.validated_data), self.user)

    def perform_destroy(self, row: Any) -> None:
        """Delete one that is not active."""
        templating.remove(row)


class PlaceholdersView(ContractView):
    """GET /api/drive/templates/placeholders."""

    resource = "drive_template"

    @extend_schema(responses=PlaceholdersSerializer)
    def get(self, request: Request) -> Response:
        """What the names of folders may contain, for each kind of record."""
        kinds = [
            {"entity_type": kind, "empty": EMPTY, "placeholders": catalogue.of(kind)}
            for kind in EntityType.values
        ]
        return self.tagged_response({"data": KindSerializer(kinds, many=True).data})
