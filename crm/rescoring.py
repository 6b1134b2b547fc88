"""All scores computed anew: slice by slice, next to people's work.

A slice is one short transaction. Leads that somebody is writing are left out of their slice
and tried again one by one at the end, each waited for with nothing else locked: no circle of
locks can come of it. What is right already is read and not written, so that a run that was
cut off starts anew and soon is where it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import scoring
from crm.models import Lead, LeadActivityStats, PriorityFormula
from crm.models.lead import LeadQuerySet
from pipedesk.core.chunks import chunks
from pipedesk.core.exceptions import TryLater
from pipedesk.core.work import SLICE_S, Lease

SLICE: Final = 2000
# Longer than any pause between two hourly runs; the daily run makes good what is older.
LOOK_BACK: Final = timedelta(days=2)


@dataclass
class Tally:
    """What a run did so far. `busy` are leads that somebody was writing all the while."""

    seen: int = 0
    changed: int = 0
    busy: list[uuid.UUID] = field(default_factory=list)


def scored() -> LeadQuerySet:
    """The leads whose scores are kept true; those that left the work list keep theirs."""
    return Lead.objects.filter(deleted_at__isnull=True, qualified_at__isnull=True)


def slices() -> Iterator[LeadQuerySet]:
    """All these leads in slices, in the order of their ids."""
    rest = scored()
    while True:
        ids = rest.order_by("pk").values_list("pk", flat=True)
        last = ids[SLICE - 1 : SLICE].first()
        if last is None:
            yield rest
            return
        yield rest.filter(pk__lte=last)
        rest = scored().filter(pk__gt=last)


def rescore_slice(leads: LeadQuerySet, tally: Tally, lease: Lease | None = None) -> None:
    """Store the scores of these leads that differ. Raises LeaseLost."""
    now = timezone.now()
    ids = list(scoring.stale(leads, now).values_list("pk", flat=True))
    with transaction.atomic():
        if lease is not None:
            lease.write(attempts=0)
        locked = scoring.lock(Lead.objects.filter(pk__in=ids), skip_locked=True) if ids else []
        tally.changed += len(scoring.write(locked, now))
    tally.busy += set(ids) - set(locked)


def rescore_busy(tally: Tally) -> None:
    """Wait for each lead that was left out; those still in hand after that stay in `busy`."""
    waiting, tally.busy = sorted(tally.busy), []
    for lead_id in waiting:
        try:
            tally.changed += scoring.rescore([lead_id], timezone.now())
        except OperationalError:  # the lock's time-out
            tally.busy.append(lead_id)


def rescore_everything(lease: Lease) -> None:
    """The formula's work: every score anew. Raises LeaseLost, and TryLater to go on later."""
    tally, started = Tally(), monotonic()
    for leads in slices():
        rescore_slice(leads, tally, lease)
        if monotonic() - started > SLICE_S:
            raise TryLater(_("Goes on where it stopped."), retry_after_s=1)
    rescore_busy(tally)
    if tally.busy:
        raise TryLater(_("Some leads are being written."), retry_after_s=60)
    with transaction.atomic():
        lease.complete()


def rescore_moved(now: datetime) -> Tally:
    """Store the scores that time alone can have changed since the last run.

    Recency counts down, and a meeting that lay ahead is over. Both are found by index.
    """
    tally, started = Tally(), monotonic()
    for found in moved(now):
        ids = list(scoring.stale(found, now).values_list("pk", flat=True))
        for some in chunks(sorted(ids), SLICE):
            rescore_slice(scored().filter(pk__in=some), tally)
            if monotonic() - started > SLICE_S:
                return tally
    rescore_busy(tally)
    return tally


def moved(now: datetime) -> tuple[LeadQuerySet, LeadQuerySet]:
    """Leads with recency left or just gone, and leads whose meeting has just begun."""
    days = timedelta(days=PriorityFormula.objects.current().recency_days)
    begun: QuerySet[Any, Any] = LeadActivityStats.objects.filter(
        next_event_at__gt=now - LOOK_BACK, next_event_at__lte=now
    ).values("pk")
    heard_of = scored().filter(last_interaction_at__gt=now - days - LOOK_BACK)
    return heard_of, scored().filter(pk__in=begun)
