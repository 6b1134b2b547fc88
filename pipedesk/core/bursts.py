"""Bursts: where many ask for the same work in a moment, one run answers them all."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from pipedesk.core.work import Lease, rows_of

MANY: Final = 5  # asked for during a first run: more than people do by hand
QUIET_S: Final = 0.5
LONGEST_S: Final = 3.0


def wait_out(lease: Lease, enough: int = MANY) -> None:
    """Hold the row after a run in which `enough` asked again, until they pause or 3 s pass.

    Whoever went on at once would end with a few more waiting each time: a thousand push
    messages in two seconds were fifty list calls.
    """
    seen, until = lease.seen, monotonic() + LONGEST_S
    while monotonic() < until and (asked := _asked_again(lease)) - seen >= enough:
        seen, enough = asked, 1
        sleep(QUIET_S)


def _asked_again(lease: Lease) -> int:
    """What is requested now; as much as was seen where that is not even done (work in slices)."""
    done = rows_of(lease.model).filter(pk=lease.pk, applied__gte=lease.seen)
    return done.values_list("requested", flat=True).first() or lease.seen
