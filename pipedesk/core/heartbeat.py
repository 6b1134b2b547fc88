"""Proof that the queue works: written by what comes out of its far end."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from time import monotonic
from typing import Any

from django.db import Error as DatabaseFailure
from django.db.models.functions import Now

from pipedesk.core.models import Heartbeat

logger = logging.getLogger(__name__)

QUEUE = "queue"  # a job, whichever, was finished and acknowledged
PROGRESS_FILE = "PIPEDESK_PROGRESS_FILE"  # where run_worker watches its cluster's progress
ROW_EVERY_S = 5.0

_last_row_at = float("-inf")


def record(name: str) -> None:
    """Stamp the heartbeat `name` with the database's clock."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, beat_at=Now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["beat_at"],
    )


def job_finished(**kwargs: Any) -> None:
    """Receiver, in the process that acknowledges jobs: progress was made.

    The file tells this machine's watchdog about its own cluster, whatever others do; the
    row tells everybody, and is written every few seconds at most.
    """
    global _last_row_at
    if path := os.environ.get(PROGRESS_FILE):
        Path(path).touch()
    if monotonic() - _last_row_at < ROW_EVERY_S:
        return
    _last_row_at = monotonic()
    try:
        record(QUEUE)
    except DatabaseFailure:
        logger.warning("the queue's heartbeat could not be written")
