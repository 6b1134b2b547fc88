"""The kinds of channel: what they watch, where they are kept, how Google is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import QuerySet

from gcalendar import client as calendar_client
from gcalendar.models import CalendarSyncState, MirroredCalendar
from gdrive import client as drive_client
from gdrive.feed import OWN_DRIVE, follow_all, follow_drive
from gdrive.models import DriveSyncState, DriveWebhookChannel, WatchedFile

Channel = CalendarSyncState | DriveWebhookChannel
Target = MirroredCalendar | DriveSyncState | WatchedFile


class Kind(ABC):
    """Where one kind of channel lives, and what is particular to it."""

    number: ClassVar[int]  # names the kind in a job's arguments
    channels: ClassVar[type[Channel]]
    targets: ClassVar[type[Target]]
    target_field: ClassVar[str]
    expiry_field: ClassVar[str]
    path: ClassVar[str]
    # Google's words for a change; any other word but `sync` is heard and ignored.
    states: ClassVar[frozenset[str]]
    # Columns that move to the row that replaces the active one.
    handed_over: ClassVar[tuple[str, ...]] = ()
    # What is asked for, and what a channel lasts when Google's answer does not say.
    asked_life: ClassVar[timedelta] = timedelta(days=7)
    default_life: ClassVar[timedelta]

    def expiry(self, channel: Channel) -> datetime | None:
        """When the channel ends; None while that is unknown."""
        ends: datetime | None = getattr(channel, self.expiry_field)
        return ends

    def rows(self) -> QuerySet[Any, Any]:
        """This kind's channels."""
        rows: QuerySet[Any, Any] = self.channels.objects.all()
        return rows

    def channels_of(self, target_pk: int) -> QuerySet[Any, Any]:
        """Rows that stand for a channel at Google, or stood for one."""
        return self.rows().filter(**{self.target_field: target_pk}, channel_id__isnull=False)

    def followed(self) -> QuerySet[Any, Any]:
        """What there is to watch, wanted or not."""
        rows: QuerySet[Any, Any] = self.targets.objects.all()
        return rows

    @abstractmethod
    def ask(self, pk: int, **columns: Any) -> None:
        """Ask for a sync of the calendar or drive that a message is about."""

    @abstractmethod
    def prepare(self) -> None:
        """See to it that what must be watched has its row."""

    @abstractmethod
    def wanted(self) -> QuerySet[Any, Any]:
        """What should have a channel."""

    def visible(self) -> QuerySet[Any, Any]:
        """What Google lets us watch, as far as we know."""
        return self.wanted()

    @abstractmethod
    def new_channel(self, target: Any) -> Any:
        """An unsaved row for a channel on `target`."""

    def hand_over(self, old: Any, new: Any) -> None:
        """Copy the cursor, where a channel's row holds one, from the active row."""
        for column in self.handed_over:
            setattr(new, column, getattr(old, column))

    @abstractmethod
    def subject(self, target: Any) -> str:
        """In whose name Google is asked; empty: the configured person."""

    @abstractmethod
    def watch(self, target: Any, channel: dict[str, str]) -> dict[str, Any]:
        """Ask Google for the channel. Raises GoogleError."""

    @abstractmethod
    def stop(self, channel_id: str, resource_id: str, subject: str) -> None:
        """Ask Google to end the channel. Raises GoogleError."""


