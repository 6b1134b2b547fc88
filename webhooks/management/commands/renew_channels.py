"""Open the push channels that are missing or ending."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from gcalendar.registry import ensure_default
from pipedesk.core.commands import ProductCommand, positive_int
from pipedesk.core.exceptions import Conflict
from pipedesk.google.errors import GoogleError
from webhooks.channels import due, ensure, push_is_on, tidy
from webhooks.kinds import KINDS, Kind


class Command(ProductCommand):
    """The same as the job of every 5 minutes, here and now."""

    help = "Opens what is missing or ending, then stops what it replaces."
    example = "manage.py renew_channels --within 24"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Which channels count as ending."""
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--within", type=positive_int, metavar="HOURS", help=_("also those ending so soon")
        )
        which.add_argument("--all", action="store_true", help=_("a new channel for everything"))

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """One after the other; one that fails hinders no other."""
        if not push_is_on():
            raise CommandError(_("WEBHOOK_BASE_URL is empty: everything is polled."))
        if not self.dry_run:
            ensure_default()
        opened: list[str] = []
        for kind in KINDS.values():
            if not self.dry_run:
                kind.prepare()
            targets = self.targets(kind, options)
            if self.dry_run:
                opened += [str(target) for target in targets]
                continue
            tidy(kind)
            for target in self.progress(targets, label=kind.path, unit="channels"):
                opened += self.open(kind, target)
        for name in opened:
            self.say(_("%(name)s: a new channel.") % {"name": name})
        return {"opened": opened}

    def targets(self, kind: Kind, options: dict[str, Any]) -> list[Any]:
        """What gets a channel in this run."""
        if options["all"]:
            return list(kind.wanted().order_by("pk"))
        within = timedelta(hours=options["within"]) if options["within"] else None
        return list(due(kind, within))

    def open(self, kind: Kind, target: Any) -> list[str]:
        """Its name when the channel is there."""
        try:
            ensure(kind, target.pk, renew=True)
        except (Conflict, GoogleError) as failure:
            self.fault(f"{target}: {failure}")
            return []
        return [str(target)]
