"""Drive's change feed: cursors, channels and the log of changes."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gdrive.models.mirror import DriveFile
from pipedesk.core.models import TimeStampedModel, TimeStampedQuerySet, column_index
from pipedesk.core.polling import PolledQuerySet
from pipedesk.core.work import Work
from pipedesk.google.channels import ChannelModel, ChannelState


class DriveSyncStateQuerySet(PolledQuerySet["DriveSyncState"]):
    """Followed drives."""

    def lock(self) -> None:
        """Let one drive's changes be written at a time; first thing in a writing transaction.

        Two drives may tell of the same change: the second must see what the first wrote.
        """
        list(self.order_by("pk").select_for_update(no_key=True).values_list("pk"))


class DriveSyncState(Work):
    """A drive whose changes are followed, with its cursor. Empty `drive_id`: the own drive.

    While everything is read anew, `reading_token` is the cursor to go on with afterwards and
    `reading` the number that marks what was shown. `lost_at`: when the drive went out of reach.
    """

    task: ClassVar[str] = "gdrive.tasks.sync_drive"

    drive_id = models.CharField(
        _("drive"), max_length=128, unique=True, default="", db_default="", blank=True
    )
    page_token = models.TextField(null=True, blank=True, editable=False)
    as_of = models.DateTimeField(_("as of"), null=True, blank=True)
    next_poll_at = models.DateTimeField(_("next poll"), default=timezone.now, db_default=Now())
    lost_at = models.DateTimeField(_("lost"), null=True, blank=True, editable=False)
    reading_token = models.TextField(null=True, blank=True, editable=False)
    reading_at = models.DateTimeField(null=True, blank=True, editable=False)
    reading = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # The push that last asked for this sync: {channel_id, resource_id, resource_state, headers}.
    last_notification = models.JSONField(null=True, blank=True, editable=False)

    objects = DriveSyncStateQuerySet.as_manager()

    class Meta:
        db_table = "drive_sync_states"
        verbose_name = _("followed drive")
        verbose_name_plural = _("followed drives")
        ordering = ("id",)
        indexes = (column_index("drive_sync_states", "next_poll_at"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(applied__lte=models.F("requested")),
                name="ck_drive_sync_states_applied_le_requested",
            ),
        )

    def __str__(self) -> str:
        return self.drive_id or str(_("Own drive"))


class WatchedFileQuerySet(TimeStampedQuerySet["WatchedFile"]):
    """Files and folders people want to hear of."""

    def want(self, file: DriveFile) -> WatchedFile:
        """The row of a file, wanted from now on."""
        kind = "folder" if file.is_folder else "file"
        row = self.model(file_id=file.file_id, resource_type=kind)
        self.bulk_create([row], ignore_conflicts=True)
        self.filter(file_id=file.file_id).update(is_wanted=True)
        return self.get(file_id=file.file_id)

    def that_can_be(self) -> Self:
        """Wanted ones that Google sends messages about: in the own drive, and in our sight."""
        files = DriveFile.objects.order_by().in_reach().filter(drive_id="")
        return self.filter(is_wanted=True, file_id__in=files.values("file_id"))


class WatchedFile(TimeStampedModel):
    """A file or folder somebody asked a channel for, until somebody stops it."""

    file_id = models.CharField(_("Google's id"), unique=True)
    resource_type = models.CharField(_("watches"), max_length=20)
    is_wanted = models.BooleanField(default=True, db_default=True)

    objects = WatchedFileQuerySet.as_manager()

    class Meta:
        db_table = "drive_watched_files"
        verbose_name = _("watched file")
        verbose_name_plural = _("watched files")
        ordering = ("id",)

    def __str__(self) -> str:
        return self.file_id


class DriveWebhookChannelQuerySet(TimeStampedQuerySet["DriveWebhookChannel"]):
    """Drive's push channels."""


class DriveWebhookChannel(TimeStampedModel, ChannelModel):
    """A push channel. `resource_type` is `folder` or `file`, or `changes` for a drive's feed."""

    channel_id = models.CharField(_("channel id"), unique=True)
    resource_id = models.CharField(_("resource id"), null=True, blank=True)
    resource_type = models.CharField(
        _("watches"), max_length=20, default="folder", db_default="folder"
    )
    watched_resource_id = models.CharField(_("watched id"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True, db_default=True)
    sync_state = models.ForeignKey(
        DriveSyncState,
        verbose_name=_("drive"),
        on_delete=models.CASCADE,
        related_name="channels",
        db_index=False,
    )
    # Only where it is about one file or folder; its messages are heard for the drive.
    watched_file = models.ForeignKey(
        WatchedFile,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="channels",
        db_index=False,
        editable=False,
    )

    objects = DriveWebhookChannelQuerySet.as_manager()

    class Meta:
        db_table = "drive_webhook_channels"
        verbose_name = _("Drive channel")
        verbose_name_plural = _("Drive channels")
        ordering = ("id",)
        indexes = (
            column_index("drive_webhook_channels", "resource_id"),
            column_index("drive_webhook_channels", "watched_resource_id"),
            column_index("drive_webhook_channels", "active"),
            column_index("drive_webhook_channels", "expires_at"),
            column_index("drive_webhook_channels", "sync_state_id"),
            column_index("drive_webhook_channels", "watched_file_id"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["resource_type", "watched_resource_id"],
                condition=models.Q(active=True),
                name="uq_drive_webhook_channels_active",
                violation_error_message=_("This is watched already."),
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=ChannelState.values),
                name="ck_drive_webhook_channels_state",
            ),
        )

    def __str__(self) -> str:
        return self.channel_id


class DriveChangeLog(models.Model):
    """One change in Drive, and the notification it came from (empty: found by polling).

    `event_type` is what changed, e.g. `created`, `renamed`, `moved`, `trashed`; `details` the
    columns of the mirror that moved with it, each with its old and new value. The file lay in
    `folder_id` before. The token in `raw_headers` is masked.
    """

    channel_id = models.CharField(_("channel id"), null=True, blank=True)
    resource_id = models.CharField(_("resource id"), null=True, blank=True)
    resource_state = models.CharField(_("state"), null=True, blank=True)
    changed_resource_id = models.CharField(_("changed id"), null=True, blank=True)
    event_type = models.CharField(_("what happened"), null=True, blank=True)
    received_at = models.DateTimeField(
        _("received"), default=timezone.now, db_default=Now(), editable=False
    )
    raw_headers = models.TextField(null=True, blank=True)
    drive_id = models.CharField(_("drive"), default="", db_default="", blank=True)
    folder_id = models.CharField(_("folder"), null=True, blank=True)
    details = models.JSONField(_("details"), null=True, blank=True)

    class Meta:
        db_table = "drive_change_logs"
        verbose_name = _("Drive change")
        verbose_name_plural = _("Drive changes")
        ordering = ("-received_at", "-id")
        indexes = (
            column_index("drive_change_logs", "channel_id"),
            column_index("drive_change_logs", "resource_id"),
            column_index("drive_change_logs", "changed_resource_id"),
            column_index("drive_change_logs", "folder_id"),
            column_index("drive_change_logs", "received_at"),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.changed_resource_id}"
