"""Bodies of the calendar API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from gcalendar.linking import EXPLICIT, INFERRED
from gcalendar.models import CalendarSyncState, MirroredCalendar
from gcalendar.models.link import KINDS
from pipedesk.core.fields import AwareDateTimeField
from pipedesk.core.serializers import RecordSerializer
from pipedesk.google.channels import ChannelState


class GuestSerializer(serializers.Serializer[Any]):
    """A guest, as Google describes one."""

    email = serializers.EmailField()
    responseStatus = serializers.CharField(required=False)  # noqa: N815  (Google's name)
    displayName = serializers.CharField(required=False)  # noqa: N815
    organizer = serializers.BooleanField(required=False)
    self = serializers.BooleanField(required=False)
    optional = serializers.BooleanField(required=False)


class LinkSerializer(serializers.Serializer[Any]):
    """A row of the CRM that a meeting touches."""

    type = serializers.ChoiceField(KINDS)
    id = serializers.UUIDField()
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field's own name, too
        [EXPLICIT, INFERRED], help_text="Whether a person said so, or the guests tell."
    )


class EventSerializer(serializers.Serializer[Any]):
    """An event's shape; gcalendar.event_rows renders it straight from the rows."""

    id = serializers.IntegerField()
    google_event_id = serializers.CharField()
    calendar_id = serializers.CharField()
    ical_uid = serializers.CharField(allow_null=True)
    summary = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    location = serializers.CharField(allow_null=True)
    start_time = AwareDateTimeField(allow_null=True)
    end_time = AwareDateTimeField(allow_null=True)
    all_day = serializers.BooleanField(allow_null=True)
    start_date = serializers.DateField(allow_null=True)
    end_date = serializers.DateField(allow_null=True, help_text="Exclusive, as Google's.")
    time_zone = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(["confirmed", "tentative", "cancelled"])
    meet_link = serializers.CharField(allow_null=True)
    html_link = serializers.CharField(allow_null=True)
    organizer_email = serializers.CharField(allow_null=True)
    attendees = GuestSerializer(many=True)
    recurrence = serializers.ListField(child=serializers.CharField(), allow_null=True)
    recurring_event_id = serializers.CharField(allow_null=True)
    original_start_time = AwareDateTimeField(allow_null=True)
    linked = LinkSerializer(many=True)
    created_at = AwareDateTimeField()
    updated_at = AwareDateTimeField()


class ChannelSerializer(serializers.ModelSerializer[CalendarSyncState]):
    """The channel Google calls through."""

    expiration = AwareDateTimeField(allow_null=True)
    opened_at = AwareDateTimeField(allow_null=True)
    last_message_at = AwareDateTimeField(allow_null=True)
    renew_at = AwareDateTimeField(allow_null=True)

    class Meta:
        model = CalendarSyncState
        fields = ("channel_id", "expiration", "opened_at", "last_message_at", "renew_at")


class CalendarSerializer(RecordSerializer[MirroredCalendar]):
    """A calendar on the registry."""

    calendar_id = serializers.CharField(max_length=255)
    subject = serializers.CharField(max_length=254, required=False, allow_blank=True)
    state = serializers.SerializerMethodField()
    lag_s = serializers.SerializerMethodField()
    channel = serializers.SerializerMethodField()

    class Meta:
        model = MirroredCalendar
        fields = (
            "id", "calendar_id", "subject", "summary", "time_zone", "access_role", "visibility",
            "state", "as_of", "lag_s", "last_error", "remedy", "channel",
        )  # fmt: skip
        read_only_fields = ("summary", "time_zone", "access_role", "as_of", "last_error", "remedy")
        # The registry answers a repeat with the row it has.
        validators = ()

    @extend_schema_field(serializers.ChoiceField(MirroredCalendar.State.choices))
    def get_state(self, row: MirroredCalendar) -> str:
        """How the mirror stands; what was given up is an error, what is old is stale."""
        return row.standing(timezone.now())

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_lag_s(self, row: MirroredCalendar) -> int | None:
        """Seconds since the mirror equalled Google; null before the first sync."""
        return None if row.as_of is None else int((timezone.now() - row.as_of).total_seconds())

    @extend_schema_field(ChannelSerializer(allow_null=True))
    def get_channel(self, row: MirroredCalendar) -> Any:
        """The open channel, or null where the calendar is only polled."""
        for state in row.sync_states.all():
            if state.active and state.channel_id and state.state == ChannelState.OPEN:
                return ChannelSerializer(state).data
        return None
