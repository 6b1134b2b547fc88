"""What people do to recorded events and to others of their own: two clients keep step.

`TWO_CLIENTS_RUNS` is the number of lives played.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import Any

import pytest

from pipedesk.sandbox.people import CalendarPeople
from pipedesk.sandbox.server import SandboxServer
from tests.gcalendar.conftest import Mirror
from tests.gcalendar.day_walker import DAYS
from tests.gcalendar.two_clients.comparing import NOW, check, steps_of
from tests.gcalendar.two_clients.other_client import OtherClient

RUNS = int(os.environ.get("TWO_CLIENTS_RUNS", "2"))
DOINGS = (
    "create", "change", "move", "delete", "move one", "delete one", "delete one", "split",
    "split", "refuse the tokens",
)  # fmt: skip


class Person:
    """Somebody at the calendar's page who draws what to do next."""

    def __init__(self, google: SandboxServer, people: CalendarPeople, draw: random.Random) -> None:
        self._google = google.google
        self._people = people
        self._draw = draw
        self.done: list[str] = []

    def act(self) -> None:
        """One thing, if there is anything to do it to."""
        doing = self._draw.choice(DOINGS)
        if doing == "refuse the tokens":
            self._google.expire_tokens()
        elif doing == "create":
            self._create()
        elif doing in {"change", "move", "delete"}:
            self._to_an_event(doing)
        else:
            self._to_an_instance(doing)
        self.done.append(doing)

    def _create(self) -> None:
        start = self._day()
        # What a start is that its own rule does not name the standard leaves open.
        days = f"{DAYS[start.weekday()]},{self._draw.choice(DAYS)}"
        rules = ["", "RRULE:FREQ=DAILY;COUNT=12", f"RRULE:FREQ=WEEKLY;BYDAY={days}"]
        lines = [rule for rule in [self._draw.choice(rules)] if rule]
        self._people.create_event(
            self._title(), start, time_zone="Europe/Berlin", recurrence=lines or None
        )

    def _to_an_event(self, doing: str) -> None:
        if not (events := self._people.events()):
            return
        event = self._draw.choice(events)
        if doing == "delete":
            self._people.cancel_event(event["id"])
        elif doing == "change" or "date" in event["start"] or "recurrence" in event:
            self._people.change_event(event["id"], summary=self._title())
        else:
            start = self._day()
            self._people.move_event(event["id"], start, start + timedelta(hours=2))

    def _to_an_instance(self, doing: str) -> None:
        events = self._people.events()
        timed = [e for e in events if "recurrence" in e and "dateTime" in e["start"]]
        instances = [one for series in timed for one in self._instances(series["id"])[1:60]]
        if not instances:
            return
        instance = self._draw.choice(instances)
        if doing == "split":
            hours = self._draw.choice([0, 1])
            self._people.split_series(instance, shift_hours=hours, summary=self._title())
        elif doing == "move one":
            start = self._day()
            self._people.move_event(instance, start, start + timedelta(minutes=30))
        else:
            self._people.cancel_event(instance)

    def _instances(self, master_id: str) -> list[str]:
        """Ids of the occurrences of a series that take place."""
        with self._google.store.transaction():
            calendar = self._google.calendars.get(self._people.user, "primary")
            master = self._google.events.get(calendar, master_id)
            found = self._google.events.instances(calendar, master)
        return [str(event["id"]) for event in found if event.get("status") != "cancelled"]

    def _day(self) -> Any:
        days, minutes = self._draw.randint(5, 40), self._draw.randint(0, 90)
        return NOW.replace(hour=14) + timedelta(days=days, minutes=minutes)

    def _title(self) -> str:
        return f"title {len(self.done)}"


@pytest.mark.parametrize("seed", range(RUNS))
def test_both_clients_follow_whatever_people_do_to_recorded_events(
    seed: int, mirror: Mirror, other: OtherClient, google: SandboxServer
) -> None:
    for shape in ("series", "this_and_following_edited", "all_day", "types"):
        mirror.people.replay(steps_of(shape)[0]["items"])
    draw = random.Random(seed)
    person = Person(google, mirror.people, draw)
    for _ in range(20):
        for _ in range(draw.choice([1, 1, 3])):
            person.act()
        mirror.synced()
        other.sync()
        try:
            check(other)
        except AssertionError:
            print(person.done)  # noqa: T201  what led here
            raise
    assert len(set(person.done)) > 5
