"""Push channels: open, renew, stop.

A channel cannot be prolonged: a new one is made before the old one is broken. Its row is
committed before Google is asked, because the first message may come before the answer; and
our rows are the only list of channels there is, because Google has none.
"""

from __future__ import annotations

import logging
import random
import uuid
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from pipedesk.core.exceptions import Conflict
from pipedesk.google.channels import ChannelState
from pipedesk.google.errors import GoogleError, RateLimited, TemporaryError
from webhooks.kinds import Kind
from webhooks.models import ChannelStop
from webhooks.notifications import token_digest

logger = logging.getLogger(__name__)

# A watch call takes seconds; a row that is pending for longer lost its process.
OPENING = timedelta(minutes=2)
LOST = timedelta(minutes=5)
# Google may go on for a while; nobody is told twice within the hour.
STOP_AGAIN = timedelta(hours=1)
AHEAD = timedelta(hours=24)  # for rows that do not say when to renew
# Google refuses some resources for good, others until somebody shares them.
PAUSE_UNSUPPORTED = timedelta(days=7)
PAUSE_REFUSED = timedelta(days=1)
PAUSE_MISCONFIGURED = timedelta(hours=1)
UNSUPPORTED = "pushNotSupportedForRequestedResource"
ID_USED = "channelIdNotUnique"
ANSWERED = ("resource_id", "active", "state", "opened_at", "renew_at")


def push_is_on() -> bool:
    """Whether Google can reach us; otherwise everything is polled."""
    return bool(settings.WEBHOOK_BASE_URL)


def live(kind: Kind, now: datetime) -> QuerySet[Any, Any]:
    """Channels that bring messages."""
    return kind.rows().filter(
        **{f"{kind.expiry_field}__gt": now},
        active=True,
        state=ChannelState.OPEN,
        channel_id__isnull=False,
    )


def ending(kind: Kind, now: datetime, within: timedelta | None = None) -> Q:
    """Channels to replace: half to three quarters through their life, or ending `within`."""
    unknown = Q(renew_at__isnull=True, **{f"{kind.expiry_field}__lte": now + AHEAD})
    chosen = Q(**{f"{kind.expiry_field}__lte": now + within}) if within else Q(pk__in=[])
    return Q(renew_at__lte=now) | unknown | chosen


def due(kind: Kind, within: timedelta | None = None) -> QuerySet[Any, Any]:
    """Calendars or drives that need a channel and can have one, and need not wait."""
    now = timezone.now()
    own = Q(**{kind.target_field: OuterRef("pk")})
    fine = live(kind, now).filter(own).exclude(ending(kind, now, within))
    held = (
        kind.rows()
        .filter(own, channel_id__isnull=False)
        .filter(
            Q(state=ChannelState.FAILED, renew_at__gt=now)
            | Q(state=ChannelState.PENDING, created_at__gt=now - OPENING)
        )
    )
    return kind.visible().filter(~Exists(fine), ~Exists(held)).order_by("pk")


def ensure(kind: Kind, target_pk: int, *, renew: bool = False) -> tuple[Any, bool]:
    """The live channel of a calendar or drive, and whether it was opened just now.

    `renew` opens a new one whatever there is. Call it outside transactions.

    Raises Conflict when push is switched off, somebody else is opening one this moment, or
    the target was taken off meanwhile; GoogleError when Google refuses and ImproperlyConfigured
    when it cannot be asked (the row says so, and the old channel stays).
    """
    if not push_is_on():
        raise Conflict(_("WEBHOOK_BASE_URL is empty: Google cannot call, everything is polled."))
    token = token_urlsafe(32)
    channel, target = _reserve(kind, target_pk, token_digest(token), renew=renew)
    if target is None:
        return channel, False
    try:
        answer = kind.watch(target, _request(kind, channel.channel_id, token))
    except GoogleError as failure:
        _mark_failed(kind, channel, str(failure), _pause(failure))
        raise
    except ImproperlyConfigured as failure:
        _mark_failed(kind, channel, str(failure), PAUSE_MISCONFIGURED)
        raise
    return _activate(kind, target, channel, answer), True


