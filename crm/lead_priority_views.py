"""The priority of a lead: explained, set by a person, left to the formula again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lead_records import LeadRecords
from crm.models import Lead
from crm.priority import bucket, score
from crm.priority_serializers import PrioritySerializer, SetPrioritySerializer
from crm.scoring import explain
from crm.serializers import LeadSerializer
from pipedesk.accounts import roles


class LeadPriority(LeadRecords):
    """Look at, set, clear the priority."""

    role_actions: ClassVar[Mapping[str, str]] = {
        "set_priority": roles.CHANGE,
        "clear_priority": roles.CHANGE,
    }

    @extend_schema(responses=PrioritySerializer)
    @action(detail=True, methods=["get"])
    def priority(self, request: Request, pk: uuid.UUID) -> Response:
        """The computed score part by part, and what a person set in its place."""
        lead: Lead = self.get_object()
        parts = explain(lead.pk, timezone.now())
        total = score(parts)
        manual = None
        if lead.manual_priority_score is not None:
            manual = {
                "score": lead.manual_priority_score,
                "by": lead.manual_priority_by,
                "at": lead.manual_priority_at,
            }
        shown = {
            "score": total,
            "bucket": bucket(total),
            "parts": [asdict(part) for part in parts],
            "manual": manual,
        }
        return Response(PrioritySerializer(shown).data)

    @extend_schema(request=SetPrioritySerializer, responses=LeadSerializer)
    @priority.mapping.patch
    def set_priority(self, request: Request, pk: uuid.UUID) -> Response:
        """Set the priority by hand; it stays until it is cleared."""
        body = SetPrioritySerializer(data=request.data)
        with transaction.atomic():
            lead = self.locked_for_change()
            body.is_valid(raise_exception=True)
            lead.set_priority(body.score(), by=str(self.user.pk))
            lead.save()
            return self.row_response(lead)

    @extend_schema(responses={204: None})
    @priority.mapping.delete
    def clear_priority(self, request: Request, pk: uuid.UUID) -> Response:
        """Put the computed score in force again; also where nothing was set."""
        with transaction.atomic():
            lead = self.locked_for_change()
            lead.clear_priority()
            lead.save()
        return Response(status=status.HTTP_204_NO_CONTENT)
