"""Bring calendars up to date now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Q
from django.utils.translation import gettext as _

from gcalendar.models import CalendarEvent, MirroredCalendar
from gcalendar.registry import ensure_default
from gcalendar.sync import forget_cursor, sync
from pipedesk.core.commands import ProductCommand, UsageError
from pipedesk.core.finishing import finish


class Command(ProductCommand):
    """Works in this process; a calendar that a worker has in hand is waited for."""

    help = "Brings calendars up to date now: what changed, or everything with --full."
    example = "manage.py sync_calendars --calendar primary --full"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Which calendars, and how thoroughly."""
        parser.add_argument(
            "--calendar",
            action="append",
            default=[],
            metavar="ID",
            help=_("only this one (Google's id or the row's); may be repeated"),
        )
        parser.add_argument(
            "--full", action="store_true", help=_("forget the cursors first, list everything")
        )

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Sync one calendar after the other; one that fails does not stop the rest."""
        if not self.dry_run:
            ensure_default()
        calendars = self._chosen(options["calendar"])
        if self.dry_run:
            for calendar in calendars:
                self.say(_("%(calendar)s would be synced.") % {"calendar": calendar})
            return {"calendars": [{"id": calendar.pk} for calendar in calendars]}
        reports = []
        for calendar in self.progress(calendars, label=_("calendars"), unit=_("calendars")):
            if options["full"]:
                forget_cursor(calendar)
            reports.append(self._sync(calendar))
        return {"calendars": reports}

    def _chosen(self, ids: list[str]) -> list[MirroredCalendar]:
        every = MirroredCalendar.objects.enabled()
        if not ids:
            return list(every)
        chosen: dict[int, MirroredCalendar] = {}
        for wanted in ids:
            named = Q(calendar_id=wanted) | Q(google_id=wanted)
            if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
                named |= Q(pk=int(wanted))
            found = list(every.filter(named))
            if not found:
                raise UsageError(_("No calendar “%(id)s” is registered.") % {"id": wanted})
            chosen.update((calendar.pk, calendar) for calendar in found)
        return list(chosen.values())

    def _sync(self, calendar: MirroredCalendar) -> dict[str, Any]:
        failure = finish(MirroredCalendar.objects.all(), calendar.pk, sync)
        calendar.refresh_from_db()
        if failure or calendar.last_error:
            reason = calendar.remedy or failure or calendar.last_error
            self.fault(f"{calendar}: {reason}")
        events = CalendarEvent.objects.not_cancelled().filter(source=calendar).count()
        self.say(_("%(calendar)s: %(count)d events") % {"calendar": calendar, "count": events})
        return {
            "id": calendar.pk,
            "calendar_id": calendar.calendar_id,
            "state": calendar.state,
            "as_of": calendar.as_of,
            "events": events,
            "error": calendar.last_error,
        }
