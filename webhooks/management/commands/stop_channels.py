"""Stop push channels."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from pipedesk.core.commands import ProductCommand, UsageError
from pipedesk.google.channels import ChannelState
from webhooks.channels import stop, strays
from webhooks.kinds import KINDS, Kind
from webhooks.models import ChannelStop
from webhooks.tasks import stop_channel


class Command(ProductCommand):
    """Everything goes on being polled."""

    help = "Stops push channels, here and at Google."
    example = "manage.py stop_channels --orphans"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Which channels."""
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--all", action="store_true", help=_("every one there is"))
        which.add_argument(
            "--orphans", action="store_true", help=_("those nobody counts on any more")
        )

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Here first, then at Google; what Google does not take now is tried again by a job."""
        if not (options["all"] or options["orphans"]):
            raise UsageError(_("Say which: --all or --orphans."))
        chosen = [
            (kind, channel) for kind in KINDS.values() for channel in self.chosen(kind, options)
        ]
        if not self.dry_run:
            for kind, channel in self.progress(chosen, label=_("stop"), unit="channels"):
                self.stop(kind, channel)
        names = [channel.channel_id for _kind, channel in chosen]
        for name in names:
            self.say(_("%(name)s: stopped.") % {"name": name})
        return {"stopped": names}

    def chosen(self, kind: Kind, options: dict[str, Any]) -> list[Any]:
        """The channels of this kind to stop."""
        if options["orphans"]:
            return list(strays(kind))
        states = (ChannelState.OPEN, ChannelState.PENDING)
        rows = kind.rows().filter(state__in=states, channel_id__isnull=False)
        return list(rows.order_by("pk"))

    def stop(self, kind: Kind, channel: Any) -> None:
        """Here, and at once at Google."""
        row = stop(kind, channel)
        if row is None:
            return
        stop_channel(row.pk)
        if ChannelStop.objects.filter(pk=row.pk).exists():
            self.fault(_("%(name)s: Google is told later.") % {"name": channel.channel_id})
