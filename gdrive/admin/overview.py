"""What the admin's first page says about Drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from gdrive.models import DriveFolderTree, DriveSyncState
from pipedesk.core.dashboard import Part, Row, as_of, dashboard
from pipedesk.core.polling import is_stale

if TYPE_CHECKING:
    from django.http import HttpRequest


@dashboard.part(30)
def drive(request: HttpRequest) -> Part | None:
    """How fresh each followed drive is, and the folder trees that wait or failed."""
    if not request.user.has_perm("gdrive.view_drivesyncstate"):
        return None
    followed = [_row(state) for state in DriveSyncState.objects.order_by("pk")]
    return Part(
        title=_("Drive"),
        rows=(*_trees(), *followed),
        empty=_("No drive is followed yet: use sync_drive."),
    )


def _trees() -> list[Row]:
    dead = Q(dead_at__isnull=False)
    counted = DriveFolderTree.objects.aggregate(
        dead=Count("pk", filter=dead),
        waiting=Count("pk", filter=~dead & Q(requested__gt=F("applied"))),
    )
    page = reverse("admin:gdrive_drivefoldertree_changelist")
    rows = []
    if counted["dead"]:
        text = ngettext("%(n)d folder tree failed", "%(n)d folder trees failed", counted["dead"])
        rows.append(
            Row(
                text=text % {"n": counted["dead"]},
                url=f"{page}?work=dead",
                state=_("Given up"),
                level="bad",
                remedy=_("See the reason there, then choose “Run again”."),
            )
        )
    if counted["waiting"]:
        text = ngettext("%(n)d folder tree grows", "%(n)d folder trees grow", counted["waiting"])
        rows.append(
            Row(
                text=text % {"n": counted["waiting"]},
                url=f"{page}?work=behind",
                state=_("Waiting"),
                level="waiting",
            )
        )
    return rows


def _row(drive: DriveSyncState) -> Row:
    state, level = (
        (_("Given up"), "bad")
        if drive.dead_at
        else (_("Trying again"), "bad")
        if drive.attempts
        else (_("Pending"), "waiting")
        if drive.as_of is None
        else (_("Stale"), "bad")
        if is_stale(drive.as_of, timezone.now())
        else (_("Up to date"), "good")
    )
    return Row(
        text=str(drive),
        url=reverse("admin:gdrive_drivesyncstate_change", args=(drive.pk,)),
        second=as_of(drive.as_of),
        state=state,
        level=level,
        remedy=drive.last_error if level == "bad" else "",
    )
