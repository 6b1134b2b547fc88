"""One job's run over one row: under a lease, again while more is asked for, or later.

Failures are recorded on the row, never raised: the queue must acknowledge the wake-up; only a
killed process leaves it unanswered.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from django.db.models.functions import Now

from pipedesk.core.bursts import MANY, wait_out
from pipedesk.core.exceptions import GiveUp, LeaseLost, TryLater
from pipedesk.core.work import MAX_ATTEMPTS, Lease, Work, claim, rows_of

logger = logging.getLogger(__name__)

MAX_RETRY_AFTER_S = 3600
# Another run may take a slice of 45 s, and the queue cuts the job at 60: begin none after this.
AGAIN_WITHIN_S = 10.0


def perform(model: type[Work], pk: int, do: Callable[[Lease], None]) -> bool:
    """Do the work of one row under a lease; again while more was requested meanwhile.

    `do` calls `lease.complete(…)` inside the transaction that stores its result. Returns
    whether anything was done. What is left after a long run is another job's, behind those
    that wait.
    """
    started = monotonic()
    done = False
    while lease := claim(model, pk):
        # Who was asked for again during a first run, and again during the second, is in a burst.
        if not attempt(lease, do, burst_of=1 if done else MANY):
            return done
        done = True
        if monotonic() - started > AGAIN_WITHIN_S:
            break
    if done:
        rows_of(model).wake_if_behind(pk)
    else:
        # This wake-up is used up, and the row is not due or another worker's: what is left
        # to do must look unasked-for to the sweeper, or it waits for a message long gone.
        rows_of(model).filter(pk=pk, queued_at__isnull=False).update(queued_at=None)
    return done


def attempt(lease: Lease, do: Callable[[Lease], None], burst_of: int = MANY) -> bool:
    """One run under the lease; False when it failed (the row says why).

    Where so many ask again during the run, it lasts until they pause (see bursts.py).
    """
    try:
        do(lease)
    except LeaseLost:
        logger.warning("lease of %s %s lost", lease.model.__name__, lease.pk)
        return False
    except GiveUp as failure:
        lease.bury(str(failure))
        return False
    except TryLater as failure:
        logger.warning("%s %s failed: %s", lease.model.__name__, lease.pk, type(failure).__name__)
        postpone(lease, failure)
        return False
    except Exception as failure:
        logger.exception("%s %s failed", lease.model.__name__, lease.pk)
        postpone(lease, failure)
        return False
    wait_out(lease, burst_of)
    lease.release()
    return True


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
        wait_s, attempts = retry_after_s(asked_s), max(row.attempts - 1, 0)
    elif row.attempts >= MAX_ATTEMPTS:
        lease.bury(reason)
        return
    else:
        wait_s, attempts = backoff_s(row.attempts), row.attempts
    lease.release(
        next_attempt_at=Now() + timedelta(seconds=wait_s), attempts=attempts, last_error=reason
    )


def backoff_s(attempts: int) -> float:
    """Seconds until the next try: 1, 2, 4, 8, 16 minutes, ±25 %."""
    return 60 * 2.0 ** (attempts - 1) * random.uniform(0.75, 1.25)  # noqa: S311


def retry_after_s(asked_s: float) -> float:
    """Seconds until the next try where we were told: not before, and not all at that moment."""
    return min(asked_s * random.uniform(1, 1.25), MAX_RETRY_AFTER_S)  # noqa: S311