class CalendarKind(Kind):
    """Channels on a calendar's events. The active row also holds the cursor."""

    number = 1
    channels = CalendarSyncState
    targets = MirroredCalendar
    target_field = "mirrored_calendar"
    expiry_field = "expiration"
    path = "/webhooks/google-calendar"
    states = frozenset({"exists", "not_exists"})
    handed_over = ("sync_token", "query_fingerprint")
    default_life = timedelta(days=7)

    def ask(self, pk: int, **columns: Any) -> None:
        """The calendar's."""
        MirroredCalendar.objects.request(pk, **columns)

    def prepare(self) -> None:
        """Nothing: people put calendars on the registry."""

    def wanted(self) -> QuerySet[Any, Any]:
        """Calendars that are followed."""
        return MirroredCalendar.objects.enabled()

    def visible(self) -> QuerySet[Any, Any]:
        """Not those that a sync found gone or closed; the hourly look says when they are back."""
        return self.wanted().exclude(state=MirroredCalendar.State.ERROR)

    def new_channel(self, target: MirroredCalendar) -> CalendarSyncState:
        """A row beside the active one."""
        return CalendarSyncState(mirrored_calendar=target, calendar_id=target.calendar_id)

    def subject(self, target: MirroredCalendar) -> str:
        """The person the calendar is read as."""
        return target.subject

    def watch(self, target: MirroredCalendar, channel: dict[str, str]) -> dict[str, Any]:
        """A channel on the calendar's events."""
        return calendar_client.watch_events(target.calendar_id, channel, subject=target.subject)

    def stop(self, channel_id: str, resource_id: str, subject: str) -> None:
        """End it."""
        calendar_client.stop_channel(channel_id, resource_id, subject=subject)


class DriveKind(Kind):
    """Channels on a drive's change feed."""

    number = 2
    channels = DriveWebhookChannel
    targets: ClassVar[type[Target]] = DriveSyncState
    target_field = "sync_state"
    expiry_field = "expires_at"
    path = "/webhooks/google-drive"
    # The guide's table says `change`, its example `changed`; the others come from files.
    states = frozenset({"change", "changed", "add", "remove", "update", "trash", "untrash"})
    default_life = timedelta(hours=1)

    def rows(self) -> QuerySet[Any, Any]:
        """Not those of single files."""
        return super().rows().filter(watched_file__isnull=True)

    def ask(self, pk: int, **columns: Any) -> None:
        """The drive's."""
        DriveSyncState.objects.request(pk, **columns)

    def prepare(self) -> None:
        """The own drive and the one the trees grow in are always followed."""
        follow_all()

    def wanted(self) -> QuerySet[Any, Any]:
        """Drives that are followed."""
        return DriveSyncState.objects.all()

    def new_channel(self, target: Any) -> DriveWebhookChannel:
        """A row that is not active before the old one is not."""
        return DriveWebhookChannel(
            sync_state=target, resource_type="changes", watched_resource_id=target.drive_id
        )

    def subject(self, target: Any) -> str:
        """Drive is asked in the configured person's name."""
        return ""

    def watch(self, target: Any, channel: dict[str, str]) -> dict[str, Any]:
        """A channel on the feed, from the drive's cursor or, before the first sync, from now."""
        token = target.page_token or drive_client.get_start_page_token(target.drive_id)
        return drive_client.watch_changes(token, channel, target.drive_id)

    def stop(self, channel_id: str, resource_id: str, subject: str) -> None:
        """End it."""
        drive_client.stop_channel(channel_id, resource_id)


class FileKind(DriveKind):
    """Channels on single files and folders, for who asked for one.

    A file of a shared drive sends nothing: there the drive's own channel is the one to have.
    """

    number = 3
    targets = WatchedFile
    target_field = "watched_file"
    asked_life = timedelta(days=1)  # the longest Google grants

    def rows(self) -> QuerySet[Any, Any]:
        """Those of single files."""
        return DriveWebhookChannel.objects.filter(watched_file__isnull=False)

    def prepare(self) -> None:
        """Nothing: people say what they want."""

    def wanted(self) -> QuerySet[Any, Any]:
        """Files people asked for that are in the own drive, and in our sight."""
        return WatchedFile.objects.that_can_be()

    def new_channel(self, target: WatchedFile) -> DriveWebhookChannel:
        """A row whose messages ask for a sync of the own drive."""
        return DriveWebhookChannel(
            sync_state=follow_drive(OWN_DRIVE),
            watched_file=target,
            resource_type=target.resource_type,
            watched_resource_id=target.file_id,
        )

    def watch(self, target: WatchedFile, channel: dict[str, str]) -> dict[str, Any]:
        """A channel on the file."""
        return drive_client.watch_file(target.file_id, channel)


CALENDAR, DRIVE, FILE = CalendarKind(), DriveKind(), FileKind()
KINDS: dict[int, Kind] = {kind.number: kind for kind in (CALENDAR, DRIVE, FILE)}
