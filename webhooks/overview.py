"""What the admin's first page says about push: by channel its age, last message, next renewal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pipedesk.core.dashboard import Part, Row, ago, ahead, dashboard
from pipedesk.google.channels import ChannelState
from webhooks.status import MISSING, POLLING, channels

if TYPE_CHECKING:
    from django.http import HttpRequest

SHOWN: Final = 12
NAMES: Final = {MISSING: gettext_lazy("Missing"), POLLING: gettext_lazy("Polling")}
LEVELS: Final = {
    ChannelState.OPEN: "good",
    ChannelState.PENDING: "waiting",
    POLLING: "waiting",
}
PAGES: Final = {
    "calendar": "admin:gcalendar_calendarsyncstate_change",
    "drive": "admin:gdrive_drivewebhookchannel_change",
    "file": "admin:gdrive_drivewebhookchannel_change",
}


@dashboard.part(40)
def push(request: HttpRequest) -> Part | None:
    """How each calendar, drive and file is heard of, those in trouble first."""
    allowed = ("gcalendar.view_calendarsyncstate", "gdrive.view_drivewebhookchannel")
    if not request.user.has_perms(allowed):
        return None
    rows = sorted(channels(timezone.now()), key=lambda row: row["state"] in LEVELS)
    return Part(
        title=gettext_lazy("Push channels"),
        rows=tuple(_row(row) for row in rows[:SHOWN]),
        empty=gettext_lazy("Nothing is followed yet."),
    )


def _row(row: dict[str, Any]) -> Row:
    state = row["state"]
    return Row(
        text=row["target"],
        url=reverse(PAGES[row["kind"]], args=(row["id"],)) if row["id"] else "",
        second=_story(row) if state not in NAMES else "",
        state=NAMES[state] if state in NAMES else ChannelState(state).label,
        level="waiting" if not row["remedy"] and state not in LEVELS else LEVELS.get(state, "bad"),
        remedy=" — ".join(filter(None, (row["failure"], row["remedy"]))),
    )


def _story(row: dict[str, Any]) -> str:
    """A channel's life in one line."""
    heard, renewal = row["last_message_at"], row["renew_at"]
    parts = []
    if row["opened_at"]:
        parts += [
            _("opened %(when)s") % {"when": ago(row["opened_at"])},
            _("last message %(when)s") % {"when": ago(heard)} if heard else _("no message yet"),
        ]
    if renewal and row["state"] == ChannelState.OPEN:
        parts.append(_("renewal %(when)s") % {"when": ahead(renewal)})
    elif renewal and row["state"] == ChannelState.FAILED:
        parts.append(_("asked again %(when)s") % {"when": ahead(renewal)})
    return " · ".join(parts)
