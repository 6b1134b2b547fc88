"""Compute the scores of all leads anew."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from crm import rescoring, scoring
from crm.rescoring import SLICE, Tally
from pipedesk.core.commands import ProductCommand


class Command(ProductCommand):
    """Writes the scores that differ, and nothing else; running it again goes on."""

    help = "Computes the priority scores of all leads anew and writes those that differ."
    example = "manage.py recalculate_priorities --dry-run"
    writes = True

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """All open leads, slice by slice."""
        tally = Tally(seen=rescoring.scored().count())
        steps = self.progress(
            rescoring.slices(),
            total=tally.seen // SLICE + 1,
            label=_("scores"),
            unit=_("slices of leads"),
        )
        for leads in steps:
            if self.dry_run:
                tally.changed += scoring.stale(leads, timezone.now()).count()
            else:
                rescoring.rescore_slice(leads, tally)
        rescoring.rescore_busy(tally)
        for lead_id in tally.busy:
            self.fault(_("Lead %(id)s is being written by somebody.") % {"id": lead_id})
        text = (
            _("%(changed)d of %(leads)d scores would change.")
            if self.dry_run
            else _("%(changed)d of %(leads)d scores changed.")
        )
        self.say(text % {"changed": tally.changed, "leads": tally.seen})
        return {"leads": tally.seen, "changed": tally.changed}
