"""What the verbs on leads are given, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from crm.serializers import LeadSerializer, reference
from pipedesk.accounts.models import User
from pipedesk.core.serializers import StrictBody

REASON_LENGTH = 10_000


class NewCompanySerializer(StrictBody):
    """The company a lead becomes."""

    aliases = {"legal_name": "name", "title": "name"}

    name = serializers.CharField(max_length=500)


class NewDealSerializer(StrictBody):
    """The deal a lead becomes."""

    aliases = {"client_name": "title", "name": "title"}

    title = serializers.CharField(max_length=500)


class QualifySerializer(StrictBody):
    """What a lead becomes: exactly one of the first three."""

    aliases = {"p_new_company_data": "new_company"}

    deal_id = serializers.UUIDField(required=False, allow_null=True)
    company_id = serializers.UUIDField(required=False, allow_null=True)
    new_company = NewCompanySerializer(required=False, allow_null=True)
    new_deal = NewDealSerializer(required=False, allow_null=True)


class NamedSerializer(serializers.Serializer[Any]):
    """A row that a lead was linked to; without an id it is not made yet (dry run)."""

    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    is_new = serializers.BooleanField()


class QualifiedSerializer(serializers.Serializer[Any]):
    """All that moved."""

    dry_run = serializers.BooleanField()
    lead = LeadSerializer()
    company = NamedSerializer(allow_null=True)
    deal = NamedSerializer(allow_null=True)
    contact_ids = serializers.ListField(child=serializers.UUIDField())
    tag_ids = serializers.ListField(child=serializers.UUIDField())


class DisqualifySerializer(StrictBody):
    """Why a lead is given up."""

    aliases = {"disqualification_reason": "reason"}

    reason = serializers.CharField(max_length=REASON_LENGTH)


class ChangeOwnerSerializer(StrictBody):
    """Who owns the lead from now on; null for nobody."""

    aliases = {"newOwnerId": "owner_user_id"}

    owner_user_id = reference("owner", User.objects.filter(is_active=True), allow_null=True)


class LeadChangesSerializer(LeadSerializer):
    """Columns of a lead to set; each may be left out."""

    def get_fields(self) -> dict[str, Any]:
        """The lead's fields, none of them required."""
        fields: dict[str, Any] = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


def _distinct_ids(max_length: int, **options: Any) -> Any:
    return serializers.ListField(
        child=serializers.UUIDField(),
        max_length=max_length,
        validators=[_refuse_repeats],
        **options,
    )


def _refuse_repeats(values: list[Any]) -> None:
    if len(set(values)) != len(values):
        raise serializers.ValidationError(_("Each id once."), "duplicate")


class BulkSerializer(StrictBody):
    """What to do with many leads: columns to set, tags to add and remove, one action."""

    ids = _distinct_ids(1000, min_length=1)
    set = LeadChangesSerializer(required=False)
    add_tags = _distinct_ids(100, required=False, default=list)
    remove_tags = _distinct_ids(100, required=False, default=list)
    action = serializers.ChoiceField(
        choices=("delete", "restore", "disqualify", "reopen"), required=False, allow_null=True
    )
    reason = serializers.CharField(max_length=REASON_LENGTH, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what asks for nothing, and what contradicts itself."""
        faults = dict(self._faults(attrs))
        if faults:
            raise serializers.ValidationError(faults)
        return attrs

    @staticmethod
    def _faults(attrs: Mapping[str, Any]) -> Any:
        asked = [attrs.get(name) for name in ("set", "add_tags", "remove_tags", "action")]
        if not any(asked):
            yield "action", _("Give set, add_tags, remove_tags or action.")
        if frozenset(attrs["add_tags"]) & frozenset(attrs["remove_tags"]):
            yield "remove_tags", _("A tag cannot be both added and removed.")
        gives_up, reason = attrs.get("action") == "disqualify", attrs.get("reason")
        if gives_up and reason is None:
            yield "reason", _("Leads are disqualified for a reason.")
        if reason is not None and not gives_up:
            yield "reason", _("Only disqualifying takes a reason.")


class BulkRowSerializer(serializers.Serializer[Any]):
    """What became of one lead: the status its own call would have answered, and why."""

    id = serializers.UUIDField()
    status = serializers.IntegerField()
    error = serializers.CharField(required=False)
    code = serializers.CharField(required=False)
    details = serializers.ListField(child=serializers.DictField(), required=False)


class BulkResultsSerializer(serializers.Serializer[Any]):
    """What became of each lead, in the order they were asked for."""

    results = BulkRowSerializer(many=True)
