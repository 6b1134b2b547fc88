"""Work that survives: the mixin of every row a job works on.

The work to do is two counters on the row, `requested` and `applied`; the queue only wakes a
worker. A worker claims the row with a lease and a fencing number, counts the attempt before
it starts, and writes its result only while the lease is still its own. Whatever dies in
between, the sweeper finds `requested > applied` and wakes somebody again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self, TypeVar

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now
from django.utils.translation import gettext_lazy as _

from pipedesk.core.exceptions import LeaseLost
from pipedesk.core.jobs import waiting_since, wake
from pipedesk.core.models import TimeStampedModel, TimeStampedQuerySet

logger = logging.getLogger(__name__)

W = TypeVar("W", bound="Work", covariant=True)

MAX_ATTEMPTS = 6  # the first, and five more after 1, 2, 4, 8 and 16 minutes
# A wake-up that some worker took so long ago, and nobody came: the worker was killed.
LOST_AFTER_S = 30.0
# Whatever the queue says about what waits in it, nobody relies on a wake-up older than this.
NEVER_CAME_AFTER_S = 600.0
# Rows woken in one transaction, and by one sweep per kind of work: the next goes on.
WOKEN_AT_ONCE = 100
WOKEN_PER_SWEEP = 1000
SLICE_S = 45  # a job stops by itself before the queue's time-out (60 s) cuts it


def _is_due() -> Q:
    return Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=Now())


def _is_free() -> Q:
    return Q(lease_until__isnull=True) | Q(lease_until__lt=Now())


class WorkQuerySet(TimeStampedQuerySet[W]):
    """Rows with work to do."""

    def behind(self) -> Self:
        """Rows with something requested that is not applied, and not given up."""
        return self.filter(requested__gt=F("applied"), dead_at__isnull=True)

    def claimable(self) -> Self:
        """Rows that are behind and due, and in no worker's hands."""
        return self.behind().filter(_is_due(), _is_free())

    def free(self) -> Self:
        """Rows in no worker's hands."""
        return self.filter(_is_free())

    def lost(self, after_s: float = LOST_AFTER_S) -> Self:
        """Rows a worker could take, and nobody is on the way.

        Nobody was woken, or somebody so long ago who no longer waits in the queue; with zero
        whether or not. One who comes twice finds nothing to do.
        """
        now = Now()
        gone = Q(queued_at__lt=now - timedelta(seconds=after_s))
        if after_s and (since := waiting_since()):
            never_came = Q(queued_at__lt=now - timedelta(seconds=NEVER_CAME_AFTER_S))
            gone &= Q(queued_at__lt=since) | never_came
        return self.claimable().filter(Q(queued_at__isnull=True) | gone)

    def request(self, pk: int, **values: Any) -> None:
        """Ask for the work of row `pk` once more; wakes a worker where one is needed.

        None is while one is on its way or at work, who looks again when it is done. A row that
        was given up, or waits for its next attempt, is counted and wakes nobody.
        `values` are other columns to set along the way.
        """
        values["requested"] = F("requested") + 1
        with transaction.atomic(using=self.db, savepoint=False):
            row = self.filter(pk=pk)
            asleep = _is_due() & _is_free() & Q(queued_at__isnull=True, dead_at__isnull=True)
            # The burst first: one statement when nobody is to be woken.
            if row.exclude(asleep).update(**values):
                return
            if not row.filter(asleep).update(queued_at=Now(), **values):
                # Somebody was woken between the two, and may have looked before we count.
                row.update(**values)
                if not row.filter(asleep).update(queued_at=Now()):
                    return
            wake(self.model.task, pk)

    def rewake(self, after_s: float = LOST_AFTER_S) -> int:
        """Wake workers for what was lost, a thousand rows at most; returns how many."""
        count = 0
        while count < WOKEN_PER_SWEEP and (woken := self._rewake_some(after_s)):
            count += woken
            if woken < WOKEN_AT_ONCE:
                break
        return count

    def _rewake_some(self, after_s: float) -> int:
        with transaction.atomic(using=self.db):
            # What somebody holds locked must not keep the rest waiting: next time.
            lost = self.lost(after_s).select_for_update(skip_locked=True, no_key=True, of=("self",))
            pks = list(lost.order_by("pk").values_list("pk", flat=True)[:WOKEN_AT_ONCE])
            self.filter(pk__in=pks).update(queued_at=Now())
            for pk in pks:
                wake(self.model.task, pk)
        return len(pks)

    def wake_if_behind(self, pk: int) -> None:
        """Wake a worker for what was asked for while one had the row."""
        again = self.filter(pk=pk, queued_at__isnull=True)
        if again.behind().exists():
            with transaction.atomic(using=self.db):
                if again.update(queued_at=Now()):
                    wake(self.model.task, pk)

    def revive(self) -> int:
        """Take dead rows up again; returns how many."""
        dead = list(self.filter(dead_at__isnull=False).values_list("pk", flat=True))
        self.filter(pk__in=dead).update(
            dead_at=None, attempts=0, next_attempt_at=None, queued_at=None, last_error=""
        )
        for pk in dead:
            self.request(pk)
        return len(dead)

    def run_again(self) -> int:
        """Ask for the work of all these rows at once, whatever they wait for; returns how many."""
        alive = list(self.filter(dead_at__isnull=True).values_list("pk", flat=True))
        revived = self.revive()
        self.filter(pk__in=alive).update(attempts=0, next_attempt_at=None)
        for pk in alive:
            self.request(pk)
        return revived + len(alive)


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

    def bury(self, reason: str) -> None:
        """Give the work up until a person asks to run it again."""
        logger.error("gave up %s %s: %s", self.model.__name__, self.pk, reason)
        self.release(dead_at=Now(), last_error=reason)


def claim(model: type[Work], pk: int) -> Lease | None:
    """Take the lease of a row that is behind and due, counting the attempt, or None."""
    with transaction.atomic():
        taken = (
            rows_of(model)
            .filter(pk=pk)
            .claimable()
            .update(
                lease_gen=F("lease_gen") + 1,
                lease_until=Now() + timedelta(seconds=model.lease_s),
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
        lease.bury(row.last_error or str(_("Stopped working several times without a reason.")))
        return None
    return lease


def borrow(model: type[Work], pk: int) -> Lease | None:
    """Take the lease of a row for other work on what it stands for; None while a worker has it.

    Nothing is asked for and no attempt counted; give it back with `give_back`.
    """
    with transaction.atomic():
        taken = rows_of(model).filter(pk=pk).free()
        until = Now() + timedelta(seconds=model.lease_s)
        if not taken.update(lease_gen=F("lease_gen") + 1, lease_until=until):
            return None
        row = rows_of(model).get(pk=pk)
    return Lease(model, pk, row.lease_gen, row.applied)


def give_back(lease: Lease) -> None:
    """End a borrowed lease, and wake a worker for what was asked for meanwhile."""
    lease.release()
    rows_of(lease.model).wake_if_behind(lease.pk)
