"""Folder templates in the API: rows, versions, documents to carry elsewhere."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework import serializers

from gdrive import catalogue, template_documents, template_rules, versions
from gdrive.models import DriveStructureTemplate, DriveStructureTemplateVersion, EntityType
from pipedesk.core.serializers import RecordSerializer, StrictBody


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
        row["nodes"] = versions.nested(instance.nodes.all())
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
        faults = template_rules.faults(attrs.get("nodes", []), str(entity_type))
        if faults:
            raise serializers.ValidationError({"nodes": faults})
        return attrs


class CloneSerializer(StrictBody):
    """What the copy is called; “Copy of …” where nothing is said."""

    name = serializers.CharField(required=False, max_length=200)


class DocumentNodeSerializer(StrictBody):
    """A folder in an exported template."""

    name = serializers.CharField(max_length=255)

    def get_fields(self) -> dict[str, Any]:
        """The fields, with folders inside folders."""
        fields: dict[str, Any] = super().get_fields()
        return {**fields, "children": DocumentNodeSerializer(many=True, required=False)}


class DocumentSerializer(StrictBody):
    """A template as an installation exports it. `format_version` 1 is the only one there is."""

    format = serializers.ChoiceField([template_documents.FORMAT])
    format_version = serializers.IntegerField(
        min_value=template_documents.FORMAT_VERSION, max_value=template_documents.FORMAT_VERSION
    )
    name = serializers.CharField(max_length=200)
    entity_type = serializers.ChoiceField(EntityType.choices)
    nodes = DocumentNodeSerializer(many=True)

    def validate_name(self, value: str) -> str:
        """Names are unique."""
        if DriveStructureTemplate.objects.filter(name=value).exists():
            raise serializers.ValidationError(_("There is a template of this name."), "unique")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The rules of any template."""
        faults = template_rules.faults(attrs["nodes"], attrs["entity_type"])
        if faults:
            raise serializers.ValidationError({"nodes": faults})
        return attrs


class ImportSerializer(DocumentSerializer):
    """An exported template. It becomes the active one of its kind only where `active` is true."""

    active = serializers.BooleanField(required=False)


class VersionSerializer(RecordSerializer[DriveStructureTemplateVersion]):
    """That there was this version; `edited_by` is a user's id, null for the machine's doing."""

    edited_by = serializers.UUIDField(source="edited_by_id", allow_null=True)

    class Meta:
        model = DriveStructureTemplateVersion
        fields: ClassVar[tuple[str, ...]] = ("version", "edited_by", "created_at")
        read_only_fields = fields


class WholeVersionSerializer(VersionSerializer):
    """What a template said at one version."""

    name = serializers.CharField(source="document.name")
    nodes = NodeSerializer(source="document.nodes", many=True)

    class Meta(VersionSerializer.Meta):
        fields = (*VersionSerializer.Meta.fields, "name", "nodes")
        read_only_fields = fields


class PlaceholderSerializer(serializers.Serializer[catalogue.Placeholder]):
    """A placeholder; empty values show as “—”."""

    name = serializers.CharField()
    type = serializers.ChoiceField(
        [catalogue.TEXT, catalogue.NUMBER, catalogue.DATE], source="kind"
    )
    meaning = serializers.CharField()
    example = serializers.CharField()


class KindSerializer(serializers.Serializer[Any]):
    """The placeholders of a kind of record, and what stands where one has no value."""

    entity_type = serializers.ChoiceField(EntityType.choices)
    empty = serializers.CharField()
    placeholders = PlaceholderSerializer(many=True)


class PlaceholdersSerializer(serializers.Serializer[Any]):
    """The placeholders of every kind of record."""

    data = KindSerializer(many=True)  # type: ignore[assignment]  # the contract's name
