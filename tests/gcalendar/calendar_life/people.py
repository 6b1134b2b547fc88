"""Random people at Google's calendar page, who know nothing of us."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipedesk.sandbox.errors import GoogleError
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.people import CalendarPeople
from tests.gcalendar.calendar_life.plain_calendar import Event, PlainCalendar

INSTANCE = re.compile(r"_\d{8}")
ANA, BOB = "ana@pipedesk.example", "bob@pipedesk.example"
GUESTS = ["carla@client.example", "davi@client.example"]
ZONES = ["America/Sao_Paulo", "Europe/Lisbon", "America/New_York", "Pacific/Auckland", "UTC"]
RULES = [
    ["RRULE:FREQ=DAILY;COUNT=6"],
    ["RRULE:FREQ=WEEKLY;COUNT=4"],
    ["RRULE:FREQ=WEEKLY;INTERVAL=2"],
    ["RRULE:FREQ=WEEKLY"],
    ["RRULE:FREQ=MONTHLY;COUNT=5"],
    ["RRULE:FREQ=DAILY;COUNT=9", "EXDATE;{third}"],
]


class People:
    """Ana and Bob, each with a calendar, and one they share. What Google refuses is no deed."""

    def __init__(self, google: Google, today: date) -> None:
        self.google, self.today, self.count = google, today, 0
        self.ana = CalendarPeople(google).as_user(ANA)
        bob = self.ana.as_user(BOB)
        self.team = self.ana.create_calendar("Team")
        with google.store.transaction():
            google.calendars.subscribe(BOB, {"id": self.team})
        self.owners = {ANA: self.ana, BOB: bob, self.team: self.ana}

    @property
    def calendars(self) -> list[str]:
        """Google's ids of all calendars."""
        return list(self.owners)

    def plain(self) -> PlainCalendar:
        """What is there now."""
        return PlainCalendar(self.google)

    def title(self) -> str:
        """One nobody has used."""
        self.count += 1
        return f"Visita {self.count}"

    def when(self, day: int, hour: int, zone: str) -> datetime:
        """A time on a wall, perhaps one that the clock leaves out."""
        on = self.today + timedelta(days=day)
        return datetime.combine(on, time(hour, 30), ZoneInfo(zone))

    def rule(self, number: int, start: datetime | date) -> list[str]:
        """The lines of a series that starts then."""
        third = start + timedelta(days=2)
        stamp = f"VALUE=DATE:{third:%Y%m%d}"
        if isinstance(third, datetime):
            stamp = f"TZID={third.tzinfo}:{third:%Y%m%dT%H%M%S}"
        return [line.format(third=stamp) for line in RULES[number % len(RULES)]]

    def in_zone(self, moment: datetime, zone: str) -> datetime:
        """The same instant on another wall."""
        return moment.astimezone(ZoneInfo(zone))

    def start_of(self, event: Event) -> datetime | date:
        """On its own wall."""
        start = event["start"]
        if "date" in start:
            return date.fromisoformat(start["date"])
        return self.in_zone(datetime.fromisoformat(start["dateTime"]), start["timeZone"])

    def attempt(self, deed: Callable[[], object]) -> None:
        """What Google refuses is no deed."""
        with suppress(GoogleError):
            deed()

    # --- What they choose from -----------------------------------------------------------------
    def pick(
        self, number: int, fits: Callable[[Event], bool] = lambda _event: True
    ) -> Event | None:
        """One of the events that fit, as one of its calendars shows it."""
        fitting = [event for _, event in self.plain().live() if fits(event)]
        return fitting[number % len(fitting)] if fitting else None

    def instances(self, number: int) -> list[Event]:
        """The first occurrences of one series, cancelled ones too."""
        master = self.pick(number, lambda event: "recurrence" in event)
        if master is None:
            return []
        where = self.plain().places(master["id"])[0]
        with self.google.store.transaction():
            calendar = self.google.calendars.stored(where)
            return self.google.events.instances(calendar or {}, master)[:12]

    def everywhere(self, event_id: str, deed: Callable[[CalendarPeople, str], object]) -> None:
        """Do it to each copy of an event, as Google does for the guests."""
        for where in self.plain().series_place(event_id):
            self.attempt(lambda where=where: deed(self.owners[where], where))

    def change(self, event_id: str, **fields: Any) -> None:
        """Change an event on every calendar that shows it."""
        self.everywhere(
            event_id, lambda who, where: who.change_event(event_id, calendar_id=where, **fields)
        )

    # --- Deeds ---------------------------------------------------------------------------------
    def create(self, where: int, start: datetime | date, **fields: Any) -> None:
        """A meeting or a whole day."""
        calendar = self.calendars[where % len(self.calendars)]
        zone = str(start.tzinfo) if isinstance(start, datetime) else None
        self.attempt(
            lambda: self.owners[calendar].create_event(
                self.title(), start, calendar_id=calendar, time_zone=zone, **fields
            )
        )

    def invite(self, number: int, where: int) -> None:
        """Another calendar shows the same meeting, of which nothing was changed so far."""
        plain, calendar = self.plain(), self.calendars[where % len(self.calendars)]
        event = self.pick(number, lambda e: "recurringEventId" not in e and not plain.has_past(e))
        if event is None or any(
            each.get("recurringEventId") == event["id"] for _, each in plain.all
        ):
            return
        with self.google.store.transaction():
            if self.google.events.find(calendar, event["id"]) is None:
                self.google.events.save(self.google.calendars.stored(calendar) or {}, event)

    def move_times(self, event_id: str, start: Any, end: Any) -> None:
        """Another time; of a series in the zone of the new start."""
        self.change(event_id, start=_point(start), end=_point(end))

    def split(self, number: int, which: int, hours: int) -> None:
        """This and the following ones, elsewhere in the day."""
        later = [
            event
            for event in self.instances(number)
            if event["status"] != "cancelled" and "dateTime" in event["originalStartTime"]
        ][1:]
        if later:
            chosen, title = later[which % len(later)]["id"], self.title()
            self.everywhere(
                chosen,
                lambda who, where: who.split_series(
                    chosen, calendar_id=where, shift_hours=hours, summary=title
                ),
            )

    def to_calendar(self, number: int, where: int) -> None:
        """Another calendar organises it."""
        event = self.pick(number, lambda e: "recurringEventId" not in e)
        calendar = self.calendars[where % len(self.calendars)]
        if event is None or len(places := self.plain().places(event["id"])) != 1:
            return
        with self.google.store.transaction():
            stored = self.google.calendars.stored
            old, new = stored(places[0]) or {}, stored(calendar) or {}
            self.attempt(lambda: self.google.editing.move(old, event["id"], new))

    def restore(self, number: int) -> None:
        """Out of the trash, what is nowhere else; a series only where nothing was changed."""
        plain = self.plain()
        gone = [
            (where, event["id"])
            for where, event in plain.listed
            if event["status"] == "cancelled"
            and ("recurringEventId" in event or not INSTANCE.search(event["id"]))
            and not plain.has_past(event)
            and not plain.places(event["id"])
        ]
        if gone:
            where, chosen = gone[number % len(gone)]
            owner = self.owners[where]
            self.attempt(lambda: owner.change_event(chosen, calendar_id=where, status="confirmed"))


def _point(moment: datetime | date) -> dict[str, Any]:
    if isinstance(moment, datetime):
        return {"date": None, "dateTime": moment.isoformat(), "timeZone": str(moment.tzinfo)}
    return {"dateTime": None, "timeZone": None, "date": moment.isoformat()}
