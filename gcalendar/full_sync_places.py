"""Full syncs run a few at a time: when every cursor is refused at once, they queue up.

A place is a number on the calendar's row, unique among calendars. It counts while its holder's
lease lives, and between two slices: whoever dies, fails or is switched off leaves it to the next
one. Who finds none notes when it came, and is called when somebody is done; the sweeper finds
those whose call was lost.
"""

from __future__ import annotations

import random
from contextlib import suppress

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from gcalendar.models import MirroredCalendar
from pipedesk.core.exceptions import LeaseLost, TryLater
from pipedesk.core.jobs import wake
from pipedesk.core.work import Lease

# Whatever the number of workers and machines: Google counts requests per project, and pushes of
# other calendars want to be followed meanwhile.
PLACES = 2
# Seconds after which somebody nobody called looks again by itself.
LOOK_AGAIN_AFTER_S = (60.0, 180.0)


def take_place(lease: Lease) -> None:
    """Begin a full sync, or a slice of one. Raises TryLater while too many others run."""
    others = MirroredCalendar.objects.exclude(pk=lease.pk)
    for number in range(1, PLACES + 1):
        try:
            with transaction.atomic():
                others.filter(_left(), full_sync_place=number).update(full_sync_place=None)
                lease.write(full_sync_place=number, full_sync_asked_at=None)
        except IntegrityError:
            continue
        return
    with transaction.atomic():
        lease.write(full_sync_asked_at=Coalesce(F("full_sync_asked_at"), Now()))
    msg = _("Other calendars are read whole right now; this one follows.")
    raise TryLater(msg, random.uniform(*LOOK_AGAIN_AFTER_S))  # noqa: S311


def _left() -> Q:
    """Whether nobody works at this place, nor will soon."""
    nobody = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    between_slices = Q(
        full_sync_page_token__isnull=False, next_attempt_at__isnull=True, dead_at__isnull=True
    )
    disabled = Q(state=MirroredCalendar.State.DISABLED)
    return nobody & (~between_slices | disabled)


def leave_place(lease: Lease) -> None:
    """Give the place of a full sync that failed to whoever waits longest; it takes one again."""
    with suppress(LeaseLost):
        lease.write(full_sync_place=None)
    call_next()


def call_next() -> None:
    """Wake a worker for whoever waits longest; for the end of a full sync.

    It keeps its turn: somebody who has just come may be faster.
    """
    waiting = MirroredCalendar.objects.behind().filter(
        full_sync_asked_at__isnull=False, queued_at__isnull=True
    )
    pk = waiting.order_by("full_sync_asked_at", "pk").values_list("pk", flat=True).first()
    if pk is None:
        return
    with transaction.atomic():
        if waiting.filter(pk=pk).update(next_attempt_at=None, queued_at=Now()):
            wake(MirroredCalendar.task, pk)
