"""The logged interactions of a lead."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm import interactions
from crm.lead_records import LeadRecords
from crm.models import Interaction
from pipedesk.accounts import roles
from pipedesk.core.pagination import PAGING, Key, Order
from pipedesk.core.query import Parameter
from pipedesk.core.serializers import RecordSerializer

NEWEST_FIRST = Order("newest", (Key("occurred_at", descending=True), Key("id", descending=True)))


class InteractionSerializer(RecordSerializer[Interaction]):
    """Something that happened with a lead; now, unless `occurred_at` says when."""

    class Meta:
        model = Interaction
        fields = ("id", "kind", "direction", "occurred_at", "note", "user_id", "created_at")
        read_only_fields = ("id", "user_id", "created_at")
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "occurred_at": {"required": False},
            "note": {"max_length": 10_000},
        }

    def validate_occurred_at(self, moment: datetime) -> datetime:
        """What lies ahead has not happened."""
        if moment > timezone.now():
            raise serializers.ValidationError(_("That lies in the future."), "in_the_future")
        return moment


class LeadInteractions(LeadRecords):
    """Log an interaction, list them, take one back."""

    role_actions: ClassVar[Mapping[str, str]] = {
        "log_interaction": roles.CHANGE,
        "take_interaction_back": roles.CHANGE,
    }
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {"interactions": PAGING}

    @extend_schema(responses=InteractionSerializer(many=True))
    @action(detail=True, methods=["get"])
    def interactions(self, request: Request, pk: uuid.UUID) -> Response:
        """The logged interactions of the lead, newest first."""
        page = self.page_of(Interaction.objects.filter(lead=self.get_object()), NEWEST_FIRST)
        return self.page_response(page, InteractionSerializer(page.rows, many=True).data)

    @extend_schema(request=InteractionSerializer, responses={201: InteractionSerializer})
    @interactions.mapping.post
    def log_interaction(self, request: Request, pk: uuid.UUID) -> Response:
        """Log what happened; it counts in the statistics."""
        body = InteractionSerializer(data=request.data)
        with transaction.atomic():
            lead = self.locked_for_change()
            body.is_valid(raise_exception=True)
            interaction = interactions.log(lead, **body.validated_data)
        shown = InteractionSerializer(interaction).data
        return Response(shown, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["delete"], url_path="interactions/<uuid:interaction_id>")
    def take_interaction_back(
        self, request: Request, pk: uuid.UUID, interaction_id: uuid.UUID
    ) -> Response:
        """Remove what was logged by mistake. The lead's last interaction stays as it is."""
        with transaction.atomic():
            lead = self.locked_for_change()
            interaction = Interaction.objects.filter(lead=lead, pk=interaction_id).first()
            if interaction is None:
                raise Http404
            interactions.take_back(interaction)
        return Response(status=status.HTTP_204_NO_CONTENT)
