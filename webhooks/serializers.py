"""Bodies of the channels' API."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
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
    """Which drive, or which file or folder, to watch; none: the drive the folder trees grow in."""

    drive_id = serializers.CharField(max_length=128, required=False, allow_blank=True)
    file_id = serializers.CharField(max_length=128, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two."""
        if len(attrs) > 1:
            message = _("Either a drive or a file, not both.")
            raise serializers.ValidationError({"file_id": message})
        return attrs


class DriveChannelSerializer(RecordSerializer[DriveWebhookChannel]):
    """A channel on a drive's change feed, or on one file or folder.

    `notice`: why the channel is another one than was asked for.
    """

    drive_id = serializers.CharField(source="sync_state.drive_id", read_only=True)
    notice = serializers.SerializerMethodField()

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
            "opened_at",
            "expires_at",
            "renew_at",
            "last_message_at",
            "failure",
            "notice",
            "created_at",
        )
        read_only_fields = fields

    def get_notice(self, row: DriveWebhookChannel) -> str:
        """Empty but for a file of a shared drive that was asked for."""
        del row
        return str(self.context.get("notice", ""))
