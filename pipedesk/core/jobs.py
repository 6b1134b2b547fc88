"""The only caller of the queue. A job is a hint: the work itself is a row (see work.py)."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ, Task
from django_q.tasks import async_task


def wake(task: str, *primary_keys: int) -> None:
    """Ask a worker to call `task` (a dotted path) with these integer keys.

    With the database as broker the message commits or rolls back with the caller's
    transaction; Redis knows no transactions, so there it is sent after the commit.
    """
    if settings.Q_CLUSTER.get("orm"):
        send(task, *primary_keys)
    else:
        transaction.on_commit(lambda: send(task, *primary_keys))


def send(task: str, *primary_keys: int) -> str:
    """Put the message on the queue now, whatever becomes of the transaction; returns its id."""
    return str(async_task(task, *primary_keys))


def is_finished(message_id: str) -> bool:
    """Whether a worker answered the message and the answer was acknowledged."""
    return bool(Task.objects.filter(pk=message_id).exists())


def hand_out_again() -> int:
    """Free the messages some cluster has taken and not answered; returns how many.

    For the start of a cluster: those of its dead predecessor would wait for minutes. A
    message of a living one may be worked on twice; the row's lease sees to that.
    """
    now = timezone.now()
    return int(OrmQ.objects.filter(lock__gt=now).update(lock=now))
