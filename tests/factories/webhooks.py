"""Channels and push messages: the smallest valid ones."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone

from gcalendar.models import CalendarSyncState, MirroredCalendar
from gdrive.models import DriveSyncState, DriveWebhookChannel
from pipedesk.google.channels import ChannelState
from webhooks.notifications import token_digest

TOKEN = "the-right-token"


class CalendarFactory(factory.django.DjangoModelFactory):
    """A calendar on the registry."""

    class Meta:
        model = MirroredCalendar

    calendar_id = factory.Sequence(lambda n: f"team-{n}@pipedesk.example")


class CalendarChannelFactory(factory.django.DjangoModelFactory):
    """An open channel of a calendar, its token is TOKEN."""

    class Meta:
        model = CalendarSyncState

    class Params:
        polled = factory.Trait(channel_id=None, resource_id=None, token_hash=None, expiration=None)
        pending = factory.Trait(
            state=ChannelState.PENDING, active=False, resource_id=None, expiration=None
        )

    mirrored_calendar = factory.SubFactory(CalendarFactory)
    calendar_id = factory.SelfAttribute("mirrored_calendar.calendar_id")
    channel_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    resource_id = factory.Sequence(lambda n: f"calendar-resource-{n}")
    token_hash = token_digest(TOKEN)
    state = ChannelState.OPEN
    opened_at = factory.LazyFunction(timezone.now)
    expiration = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))
    renew_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=4))


class DriveStateFactory(factory.django.DjangoModelFactory):
    """A followed drive."""

    class Meta:
        model = DriveSyncState

    drive_id = factory.Sequence(lambda n: f"drive-{n}")


class DriveChannelFactory(factory.django.DjangoModelFactory):
    """An open channel of a drive's change feed, its token is TOKEN."""

    class Meta:
        model = DriveWebhookChannel

    sync_state = factory.SubFactory(DriveStateFactory)
    channel_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    resource_id = factory.Sequence(lambda n: f"drive-resource-{n}")
    resource_type = "changes"
    watched_resource_id = factory.SelfAttribute("sync_state.drive_id")
    token_hash = token_digest(TOKEN)
    state = ChannelState.OPEN
    opened_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))
    renew_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=4))


def message(channel: CalendarSyncState | DriveWebhookChannel, **changes: Any) -> dict[str, str]:
    """The headers of a valid push on `channel`; None takes one away."""
    is_calendar = isinstance(channel, CalendarSyncState)
    headers: dict[str, Any] = {
        "X-Goog-Channel-ID": channel.channel_id,
        "X-Goog-Channel-Token": TOKEN,
        "X-Goog-Message-Number": "2",
        "X-Goog-Resource-ID": channel.resource_id or "resource-from-google",
        "X-Goog-Resource-State": "exists" if is_calendar else "change",
        "X-Goog-Resource-URI": "https://www.googleapis.com/watched?alt=json",
        "X-Goog-Channel-Expiration": "Sun, 29 Nov 2026 12:00:00 GMT",
    }
    headers |= {f"X-Goog-{name.replace('_', '-')}": value for name, value in changes.items()}
    return {name: value for name, value in headers.items() if value is not None}
