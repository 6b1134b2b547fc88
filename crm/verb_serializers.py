"""What the verbs on leads are given, and what they answer."""

from __future__ import annotations

from typing import Any

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
