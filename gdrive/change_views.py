"""The log of changes in the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _

from gdrive import ancestry
from gdrive.models import DriveChangeLog, EntityType
from gdrive.serializers import DriveChangeSerializer
from pipedesk.core.problems import BadQuery
from pipedesk.core.query import Parameter, choice, identifier, moment, text
from pipedesk.core.viewsets import RecordViewSet

EVENTS = (
    "created", "updated", "renamed", "moved", "trashed", "untrashed", "removed",
    "shared", "unshared",
)  # fmt: skip
COLUMNS = {
    "event_type": "event_type",
    "file_id": "changed_resource_id",
    "channel_id": "channel_id",
    "drive_id": "drive_id",
    "received_from": "received_at__gte",
    "received_to": "received_at__lt",
}


class ChangeViewSet(RecordViewSet):
    """GET /api/drive/changes."""

    resource = "drive_change"
    http_method_names = ["get", "head"]
    lookup_value_converter = "int"
    queryset = DriveChangeLog.objects.all()
    serializer_class = DriveChangeSerializer
    total_cap = 10_000
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (
            choice("event_type", words=EVENTS),
            text("file_id", "changed_resource_id"),
            text("channel_id"),
            text("drive_id", description="Of which drive's log; `own`: the own drive's."),
            choice("entity_type", "entityType", words=EntityType.values),
            identifier(
                "entity_id",
                "entityId",
                description="With entity_type: what lies in its folder, or was moved out of it.",
            ),
            moment("received_from"),
            moment("received_to", description="Before this instant."),
        )
    }

    def filter_rows(self, rows: Any) -> Any:
        """The changes asked for. Raises BadQuery for half an entity."""
        wanted = {COLUMNS[name]: value for name, value in self.query.items() if name in COLUMNS}
        if wanted.get("drive_id") == "own":
            wanted["drive_id"] = ""
        rows = rows.filter(**wanted)
        kind, pk = self.query.get("entity_type"), self.query.get("entity_id")
        if (kind is None) != (pk is None):
            missing = "entity_type" if kind is None else "entity_id"
            raise BadQuery(missing, _("entity_type and entity_id belong together."))
        return rows if kind is None else rows.filter(pk__in=_about(kind, str(pk)))


def _about(entity_type: str, entity_id: str) -> Any:
    """The changes of what lies below an entity's folder, and of what lay there before."""
    tree = ancestry.ids_within(entity_type, entity_id)
    rows = DriveChangeLog.objects.order_by()
    now, before = rows.filter(changed_resource_id__in=tree), rows.filter(folder_id__in=tree)
    return now.values("pk").union(before.values("pk"))
