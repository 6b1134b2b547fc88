"""Move old meetings to the archive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from gcalendar.archive import put_away
from pipedesk.core.commands import ProductCommand, positive_int


class Command(ProductCommand):
    """The same as the daily job; safe to interrupt and to run again."""

    help = "Archives meetings that were over before the retention; series once all is over."
    example = "manage.py archive_events --older-than 365 --dry-run"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """How old."""
        parser.add_argument(
            "--older-than",
            type=positive_int,
            metavar="DAYS",
            help=_("days since their end (CALENDAR_EVENT_RETENTION_DAYS)"),
        )

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Batch by batch."""
        days = options["older_than"] or settings.CALENDAR_EVENT_RETENTION_DAYS
        if not days:
            self.say(_("Nothing is archived: CALENDAR_EVENT_RETENTION_DAYS is 0."))
            return {"archived": 0, "older_than_days": 0}
        batches = put_away(timedelta(days=days), dry_run=self.dry_run)
        count = sum(self.progress(batches, label=_("archived"), unit=_("batches")))
        text = _("%(n)d would be archived.") if self.dry_run else _("%(n)d archived.")
        self.say(text % {"n": count})
        return {"archived": count, "older_than_days": days}
