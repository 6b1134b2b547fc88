"""Compute the statistics of every lead anew, or prove that they are right."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import statistics
from crm.models import Lead
from pipedesk.core.commands import CheckFailed, ProductCommand

SHOWN = 100


class Command(ProductCommand):
    """500 leads at a time, each 500 in a transaction; other writers go on meanwhile."""

    help = "Computes the statistics of every lead anew; only rows that differ are written."
    example = "manage.py rebuild_stats --check"
    writes = True

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Write, or compare only."""
        parser.add_argument(
            "--check",
            action="store_true",
            help=_("compare each row with what it should say as of its own moment; write nothing"),
        )

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Rebuild, or name the leads whose rows are wrong (exit code 1 where there are any)."""
        if options["check"]:
            return self.prove()
        leads = written = 0
        for ids in self._slices():
            if self.dry_run:
                written += len(statistics.differing(ids, timezone.now()))
            else:
                written += len(statistics.refresh(ids))
            leads += len(ids)
        told = _("%(rows)d of %(leads)d rows would be written.")
        if not self.dry_run:
            told = _("%(rows)d of %(leads)d rows written.")
        self.say(told % {"rows": written, "leads": leads})
        return {"leads": leads, "written": written}

    def prove(self) -> dict[str, Any]:
        """Compare only. Raises CheckFailed."""
        leads, wrong = 0, dict[uuid.UUID, list[str]]()
        for ids in self._slices():
            wrong |= statistics.differing(ids)
            leads += len(ids)
        if not wrong:
            self.say(_("The statistics of %(count)d leads are right.") % {"count": leads})
            return {"leads": leads, "differing": []}
        for lead_id, columns in list(wrong.items())[:SHOWN]:
            self.say(f"{lead_id}: {', '.join(columns)}")
        raise CheckFailed(
            _("%(wrong)d of %(leads)d leads differ.") % {"wrong": len(wrong), "leads": leads},
            leads=leads,
            differing=[{"id": str(pk), "columns": columns} for pk, columns in wrong.items()],
        )

    def _slices(self) -> Iterator[list[uuid.UUID]]:
        """The ids of all leads, hidden ones too, in the order of their keys."""
        slices = -(-Lead.objects.count() // statistics.CHUNK)
        return self.progress(_slices(), total=slices, label=_("leads, by 500"), unit=_("slices"))


def _slices() -> Iterator[list[uuid.UUID]]:
    last = uuid.UUID(int=0)
    while True:
        rows = Lead.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
        ids = list(rows[: statistics.CHUNK])
        if not ids:
            return
        yield ids
        last = ids[-1]
