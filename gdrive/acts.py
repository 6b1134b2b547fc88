"""One act on a file at a time, written down before Drive is asked.

A row in `drive_file_acts` is the lock and the intention in one: nobody else begins while it
is leased, whatever the database, and no transaction stays open while Drive is asked. Whoever
dies leaves the row, and the next one, or the sweeper's job, settles it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

from gdrive.models import DriveFileAct
from pipedesk.audit.recording import acting, record
from pipedesk.core.exceptions import Conflict, GiveUp, InvalidInput, LeaseLost, TryLater
from pipedesk.core.performing import perform
from pipedesk.core.work import Lease
from pipedesk.google.errors import GoogleError

PATIENCE_S = 10.0  # how long somebody waits for another's act on the same file
LOOK_S = 0.1

Settle = Callable[[Lease, DriveFileAct], None]
_settlers: Final[dict[str, Settle]] = {}


def settles(*verbs: str) -> Callable[[Settle], Settle]:
    """Name the function that settles acts of these kinds which were left behind."""

    def register(settle: Settle) -> Settle:
        _settlers.update(dict.fromkeys(verbs, settle))
        return settle

    return register


def settle(lease: Lease) -> None:
    """Find out what became of act `lease.pk`, write it down, and drop the row."""
    act = DriveFileAct.objects.get(pk=lease.pk)
    with acting(user_id=act.user_id):
        _settlers[act.verb](lease, act)


@contextmanager
def begun(act: DriveFileAct) -> Iterator[Lease]:
    """Inside, this act on its file is the only one; the block ends it with `end` or `drop`.

    What Drive refuses ends it, too. Where nobody knows what became of it (no answer, the lease
    lost, the database away), the row stays to be settled.

    Raises Conflict when another act on the file takes too long, TryLater when the lease was
    lost.
    """
    lease = _take(act)
    try:
        yield lease
    except LeaseLost as failure:
        message = "somebody else settled this act"
        raise TryLater(message) from failure
    except TryLater:
        lease.release()
        raise
    except (GoogleError, GiveUp, Conflict, InvalidInput, Http404, APIException):
        drop(lease)
        raise
    except Exception:
        lease.release()
        raise


def order(act: DriveFileAct) -> bool:
    """Let a job do this act; False where another act on the file is under way."""
    act.ordered = True
    with transaction.atomic():
        DriveFileAct.objects.bulk_create([act], ignore_conflicts=True)
        mine = DriveFileAct.objects.filter(file_id=act.file_id, ordered=True, requested=0).first()
        if mine is None:
            return False
        DriveFileAct.objects.request(mine.pk)
        return True


def end(lease: Lease, act: DriveFileAct, action: str, changes: dict[str, Any]) -> None:
    """End the act with an entry in its entity's history, in the transaction of its result.

    `changes` as in `record`. Raises LeaseLost.
    """
    lease.write()
    drop(lease)
    record(action, act.entity_type, act.entity_id, changes)


def drop(lease: Lease) -> None:
    """End the act without a trace: nothing was changed."""
    DriveFileAct.objects.filter(pk=lease.pk, lease_gen=lease.generation).delete()


def _take(act: DriveFileAct) -> Lease:
    deadline = monotonic() + PATIENCE_S
    while (lease := _insert(act)) is None:
        left = DriveFileAct.objects.left_behind().filter(file_id=act.file_id).first()
        if left is not None:
            _settle_now(left)
        elif monotonic() > deadline:
            raise Conflict(_("Somebody else is changing this right now: try again."))
        else:
            sleep(LOOK_S)
    return lease


def _insert(act: DriveFileAct) -> Lease | None:
    act.requested = act.lease_gen = act.attempts = 1
    act.lease_until = Now() + timedelta(seconds=act.lease_s)
    try:
        with transaction.atomic():
            act.save(force_insert=True)
    except IntegrityError:
        return None
    return Lease(DriveFileAct, act.pk, 1, 1)


def _settle_now(left: DriveFileAct) -> None:
    """Settle what somebody left. What was given up is dropped: somebody is at hand again.

    Raises TryLater when it cannot be settled now.
    """
    rows = DriveFileAct.objects.filter(pk=left.pk, lease_gen=left.lease_gen)
    if left.dead_at is not None:
        rows.delete()
        return
    rows.update(next_attempt_at=None)
    perform(DriveFileAct, left.pk, settle)
    failed = DriveFileAct.objects.left_behind().filter(pk=left.pk, dead_at=None).first()
    if failed is not None:
        raise TryLater(failed.last_error)
