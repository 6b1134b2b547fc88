"""Whatever people do in Google: after a sync the mirror shows exactly what Google shows."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from gcalendar.models import (
    CalendarEvent,
    EventAppearance,
    EventOccurrence,
    MirroredCalendar,
)
from gcalendar.sync import forget_cursor
from pipedesk.sandbox.calendar.times import moment_of
from pipedesk.sandbox.errors import GoogleError, not_found
from tests.gcalendar.conftest import Mirror, at, rows

RULES = ("RRULE:FREQ=DAILY;COUNT=6", "RRULE:FREQ=WEEKLY;COUNT=4", "RRULE:FREQ=DAILY;UNTIL=20261209")


class People:
    """Somebody who clicks around in a calendar, at random but repeatably."""

    def __init__(self, mirror: Mirror, seed: int) -> None:
        self.mirror, self.people = mirror, mirror.people
        self.chance = random.Random(seed)

    def act(self) -> None:
        """One change. What Google refuses is nothing done."""
        verbs = (self.create, self.create, self.series, self.move, self.rename, self.cancel,
                 self.cancel, self.move_instance, self.cancel_instance, self.shorten,
                 self.mirror.google.google.expire_tokens)  # fmt: skip
        try:
            self.chance.choice(verbs)()
        except GoogleError:
            return

    def _one(self, **having: Any) -> dict[str, Any]:
        found = [e for e in self.people.events() if all(k in e for k in having)]
        if not found:
            raise not_found()
        return self.chance.choice(found)

    def _when(self) -> Any:
        return at(self.chance.randint(1, 28), self.chance.randint(0, 20))

    def create(self) -> None:
        self.people.create_event(f"m{self.chance.random()}", self._when())

    def series(self) -> None:
        rule = self.chance.choice(RULES)
        self.people.create_event("s", self._when(), time_zone="UTC", recurrence=[rule])

    def move(self) -> None:
        start = self._when()
        self.people.move_event(self._one()["id"], start, start + timedelta(minutes=45))

    def rename(self) -> None:
        self.people.change_event(self._one()["id"], summary=f"r{self.chance.random()}")

    def cancel(self) -> None:
        self.people.cancel_event(self._one()["id"])

    def _instance(self) -> str:
        master = self._one(recurrence=True)
        calendar = self.mirror.google.google.calendars.get(self.people.user, "primary")
        found = self.mirror.google.google.events.instances(calendar, master)
        return str(self.chance.choice(found)["id"])

    def move_instance(self) -> None:
        start = self._when()
        self.people.move_event(self._instance(), start, start + timedelta(hours=2))

    def cancel_instance(self) -> None:
        self.people.cancel_event(self._instance())

    def shorten(self) -> None:
        rule = ["RRULE:FREQ=DAILY;COUNT=2"]
        self.people.change_event(self._one(recurrence=True)["id"], recurrence=rule)


def in_google(mirror: Mirror) -> list[tuple[Any, ...]]:
    """What a person sees there: singles, exceptions, and what the series give."""
    google = mirror.google.google
    calendar = google.calendars.get(mirror.people.user, "primary")
    found: list[dict[str, Any]] = []
    known: set[str] = set()
    for event in mirror.people.events():
        if "recurrence" in event:
            instances = google.events.instances(calendar, event)
            found += [one for one in instances if one["status"] != "cancelled"]
        elif "recurringEventId" not in event:
            found.append(event)
    known = {event["id"] for event in found}
    # Exceptions outside their series' present rules stay in lists until Google drops them.
    found += [e for e in mirror.people.events() if "recurringEventId" in e and e["id"] not in known]
    zone = calendar["timeZone"]
    return sorted(
        (moment_of(e["start"], zone), moment_of(e["end"], zone), e["summary"]) for e in found
    )


def here() -> list[tuple[Any, ...]]:
    slots = EventOccurrence.objects.shown().taking_place()
    return sorted(slots.values_list("start_time", "end_time", "event__summary"))


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("seed", range(8))
def test_after_each_sync_the_mirror_shows_what_google_shows(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    people = People(mirror, seed)
    monkeypatch.setattr("gcalendar.sync.SUSPICIOUS_EVENTS", 1000)
    for _ in range(12):
        monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", people.chance.choice([1, 3, 5000]))
        for _ in range(people.chance.randint(1, 6)):
            people.act()
        mirror.synced()
        assert here() == in_google(mirror)
        assert not CalendarEvent.objects.exclude(parse_error="").exists()
    before = rows()
    forget_cursor(mirror.calendar)
    mirror.synced()
    assert rows() == before
    assert EventAppearance.objects.values("google_event_id").distinct().count() == len(before[1])
    row = MirroredCalendar.objects.get()
    assert row.applied == row.requested
