"""The only caller of the queue. A job is a hint: the work itself is a row (see work.py)."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task


def wake(task: str, *primary_keys: int) -> None:
    """Ask a worker to call `task` (a dotted path) with these integer keys.

    With the database as broker the message commits or rolls back with the caller's
    transaction; Redis knows no transactions, so there it is sent after the commit.
    """
    if settings.Q_CLUSTER.get("orm"):
        async_task(task, *primary_keys)
    else:
        transaction.on_commit(lambda: async_task(task, *primary_keys))