def stop(kind: Kind, channel: Any) -> ChannelStop | None:
    """Hear no more of a channel: its row now, Google by a job. A cursor it holds stays."""
    with transaction.atomic():
        target = _locked(kind.followed(), getattr(channel, f"{kind.target_field}_id"))
        channel = kind.rows().filter(pk=channel.pk).first()
        if target is None or channel is None:
            return None  # taken off meanwhile, and stopped along with it
        was_active = channel.active
        told = _close(kind, channel, kind.subject(target))
        if was_active:
            _keep_cursor(kind, target, channel)
        return told


def _close(kind: Kind, channel: Any, subject: str) -> ChannelStop | None:
    told = stop_at_google(kind, channel, subject)
    channel.active, channel.state = False, ChannelState.STOPPED
    channel.stop_asked_at = timezone.now() if told else None
    channel.save(update_fields=["active", "state", "stop_asked_at"])
    return told


def stop_at_google(kind: Kind, channel: Any, subject: str) -> ChannelStop | None:
    """Queue the call; what it takes is kept apart, because the channel's row may be going.

    None for a channel Google never told us the resource of: that one dies by itself.
    """
    if not (channel.channel_id and channel.resource_id):
        return None
    row = ChannelStop.objects.create(
        kind=kind.number,
        channel_id=channel.channel_id,
        resource_id=channel.resource_id,
        subject=subject,
    )
    ChannelStop.objects.request(row.pk)
    return row


def strays(kind: Kind) -> QuerySet[Any, Any]:
    """Channels that may live at Google and that nobody counts on.

    Their process died around the watch call, its answer was lost, what they watch is followed
    no more, or Google goes on sending on one that was stopped or has ended.
    """
    now = timezone.now()
    lost = Q(state=ChannelState.PENDING, created_at__lt=now - LOST)
    answered_late = Q(state=ChannelState.FAILED, resource_id__isnull=False)
    replaced = Q(state=ChannelState.OPEN, active=False)
    unwanted = Q(state=ChannelState.OPEN) & ~Q(**{f"{kind.target_field}__in": kind.wanted()})
    fed = Q(
        state__in=(ChannelState.STOPPED, ChannelState.EXPIRED),
        resource_id__isnull=False,
        last_message_at__gt=Coalesce("stop_asked_at", kind.expiry_field, "created_at"),
    ) & (Q(stop_asked_at__isnull=True) | Q(stop_asked_at__lt=now - STOP_AGAIN))
    return (
        kind.rows()
        .filter(lost | answered_late | replaced | unwanted | fed, channel_id__isnull=False)
        .order_by("pk")
    )


def closed(kind: Kind) -> QuerySet[Any, Any]:
    """Channels that are over, or never were, and hold no cursor."""
    over = (ChannelState.STOPPED, ChannelState.EXPIRED, ChannelState.FAILED)
    return kind.rows().filter(active=False, state__in=over, channel_id__isnull=False).order_by()


def tidy(kind: Kind) -> list[ChannelStop]:
    """Mark what has expired, and stop the strays."""
    expired = kind.rows().filter(
        state=ChannelState.OPEN, **{f"{kind.expiry_field}__lte": timezone.now()}
    )
    expired.update(state=ChannelState.EXPIRED)
    return [row for channel in strays(kind) if (row := stop(kind, channel))]


def _locked(targets: QuerySet[Any, Any], pk: int) -> Any:
    """The calendar, drive or file, or None where it is not among these any more."""
    return targets.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def _reserve(kind: Kind, target_pk: int, digest: str, *, renew: bool) -> tuple[Any, Any]:
    """A committed pending row and its target; or the live channel and None: nothing to do."""
    now = timezone.now()
    with transaction.atomic():
        target = _locked(kind.followed(), target_pk)
        if target is None:
            raise Conflict(_("It was taken off while its channel was being opened."))
        own = kind.channels_of(target_pk)
        current = live(kind, now).filter(pk__in=own).exclude(ending(kind, now)).first()
        if current and not renew:
            return current, None
        if own.filter(state=ChannelState.PENDING, created_at__gt=now - OPENING).exists():
            raise Conflict(_("A channel is being opened this moment."))
        channel = kind.new_channel(target)
        channel.channel_id = str(uuid.uuid4())
        channel.token_hash = digest
        channel.active = False
        channel.save()
    return channel, target


