"""Finishing what is queued, in this process, and taking nothing new.

For the moment before a deploy or a change of SECRET_KEY: messages are signed with it, and
those signed with the old one are dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pydoc import locate
from time import monotonic, sleep
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django_q.brokers import Broker, get_broker
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from pipedesk.core.jobs import is_in_database

logger = logging.getLogger(__name__)

POLL_S = 0.2


@dataclass
class Drained:
    """What became of the messages."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    waiting: int = 0  # a worker holds them still


def drain(patience_s: float, tell: Callable[[str], None]) -> Drained:
    """Run every message that is queued now; wait `patience_s` for those workers have taken."""
    drained = Drained()
    take = _from_database if is_in_database() else _from_redis
    for payload in take(patience_s, drained):
        try:
            name = _run(payload)
        except Exception as failure:
            # The work is a row: the sweeper finds it again.
            logger.exception("a queued job failed")
            drained.failed.append(type(failure).__name__)
        else:
            drained.done += 1
            tell(name)
    return drained


def waiting_messages() -> int:
    """How many messages are queued, taken or not."""
    if is_in_database():
        return int(OrmQ.objects.count())
    return int(get_broker().queue_size())


def _run(payload: str) -> str:
    message: dict[str, Any] = SignedPackage.loads(payload)
    job = locate(message["func"])
    if not callable(job):
        msg = f"{message['func']} is no job"
        raise TypeError(msg)
    job(*message["args"], **message["kwargs"])
    return str(message["func"])


def _from_database(patience_s: float, drained: Drained) -> Iterator[str]:
    newest = OrmQ.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    old = OrmQ.objects.filter(pk__lte=newest).order_by("pk")
    deadline = monotonic() + patience_s
    while old.exists():
        for pk, payload in _taken(old):
            yield payload
            OrmQ.objects.filter(pk=pk).delete()
        drained.waiting = old.count()
        if monotonic() > deadline:
            return
        if drained.waiting:
            sleep(POLL_S)
    drained.waiting = 0


def _taken(old: QuerySet[OrmQ]) -> Iterator[tuple[int, str]]:
    """The messages no worker holds, each locked for us just before it is used."""
    until = timezone.now() + timedelta(seconds=int(str(settings.Q_CLUSTER["retry"])))
    free = old.filter(lock__lte=timezone.now())
    for pk, payload in list(free.values_list("pk", "payload")):
        if free.filter(pk=pk).update(lock=until):
            yield pk, payload


def _from_redis(patience_s: float, drained: Drained) -> Iterator[str]:
    broker: Broker = get_broker()
    for _message in range(broker.queue_size()):
        for ack_id, payload in broker.dequeue() or ():
            yield payload
            broker.acknowledge(ack_id)
