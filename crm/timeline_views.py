"""GET /api/timeline/{type}/{id}: what happened with a record, newest first."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import timeline
from crm.models import Company, Contact, Deal, Lead
from pipedesk.core.fields import AwareDateTimeField
from pipedesk.core.pagination import DEFAULT_PER_PAGE, PAGING, TOTAL_CAP
from pipedesk.core.query import Parameter, choices
from pipedesk.core.views import ContractView

ENTITY_TYPES = ("lead", "deal", "contact", "company")
_NUMBERED, *KEYSET = PAGING


class PersonSerializer(serializers.Serializer[Any]):
    """A user."""

    id = serializers.CharField()
    name = serializers.CharField()


class TimelineEntrySerializer(serializers.Serializer[Any]):
    """One thing that happened. `createdAt` of a meeting is its start, which may lie ahead."""

    id = serializers.CharField()
    type = serializers.ChoiceField(timeline.KINDS)
    title = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    metadata = serializers.DictField(child=serializers.JSONField(allow_null=True))
    createdAt = AwareDateTimeField()  # noqa: N815  (the contract's name)
    createdBy = PersonSerializer(allow_null=True)  # noqa: N815


class TimelineCursorsSerializer(serializers.Serializer[Any]):
    """Where to go on."""

    next_cursor = serializers.CharField(allow_null=True)
    previous_cursor = serializers.CharField(allow_null=True)
    per_page = serializers.IntegerField()


class TimelineSerializer(serializers.Serializer[Any]):
    """A page of a timeline. `total` stops at 10,000 and then says so."""

    entries = TimelineEntrySerializer(many=True)
    total = serializers.IntegerField()
    total_is_capped = serializers.BooleanField(required=False)
    pagination = TimelineCursorsSerializer()


class TimelineView(ContractView):
    """The timeline of a lead, deal, contact or company."""

    resource = "timeline"
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "get": (
            choices("kinds", words=timeline.KINDS, description="Only these; all when empty."),
            *KEYSET,
        )
    }

    @extend_schema(
        parameters=[
            OpenApiParameter("entity_type", str, OpenApiParameter.PATH, enum=ENTITY_TYPES),
            OpenApiParameter("entity_id", uuid.UUID, OpenApiParameter.PATH),
        ],
        responses=TimelineSerializer,
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """What happened, newest first: meetings, writes, files, logged interactions."""
        record = _record(kwargs["entity_type"], kwargs["entity_id"])
        kinds = self.query.get("kinds", ())
        per_page = self.query.get("page_size", DEFAULT_PER_PAGE)
        page = timeline.stretch(record, self.user, kinds, self.query.get("cursor", ""), per_page)
        total = timeline.total(record, kinds)
        capped = {"total_is_capped": True} if total > TOTAL_CAP else {}
        return Response(
            {
                "entries": page.entries,
                "total": min(total, TOTAL_CAP),
                **capped,
                "pagination": {
                    "next_cursor": page.next_cursor,
                    "previous_cursor": page.previous_cursor,
                    "per_page": per_page,
                },
            }
        )


def _record(entity_type: str, text: str) -> timeline.Record:
    """The record of this address. Raises Http404 for one that people cannot see."""
    try:
        entity_id = uuid.UUID(text)
    except ValueError:
        raise Http404 from None
    rows = _visible(entity_type)
    if rows is None or not rows.filter(pk=entity_id).exists():
        raise Http404
    return timeline.Record(entity_type, entity_id)


def _visible(entity_type: str) -> QuerySet[Any] | None:
    """The records people can see: qualified leads too, deleted and merged ones not."""
    unmerged = {"merged_into__isnull": True}
    if entity_type == "lead":
        return Lead.objects.known().filter(**unmerged)
    if entity_type == "deal":
        return Deal.objects.alive()
    if entity_type == "contact":
        return Contact.objects.alive().filter(**unmerged)
    return Company.objects.alive().filter(**unmerged) if entity_type == "company" else None
