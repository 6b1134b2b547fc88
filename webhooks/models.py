"""What Google told us, before anything is done about it."""

from __future__ import annotations

import json
from typing import ClassVar

from django.db import connection, models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pipedesk.core.models import column_index
from pipedesk.core.work import Work, WorkQuerySet
from webhooks.notifications import Notification


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    """Push messages."""

    def record(self, notification: Notification) -> bool:
        """Keep a message; False when it was here before.

        Two servers that get the same message at once wait for each other here.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO webhook_receipts"
                " (channel_id, message_number, resource_id, resource_state, headers)"
                " VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (channel_id, message_number) DO NOTHING",
                [
                    notification.channel_id,
                    notification.number,
                    notification.resource_id,
                    notification.state,
                    json.dumps(notification.headers),
                ],
            )
            return bool(cursor.rowcount)


class Receipt(models.Model):
    """A push message that was accepted. The same channel and number is accepted once."""

    channel_id = models.CharField(_("channel id"), max_length=64)
    message_number = models.BigIntegerField(_("number"))
    resource_id = models.CharField(_("resource id"))
    resource_state = models.CharField(_("state"))
    headers = models.JSONField(
        default=dict, help_text=_("An allow-listed set; the token is replaced by ***.")
    )
    received_at = models.DateTimeField(
        _("received"), default=timezone.now, db_default=Now(), editable=False
    )

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        db_table = "webhook_receipts"
        verbose_name = _("push message")
        verbose_name_plural = _("push messages")
        ordering = ("-received_at", "-id")
        indexes = (column_index("webhook_receipts", "received_at"),)
        constraints = (
            models.UniqueConstraint(
                fields=["channel_id", "message_number"], name="uq_webhook_receipts_message"
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel_id} #{self.message_number}"


class ChannelStopQuerySet(WorkQuerySet["ChannelStop"]):
    """Channels Google has to be told about."""


class ChannelStop(Work):
    """A channel to stop at Google, apart from the channel's own row, which may be gone."""

    task: ClassVar[str] = "webhooks.tasks.stop_channel"

    kind = models.PositiveSmallIntegerField(help_text=_("1: calendar, 2: drive."))
    channel_id = models.CharField(_("channel id"), max_length=64)
    resource_id = models.CharField(_("resource id"))
    subject = models.CharField(_("read as"), max_length=254, default="", db_default="", blank=True)

    objects = ChannelStopQuerySet.as_manager()

    class Meta:
        db_table = "webhook_channel_stops"
        verbose_name = _("channel to stop")
        verbose_name_plural = _("channels to stop")
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(applied__lte=models.F("requested")),
                name="ck_webhook_channel_stops_applied_le_requested",
            ),
        )

    def __str__(self) -> str:
        return self.channel_id
