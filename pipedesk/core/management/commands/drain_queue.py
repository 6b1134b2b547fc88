"""Finish what is queued."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from pipedesk.core.commands import PARTLY, ProductCommand, positive_int
from pipedesk.core.draining import drain, waiting_messages


class Command(ProductCommand):
    """Stop the workers first; what comes while this runs stays queued for them."""

    help = (
        "Finishes what is queued, here, and takes nothing new:"
        " before a deploy or a change of SECRET_KEY, after the workers were stopped."
    )
    example = "manage.py drain_queue --wait 60"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """How long to wait for workers that still run."""
        parser.add_argument(
            "--wait", type=positive_int, default=60, metavar="SECONDS",
            help=_("how long to wait for messages that workers have taken (default: 60)"),
        )  # fmt: skip

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Run them one after the other."""
        if self.dry_run:
            waiting = waiting_messages()
            self.say(_("%(count)s messages are queued.") % {"count": waiting})
            return {"done": 0, "waiting": waiting}
        drained = drain(options["wait"], self.say)
        for name in drained.failed:
            self.fault(_("a job failed: %(name)s") % {"name": name})
        if drained.waiting:
            text = _("%(count)s messages are still with a worker.")
            raise CommandError(text % {"count": drained.waiting}, returncode=PARTLY)
        if came := waiting_messages():
            text = _("%(count)s done; %(came)s that came meanwhile are queued.")
            self.say(text % {"count": drained.done, "came": came})
        else:
            self.say(_("%(count)s done; the queue is empty.") % {"count": drained.done})
        return {"done": drained.done, "waiting": came}
