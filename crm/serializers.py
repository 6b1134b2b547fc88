"""Rows of the CRM in the API, named after their columns."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from crm.models import Company, Contact, Deal, Lead, LeadContact, LeadOrigin, LeadStatus, Tag
from crm.next_action import LABELS
from crm.priority import DESCRIPTIONS
from pipedesk.accounts.models import User
from pipedesk.audit.recording import current_user_id
from pipedesk.core.serializers import RecordSerializer, StrictBody


def reference(
    source: str, rows: QuerySet[Any], **options: Any
) -> serializers.Field[Any, Any, Any, Any]:
    """A field that holds the id of one of these rows."""
    return serializers.PrimaryKeyRelatedField(
        source=source, queryset=rows, pk_field=serializers.UUIDField(), **options
    )


class CompanySerializer(RecordSerializer[Company]):
    """A company."""

    class Meta:
        model = Company
        fields = ("id", "name", "created_at", "updated_at", "deleted_at")
        read_only_fields = ("id", "created_at", "updated_at", "deleted_at")


class ContactSerializer(RecordSerializer[Contact]):
    """A contact person."""

    class Meta:
        model = Contact
        fields = (
            "id",
            "name",
            "email",
            "phone",
            "role",
            "created_at",
            "updated_at",
            "deleted_at",
        )
        read_only_fields = ("id", "created_at", "updated_at", "deleted_at")


class DealSerializer(RecordSerializer[Deal]):
    """A deal; `title` is accepted for `client_name`."""

    aliases = {"title": "client_name"}

    client_name = serializers.CharField(source="title", max_length=500)
    company_id = reference("company", Company.objects.alive(), allow_null=True, required=False)

    class Meta:
        model = Deal
        fields = ("id", "client_name", "company_id", "created_at", "updated_at", "deleted_at")
        read_only_fields = ("id", "created_at", "updated_at", "deleted_at")


class TagSerializer(RecordSerializer[Tag]):
    """A tag."""

    class Meta:
        model = Tag
        fields = ("id", "name", "color")

    def validate_name(self, name: str) -> str:
        """A name that people can tell from all others: case and accents do not count."""
        others = Tag.objects.named(name)
        if self.instance is not None:
            others = others.exclude(pk=self.instance.pk)
        if other := others.first():
            message = _("There is a tag “%(name)s” already.") % {"name": other}
            raise serializers.ValidationError(message, "unique")
        return name


class LeadStatusSerializer(RecordSerializer[LeadStatus]):
    """A status of leads."""

    class Meta:
        model = LeadStatus
        fields = (
            "id",
            "code",
            "label",
            "description",
            "is_active",
            "sort_order",
            "priority_weight",
            "color",
            "created_at",
        )
        read_only_fields = ("id", "created_at")

    def validate_code(self, code: str) -> str:
        """The code by which qualified leads are known stays."""
        was = None if self.instance is None else self.instance.code
        if was == LeadStatus.QUALIFIED != code:
            raise serializers.ValidationError(_("The product relies on this code."), "fixed")
        return code


class LeadOriginSerializer(RecordSerializer[LeadOrigin]):
    """An origin of leads."""

    class Meta:
        model = LeadOrigin
        fields = (
            "id",
            "code",
            "label",
            "description",
            "is_active",
            "sort_order",
            "priority_weight",
            "created_at",
        )
        read_only_fields = ("id", "created_at")


class LeadSerializer(RecordSerializer[Lead]):
    """A lead; `title` is accepted for `legal_name`."""

    aliases = {"title": "legal_name"}

    legal_name = serializers.CharField(source="title", max_length=500)
    lead_status_id = reference(
        "lead_status", LeadStatus.objects.all(), allow_null=True, required=False
    )
    lead_origin_id = reference(
        "lead_origin", LeadOrigin.objects.all(), allow_null=True, required=False
    )
    owner_user_id = reference(
        "owner", User.objects.filter(is_active=True), allow_null=True, required=False
    )
    qualified_company_id = reference(
        "qualified_company", Company.objects.alive(), allow_null=True, required=False
    )
    qualified_master_deal_id = reference(
        "qualified_master_deal", Deal.objects.alive(), allow_null=True, required=False
    )

    class Meta:
        model = Lead
        fields = (
            "id",
            "legal_name",
            "trade_name",
            "lead_status_id",
            "lead_origin_id",
            "owner_user_id",
            "qualified_company_id",
            "qualified_master_deal_id",
            "address_city",
            "address_state",
            "priority_score",
            "last_interaction_at",
            "disqualified_at",
            "disqualification_reason",
            "qualified_at",
            "deleted_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = (
            "id",
            "last_interaction_at",
            "disqualified_at",
            "disqualification_reason",
            "qualified_at",
            "deleted_at",
            "created_at",
            "updated_at",
        )
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "priority_score": {"min_value": 0, "max_value": 100}
        }

    def create(self, validated_data: dict[str, Any]) -> Lead:
        """A new lead; a score that is sent is one set by hand, 0 as well."""
        if "priority_score" in validated_data:
            validated_data |= {
                "manual_priority_score": validated_data["priority_score"],
                "manual_priority_by": current_user_id(),
                "manual_priority_at": timezone.now(),
            }
        return super().create(validated_data)


class OwnerSerializer(serializers.Serializer[Any]):
    """Who owns a lead."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_null=True)


