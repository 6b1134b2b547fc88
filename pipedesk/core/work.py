"""Work that survives: the mixin of every row a job works on.

The work to do is two counters on the row, `requested` and `applied`; the queue only wakes a
worker. A worker claims the row with a lease and a fencing number, counts the attempt before
it starts, and writes its result only while the lease is still its own. Whatever dies in
between, the sweeper finds `requested > applied` and wakes somebody again.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any, ClassVar, Self, TypeVar

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now
from django.utils.translation import gettext_lazy as _

from pipedesk.core.exceptions import GiveUp, LeaseLost, TryLater
from pipedesk.core.jobs import waiting_since, wake
from pipedesk.core.models import TimeStampedModel, TimeStampedQuerySet

logger = logging.getLogger(__name__)

W = TypeVar("W", bound="Work", covariant=True)

MAX_ATTEMPTS = 6  # the first, and five more after 1, 2, 4, 8 and 16 minutes
MAX_RETRY_AFTER_S = 3600
# A wake-up that some worker took so long ago, and nobody came: the worker was killed.
LOST_AFTER_S = 30.0
SLICE_S = 45  # a job stops by itself before the queue's time-out (60 s) cuts it


class WorkQuerySet(TimeStampedQuerySet[W]):
    """Rows with work to do."""

    def behind(self) -> Self:
        """Rows with something requested that is not applied, and not given up."""
        return self.filter(requested__gt=F("applied"), dead_at__isnull=True)

    def lost(self, after_s: float = LOST_AFTER_S) -> Self:
        """Rows that are behind and due, and nobody is on the way.

        Nobody was woken, or somebody so long ago who no longer waits in the queue; with zero
        whether or not. One who comes twice finds nothing to do.
        """
        now = Now()
        gone = Q(queued_at__lt=now - timedelta(seconds=after_s))
        if after_s and (since := waiting_since()):
            gone &= Q(queued_at__lt=since)
        return self.behind().filter(
            Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now),
            Q(lease_until__isnull=True) | Q(lease_until__lt=now),
            Q(queued_at__isnull=True) | gone,
        )

    def request(self, pk: int, **values: Any) -> None:
        """Ask for the work of row `pk` once more; wakes a worker unless one is on its way.

        `values` are other columns to set along the way. A row that was given up is counted
        and wakes nobody.
        """
        values["requested"] = F("requested") + 1
        with transaction.atomic(using=self.db, savepoint=False):
            row = self.filter(pk=pk)
            asleep = Q(queued_at__isnull=True, dead_at__isnull=True)
            # The burst first: one statement when somebody is on the way already.
            if row.exclude(asleep).update(**values):
                return
            if row.filter(asleep).update(queued_at=Now(), **values):
                wake(self.model.task, pk)
            else:
                row.update(**values)

    def rewake(self, after_s: float = LOST_AFTER_S) -> int:
        """Wake workers for what was lost; returns how many."""
        count, lost = 0, self.lost(after_s)
        for pk in lost.values_list("pk", flat=True):
            with transaction.atomic(using=self.db):
                if lost.filter(pk=pk).update(queued_at=Now()):
                    wake(self.model.task, pk)
                    count += 1
        return count

    def revive(self) -> int:
        """Take dead rows up again ("run again"); returns how many."""
        dead = list(self.filter(dead_at__isnull=False).values_list("pk", flat=True))
        self.filter(pk__in=dead).update(
            dead_at=None, attempts=0, next_attempt_at=None, queued_at=None, last_error=""
        )
        for pk in dead:
            self.request(pk)
        return len(dead)


class Work(TimeStampedModel):
    """Columns of a row that a job works on. Subclasses name the job in `task`."""

    task: ClassVar[str]
    # How long a worker may be silent: longer than one call to Google with its retries, and
    # short enough that what a killed worker left is taken up within two minutes.
    lease_s: ClassVar[int] = 45

    requested = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    applied = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    queued_at = models.DateTimeField(null=True, blank=True, editable=False)
    lease_gen = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(
        _("attempts"), default=0, db_default=0, editable=False
    )
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True, editable=False)
    dead_at = models.DateTimeField(_("given up"), null=True, blank=True, editable=False)
    last_error = models.TextField(
        _("last error"), default="", db_default="", blank=True, editable=False
    )

    class Meta:
        abstract = True


def rows_of(model: type[Work]) -> WorkQuerySet[Work]:
    """The plain rows, whatever the model's manager hides or joins."""
    return WorkQuerySet(model)


@dataclass(frozen=True)
class Lease:
    """The right to write one row's result. `seen` is the `requested` this run answers."""

    model: type[Work]
    pk: int
    generation: int
    seen: int

    def _own(self) -> WorkQuerySet[Work]:
        return rows_of(self.model).filter(pk=self.pk, lease_gen=self.generation)

    def write(self, **values: Any) -> None:
        """Update the row, proving the lease. Call it first in each writing transaction.

        The row stays locked until the commit, so nobody takes over meanwhile. Between two calls
        to Google, `write()` says that somebody is at work. Long work that stores a part of its
        result and its place passes `attempts=0`: progress was made.

        Raises LeaseLost when another worker took over.
        """
        until = Now() + timedelta(seconds=self.model.lease_s)
        if not self._own().update(lease_until=until, **values):
            msg = f"{self.model.__name__} {self.pk}"
            raise LeaseLost(msg)

    def complete(self, **values: Any) -> None:
        """Mark what was seen as applied, in the transaction that stores the result.

        Raises LeaseLost when another worker took over.
        """
        self.write(
            applied=Greatest(F("applied"), self.seen),
            attempts=0,
            next_attempt_at=None,
            last_error="",
            **values,
        )

    def release(self, **values: Any) -> None:
        """Give the row back. A lost lease is nobody's to give back."""
        self._own().update(lease_until=None, **values)


