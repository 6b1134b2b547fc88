"""Bodies that create and change meetings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from gcalendar.event_bodies import SEND_UPDATES
from gcalendar.models.link import KINDS
from gcalendar.parsing import zone_named
from pipedesk.core.fields import AwareDateTimeField
from pipedesk.core.serializers import StrictBody

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_GUESTS = 200  # Google's limit for one event
MAX_TITLE, MAX_TEXT, MAX_RULES, MAX_RULE = 1000, 8000, 20, 2000
TIMES = {
    "title": "summary",
    "startTime": "start_time",
    "endTime": "end_time",
    "timeZone": "time_zone",
    "allDay": "all_day",
    "createMeetLink": "create_meet_link",
    "addMeetLink": "create_meet_link",
    "add_meet_link": "create_meet_link",
}


@extend_schema_field(
    {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
)
class MomentField(AwareDateTimeField):
    """A time with an offset or, of all-day meetings, a date."""

    def to_internal_value(self, value: Any) -> Any:
        """A datetime or a date."""
        if isinstance(value, str) and DATE.fullmatch(value):
            try:
                day = date.fromisoformat(value)
            except ValueError:
                day = None
            if day is not None and 1900 <= day.year <= 2199:
                return day
        return super().to_internal_value(value)


def guests(**options: Any) -> serializers.ListField:
    """A list of addresses."""
    child = serializers.EmailField(max_length=254)
    return serializers.ListField(child=child, max_length=MAX_GUESTS, required=False, **options)


class MeetingBody(StrictBody):
    """What both creating and changing take."""

    aliases: ClassVar[Mapping[str, str]] = TIMES

    summary = serializers.CharField(max_length=MAX_TITLE, required=False, allow_blank=True)
    description = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, allow_null=True
    )
    location = serializers.CharField(
        max_length=MAX_TITLE, required=False, allow_blank=True, allow_null=True
    )
    start_time = MomentField(required=False)
    end_time = MomentField(required=False, help_text="Exclusive where it is a date, as Google's.")
    time_zone = serializers.CharField(max_length=64, required=False)
    all_day = serializers.BooleanField(required=False)
    attendees = guests()
    create_meet_link = serializers.BooleanField(required=False)
    recurrence = serializers.ListField(
        child=serializers.CharField(max_length=MAX_RULE), max_length=MAX_RULES, required=False
    )
    notify = serializers.ChoiceField(list(SEND_UPDATES), default="none")

    def validate_time_zone(self, value: str) -> str:
        """A zone of the database. Raises ValidationError."""
        if zone_named(value) is None:
            raise serializers.ValidationError(_("There is no such time zone."))
        return value

    def validate_recurrence(self, value: list[str]) -> list[str]:
        """Lines; a rule may come without its name."""
        return [f"RRULE:{line}" if line.upper().startswith("FREQ=") else line for line in value]


class NewMeetingSerializer(MeetingBody):
    """A new meeting."""

    aliases: ClassVar[Mapping[str, str]] = {
        **TIMES,
        "calendarId": "calendar_id",
        "entityType": "entity_type",
        "entityId": "entity_id",
    }

    summary = serializers.CharField(max_length=MAX_TITLE)
    start_time = MomentField()
    end_time = MomentField(help_text="Exclusive where it is a date, as Google's.")
    all_day = serializers.BooleanField(default=False)
    create_meet_link = serializers.BooleanField(default=True)
    calendar_id = serializers.CharField(max_length=255, required=False)
    entity_type = serializers.ChoiceField(KINDS, required=False)
    entity_id = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Type and id of an entity come together; only all-day meetings have dates."""
        if ("entity_type" in attrs) != ("entity_id" in attrs):
            missing = "entity_id" if "entity_type" in attrs else "entity_type"
            raise serializers.ValidationError(
                {missing: _("entity_type and entity_id go together.")}
            )
        for name in ("start_time", "end_time"):
            if not attrs["all_day"] and not isinstance(attrs[name], datetime):
                raise serializers.ValidationError({name: _("A time, unless it is all day.")})
        return attrs


class QuickAddSerializer(StrictBody):
    """Words that Google makes a meeting of."""

    aliases: ClassVar[Mapping[str, str]] = {"calendarId": "calendar_id"}

    text = serializers.CharField(max_length=MAX_TITLE)
    calendar_id = serializers.CharField(max_length=255, required=False)
    notify = serializers.ChoiceField(list(SEND_UPDATES), default="none")


class ChangedMeetingSerializer(MeetingBody):
    """What changes of a meeting; `attendees` is the whole list."""

    add_attendees = guests()
    remove_attendees = guests()

    aliases: ClassVar[Mapping[str, str]] = {
        **TIMES,
        "addAttendees": "add_attendees",
        "removeAttendees": "remove_attendees",
    }

    notify = serializers.ChoiceField(list(SEND_UPDATES), required=False)


class RecipientsSerializer(serializers.Serializer[Any]):
    """What a dry run answers."""

    recipients = serializers.ListField(child=serializers.EmailField())
