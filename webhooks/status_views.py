"""GET /api/status."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from gcalendar.serializers import CalendarSerializer
from pipedesk.core.fields import AwareDateTimeField
from pipedesk.core.views import ContractView
from webhooks.status import CHANNEL_STATES, ERROR, KINDS, OK, PENDING, STALE, status


class QueueStatusSerializer(serializers.Serializer[Any]):
    """Whether jobs get done."""

    state = serializers.ChoiceField([OK, ERROR])
    beat_at = AwareDateTimeField(allow_null=True)
    remedy = serializers.CharField()


class DriveStatusSerializer(serializers.Serializer[Any]):
    """How fresh the mirror of a drive is; an empty `drive_id` is the own drive."""

    id = serializers.IntegerField()
    drive_id = serializers.CharField()
    state = serializers.ChoiceField([PENDING, OK, STALE, ERROR])
    as_of = AwareDateTimeField(allow_null=True)
    lag_s = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField()
    remedy = serializers.CharField()


class ChannelStatusSerializer(serializers.Serializer[Any]):
    """How changes of one calendar, drive or file are heard of."""

    kind = serializers.ChoiceField(list(KINDS))
    target = serializers.CharField()
    channel_id = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(list(CHANNEL_STATES))
    opened_at = AwareDateTimeField(allow_null=True)
    expires_at = AwareDateTimeField(allow_null=True)
    renew_at = AwareDateTimeField(
        allow_null=True,
        help_text="When it is replaced; of a refused one, when Google is asked again.",
    )
    last_message_at = AwareDateTimeField(allow_null=True)
    failure = serializers.CharField()
    remedy = serializers.CharField()


class StatusSerializer(serializers.Serializer[Any]):
    """The whole; a `remedy` that is not empty is a fault and says what to do."""

    state = serializers.ChoiceField([OK, ERROR])
    queue = QueueStatusSerializer()
    calendars = serializers.ListField(child=CalendarSerializer())
    drives = DriveStatusSerializer(many=True)
    channels = ChannelStatusSerializer(many=True)


class StatusView(ContractView):
    """How fresh the mirrors are, and what is wrong."""

    resource = "status_page"

    @extend_schema(responses=StatusSerializer)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every calendar, drive and channel, with the remedy for each fault."""
        found = status(timezone.now())
        return Response(
            {
                **found,
                "queue": QueueStatusSerializer(found["queue"]).data,
                "drives": DriveStatusSerializer(found["drives"], many=True).data,
                "channels": ChannelStatusSerializer(found["channels"], many=True).data,
            }
        )
