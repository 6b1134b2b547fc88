"""Plans and previews of folder templates in the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework import serializers

from gdrive import samples, template_rules
from gdrive.models import DriveTemplatePlan, DriveTemplatePlanItem
from gdrive.template_serializers import NodeSerializer
from pipedesk.core.serializers import RecordSerializer, StrictBody

MAX_RECORDS = 10_000
COUNTED = (*DriveTemplatePlanItem.Action.values, "unchanged")


class PlanSerializer(RecordSerializer[DriveTemplatePlan]):
    """A plan and how far it is; `job_id` is its own id. `records`: compared so far.

    `totals` counts folders by what happens to them; `to_do` those that applying deals with, of
    which `done`, `failed` and `skipped` (left, because something changed since) are dealt with.
    `last_error` says why a job was given up (`state` is then `error`) or waits.
    """

    job_id = serializers.IntegerField(source="pk", read_only=True)
    template_id = serializers.IntegerField(allow_null=True)
    created_by = serializers.UUIDField(source="created_by_id", allow_null=True)
    state = serializers.ChoiceField([*DriveTemplatePlan.State.values, "error"], source="condition")
    totals = serializers.DictField(child=serializers.IntegerField())
    to_do = serializers.IntegerField()

    class Meta:
        model = DriveTemplatePlan
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "job_id",
            "template_id",
            "template_name",
            "entity_type",
            "version",
            "state",
            "is_repair",
            "records",
            "totals",
            "to_do",
            "done",
            "failed",
            "skipped",
            "max_failures",
            "last_error",
            "created_by",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields

    def to_representation(self, instance: DriveTemplatePlan) -> dict[str, Any]:
        """The plan, with a count for every kind of change."""
        row: dict[str, Any] = dict(super().to_representation(instance))
        if "totals" in row:
            row["totals"] = {name: instance.totals.get(name, 0) for name in COUNTED}
        return row


class PlanItemSerializer(serializers.Serializer[DriveTemplatePlanItem]):
    """One folder of one record. `from` and `to` are names: the folder's, or for a move those of
    the folders it lies in. `message` says the reason in words; `error` what went wrong, or what
    changed since the plan.
    """

    id = serializers.IntegerField()
    entity_id = serializers.UUIDField(source="tree.entity_id")
    record = serializers.CharField(source="record_name")
    folder = serializers.CharField(source="path_key")
    action = serializers.ChoiceField(DriveTemplatePlanItem.Action.choices)
    to = serializers.CharField(source="to_text")
    reason = serializers.ChoiceField(DriveTemplatePlanItem.Reason.choices)
    message = serializers.CharField(source="get_reason_display")
    state = serializers.ChoiceField(DriveTemplatePlanItem.State.choices)
    error = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """The fields; `from` is a word of Python."""
        fields: dict[str, Any] = super().get_fields()
        return {**fields, "from": serializers.CharField(source="from_text")}


class DrawnPlanSerializer(PlanSerializer):
    """A new plan with the first of its items."""

    items = PlanItemSerializer(many=True, source="first_items")

    class Meta(PlanSerializer.Meta):
        fields = (*PlanSerializer.Meta.fields, "items")
        read_only_fields = fields


class DrawPlanSerializer(StrictBody):
    """Which records; without ids every one that has folders."""

    entity_ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=MAX_RECORDS
    )


class ApplySerializer(StrictBody):
    """A plan, or the version of the template that every record is to get without a look first.

    `max_failures`: where the job stops; DRIVE_APPLY_MAX_FAILURES where nothing is said.
    """

    plan_id = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    max_failures = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two."""
        if ("plan_id" in attrs) == ("version" in attrs):
            raise serializers.ValidationError(_("Give either plan_id or version."))
        return attrs


class AskPreviewSerializer(StrictBody):
    """Folders that are not saved yet, and for which record to show them."""

    nodes = NodeSerializer(many=True, required=False)
    entity_id = serializers.UUIDField(required=False)
    sample = serializers.ChoiceField(samples.KINDS, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A record, or a kind of record."""
        if "entity_id" in attrs and "sample" in attrs:
            raise serializers.ValidationError(_("Either entity_id or sample, not both."))
        faults = template_rules.faults(attrs.get("nodes", []), self.context["entity_type"])
        if faults:
            raise serializers.ValidationError({"nodes": faults})
        return attrs


class FlagSerializer(serializers.Serializer[Any]):
    """What somebody should know: a name was cut, values are missing, or two names are the same."""

    code = serializers.ChoiceField(["cut", "missing", "twins"])
    message = serializers.CharField()


class PreviewNodeSerializer(serializers.Serializer[Any]):
    """A folder under the name it gets, beside the pattern the name comes from."""

    name = serializers.CharField()
    pattern = serializers.CharField()
    flags = FlagSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        """The fields, with folders inside folders."""
        fields: dict[str, Any] = super().get_fields()
        return {**fields, "children": PreviewNodeSerializer(many=True, required=False)}


class PreviewedEntitySerializer(serializers.Serializer[Any]):
    """The record whose values are shown."""

    entity_type = serializers.CharField()
    entity_id = serializers.UUIDField()
    name = serializers.CharField()


class PreviewSerializer(serializers.Serializer[Any]):
    """The folders of a template for one record; `entity` null: there is none, examples are shown.

    `flags` counts what is marked in the tree.
    """

    entity = PreviewedEntitySerializer(allow_null=True)
    root = PreviewNodeSerializer()
    flags = serializers.DictField(child=serializers.IntegerField())
