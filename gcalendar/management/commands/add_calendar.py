"""Put a calendar on the registry."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from gcalendar.models import MirroredCalendar
from gcalendar.registry import check, register
from pipedesk.core.commands import ProductCommand, UsageError
from pipedesk.core.exceptions import InvalidInput


class Command(ProductCommand):
    """The same as POST /api/calendar/calendars."""

    help = "Puts a calendar on the registry and queues its first sync."
    example = "manage.py add_calendar primary --subject ana@pipedesk.example"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Which calendar, whose, how much of it."""
        parser.add_argument("calendar_id", metavar="CALENDAR_ID", help=_("its id, or primary"))
        parser.add_argument("--subject", default="", help=_("in whose name it is read"))
        parser.add_argument(
            "--visibility",
            choices=MirroredCalendar.Visibility.values,
            default=MirroredCalendar.Visibility.FULL,
        )

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Register, unless it is there already."""
        wanted = (options["calendar_id"], options["subject"], options["visibility"])
        try:
            if self.dry_run:
                calendar_id, subject = check(*wanted)
                self.say(_("%(id)s would be registered.") % {"id": calendar_id})
                return {"calendar_id": calendar_id, "subject": subject, "created": None}
            row, created = register(*wanted)
        except InvalidInput as fault:
            raise UsageError(f"{fault.field}: {fault.message}") from None
        text = _("%(id)s is registered.") if created else _("%(id)s was registered already.")
        self.say(text % {"id": row.calendar_id})
        return {
            "id": row.pk,
            "calendar_id": row.calendar_id,
            "subject": row.subject,
            "created": created,
        }