def _request(kind: Kind, channel_id: str, token: str) -> dict[str, str]:
    ends = timezone.now() + kind.asked_life
    return {
        "id": channel_id,
        "type": "web_hook",
        "address": settings.WEBHOOK_BASE_URL.rstrip("/") + kind.path,
        "token": token,
        "expiration": str(int(ends.timestamp() * 1000)),
    }


def _expiry(kind: Kind, answer: dict[str, Any], now: datetime) -> datetime:
    """Only Google's answer counts; without one, the shortest that Google is known to give."""
    try:
        return datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return now + kind.default_life


def _activate(kind: Kind, target: Any, channel: Any, answer: dict[str, Any]) -> Any:
    """Put the new channel in the old one's place, in one transaction."""
    now = timezone.now()
    channel.resource_id = answer.get("resourceId")
    with transaction.atomic():
        wanted = _locked(kind.wanted(), target.pk)
        # Whoever slept for minutes was taken for dead, and its channel stopped.
        if not (wanted and kind.rows().filter(pk=channel.pk, state=ChannelState.PENDING).exists()):
            wanted = None
            kind.rows().filter(pk=channel.pk).update(state=ChannelState.STOPPED, stop_asked_at=now)
            stop_at_google(kind, channel, kind.subject(target))
        else:
            old = kind.rows().filter(**{kind.target_field: target.pk}, active=True).first()
            if old:
                _replace(kind, target, old, channel)
            ends = _expiry(kind, answer, now)
            setattr(channel, kind.expiry_field, ends)
            channel.active, channel.state, channel.opened_at = True, ChannelState.OPEN, now
            channel.renew_at = now + (ends - now) * random.uniform(0.5, 0.75)  # noqa: S311
            # Not the columns of the last message: the first one may be here already.
            channel.save(update_fields=[*ANSWERED, *kind.handed_over, kind.expiry_field])
            # What was refused before holds the next renewal no more.
            refused = kind.channels_of(target.pk).filter(state=ChannelState.FAILED)
            refused.filter(renew_at__gt=now).update(renew_at=now)
    if not wanted:
        raise Conflict(_("It was taken off while its channel was being opened."))
    return channel


def _replace(kind: Kind, target: Any, old: Any, new: Any) -> None:
    kind.hand_over(old, new)
    if old.channel_id is None:
        old.delete()  # the cursor of a calendar that was only polled
        return
    if old.state == ChannelState.OPEN:
        _close(kind, old, kind.subject(target))
    else:
        old.active = False
        old.save(update_fields=["active"])


def _keep_cursor(kind: Kind, target: Any, old: Any) -> None:
    """A calendar without a channel keeps its cursor on a row without one."""
    if not kind.channels._meta.get_field("channel_id").null:  # noqa: SLF001
        return
    polled = kind.new_channel(target)
    kind.hand_over(old, polled)
    polled.save()


def _pause(refusal: GoogleError) -> timedelta:
    """How long not to ask again."""
    if isinstance(refusal, TemporaryError | RateLimited):
        return timedelta(seconds=refusal.retry_after_s or 0)
    if refusal.reason == ID_USED:
        return timedelta(0)
    return PAUSE_UNSUPPORTED if refusal.reason == UNSUPPORTED else PAUSE_REFUSED


def _mark_failed(kind: Kind, channel: Any, reason: str, pause: timedelta) -> None:
    """Say why on the row, and when to ask again; the old channel is not touched."""
    logger.warning("no channel for %s: %s", channel, reason)
    # A message may have told the resource meanwhile, so only these columns are written.
    kind.rows().filter(pk=channel.pk).update(
        state=ChannelState.FAILED, failure=reason, renew_at=timezone.now() + pause
    )
