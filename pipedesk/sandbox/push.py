"""Delivers push messages from a thread of its own.

A message is a POST with an empty body; everything it says is in its headers.
https://developers.google.com/workspace/calendar/api/guides/push#understanding-the-notification-message-format
"""

import heapq
import http.client
import logging
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from pipedesk.sandbox.channels import Channels, Happening
from pipedesk.sandbox.clock import Clock, rfc3339
from pipedesk.sandbox.errors import Json
from pipedesk.sandbox.faults import Fault, Faults

logger = logging.getLogger(__name__)

USER_AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"
RETRIED = frozenset({500, 502, 503, 504})
COALESCE_S = 0.05
TIMEOUT_S = 10.0
RETRY_DELAYS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


@dataclass(order=True)
class Delivery:
    """One message on its way."""

    due: float
    serial: int
    channel_id: str = field(compare=False)
    state: str = field(compare=False)
    changed: set[str] = field(compare=False, default_factory=set)
    attempt: int = field(compare=False, default=0)
    headers: dict[str, str] | None = field(compare=False, default=None)


class Pusher:
    """Collects happenings for a moment, then sends one message per channel and state."""

    def __init__(self, channels: Channels, clock: Clock, faults: Faults) -> None:
        self._channels = channels
        self._clock = clock
        self._faults = faults
        self._queue: list[Delivery] = []
        self._waiting: dict[tuple[str, str], Delivery] = {}
        self._serial = 0
        self._sending = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="sandbox-push", daemon=True)
        self.coalesce_s = COALESCE_S
        self.retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S

    def start(self) -> None:
        """Start delivering."""
        self._thread.start()

    def close(self) -> None:
        """Stop delivering; what is queued is dropped, as pushes may be."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_S)

    def clear(self) -> None:
        """Drop what is queued."""
        with self._changed:
            self._queue.clear()
            self._waiting.clear()

    def hear(self, happenings: list[Any]) -> None:
        """Queue messages for the channels that hear of these happenings."""
        for happening in happenings:
            if not isinstance(happening, Happening):
                continue
            for channel_id in self._channels.hearing(happening.topic):
                self._enqueue(channel_id, happening)

    def wait_until_idle(self, timeout_s: float = 5.0) -> bool:
        """Whether everything queued was sent (or given up) within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._sending, timeout_s)

    def _enqueue(self, channel_id: str, happening: Happening) -> None:
        delay = 0.0 if happening.state == "sync" else self.coalesce_s
        with self._changed:
            waiting = self._waiting.get((channel_id, happening.state))
            if waiting is None:
                waiting = self._push(time.monotonic() + delay, channel_id, happening.state)
                self._waiting[channel_id, happening.state] = waiting
            if happening.changed:
                waiting.changed.add(happening.changed)

    def _push(self, due: float, channel_id: str, state: str) -> Delivery:
        self._serial += 1
        delivery = Delivery(due, self._serial, channel_id, state)
        heapq.heappush(self._queue, delivery)
        self._changed.notify_all()
        return delivery

    def _run(self) -> None:
        while True:
            delivery = self._next()
            if delivery is None:
                return
            try:
                self._deliver(delivery)
            except Exception:
                logger.exception("a push message could not be delivered")
            finally:
                with self._changed:
                    self._sending -= 1
                    self._changed.notify_all()

    def _next(self) -> Delivery | None:
        with self._changed:
            while not self._closed:
                wait_s = self._queue[0].due - time.monotonic() if self._queue else None
                if wait_s is not None and wait_s <= 0:
                    delivery = heapq.heappop(self._queue)
                    if self._waiting.get((delivery.channel_id, delivery.state)) is delivery:
                        del self._waiting[delivery.channel_id, delivery.state]
                    self._sending += 1
                    return delivery
                self._changed.wait(wait_s)
        return None

    def _deliver(self, delivery: Delivery) -> None:
        row = self._channels.get(delivery.channel_id)
        if row is None or not self._channels.is_live(row):
            return
        if delivery.headers is None:
            if not self._number(delivery):
                return
            fault = self._faults.for_push(delivery.state)
            if fault is not None and self._falsify(delivery, row, fault):
                return
        self._send(delivery, row)

    def _number(self, delivery: Delivery) -> bool:
        """The message's headers, under the channel's next number. Google's numbers have gaps."""
        step = 1 if delivery.state == "sync" else 1 + secrets.randbelow(1000)
        row = self._channels.number_message(delivery.channel_id, step)
        if row is None:
            return False
        delivery.headers = headers_of(row, delivery.state, delivery.changed)
        return True

    def _falsify(self, delivery: Delivery, row: Json, fault: Fault) -> bool:
        """Play a push fault; True when the message itself is not to be sent now.

        A delayed message already has its number, so later ones overtake it.
        """
        headers = delivery.headers or {}
        if fault.kind == "delayed":
            self._retry(delivery, fault.seconds)
        elif fault.kind == "doubled":
            post(row["address"], headers)
        elif fault.kind == "forged":
            post(row["address"], {**headers, "X-Goog-Channel-Token": "forged"})
        return fault.kind in {"lost", "delayed"}

    def _send(self, delivery: Delivery, row: Json) -> None:
        status = post(row["address"], delivery.headers or {})
        last = {"state": delivery.state, "at": rfc3339(self._clock.now()), "status": status}
        self._channels.remember(delivery.channel_id, last)
        if status not in RETRIED and status != 0:
            return
        if delivery.attempt < len(self.retry_delays_s):
            delivery.attempt += 1
            self._retry(delivery, self.retry_delays_s[delivery.attempt - 1])

    def _retry(self, delivery: Delivery, delay_s: float) -> None:
        with self._changed:
            delivery.due = time.monotonic() + delay_s
            heapq.heappush(self._queue, delivery)


def headers_of(row: Json, state: str, changed: set[str]) -> dict[str, str]:
    """The X-Goog headers of a message on a channel."""
    expires = datetime.fromtimestamp(row["expiration"] / 1000, UTC)
    headers = {
        "Content-Type": "application/json; utf-8",
        "Content-Length": "0",
        "User-Agent": USER_AGENT,
        "X-Goog-Channel-ID": row["id"],
        "X-Goog-Channel-Expiration": format_datetime(expires, usegmt=True),
        "X-Goog-Message-Number": str(row["number"]),
        "X-Goog-Resource-ID": row["resource_id"],
        "X-Goog-Resource-State": state,
        "X-Goog-Resource-URI": row["resource_uri"],
    }
    if row["token"] is not None:
        headers["X-Goog-Channel-Token"] = row["token"]
    if changed:
        headers["X-Goog-Changed"] = ",".join(sorted(changed))
    return headers


def post(address: str, headers: dict[str, str]) -> int:
    """POST an empty body; the status, or 0 when nobody answered."""
    url = urlsplit(address)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=TIMEOUT_S)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request("POST", target, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
