"""What every push channel carries, whatever it watches."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChannelState(models.TextChoices):
    """The life of a channel. Only `open` ones are expected to bring messages."""

    PENDING = "pending", _("Pending")  # committed here, Google not asked yet
    OPEN = "open", _("Open")
    FAILED = "failed", _("Failed")  # Google refused the watch
    STOPPED = "stopped", _("Stopped")
    EXPIRED = "expired", _("Expired")


class ChannelModel(models.Model):
    """Columns a channel needs beside the customer's: the token is kept as its SHA-256 only."""

    token_hash = models.CharField(max_length=64, null=True, blank=True, editable=False)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=ChannelState.choices,
        default=ChannelState.PENDING,
        db_default=ChannelState.PENDING,
    )
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    renew_at = models.DateTimeField(
        _("renewal"), null=True, blank=True, help_text=_("50 to 75 % of its life, with jitter.")
    )
    last_message_at = models.DateTimeField(_("last message"), null=True, blank=True)
    last_message_number = models.BigIntegerField(_("last number"), null=True, blank=True)
    # When Google was last told to stop it; what comes later comes in spite of that.
    stop_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    failure = models.TextField(_("reason"), default="", db_default="", blank=True)

    class Meta:
        abstract = True