class PrimaryContactSerializer(serializers.Serializer[Any]):
    """Whom to call."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.CharField(allow_null=True)
    email = serializers.EmailField(allow_null=True)
    phone = serializers.CharField(allow_null=True)


class NextActionSerializer(serializers.Serializer[Any]):
    """What to do next, and why."""

    code = serializers.ChoiceField(choices=tuple(LABELS))
    label = serializers.CharField()  # type: ignore[assignment]  # a column, not the field's label
    reason = serializers.CharField()
    due_at = serializers.DateTimeField(allow_null=True)


class SalesViewRowSerializer(serializers.Serializer[Any]):
    """A row of the work list, for the OpenAPI document: rows are rendered by crm.sales_view."""

    id = serializers.UUIDField()
    legal_name = serializers.CharField()
    trade_name = serializers.CharField(allow_null=True)
    lead_status_id = serializers.UUIDField(allow_null=True)
    lead_origin_id = serializers.UUIDField(allow_null=True)
    status = serializers.CharField(allow_null=True)
    origin = serializers.CharField(allow_null=True)
    owner_user_id = serializers.UUIDField(allow_null=True)
    owner = OwnerSerializer(allow_null=True)
    priority_score = serializers.IntegerField()
    priority_bucket = serializers.ChoiceField(choices=tuple(DESCRIPTIONS))
    priority_description = serializers.CharField()
    last_interaction_at = serializers.DateTimeField(allow_null=True)
    last_interaction_type = serializers.CharField(allow_null=True)
    qualified_master_deal_id = serializers.UUIDField(allow_null=True)
    qualified_at = serializers.DateTimeField(allow_null=True)
    disqualified_at = serializers.DateTimeField(allow_null=True)
    address_city = serializers.CharField(allow_null=True)
    address_state = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    tags = TagSerializer(many=True)
    primary_contact = PrimaryContactSerializer(allow_null=True)
    next_action = NextActionSerializer()


class LeadTagsSerializer(StrictBody):
    """The tags of a lead, all of them."""

    tag_ids = serializers.ListField(child=serializers.UUIDField(), max_length=100)
    tags = TagSerializer(many=True, read_only=True)


class LeadContactSerializer(RecordSerializer[LeadContact]):
    """A contact of a lead."""

    contact_id = reference("contact", Contact.objects.alive())
    contact = ContactSerializer(read_only=True)

    class Meta:
        model = LeadContact
        fields = ("contact_id", "is_primary", "added_at", "contact")
        read_only_fields = ("added_at",)


class LeadContactsSerializer(serializers.Serializer[Any]):
    """All contacts of a lead, the primary one first."""

    data = LeadContactSerializer(many=True)  # type: ignore[assignment]  # a member, not the input
