"""Accepting a push message: known, right token, kept once, work asked for. No Google."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hmac import compare_digest
from secrets import token_hex
from typing import Any

from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest, Now

from webhooks.kinds import CALENDAR, DRIVE, KINDS, Kind
from webhooks.models import Receipt
from webhooks.notifications import Notification, token_digest

logger = logging.getLogger(__name__)

# Compared with when there is nothing to compare with: a stranger takes as long as a friend.
NOBODY = token_hex(32)


@dataclass(frozen=True)
class KnownChannel:
    """What the decision needs of a channel's row."""

    kind: Kind
    pk: int
    target_pk: int
    token_hash: str | None
    resource_id: str | None


def accept(notification: Notification) -> bool:
    """Store the message and ask for the work it hints at, in one durable transaction.

    False when the channel, its token or its resource is not ours: nothing is written. A
    repeated message is true and changes nothing.
    """
    channel = _find(notification.channel_id)
    if not _is_ours(notification, channel) or channel is None:
        return False
    with transaction.atomic(durable=True):
        if Receipt.objects.record(notification):
            _ask_for_work(notification, channel)
            _mark_heard(notification, channel)
    return True


def _find(channel_id: str) -> KnownChannel | None:
    # One statement whichever table has it, and when none has.
    rows: list[models.QuerySet[Any, Any]] = [
        kind.channels._base_manager.filter(channel_id=channel_id)  # noqa: SLF001
        .order_by()
        .values_list(Value(kind.number), "pk", kind.target_field, "token_hash", "resource_id")
        for kind in (CALENDAR, DRIVE)  # a watched file is heard for its drive
    ]
    found = rows[0].union(*rows[1:], all=True).first()
    return KnownChannel(KINDS[found[0]], *found[1:]) if found else None


def _is_ours(notification: Notification, channel: KnownChannel | None) -> bool:
    known = channel.token_hash if channel else None
    right = compare_digest(token_digest(notification.token), known or NOBODY)
    if channel is None or not right or not known:
        return False
    # A channel whose watch call has not returned yet does not know its resource.
    if channel.resource_id not in {None, notification.resource_id}:
        logger.warning("push for channel row %s names another resource", channel.pk)
        return False
    return True


def _ask_for_work(notification: Notification, channel: KnownChannel) -> None:
    if notification.state not in channel.kind.states:
        return
    columns: dict[str, Any] = {}
    if channel.kind is DRIVE:
        columns["last_notification"] = {
            "channel_id": notification.channel_id,
            "resource_id": notification.resource_id,
            "resource_state": notification.state,
            "headers": notification.headers,
        }
    channel.kind.ask(channel.target_pk, **columns)


def _mark_heard(notification: Notification, channel: KnownChannel) -> None:
    channel.kind.channels.objects.filter(pk=channel.pk).update(
        last_message_at=Now(),
        last_message_number=Greatest(
            Coalesce(F("last_message_number"), Value(notification.number)), notification.number
        ),
        resource_id=Coalesce(F("resource_id"), Value(notification.resource_id)),
    )
