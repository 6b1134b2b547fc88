"""The API of the registry of calendars."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, ValidationError

from gcalendar.models import MirroredCalendar
from gcalendar.registry import register, remove, set_visibility
from gcalendar.serializers import CalendarSerializer
from pipedesk.accounts.roles import CHANGE
from pipedesk.core.viewsets import RecordViewSet


class CalendarViewSet(RecordViewSet):
    """Calendars that are mirrored."""

    resource = "calendar"
    queryset = MirroredCalendar.objects.prefetch_related("sync_states")
    serializer_class = CalendarSerializer
    lookup_value_converter = "int"
    role_actions = {"sync": CHANGE}
    # Grows by the second, changed by nobody.
    untagged = frozenset({"lag_s"})

    @extend_schema(responses={200: CalendarSerializer, 201: CalendarSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Put a calendar on the registry: 201, or 200 with the row that is there already."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row, created = register(**serializer.validated_data)
        return self.row_response(row, status.HTTP_201_CREATED if created else status.HTTP_200_OK)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Change how much of it is kept; another calendar is another row."""
        row: Any = serializer.instance
        fixed = [
            name
            for name in ("calendar_id", "subject")
            if serializer.validated_data.get(name, getattr(row, name)) != getattr(row, name)
        ]
        if fixed:
            raise ValidationError(dict.fromkeys(fixed, _("This cannot be changed.")))
        if "visibility" in serializer.validated_data:
            set_visibility(row, serializer.validated_data["visibility"])

    def perform_destroy(self, row: MirroredCalendar) -> None:
        """Take it off the registry."""
        remove(row)

    @extend_schema(request=None, responses={202: CalendarSerializer})
    @action(detail=True, methods=["post"])
    def sync(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Queue a sync."""
        with transaction.atomic():
            row = self.locked_object()
            MirroredCalendar.objects.request(row.pk)
        return self.row_response(row, status.HTTP_202_ACCEPTED)
