"""Linking meetings with records through the API, and taking links back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from gcalendar import saying
from gcalendar.event_rows import Viewer, meeting_in, rendered, row_of
from gcalendar.linking import links_of
from gcalendar.models import CalendarEvent
from gcalendar.models.link import KINDS
from gcalendar.records import MODELS, find_record, may_change
from gcalendar.serializers import EventSerializer
from gcalendar.views import EventViewSet, find_named
from pipedesk.accounts.roles import ADD
from pipedesk.core.etags import entity_tag
from pipedesk.core.serializers import StrictBody


class NewLinkSerializer(StrictBody):
    """The record to link a meeting with."""

    aliases: ClassVar[Mapping[str, str]] = {
        "entity_type": "type",
        "entityType": "type",
        "entity_id": "id",
        "entityId": "id",
    }

    type = serializers.ChoiceField(KINDS)
    id = serializers.UUIDField()


class LinkedEventViewSet(EventViewSet):
    """Meetings whose links people change: of meetings they may read, to records they may change.

    An occurrence stands for its series. What lies in the archive keeps its links.
    """

    role_actions: ClassVar[Mapping[str, str]] = {"links": ADD, "unlink": ADD}

    @extend_schema(
        request=NewLinkSerializer, responses={200: EventSerializer, 201: EventSerializer}
    )
    @action(detail=True, methods=["post"])
    def links(self, request: Request, pk: str) -> Response:
        """Link the meeting with a record, whoever is invited; 200 where it is linked so already."""
        event = self._readable()
        serializer = NewLinkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        record = serializer.validated_data["type"], serializer.validated_data["id"]
        self.refuse_foreign(find_record(*record, "id"))
        is_new = saying.link(event, record, self.user)
        return self.event_response(event, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(responses={204: None})
    @action(
        detail=True,
        methods=["delete"],
        url_path="links/<str:entity_type>/<uuid:entity_id>",
    )
    def unlink(self, request: Request, pk: str, entity_type: str, entity_id: uuid.UUID) -> Response:
        """Take the link with a record back, for good: guests do not bring it back either."""
        event = self._readable()
        if entity_type not in KINDS:
            raise Http404
        record = MODELS[entity_type].objects.filter(pk=entity_id).first()
        if record is not None:
            self.refuse_foreign(record)
        saying.unlink(event, (entity_type, entity_id), self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def refuse_foreign(self, record: Any) -> None:
        """Raises PermissionDenied for a record that the caller may not change."""
        if not may_change(self.user, record):
            raise PermissionDenied(_("You may only link records you may change."))

    def _readable(self) -> CalendarEvent:
        """The meeting of this address. Raises Http404, PermissionDenied where it is masked."""
        event, _slot = find_named(str(self.kwargs["pk"]))
        row = row_of(event)
        (links,) = links_of([meeting_in(row)]).values()
        if not Viewer(self.user).may_read(row, links):
            raise PermissionDenied(_("This meeting is not yours to link."))
        return event

    def event_response(self, event: CalendarEvent, code: int = status.HTTP_200_OK) -> Response:
        """A meeting that was just written, as the caller may see it."""
        (answer,) = rendered([row_of(event)], Viewer(self.user))
        return Response(answer, status=code, headers={"ETag": entity_tag(answer)})
