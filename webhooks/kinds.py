"""The two kinds of channel: what they watch, where they are kept, which states they know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gcalendar.models import CalendarSyncState, MirroredCalendar
from gdrive.models import DriveSyncState, DriveWebhookChannel

Channel = CalendarSyncState | DriveWebhookChannel
Target = MirroredCalendar | DriveSyncState


@dataclass(frozen=True)
class Kind:
    """Where one kind of channel lives.

    `number` names the kind in a job's arguments. `states` are Google's words for a change;
    any other word but `sync` is heard and ignored. `life` is what a channel lasts when
    Google's answer does not say; `asked_life` is the longest that Google may grant.
    """

    number: int
    channels: type[Channel]
    targets: type[Target]
    target_field: str
    expiry_field: str
    path: str
    states: frozenset[str]
    life: timedelta
    asked_life: timedelta

    def expiry(self, channel: Channel) -> object:
        """When the channel ends (a datetime, or None while unknown)."""
        return getattr(channel, self.expiry_field)


CALENDAR = Kind(
    number=1,
    channels=CalendarSyncState,
    targets=MirroredCalendar,
    target_field="mirrored_calendar",
    expiry_field="expiration",
    path="/webhooks/google-calendar",
    states=frozenset({"exists", "not_exists"}),
    life=timedelta(days=7),
    asked_life=timedelta(days=7),
)
# The guide's table says `change`, its example `changed`; the others come from watched files.
DRIVE = Kind(
    number=2,
    channels=DriveWebhookChannel,
    targets=DriveSyncState,
    target_field="sync_state",
    expiry_field="expires_at",
    path="/webhooks/google-drive",
    states=frozenset({"change", "changed", "add", "remove", "update", "trash", "untrash"}),
    life=timedelta(hours=1),
    asked_life=timedelta(days=7),
)
KINDS = {kind.number: kind for kind in (CALENDAR, DRIVE)}
