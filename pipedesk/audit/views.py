"""GET /api/audit-logs: the history, newest first."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from pipedesk.audit.models import AuditLog
from pipedesk.core.pagination import TOTAL_CAP
from pipedesk.core.query import Parameter, identifier, moment, text
from pipedesk.core.serializers import RecordSerializer
from pipedesk.core.viewsets import RecordViewSet


@extend_schema_field({"type": ["string", "number", "boolean", "null"]})
class ScalarField(serializers.JSONField):
    """Text, number, truth value or null."""


class ChangeSerializer(serializers.Serializer[Any]):
    """One column that was written; `old` and `new` are JSON scalars."""

    field = serializers.CharField()
    old = ScalarField(allow_null=True)
    new = ScalarField(allow_null=True)


class AuditLogSerializer(RecordSerializer[AuditLog]):
    """One write."""

    changes = ChangeSerializer(many=True)

    class Meta:
        model = AuditLog
        fields = (
            "id",
            "action",
            "entity_type",
            "entity_id",
            "user_id",
            "changes",
            "request_id",
            "created_at",
        )
        read_only_fields = fields


class AuditLogViewSet(RecordViewSet):
    """Who changed what."""

    resource = "audit_log"
    lookup_value_converter = "int"
    http_method_names = ["get", "head"]
    queryset = AuditLog.objects.all()
    serializer_class = AuditLogSerializer
    total_cap = TOTAL_CAP
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (
            text("entity_type"),
            text("entity_id"),
            identifier("user_id"),
            text("action"),
            moment("since", description="This moment or later."),
            moment("until", description="Before this moment."),
        )
    }

    def filter_rows(self, rows: QuerySet[AuditLog]) -> QuerySet[AuditLog]:
        """By record, person, action and time."""
        exact = ("entity_type", "entity_id", "user_id", "action")
        rows = rows.filter(**{name: str(self.query[name]) for name in exact if name in self.query})
        if "since" in self.query:
            rows = rows.filter(created_at__gte=self.query["since"])
        if "until" in self.query:
            rows = rows.filter(created_at__lt=self.query["until"])
        return rows
