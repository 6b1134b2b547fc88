"""Bodies of the channels' API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from gdrive.models import DriveWebhookChannel
from pipedesk.core.fields import AwareDateTimeField
from pipedesk.core.serializers import RecordSerializer, StrictBody


class WatchSerializer(StrictBody):
    """Which calendar to watch; none: the primary one."""

    calendar_id = serializers.CharField(max_length=255, required=False)


class WatchingSerializer(serializers.Serializer[Any]):
    """A calendar's live channel."""

    status = serializers.ChoiceField(["watching"])
    channel_id = serializers.CharField()
    resource_id = serializers.CharField()
    expiration = AwareDateTimeField()


class DriveWatchSerializer(StrictBody):
    """Which drive to watch; none: the one the folder trees grow in."""

    drive_id = serializers.CharField(max_length=128, required=False, allow_blank=True)


class DriveChannelSerializer(RecordSerializer[DriveWebhookChannel]):
    """A channel on a drive's change feed."""

    drive_id = serializers.CharField(source="sync_state.drive_id", read_only=True)

    class Meta:
        model = DriveWebhookChannel
        fields = (
            "id",
            "channel_id",
            "resource_type",
            "watched_resource_id",
            "drive_id",
            "state",
            "active",
            "expires_at",
            "renew_at",
            "last_message_at",
            "failure",
            "created_at",
        )
        read_only_fields = fields
