"""Bring the mirror of Drive up to date now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from gdrive import feed, sync
from gdrive.models import DriveFile, DriveSyncState
from pipedesk.core.commands import ProductCommand, UsageError
from pipedesk.core.finishing import finish


class Command(ProductCommand):
    """Works in this process; a drive that a worker has in hand is waited for."""

    help = "Follows Drive's change feed now, or reads every folder tree anew with --full."
    example = "manage.py sync_drive --full"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Which drive, and how thoroughly."""
        parser.add_argument(
            "--drive", metavar="ID", help=_("only this shared drive (empty: the own one)")
        )
        parser.add_argument(
            "--full", action="store_true", help=_("forget the cursor first, compare everything")
        )

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Sync one drive after the other; one that fails does not stop the rest."""
        states = self._chosen(options["drive"])
        if not self.dry_run:
            for state in self.progress(states, label=_("drives"), unit=_("drives")):
                self._sync(state, full=options["full"])
        files = DriveFile.objects.in_reach().count()
        self.say(_("%(count)d files and folders in the mirror") % {"count": files})
        return {"drives": [state.drive_id for state in states], "files": files}

    def _chosen(self, drive_id: str | None) -> list[DriveSyncState]:
        if not self.dry_run:
            feed.follow_all()
        states = DriveSyncState.objects.all()
        if drive_id is not None:
            states = states.filter(drive_id=drive_id)
            if not states:
                raise UsageError(_("Drive “%(id)s” is not followed.") % {"id": drive_id})
        return list(states)

    def _sync(self, state: DriveSyncState, *, full: bool) -> None:
        if full:
            DriveSyncState.objects.filter(pk=state.pk).update(page_token=None, reading_token=None)
        failure = finish(DriveSyncState.objects.all(), state.pk, sync.follow)
        if failure:
            self.fault(f"{state}: {failure}")
