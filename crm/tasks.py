"""Jobs; each takes primary keys."""

from __future__ import annotations

from django.utils import timezone

from crm import announcements, statistics
from crm.models import PriorityFormula
from crm.rescoring import rescore_everything, rescore_moved
from pipedesk.core.performing import perform

# A job has 60 s; 20,000 leads take less than half of that. The next run goes on.
MAX_LEADS = 20_000


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


def refresh_due_statistics() -> int:
    """Bring in line what the clock has changed: meetings that began, engagement of the past."""
    return statistics.refresh_due(timezone.now(), MAX_LEADS)
