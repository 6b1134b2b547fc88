"""Do a row's work in this process, to its end: what the commands need."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep

from django.utils.translation import gettext as _

from pipedesk.core.performing import perform
from pipedesk.core.work import Lease, Work, WorkQuerySet

WAIT_S = 300  # for a worker that has the row in hand
LOOK_EVERY_S = 0.2


def finish(rows: WorkQuerySet[Work], pk: int, do: Callable[[Lease], None]) -> str:
    """Ask for the row's work and do it, or wait for the worker that does.

    What was given up or waits for its next try starts at once. Returns why it failed, empty
    when it did not.
    """
    rows.filter(pk=pk).update(dead_at=None, attempts=0, next_attempt_at=None)
    rows.request(pk)
    wanted, started = rows.get(pk=pk).requested, monotonic()
    while monotonic() - started < WAIT_S:
        worked = perform(rows.model, pk, do)
        row = rows.get(pk=pk)
        if row.applied >= wanted:
            return ""
        if row.dead_at or row.next_attempt_at:
            return row.last_error
        if not worked:
            sleep(LOOK_EVERY_S)
    return _("A worker still has it in hand.")
