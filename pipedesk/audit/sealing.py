"""A chain of hashes over the history, so that a change behind the product's back is seen.

Writers of entries know nothing of it and never wait for it: a job seals what is old enough to
be complete, one link per entry, each hash over the one before and the entry's own words. The
key is not in the database, so whoever can write there still cannot mend the chain.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from pipedesk.audit.models import AuditLog, AuditSeal
from pipedesk.core.models import Heartbeat

logger = logging.getLogger(__name__)

LOCK: Final = "audit seals"
BATCH: Final = 1000
SLICE_S: Final = 45  # a job stops by itself before the queue's time-out (60 s) cuts it
# An entry younger than this may have elder siblings that are not committed yet.
SETTLED: Final = timedelta(minutes=1)
# No transaction is open for longer: what is still unsealed behind this was slipped in later.
LATE: Final = timedelta(hours=1)
START: Final = "0" * 64
COLUMNS: Final = (
    "id", "action", "entity_type", "entity_id", "user_id", "changes", "request_id", "created_at",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong: about which entry, where in the chain."""

    text: str
    entry_id: int | None = None
    position: int | None = None


@dataclass(frozen=True)
class Finding:
    """What verifying found; `head` is the last good hash."""

    sealed: int
    head: str
    fault: Fault | None = None
    anchored: bool = False


def link(previous: str, row: Mapping[str, Any]) -> str:
    """The hash of an entry (its COLUMNS) after the hash before it."""
    words = {**row, "created_at": row["created_at"].astimezone(UTC).isoformat()}
    text = json.dumps(words, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.new(_key(), f"{previous}\n{text}".encode(), hashlib.sha256).hexdigest()


def _key() -> bytes:
    secret = settings.AUDIT_SEAL_KEY or settings.SECRET_KEY
    return salted_hmac("pipedesk.audit.sealing", "", secret=secret, algorithm="sha256").digest()


def head() -> AuditSeal | None:
    """The last link."""
    return AuditSeal.objects.order_by("-position").first()


def seal(*, slice_s: float = SLICE_S) -> int:
    """Seal all settled entries, oldest first, as far as the time goes; returns how many."""
    deadline, count = monotonic() + slice_s, 0
    while True:
        sealed = _seal_batch()
        count += sealed
        if sealed < BATCH or monotonic() > deadline:
            return count


def _seal_batch() -> int:
    with transaction.atomic():
        # One writer at a time; two at once would both be told the same next position.
        Heartbeat.objects.bulk_create([Heartbeat(name=LOCK)], ignore_conflicts=True)
        Heartbeat.objects.select_for_update().get(name=LOCK)
        last = head()
        rows = list(_unsealed(last).order_by("created_at", "id").values(*COLUMNS)[:BATCH])
        position, previous = (last.position, last.hash) if last else (0, START)
        seals = []
        for row in rows:
            position, previous = position + 1, link(previous, row)
            seals.append(
                AuditSeal(
                    position=position, entry_id=row["id"], row_at=row["created_at"], hash=previous
                )
            )
        AuditSeal.objects.bulk_create(seals)
    return len(seals)


def _unsealed(last: AuditSeal | None) -> models.QuerySet[AuditLog]:
    """Settled entries without a seal, also those that came late."""
    sealed = AuditSeal.objects.filter(entry_id=OuterRef("pk"))
    rows = AuditLog.objects.filter(~Exists(sealed), created_at__lt=timezone.now() - SETTLED)
    return rows if last is None else rows.filter(created_at__gte=last.row_at - LATE)


def log_anchor() -> str:
    """Write the chain's head to the log: outside the database, where nobody can cut it off.

    A chain alone does not show that its end was cut.
    """
    last = head()
    anchor = last.hash if last else START
    logger.info("audit anchor %s at position %s", anchor, last.position if last else 0)
    return anchor


def verify(anchor: str | None = None) -> Finding:
    """Compare every seal with its entry, up to the first that does not fit.

    `anchor` is a head that was logged some day: it must still be a link of the chain.
    """
    position, previous, anchored = 0, START, anchor in (None, START)
    for seal_row, entry in _pairs():
        expected = position + 1
        if seal_row.position != expected:
            text = _("The seal at position %(position)s is gone.") % {"position": expected}
            return Finding(position, previous, Fault(text, position=expected))
        fault = _fault_of(seal_row, entry, previous)
        if fault is not None:
            return Finding(position, previous, fault)
        position, previous = seal_row.position, seal_row.hash
        anchored = anchored or previous == anchor
    fault = _slipped_in()
    if fault is None and not anchored:
        fault = Fault(_("The anchor is no link of the chain: its end was cut off."))
    return Finding(position, previous, fault, anchored)


def _pairs() -> Iterator[tuple[AuditSeal, dict[str, Any] | None]]:
    """Every seal with its entry, in chunks: no statement holds the whole history."""
    done = 0
    while True:
        seals = list(AuditSeal.objects.filter(position__gt=done).order_by("position")[:BATCH])
        if not seals:
            return
        ids = [one.entry_id for one in seals]
        entries = {row["id"]: row for row in AuditLog.objects.filter(pk__in=ids).values(*COLUMNS)}
        yield from ((one, entries.get(one.entry_id)) for one in seals)
        done = seals[-1].position


def _fault_of(seal_row: AuditSeal, entry: Mapping[str, Any] | None, previous: str) -> Fault | None:
    facts = {"entry": seal_row.entry_id, "position": seal_row.position}
    if entry is None:
        text = _("Entry %(entry)s, sealed at position %(position)s, is gone.") % facts
    elif not hmac.compare_digest(link(previous, entry), seal_row.hash):
        text = _("Entry %(entry)s, sealed at position %(position)s, was changed.") % facts
    else:
        return None
    return Fault(text, seal_row.entry_id, seal_row.position)


def _slipped_in() -> Fault | None:
    """An entry that claims to be older than what is sealed, and was never sealed."""
    last = head()
    if last is None:
        return None
    sealed = AuditSeal.objects.filter(entry_id=OuterRef("pk"))
    behind = Q(created_at__lt=last.row_at - LATE)
    found = AuditLog.objects.filter(behind, ~Exists(sealed)).order_by("created_at", "id").first()
    if found is None:
        return None
    text = _("Entry %(entry)s was never sealed: it was slipped in later.") % {"entry": found.pk}
    return Fault(text, found.pk)