def claim(model: type[Work], pk: int) -> Lease | None:
    """Take the lease of a row that is behind and due, counting the attempt, or None."""
    now = Now()
    with transaction.atomic():
        taken = (
            rows_of(model)
            .filter(pk=pk, requested__gt=F("applied"), dead_at__isnull=True)
            .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
            .filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))
            .update(
                lease_gen=F("lease_gen") + 1,
                lease_until=now + timedelta(seconds=model.lease_s),
                attempts=F("attempts") + 1,
                queued_at=None,
            )
        )
        if not taken:
            return None
        row = rows_of(model).get(pk=pk)
    lease = Lease(model, pk, row.lease_gen, row.requested)
    if row.attempts > MAX_ATTEMPTS:
        # The last attempts died without a word (killed, out of memory): stop here.
        bury(lease, row.last_error or str(_("Stopped working several times without a reason.")))
        return None
    return lease


def borrow(model: type[Work], pk: int) -> Lease | None:
    """Take the lease of a row for other work on what it stands for; None while a worker has it.

    Nothing is asked for and no attempt counted; give it back with `give_back`.
    """
    with transaction.atomic():
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
        taken = rows_of(model).filter(free, pk=pk)
        until = Now() + timedelta(seconds=model.lease_s)
        if not taken.update(lease_gen=F("lease_gen") + 1, lease_until=until):
            return None
        row = rows_of(model).get(pk=pk)
    return Lease(model, pk, row.lease_gen, row.applied)


def give_back(lease: Lease) -> None:
    """End a borrowed lease, and wake a worker for what was asked for meanwhile."""
    lease.release()
    _wake_again(lease.model, lease.pk)


def bury(lease: Lease, reason: str) -> None:
    """Give the work up until a person asks to run it again."""
    logger.error("gave up %s %s: %s", lease.model.__name__, lease.pk, reason)
    lease.release(dead_at=Now(), last_error=reason)


def backoff_s(attempts: int) -> float:
    """Seconds until the next try: 1, 2, 4, 8, 16 minutes, ±25 %."""
    return 60 * 2.0 ** (attempts - 1) * random.uniform(0.75, 1.25)  # noqa: S311


def postpone(lease: Lease, failure: Exception) -> None:
    """Plan the next try, or give up after the last one."""
    row = rows_of(lease.model).get(pk=lease.pk)
    # Only what was written to be read is shown; an unforeseen failure may quote anything.
    reason = type(failure).__name__
    asked_s = None
    if isinstance(failure, TryLater):
        reason, asked_s = str(failure) or reason, failure.retry_after_s
    if asked_s is not None:
        # Being told when to come back is no failed attempt.
        wait_s, attempts = min(asked_s, MAX_RETRY_AFTER_S), max(row.attempts - 1, 0)
    elif row.attempts >= MAX_ATTEMPTS:
        bury(lease, reason)
        return
    else:
        wait_s, attempts = backoff_s(row.attempts), row.attempts
    lease.release(
        next_attempt_at=Now() + timedelta(seconds=wait_s), attempts=attempts, last_error=reason
    )


def perform(model: type[Work], pk: int, do: Callable[[Lease], None]) -> bool:
    """Do the work of one row under a lease; again while more was requested meanwhile.

    `do` calls `lease.complete(…)` inside the transaction that stores its result. Returns
    whether anything was done. Failures are recorded on the row, never raised: the queue
    must acknowledge the wake-up; only a killed process leaves it unanswered.
    """
    started = monotonic()
    done = False
    while lease := claim(model, pk):
        if not attempt(lease, do):
            return done
        done = True
        if monotonic() - started > SLICE_S:
            break
    if not done:
        # This wake-up is used up, and the row is not due or another worker's: what is left
        # to do must look unasked-for to the sweeper, or it waits for a message long gone.
        rows_of(model).filter(pk=pk, queued_at__isnull=False).update(queued_at=None)
    if done:
        _wake_again(model, pk)
    return done


def _wake_again(model: type[Work], pk: int) -> None:
    """Wake a worker for a row that is behind and for which nobody is on the way."""
    again = rows_of(model).filter(pk=pk, queued_at__isnull=True)
    if again.filter(requested__gt=F("applied"), dead_at__isnull=True).exists():
        with transaction.atomic():
            if again.update(queued_at=Now()):
                wake(model.task, pk)


def attempt(lease: Lease, do: Callable[[Lease], None]) -> bool:
    """One run under the lease; False when it failed (the row says why)."""
    try:
        do(lease)
    except LeaseLost:
        logger.warning("lease of %s %s lost", lease.model.__name__, lease.pk)
        return False
    except GiveUp as failure:
        bury(lease, str(failure))
        return False
    except TryLater as failure:
        logger.warning("%s %s failed: %s", lease.model.__name__, lease.pk, type(failure).__name__)
        postpone(lease, failure)
        return False
    except Exception as failure:
        logger.exception("%s %s failed", lease.model.__name__, lease.pk)
        postpone(lease, failure)
        return False
    lease.release()
    return True
