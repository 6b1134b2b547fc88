"""Folder templates in the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.serializers import BaseSerializer

from gdrive import templating
from gdrive.models import DriveStructureTemplate, EntityType
from gdrive.serializers import TemplateSerializer
from pipedesk.core.query import Parameter, boolean, choice
from pipedesk.core.viewsets import RecordViewSet


class TemplateViewSet(RecordViewSet):
    """The folders new records get. One template of each kind is active."""

    resource = "drive_template"
    lookup_value_converter = "int"
    queryset = DriveStructureTemplate.objects.prefetch_related("nodes")
    serializer_class = TemplateSerializer
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (choice("entity_type", words=EntityType.values), boolean("active"))
    }

    def filter_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Of one kind, or the active ones."""
        columns = ("entity_type", "active")
        return rows.filter(**{name: self.query[name] for name in columns if name in self.query})

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """A new template takes over only when told to, or when it is the first of its kind."""
        values = dict(serializer.validated_data)
        nodes = values.pop("nodes", [])
        kind = DriveStructureTemplate.objects.active_for(values["entity_type"])
        values.setdefault("active", not kind.exists())
        template = DriveStructureTemplate(**values)
        templating.add(template, nodes)
        serializer.instance = template

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Another version of the template, for folders made from now on."""
        values = dict(serializer.validated_data)
        nodes = values.pop("nodes", None)
        template: DriveStructureTemplate = serializer.instance  # type: ignore[assignment]  # the locked row
        for name, value in values.items():
            setattr(template, name, value)
        templating.change(template, nodes)

    def perform_destroy(self, row: Any) -> None:
        """Delete one that is not active."""
        templating.remove(row)
