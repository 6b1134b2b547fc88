"""Push messages, with real processes: `python -m tests.bench pushes sustained burst`.

`pushes`: so many at full speed while calendars are edited and synced (goal G4); what is kept of
them, how often Google is asked, and whether the mirror is Google afterwards. `sustained` and
`burst` (goals G1 and G2): for a minute from eight connections, for less from many.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.bench.running import Bench
from tests.bench.sending import Answered, Sender, together
from tests.chaos.comparing import meetings_in_google
from tests.e2e.product import Product, product_with_google
from tests.figures import Figure

CONNECTIONS = 8
EVENTS = "/calendar/v3/calendars/primary/events"
APPLIED_WITHIN_S = 10.0
EDIT_EVERY_S = 0.05
TURNS = 10
MIRROR = """
import json
from gcalendar.models import EventAppearance
shown = EventAppearance.objects.exclude(status="cancelled")
names = ("mirrored_calendar__subject", "google_event_id", "etag")
print(json.dumps(list(map(list, shown.values_list(*names)))))
"""


@contextmanager
def running_product() -> Iterator[Product]:
    """Web, workers and a sandbox; nothing of them is left afterwards."""
    with product_with_google() as product:
        product.start_web()
        product.start_worker()
        yield product


class Editors(threading.Thread):
    """People who put meetings into one calendar after the other."""

    def __init__(self, sender: Sender) -> None:
        super().__init__(daemon=True)
        self.product, self.subjects = sender.product, list(sender.headers)
        self.done = 0
        self._ended = threading.Event()

    def run(self) -> None:
        """Act until told to stop."""
        body = {
            "start": {"dateTime": "2027-03-01T10:00:00Z"},
            "end": {"dateTime": "2027-03-01T11:00:00Z"},
        }
        while not self._ended.wait(EDIT_EVERY_S):
            subject = self.subjects[self.done % len(self.subjects)]
            meeting = {"summary": f"Reunião {self.done}", **body}
            self.product.in_google("POST", EVENTS, params={"quotaUser": subject}, json=meeting)
            self.done += 1

    def stop(self) -> None:
        """The last meeting is in."""
        self._ended.set()
        self.join()


def measure_at_full_speed(messages: int, calendars: int) -> Iterable[Figure]:
    """Figures of so many messages for so many calendars that people edit meanwhile."""
    with running_product() as product:
        sender = Sender(product, calendars)
        product.in_google("DELETE", "/_sandbox/requests")
        editors = Editors(sender)
        editors.start()
        # In turn, so that workers and editors take as much from the one as from the other.
        sent_parts, empty_parts = [], []
        for _ in range(TURNS):
            sent_parts.append(sender.send(messages // TURNS, CONNECTIONS))
            empty_parts.append(sender.ask_an_empty_view(messages // TURNS, CONNECTIONS))
        editors.stop()
        answered, empty = together(sent_parts), together(empty_parts)
        last = sender.send(calendars, CONNECTIONS)  # about what came after a calendar's last one
        drained_s = sender.drained_s()
        asked = product.in_google("GET", "/_sandbox/requests").get("calendar.events.list", 0)
        google = set(meetings_in_google(product, list(sender.headers)).items())
        shown = json.loads(product.manage("shell", "-v0", "-c", MIRROR))
        mirror = {((subject, event), etag) for subject, event, etag in shown}
        yield from _of_answers("messages", answered, p99_ms=250)
        yield Figure(
            "messages, against an empty view", answered.per_s / empty.per_s, "×", at_least=0.5
        )
        kept, sent = sender.state()["receipts"], answered.sent + last.sent
        yield Figure("messages accepted and not kept", sent - kept, at_most=0)
        yield Figure("all applied after", drained_s, "s", at_most=APPLIED_WITHIN_S)
        yield Figure("list calls per message", asked / sent, at_most=0.1)
        yield Figure("meetings put in meanwhile", editors.done, at_least=1)
        yield Figure("meetings unlike Google's", len(google ^ mirror), at_most=0)
        yield Figure("meetings twice", len(shown) - len(mirror), at_most=0)


def measure_sustained(seconds: int, calendars: int) -> Iterable[Figure]:
    """Figures of as many messages as are answered in that time, from eight connections."""
    yield from _for_a_time(seconds, CONNECTIONS, calendars, p99_ms=250)


def measure_burst(seconds: int, connections: int, calendars: int) -> Iterable[Figure]:
    """The same from many connections at once."""
    yield from _for_a_time(seconds, connections, calendars, p99_ms=800)


def _for_a_time(seconds: int, connections: int, calendars: int, p99_ms: int) -> Iterable[Figure]:
    with running_product() as product:
        sender = Sender(product, calendars)
        answered = sender.send_for(seconds, connections)
        drained_s = sender.drained_s()
        yield from _of_answers("messages", answered, p99_ms)
        lost = answered.sent - sender.state()["receipts"]
        yield Figure("messages accepted and not kept", lost, at_most=0)
        yield Figure("all applied after", drained_s, "s", at_most=APPLIED_WITHIN_S)


def _of_answers(what: str, answered: Answered, p99_ms: int) -> Iterable[Figure]:
    yield Figure(f"{what} sent", answered.sent)
    yield Figure(what, answered.per_s, "/s", at_least=150)
    yield Figure(f"{what}, median", answered.median_ms, "ms")
    yield Figure(f"{what}, 99 of 100", answered.p99_ms, "ms", at_most=p99_ms)
    yield Figure(f"{what} refused", answered.refused, at_most=0)


AT_FULL_SPEED = Bench(
    "Push messages at full speed",
    measure_at_full_speed,
    full={"messages": 10_000, "calendars": 100},
    short={"messages": 2_000, "calendars": 20},
)
SUSTAINED = Bench(
    "Push messages for a minute",
    measure_sustained,
    full={"seconds": 60, "calendars": 100},
    short={"seconds": 10, "calendars": 20},
)
BURST = Bench(
    "Push messages from many at once",
    measure_burst,
    full={"seconds": 20, "connections": 32, "calendars": 100},
    short={"seconds": 5, "connections": 32, "calendars": 20},
)
