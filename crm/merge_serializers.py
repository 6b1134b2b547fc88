"""Merges and duplicates in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from crm.duplicates import REASONS
from crm.merging import KEPT, OTHER
from crm.serializers import CompanySerializer, ContactSerializer, LeadSerializer
from pipedesk.core.serializers import StrictBody


class DuplicateSerializer(serializers.Serializer[Any]):
    """A record that may be the same; `score` is 0 to 100."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    score = serializers.IntegerField(min_value=0, max_value=100)
    reason = serializers.ChoiceField(choices=tuple(REASONS))
    message = serializers.CharField()


class CreatedCompanySerializer(CompanySerializer):
    """A new company."""

    possible_duplicates = DuplicateSerializer(many=True, read_only=True)

    class Meta(CompanySerializer.Meta):
        fields = (*CompanySerializer.Meta.fields, "possible_duplicates")  # type: ignore[assignment]


class CreatedContactSerializer(ContactSerializer):
    """A new contact."""

    possible_duplicates = DuplicateSerializer(many=True, read_only=True)

    class Meta(ContactSerializer.Meta):
        fields = (*ContactSerializer.Meta.fields, "possible_duplicates")  # type: ignore[assignment]


class CreatedLeadSerializer(LeadSerializer):
    """A new lead."""

    possible_duplicates = DuplicateSerializer(many=True, read_only=True)

    class Meta(LeadSerializer.Meta):
        fields = (*LeadSerializer.Meta.fields, "possible_duplicates")  # type: ignore[assignment]


class DuplicatesSerializer(serializers.Serializer[Any]):
    """Records that may be the same, the likeliest first; at most five."""

    data = DuplicateSerializer(many=True)  # type: ignore[assignment]  # the answer's member


class MergeSerializer(StrictBody):
    """Which record goes, and whose values the kept one has.

    `fields` maps a field to the record its value comes from; without a choice it is the kept
    record's, or the other's where that has none. Of a lead, `qualified_company_id` brings the
    deal along, `address_city` the state.
    """

    other_id = serializers.UUIDField()
    fields_ = serializers.DictField(
        child=serializers.ChoiceField([KEPT, OTHER]), required=False, source="choices"
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`fields` is a word of the framework's own: the API's name is given here."""
        declared = super().get_fields()
        declared["fields"] = declared.pop("fields_")
        return declared


class FieldChangeSerializer(serializers.Serializer[Any]):
    """A column of the kept record."""

    field = serializers.CharField()
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)


class CarriedSerializer(serializers.Serializer[Any]):
    """Ids of the rows that changed hands; of a type that has none, nothing."""

    leads = serializers.ListField(child=serializers.UUIDField(), required=False)
    deals = serializers.ListField(child=serializers.UUIDField(), required=False)
    contacts = serializers.ListField(child=serializers.UUIDField(), required=False)
    tags = serializers.ListField(child=serializers.UUIDField(), required=False)
    interactions = serializers.ListField(child=serializers.UUIDField(), required=False)


class MergedSerializer(serializers.Serializer[Any]):
    """All that moved. Without a `merge_id` nothing was written (dry run)."""

    dry_run = serializers.BooleanField()
    merge_id = serializers.UUIDField(allow_null=True)
    kept_id = serializers.UUIDField()
    merged_id = serializers.UUIDField()
    fields_ = FieldChangeSerializer(many=True)
    moved = CarriedSerializer()
    undo_until = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """As in MergeSerializer."""
        declared = super().get_fields()
        declared["fields"] = declared.pop("fields_")
        return declared


class UnmergedSerializer(serializers.Serializer[Any]):
    """What went back, and what stayed because somebody changed it after the merge."""

    merge_id = serializers.UUIDField()
    kept_id = serializers.UUIDField()
    restored_id = serializers.UUIDField()
    returned = CarriedSerializer()
    stayed = CarriedSerializer()
    stayed_fields = serializers.ListField(child=serializers.CharField())
