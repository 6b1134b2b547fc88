"""Telling Google to stop a channel, until it is done."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction

from pipedesk.core.work import Lease
from pipedesk.google.errors import NotFound
from webhooks.kinds import KINDS
from webhooks.models import ChannelStop


def stop_at_google(lease: Lease) -> None:
    """Stop the channel of this lease's row and drop the row. Raises GoogleError."""
    row = ChannelStop.objects.get(pk=lease.pk)
    with suppress(NotFound):  # stopped before, or expired
        KINDS[row.kind].stop(row.channel_id, row.resource_id, row.subject)
    with transaction.atomic():
        lease.complete()
        row.delete()
