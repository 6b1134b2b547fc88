"""How fresh everything that is mirrored is, how it is heard of, and what to do about each fault."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from gcalendar.models import MirroredCalendar
from gcalendar.serializers import CalendarSerializer
from gdrive.models import DriveSyncState
from pipedesk.core.health import QUEUE_SILENT_AFTER_S
from pipedesk.core.heartbeat import QUEUE
from pipedesk.core.models import Heartbeat
from pipedesk.core.polling import is_stale
from pipedesk.google.channels import ChannelState
from webhooks.channels import UNSUPPORTED
from webhooks.kinds import CALENDAR, DRIVE, FILE, Kind

PENDING, OK, STALE, ERROR = "pending", "ok", "stale", "error"
# Of a channel, beside ChannelState: none yet, and none wanted.
MISSING, POLLING = "missing", "polling"
CHANNEL_STATES = (*ChannelState.values, MISSING, POLLING)
KINDS = {"calendar": CALENDAR, "drive": DRIVE, "file": FILE}
FAULTY = frozenset({STALE, ERROR})


def status(now: datetime) -> dict[str, Any]:
    """Everything that is followed; `state` is `error` where anything needs a person.

    Ten statements, however much it is.
    """
    queue, calendars = _queue(now), _calendars()
    drives = [_drive(drive, now) for drive in DriveSyncState.objects.order_by("pk")]
    found = channels(now)
    faulty = any(row["remedy"] for row in (queue, *calendars, *drives, *found))
    return {
        "state": ERROR if faulty else OK,
        "queue": queue,
        "calendars": calendars,
        "drives": drives,
        "channels": found,
    }


def _queue(now: datetime) -> dict[str, Any]:
    beat = Heartbeat.objects.filter(name=QUEUE).first()
    beat_at = beat.beat_at if beat else None
    if beat_at and beat_at > now - timedelta(seconds=QUEUE_SILENT_AFTER_S):
        return {"state": OK, "beat_at": beat_at, "remedy": ""}
    remedy = _("Start the workers: manage.py run_worker.")
    return {"state": ERROR, "beat_at": beat_at, "remedy": remedy}


def _calendars() -> list[dict[str, Any]]:
    rows = MirroredCalendar.objects.prefetch_related("sync_states").order_by("pk")
    shown = [dict(row) for row in CalendarSerializer(rows, many=True).data]
    for row in shown:
        faulty = row["state"] in FAULTY
        row["remedy"] = (row["remedy"] or _remedy(row["last_error"])) if faulty else ""
    return shown


def _drive(drive: DriveSyncState, now: datetime) -> dict[str, Any]:
    state = _drive_state(drive, now)
    return {
        "id": drive.pk,
        "drive_id": drive.drive_id,
        "state": state,
        "as_of": drive.as_of,
        "lag_s": None if drive.as_of is None else int((now - drive.as_of).total_seconds()),
        "last_error": drive.last_error,
        "remedy": _drive_remedy(drive) if state in FAULTY else "",
    }


def _drive_state(drive: DriveSyncState, now: datetime) -> str:
    if drive.dead_at is not None or drive.lost_at is not None:
        return ERROR
    if drive.as_of is None:
        return ERROR if drive.last_error else PENDING
    return STALE if is_stale(drive.as_of, now) else OK


def _drive_remedy(drive: DriveSyncState) -> str:
    if drive.lost_at is not None:
        return _("Share this drive with the person Google is asked as; it is tried again hourly.")
    return _remedy(drive.last_error)


def _remedy(last_error: str) -> str:
    """What to do about a mirror that is behind, where Google gave no better hint."""
    if last_error:
        return _("Mend what the last error names, then choose “Run again” in the admin.")
    return _("See that the workers run: manage.py run_worker.")


# --- Channels -------------------------------------------------------------------------------
def channels(now: datetime) -> list[dict[str, Any]]:
    """How each calendar, drive and file is heard of."""
    return [row for name in KINDS for row in _channels(name, now)]


def _channels(name: str, now: datetime) -> list[dict[str, Any]]:
    kind = KINDS[name]
    found = _newest(kind)
    return [
        _channel(name, target, found.get(target.pk), now) for target in kind.wanted().order_by("pk")
    ]


def _newest(kind: Kind) -> dict[int, Any]:
    """By target: the open channel in use, else the one that was tried last."""
    rows = kind.rows().filter(channel_id__isnull=False).order_by()
    last = rows.values(kind.target_field).annotate(last=Max("pk")).values("last")
    found: dict[int, Any] = {}
    for row in rows.filter(Q(active=True) | Q(pk__in=last)).order_by("pk"):
        target_pk = getattr(row, f"{kind.target_field}_id")
        before = found.get(target_pk)
        if before is None or not (before.active and before.state == ChannelState.OPEN):
            found[target_pk] = row
    return found


def _channel(name: str, target: Any, row: Any, now: datetime) -> dict[str, Any]:
    expires_at = KINDS[name].expiry(row) if row else None
    state = _channel_state(row, expires_at, now)
    return {
        "id": row.pk if row else None,
        "kind": name,
        "target": str(target),
        "channel_id": row.channel_id if row else None,
        "state": state,
        "opened_at": row.opened_at if row else None,
        "expires_at": expires_at,
        "renew_at": row.renew_at if row else None,
        "last_message_at": row.last_message_at if row else None,
        "failure": row.failure if row else "",
        "remedy": "" if row and UNSUPPORTED in row.failure else _channel_remedy(state),
    }


def _channel_state(row: Any, expires_at: datetime | None, now: datetime) -> str:
    if row is not None and row.state == ChannelState.OPEN:
        return ChannelState.EXPIRED if expires_at and expires_at <= now else ChannelState.OPEN
    if not settings.WEBHOOK_BASE_URL:
        return POLLING
    return row.state if row else MISSING


def _channel_remedy(state: str) -> str:
    if state in {ChannelState.OPEN, ChannelState.PENDING, POLLING}:
        return ""
    if state == ChannelState.FAILED:
        return _(
            "It is polled meanwhile. See that Google may call WEBHOOK_BASE_URL, then open it"
            " again: manage.py renew_channels."
        )
    return _("It is polled meanwhile. Open it: manage.py renew_channels.")
