"""The only caller of the queue. A job is a hint: the work itself is a row (see work.py)."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django_q.brokers import Broker, get_broker
from django_q.models import OrmQ, Task
from django_q.signing import SignedPackage
from django_q.tasks import async_task
from redis import RedisError

logger = logging.getLogger(__name__)

# The queue did not take a message, or cannot be asked.
QUEUE_FAILURES = (DatabaseFailure, OSError, RedisError)
# How far apart the clocks of two machines may be.
CLOCK_SKEW_S = 30


def is_in_database() -> bool:
    """Whether the messages are rows, and not Redis's."""
    return bool(settings.Q_CLUSTER.get("orm"))


def waiting_since() -> datetime | None:
    """Every message sent before then was taken by some worker; None where none is waiting."""
    broker: Broker = get_broker()
    oldest = _oldest_row(broker) if is_in_database() else _head_of_redis(broker)
    return oldest and oldest - timedelta(seconds=CLOCK_SKEW_S)


def _oldest_row(broker: Broker) -> datetime | None:
    # Under another name lies what nobody takes: the queue was called so once.
    free = OrmQ.objects.filter(key=broker.list_key, lock__lte=timezone.now())
    oldest: datetime | None = free.aggregate(oldest=Min("lock"))["oldest"]
    return oldest


def _head_of_redis(broker: Broker) -> datetime | None:
    payload = broker.connection.lindex(broker.list_key, 0)
    if payload is None:
        return None
    try:
        sent_at: datetime = SignedPackage.loads(payload)["started"]
    except Exception:  # whoever takes it drops it
        logger.exception("the first message of the queue cannot be read")
        return None
    return sent_at


def wake(task: str, *primary_keys: int) -> None:
    """Ask a worker to call `task` (a dotted path) with these integer keys.

    With the database as broker the message commits or rolls back with the caller's
    transaction; Redis knows no transactions, so there it is sent after the commit, and when
    Redis is away the sweeper sends another: what was committed stays done.
    """
    if is_in_database():
        send(task, *primary_keys)
    else:
        transaction.on_commit(lambda: send(task, *primary_keys), robust=True)


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


def drop_unreadable() -> int:
    """Drop messages that some cluster has taken and nobody can read; returns how many.

    The process that hands messages out dies of one whose signature is right and whose content
    is not (written by a newer Python, say), and its successor meets it again after `retry`.
    """
    count = 0
    for message in OrmQ.objects.filter(lock__gt=timezone.now()):
        try:
            SignedPackage.loads(message.payload)
        except Exception:
            logger.exception("message %s of the queue cannot be read: dropped", message.pk)
            count += message.delete()[0]
    return count
