"""Jobs of the queue itself."""

from __future__ import annotations

import logging

from django.apps import apps

from pipedesk.core.jobs import drop_unreadable
from pipedesk.core.pruning import prune
from pipedesk.core.work import LOST_AFTER_S, Work, WorkQuerySet

logger = logging.getLogger(__name__)


def beat() -> None:
    """Nothing: that it was finished and written down proves the queue (`heartbeat`)."""


def sweep(lost_after_s: float = LOST_AFTER_S) -> int:
    """Wake workers for all work whose wake-up was lost; returns how many.

    Messages nobody can read go: what they were about is behind, and is found here.
    """
    drop_unreadable()
    count = 0
    for model in work_models():
        rows = model._default_manager.all()  # noqa: SLF001  (Django's name for any model's manager)
        if not isinstance(rows, WorkQuerySet):
            msg = f"{model.__name__}.objects is no WorkQuerySet"
            raise TypeError(msg)
        count += rows.rewake(lost_after_s)
    if count:
        logger.warning("woke workers for %s rows whose wake-up was lost", count)
    return count


def work_models() -> list[type[Work]]:
    """Every kind of row that jobs work on."""
    return [model for model in apps.get_models() if issubclass(model, Work)]


def prune_logs() -> None:
    """Drop what is only kept for a while."""
    prune()
