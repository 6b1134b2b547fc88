"""Folders, files, templates and changes in the API."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework import serializers

from gdrive import templating
from gdrive.models import DriveChangeLog, DriveFile, DriveStructureTemplate
from gdrive.placeholders import unknown
from pipedesk.core.serializers import RecordSerializer, StrictBody

MAX_DEPTH = 20


class ItemSerializer(serializers.ModelSerializer[DriveFile]):
    """A file or folder. `deleted`: in the trash, or deleted here."""

    id = serializers.CharField(source="file_id")
    mimeType = serializers.CharField(source="mime_type")  # noqa: N815  (Google's name)
    parents = serializers.SerializerMethodField()
    createdTime = serializers.DateTimeField(source="google_created_at")  # noqa: N815  (Google's name)
    modifiedTime = serializers.DateTimeField(source="google_modified_at")  # noqa: N815  (Google's name)
    webViewLink = serializers.CharField(source="web_view_link")  # noqa: N815  (Google's name)
    type = serializers.SerializerMethodField()
    deleted = serializers.SerializerMethodField()

    class Meta:
        model = DriveFile
        fields = (
            "id",
            "name",
            "mimeType",
            "parents",
            "size",
            "createdTime",
            "modifiedTime",
            "webViewLink",
            "type",
            "deleted",
        )

    def get_parents(self, row: DriveFile) -> list[str]:
        """The folder it lies in, as a list like Google's."""
        return [row.parent_folder_id] if row.parent_folder_id else []

    def get_type(self, row: DriveFile) -> str:
        """`folder` or `file`."""
        return "folder" if row.is_folder else "file"

    def get_deleted(self, row: DriveFile) -> bool:
        """Whether somebody deleted it, here or there."""
        return row.deleted_at is not None or row.trashed_at is not None


class CrumbSerializer(serializers.Serializer[Any]):
    """A folder on the way from the entity's folder."""

    id = serializers.CharField(source="file_id")
    name = serializers.CharField()


class FolderStateSerializer(serializers.Serializer[Any]):
    """How far the entity's folder is, and when its inside was last compared with Drive's."""

    state = serializers.ChoiceField(["none", "pending", "ready", "error"])
    url = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)


class ListingSerializer(serializers.Serializer[Any]):
    """A folder of an entity."""

    files = ItemSerializer(many=True)
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    total_pages = serializers.IntegerField()
    permission = serializers.ChoiceField(["owner", "writer", "reader"])
    breadcrumbs = CrumbSerializer(many=True)
    folder = FolderStateSerializer()


class ProvisionSerializer(serializers.Serializer[Any]):
    """The job that grows a tree."""

    job_id = serializers.IntegerField()
    state = serializers.ChoiceField(["pending", "ready", "error"])


class RootFolderSerializer(serializers.Serializer[Any]):
    """An entity's own folder; `created` tells whether there is one."""

    url = serializers.CharField(allow_null=True)
    folder_id = serializers.CharField(allow_null=True)
    created = serializers.BooleanField()


class NodeSerializer(StrictBody):
    """A folder of a template. With its `id` it stays the same folder under another name."""

    id = serializers.IntegerField(required=False, min_value=1)
    name = serializers.CharField(max_length=255)
    order = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)

    def get_fields(self) -> dict[str, Any]:
        """The fields, with folders inside folders."""
        fields: dict[str, Any] = super().get_fields()
        return {**fields, "children": NodeSerializer(many=True, required=False)}


class TemplateSerializer(RecordSerializer[DriveStructureTemplate]):
    """A template with its folders."""

    nodes = NodeSerializer(many=True, required=False)
    active = serializers.BooleanField(required=False)

    class Meta:
        model = DriveStructureTemplate
        fields = ("id", "name", "entity_type", "active", "version", "nodes")
        read_only_fields = ("id", "version")
        # Of two active ones the older is retired (gdrive.templating), not the newer refused.
        validators: ClassVar[list[Any]] = []

    def to_representation(self, instance: DriveStructureTemplate) -> dict[str, Any]:
        """The row, with its folders nested."""
        names = ("id", "name", "entity_type", "active", "version")
        row: dict[str, Any] = {name: getattr(instance, name) for name in names}
        row["nodes"] = templating.nested(instance)
        wanted = self.context.get("wanted")
        return row if wanted is None else {name: row[name] for name in row if name in wanted}

    def validate_entity_type(self, value: str) -> str:
        """What a template is for stays: its placeholders belong to it."""
        if self.instance is not None and value != self.instance.entity_type:
            raise serializers.ValidationError(_("A template stays with its kind."), "fixed")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Folders: not too many, not too deep, and every placeholder known."""
        entity_type = attrs.get("entity_type") or (self.instance and self.instance.entity_type)
        faults = _faults(attrs.get("nodes", []), str(entity_type))
        if faults:
            raise serializers.ValidationError({"nodes": faults})
        return attrs


def _faults(nodes: list[dict[str, Any]], entity_type: str) -> list[str]:
    every = list(templating.flat(nodes))
    if len(every) > templating.MAX_NODES:
        return [_("More than %(limit)d folders.") % {"limit": templating.MAX_NODES}]
    if any(depth > MAX_DEPTH for _node, depth in every):
        return [_("Folders more than %(limit)d levels deep.") % {"limit": MAX_DEPTH}]
    places = [nodes, *(node.get("children", []) for node, _depth in every)]
    twins = (twin for siblings in places for twin in _twins(siblings))
    return [
        *(_("Two folders “%(name)s” in one place.") % {"name": name} for name in twins),
        *(
            _unknown(name, near)
            for node, _depth in every
            for name, near in unknown(node["name"], entity_type)
        ),
    ]


def _twins(siblings: list[dict[str, Any]]) -> list[str]:
    """Names that people cannot tell apart."""
    count = Counter(node["name"].casefold() for node in siblings)
    return [name for name, number in count.items() if number > 1]


def _unknown(name: str, near: str | None) -> str:
    message = _("There is no placeholder “%(name)s” here.") % {"name": name[:100]}
    if near is None:
        return message
    return _("%(message)s Did you mean “%(nearest)s”?") % {"message": message, "nearest": near}


class DriveChangeSerializer(RecordSerializer[DriveChangeLog]):
    """A change in Drive. Without a channel it was found by polling."""

    class Meta:
        model = DriveChangeLog
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "event_type",
            "changed_resource_id",
            "channel_id",
            "resource_state",
            "received_at",
        )
        read_only_fields = fields
