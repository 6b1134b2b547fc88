"""Accepting a push message: known, right token, kept once, work asked for. No Google."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hmac import compare_digest
from secrets import token_hex
from typing import Any

from django.db import connection, transaction

from webhooks.kinds import CALENDAR, DRIVE, KINDS, Kind
from webhooks.models import Receipt
from webhooks.notifications import Notification, token_digest

logger = logging.getLogger(__name__)

# Compared with when there is nothing to compare with: a stranger takes as long as a friend.
NOBODY = token_hex(32)
# One statement whichever table has it, and when none has. A watched file is heard for its drive.
FIND = " UNION ALL ".join(
    f"SELECT {kind.number}, id, {kind.target_field}_id, token_hash, resource_id"  # noqa: S608  (ours)
    f" FROM {kind.channels._meta.db_table} WHERE channel_id = %s"  # noqa: SLF001
    for kind in (CALENDAR, DRIVE)
)
# Written out, because composing them costs more than running them; numbers may come out of order.
HEARD = {
    kind.number: f"UPDATE {kind.channels._meta.db_table} AS channel"  # noqa: S608, SLF001
    " SET last_message_at = message.received_at, updated_at = message.received_at,"
    " last_message_number = CASE WHEN channel.last_message_number > message.message_number"
    " THEN channel.last_message_number ELSE message.message_number END,"
    " resource_id = COALESCE(channel.resource_id, message.resource_id)"
    " FROM webhook_receipts AS message"
    " WHERE channel.id = %s AND message.channel_id = %s AND message.message_number = %s"
    for kind in (CALENDAR, DRIVE)
}


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
    with connection.cursor() as cursor:
        cursor.execute(FIND, [channel_id] * FIND.count("%s"))
        found = cursor.fetchone()
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
    with connection.cursor() as cursor:
        cursor.execute(
            HEARD[channel.kind.number],
            [channel.pk, notification.channel_id, notification.number],
        )
