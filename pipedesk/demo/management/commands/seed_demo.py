"""`seed_demo`: made-up data, the same for the same seed."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import CommandParser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import scoring, statistics
from crm.models import Lead, LeadOrigin
from pipedesk.core.commands import ProductCommand, UsageError, positive_int
from pipedesk.demo import leads, mirrors, people

SLICE = 500


class Command(ProductCommand):
    """Fill an installation for looking at it or for measuring."""

    help = "Made-up leads with contacts, tags, statistics, companies and deals; demo users."
    example = "manage.py seed_demo --leads 100000 --events 200000 --files 200000"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """How much of what."""
        parser.add_argument("--leads", type=positive_int, default=120, help=_("how many leads"))
        parser.add_argument(
            "--events",
            type=positive_int,
            help=_("about so many meetings, on a calendar that is not at Google: for measuring"),
        )
        parser.add_argument(
            "--files",
            type=positive_int,
            help=_("about so many files, in folders that are not at Google: for measuring"),
        )
        parser.add_argument("--seed", type=int, default=1, help=_("another seed, other data"))
        parser.add_argument(
            "--once", action="store_true", help=_("do nothing where there are leads or demo users")
        )

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Make what is missing."""
        if settings.PRODUCTION:
            raise CommandError(_("Demo data has no place in production."))
        if options["once"] and (people.present() or Lead.objects.exists()):
            self.say(_("There is data already."))
            return {"leads": 0, "skipped": True}
        if not LeadOrigin.objects.exists():
            raise UsageError(_("There are no lead origins: run migrate first."))
        if self.dry_run:
            return {"leads": options["leads"], "skipped": False}
        return self.fill(**options)

    def fill(self, **options: Any) -> dict[str, Any]:
        """Make the people, then the leads slice by slice."""
        known = people.present()
        password = settings.DEMO_PASSWORD or secrets.token_urlsafe(12)
        count, files = options["leads"], options["files"] or 0
        world = leads.shared(
            options["seed"],
            timezone.now().replace(hour=0, minute=0, second=0, microsecond=0),
            people.make_people(password),
            meetings_per_lead=-(-(options["events"] or 0) // count),
        )
        starts = range(0, count, SLICE)
        rows = 0
        for start in self.progress(starts, label=_("leads, by 500"), unit=_("slices")):
            rows += self.fill_slice(
                world, range(start, min(start + SLICE, count)), -(-files // count)
            )
        self.say(_("%(leads)s leads, %(rows)s rows.") % {"leads": count, "rows": rows})
        if not known:
            self.introduce(password)
        return {"leads": count, "rows": rows, "skipped": False}

    def fill_slice(self, world: leads.World, numbers: range, files_per_lead: int) -> int:
        """One slice: it is whole or missing, whatever dies."""
        made = leads.make_slice(world, numbers)
        with transaction.atomic():
            rows = made.write()
            if made.meetings:
                rows += mirrors.write_meetings(world, mirrors.make_calendar(), made.meetings)
            ids = [lead.pk for lead in made.leads]
            statistics.refresh(ids)
            scoring.rescore(ids, timezone.now())
            if files_per_lead:
                rows += mirrors.write_files(world, ids, files_per_lead)
        return rows

    def introduce(self, password: str) -> None:
        """Say who may log in. A password from the settings is known already."""
        for email, name, role in people.STAFF:
            self.say(f"{email}  {name}, {role.label}")
        if not settings.DEMO_PASSWORD:
            self.say(_("password: %(password)s") % {"password": password})
