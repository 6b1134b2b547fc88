"""Jobs; each takes primary keys."""

from __future__ import annotations

from django.utils import timezone

from crm import announcements
from crm.models import PriorityFormula
from crm.rescoring import rescore_everything, rescore_moved
from pipedesk.core.work import perform


def announce() -> int:
    """Tell the rooms above what database clients wrote."""
    return announcements.announce()


def rescore_leads(pk: int) -> None:
    """Compute all scores anew, because what gives points has changed."""
    perform(PriorityFormula, pk, rescore_everything)


def recalculate_priorities() -> None:
    """Follow the clock: the scores that it alone can have changed."""
    rescore_moved(timezone.now())


def recalculate_all_priorities() -> None:
    """Ask for all scores anew, for what no signal told of: writes past the application."""
    PriorityFormula.objects.request_rescore()
