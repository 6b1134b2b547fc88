"""Jobs; each takes integers."""

from __future__ import annotations

import logging

from django.core.exceptions import ImproperlyConfigured

from pipedesk.core.exceptions import Conflict
from pipedesk.core.jobs import wake
from pipedesk.core.performing import perform
from pipedesk.google.errors import GoogleError
from webhooks import channels
from webhooks.kinds import KINDS
from webhooks.models import ChannelStop
from webhooks.stopping import stop_at_google

logger = logging.getLogger(__name__)


def renew_channels() -> None:
    """Wake a job for each channel that is missing or ending: one that fails hinders no other."""
    for kind in KINDS.values():
        kind.prepare()
        channels.tidy(kind)
        if channels.push_is_on():
            for pk in channels.due(kind).values_list("pk", flat=True):
                wake("webhooks.tasks.renew_channel", kind.number, pk)


def renew_channel(kind_number: int, target_pk: int) -> None:
    """Open or replace the channel of one calendar or drive, if that is still needed.

    What went wrong is on the channel's row; the next round tries again.
    """
    kind = KINDS[kind_number]
    if not channels.push_is_on() or not channels.due(kind).filter(pk=target_pk).exists():
        return
    try:
        channels.ensure(kind, target_pk)
    except (Conflict, GoogleError, ImproperlyConfigured) as failure:
        logger.info("channel of %s %s: %s", kind.targets.__name__, target_pk, failure)


def stop_channel(pk: int) -> None:
    """Tell Google that a channel is of no use any more."""
    perform(ChannelStop, pk, stop_at_google)
