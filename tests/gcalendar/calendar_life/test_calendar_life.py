"""People edit calendars at random while the product works, fails and dies: the mirror ends as
Google Calendar is.

`CALENDAR_LIFE_RUNS` is the number of lives: 500 new ones before a release, else always the same
few. `CALENDAR_LIFE_SHRINK=0` shows a failure as found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from pytest_django.fixtures import Settings

from gcalendar import client, sync
from gcalendar.models import CalendarSyncState, EventOccurrence, MirroredCalendar
from gcalendar.tasks import archive_events, extend_occurrences, sync_calendar
from tests.figures import Figure
from tests.gcalendar.calendar_life.desk import CalendarDesk, appearing
from tests.gcalendar.calendar_life.people import ANA, BOB, GUESTS, RULES, ZONES, People
from tests.living import Living, busy_sandbox, differences, live

NAME = "CALENDAR_LIFE"
numbers = st.integers(0, 40)
calendars = st.integers(0, 2)
# Around the days on which clocks change, and now and then at the ends of what is unrolled.
days = st.one_of(st.integers(-60, 150), st.integers(-60, 150), st.integers(-540, 540))
hours = st.integers(0, 23)
zones = st.sampled_from(ZONES)
rules = st.integers(0, len(RULES) - 1)
# The step at which a process dies; mostly it lives.
fatal = st.one_of(st.just(0), st.just(0), st.integers(1, 120))
faults = st.sampled_from(
    [
        {"kind": "reset_after_commit", "times": 1},
        {"kind": "reset_after_commit", "times": 4},
        {"kind": "reset_before", "times": 2},
        {"kind": "status", "status": 503, "times": 3},
        {"kind": "status", "status": 500, "times": 1},
        {"kind": "status", "status": 429, "reason": "rateLimitExceeded", "times": 3},
        {"kind": "status", "status": 410, "reason": "fullSyncRequired", "times": 1},
        {"kind": "status", "status": 400, "reason": "invalid", "times": 1},
        {"kind": "status", "status": 403, "reason": "forbidden", "times": 1},
        {"kind": "status", "status": 404, "reason": "notFound", "times": 1},
        {"kind": "truncated", "times": 3},
        {"kind": "timeout_after_commit", "seconds": 0.5, "times": 1},
    ]
)
methods = st.sampled_from(
    ["", r"events\.list", r"events\.list", r"calendars\.get", r"events\.(insert|patch|delete)"]
)
EVENTS, CALENDARS = "/api/calendar/events", "/api/calendar/calendars"


class CalendarLife(Living):
    """Some calendars, and everybody who works with them."""

    def __init__(self) -> None:
        super().__init__()
        self.people = People(self.sandbox.google, timezone.now().date())
        self.asked = 0

    @initialize(size=st.sampled_from([1, 2, 3, 2500]), piece=st.sampled_from([1, 3, 5000]))
    def furnish(self, size: int, piece: int) -> None:
        """Two of three calendars are mirrored, with a meeting and a series on both."""
        query = {"singleEvents": False, "maxResults": size}
        self.monkeypatch.setattr(client, "EVENTS_QUERY", query)
        self.monkeypatch.setattr(sync, "SLICE_EVENTS", piece)
        self.desk = CalendarDesk(self.sandbox.google, self.monkeypatch)
        self.people_create(0, 3, 9, ZONES[0])
        self.people_repeat(0, 5, 10, ZONES[2], 0)
        self.register(0, 0, "full", 0)
        self.register(1, 0, "full", 0)
        self.people_invite(0, 1)
        self.people_invite(1, 1)
        self.desk.settle()

    # --- People in Google Calendar ------------------------------------------------------------
    @rule(where=calendars, day=days, hour=hours, zone=zones)
    def people_create(self, where: int, day: int, hour: int, zone: str) -> None:
        """A meeting."""
        self.people.create(where, self.people.when(day, hour, zone))

    @rule(where=calendars, day=days, rules=st.one_of(st.none(), rules))
    def people_mark_days(self, where: int, day: int, rules: int | None) -> None:
        """A whole day, or a series of them."""
        on = self.people.today + timedelta(days=day)
        fields = {} if rules is None else {"recurrence": self.people.rule(rules, on)}
        self.people.create(where, on, **fields)

    @rule(where=calendars, day=days, hour=hours, zone=zones, rules=rules)
    def people_repeat(self, where: int, day: int, hour: int, zone: str, rules: int) -> None:
        """A series."""
        start = self.people.when(day, hour, zone)
        self.people.create(where, start, recurrence=self.people.rule(rules, start))

    @rule(number=numbers, where=calendars)
    def people_invite(self, number: int, where: int) -> None:
        """A second calendar shows it, too."""
        self.people.invite(number, where)

    @rule(
        number=numbers,
        fields=st.sampled_from([
            {"visibility": "private"}, {"visibility": None}, {"transparency": "transparent"},
            {"location": "Lisboa"}, {"attendees": [{"email": GUESTS[0]}]},
            {"attendees": [
                {"email": GUESTS[0], "responseStatus": "accepted"},
                {"email": GUESTS[1], "responseStatus": "declined"},
            ]},
        ]),
    )  # fmt: skip
    def people_change(self, number: int, fields: dict[str, Any]) -> None:
        """A flag, a place, guests and their answers."""
        if event := self.people.pick(number):
            self.people.change(event["id"], **fields)

    @rule(number=numbers)
    def people_rename(self, number: int) -> None:
        """Another title."""
        if event := self.people.pick(number):
            self.people.change(event["id"], summary=self.people.title())

    @rule(number=numbers, day=days, hour=hours, zone=zones, length=st.integers(1, 30))
    def people_move(self, number: int, day: int, hour: int, zone: str, length: int) -> None:
        """Another time, of singles, exceptions and series."""
        event = self.people.pick(number)
        if event is None:
            return
        start = self.people.when(day, hour, zone)
        if "dateTime" in event["start"]:
            end = start + timedelta(hours=length)
            self.people.move_times(event["id"], start, end)
        else:
            on = start.date()
            self.people.move_times(event["id"], on, on + timedelta(days=length))

    @rule(number=numbers, day=days)
    def people_switch_kind(self, number: int, day: int) -> None:
        """A meeting takes all day."""
        event = self.people.pick(number, lambda e: "recurrence" not in e)
        if event:
            on = self.people.today + timedelta(days=day)
            self.people.move_times(event["id"], on, on + timedelta(days=1))

    @rule(number=numbers)
    def people_cancel(self, number: int) -> None:
        """A meeting or a whole series is deleted."""
        if event := self.people.pick(number):
            chosen = event["id"]
            self.people.everywhere(
                chosen, lambda who, where: who.cancel_event(chosen, calendar_id=where)
            )

    @rule(number=numbers, which=numbers)
    def people_stay_away(self, number: int, which: int) -> None:
        """One calendar drops what others show."""
        plain = self.people.plain()
        shared = self.people.pick(number, lambda e: len(plain.places(e["id"])) > 1)
        if shared:
            places = plain.places(shared["id"])
            where = places[which % len(places)]
            owner = self.people.owners[where]
            self.people.attempt(lambda: owner.cancel_event(shared["id"], calendar_id=where))

    @rule(number=numbers, which=numbers)
    def people_cancel_instance(self, number: int, which: int) -> None:
        """One of a series does not take place."""
        if instances := self.people.instances(number):
            chosen = instances[which % len(instances)]["id"]
            self.people.everywhere(
                chosen, lambda who, where: who.cancel_event(chosen, calendar_id=where)
            )

    @rule(number=numbers, which=numbers, shift=st.integers(-50, 50), zone=zones)
    def people_move_instance(self, number: int, which: int, shift: int, zone: str) -> None:
        """One of a series takes place at another time."""
        instances = [e for e in self.people.instances(number) if "dateTime" in e["start"]]
        if instances:
            chosen = instances[which % len(instances)]
            start = datetime.fromisoformat(chosen["start"]["dateTime"])
            start = self.people.in_zone(start + timedelta(hours=shift), zone)
            self.people.move_times(chosen["id"], start, start + timedelta(hours=2))

    @rule(number=numbers, which=numbers)
    def people_rename_instance(self, number: int, which: int) -> None:
        """One of a series has another title."""
        if instances := self.people.instances(number):
            chosen = instances[which % len(instances)]["id"]
            self.people.change(chosen, summary=self.people.title())

    @rule(number=numbers, which=numbers, shift=st.integers(-5, 5))
    def people_split(self, number: int, which: int, shift: int) -> None:
        """This one and the following ones."""
        self.people.split(number, which, shift)

    @rule(number=numbers, rules=rules)
    def people_change_rules(self, number: int, rules: int) -> None:
        """A series repeats otherwise."""
        plain = self.people.plain()
        event = self.people.pick(
            number, lambda e: "recurringEventId" not in e and not plain.has_past(e)
        )
        if event:
            start = self.people.start_of(event)
            self.people.change(event["id"], recurrence=self.people.rule(rules, start))

    @rule(number=numbers)
    def people_end_series(self, number: int) -> None:
        """A series that is a single meeting after all."""
        plain = self.people.plain()
        event = self.people.pick(number, lambda e: "recurrence" in e and not plain.has_past(e))
        if event:
            self.people.change(event["id"], recurrence=None)

    @rule(number=numbers, where=calendars)
    def people_move_to_calendar(self, number: int, where: int) -> None:
        """Another calendar organises it."""
        self.people.to_calendar(number, where)

    @rule(number=numbers)
    def people_restore(self, number: int) -> None:
        """Out of the trash."""
        self.people.restore(number)

    # --- The registry -------------------------------------------------------------------------
    def _registered(self, number: int) -> MirroredCalendar | None:
        rows = list(MirroredCalendar.objects.order_by("pk"))
        return rows[number % len(rows)] if rows else None

    @rule(
        where=calendars,
        who=st.integers(0, 1),
        visibility=st.sampled_from(["full", "full", "busy"]),
        fatal=fatal,
    )
    def register(self, where: int, who: int, visibility: str, fatal: int) -> None:
        """Another calendar is mirrored; the one they share perhaps in Bob's name."""
        calendar = self.people.calendars[where]
        subject = calendar if calendar in {ANA, BOB} else [ANA, BOB][who]
        name = "primary" if calendar in {ANA, BOB} else calendar
        body = {"calendar_id": name, "subject": subject, "visibility": visibility}
        self.desk.ask("post", CALENDARS, body, fatal=fatal)

    @rule(number=numbers, fatal=fatal)
    def take_off(self, number: int, fatal: int) -> None:
        """A calendar is not mirrored any more."""
        if row := self._registered(number):
            self.desk.ask("delete", f"{CALENDARS}/{row.pk}", fatal=fatal)

    @rule(number=numbers, visibility=st.sampled_from(["full", "busy"]), fatal=fatal)
    def keep(self, number: int, visibility: str, fatal: int) -> None:
        """More or less of a calendar is kept."""
        if row := self._registered(number):
            body = {"visibility": visibility}
            self.desk.ask("patch", f"{CALENDARS}/{row.pk}", body, fatal=fatal)

    # --- Meetings through the API -------------------------------------------------------------
    def _named(self, number: int) -> str | None:
        """A meeting, series or occurrence here that only one calendar shows."""
        slots = EventOccurrence.objects.shown().taking_place().select_related("event")
        plain = self.people.plain()
        rows = [
            row
            for row in slots.order_by("start_time", "pk")[:60]
            if len(plain.series_place(row.event.google_event_id)) < 2
        ]
        if not rows:
            return None
        row = rows[number % len(rows)]
        if not row.event.recurrence or number % 2:
            return str(row.event.pk)
        pattern = "%Y%m%d" if row.event.all_day else "%Y%m%dT%H%M%SZ"
        return f"{row.event.google_event_id}_{row.original_start_time:{pattern}}"

    @rule(
        number=numbers,
        day=days,
        hour=hours,
        zone=zones,
        rules=st.one_of(st.none(), rules),
        fatal=fatal,
    )
    def api_create(
        self, number: int, day: int, hour: int, zone: str, rules: int | None, fatal: int
    ) -> None:
        """POST, and once more with the same key where no answer came."""
        row = self._registered(number)
        if row is None:
            return
        start = self.people.when(day, hour, zone)
        title = self.people.title()
        body = {
            "summary": title,
            "start_time": start.isoformat(),
            "end_time": (start + timedelta(hours=1)).isoformat(),
            "time_zone": zone,
            "calendar_id": self.desk.google_id(row),
            "attendees": GUESTS[:1],
            "create_meet_link": False,
        }
        if rules is not None:
            body["recurrence"] = self.people.rule(rules, start)
        self.asked += 1
        headers = {"Idempotency-Key": f"life-{self.asked}"}
        for deadly in (fatal, 0):
            if self.desk.ask("post", EVENTS, body, fatal=deadly, **headers):
                break
        assert self.people.plain().titled(title) <= 1

    @rule(number=numbers, fatal=fatal)
    def api_rename(self, number: int, fatal: int) -> None:
        """PATCH of a text and of the guests."""
        if name := self._named(number):
            body = {"summary": self.people.title(), "add_attendees": GUESTS[1:]}
            self.desk.ask("patch", f"{EVENTS}/{name}", body, fatal=fatal)

    @rule(number=numbers, day=days, hour=hours, zone=zones, fatal=fatal)
    def api_move(self, number: int, day: int, hour: int, zone: str, fatal: int) -> None:
        """PATCH of the times."""
        if name := self._named(number):
            start = self.people.when(day, hour, zone)
            end = start + timedelta(hours=3)
            body = {"start_time": start.isoformat(), "end_time": end.isoformat()}
            body |= {"time_zone": zone, "all_day": "false"}
            self.desk.ask("patch", f"{EVENTS}/{name}", body, fatal=fatal)

    @rule(number=numbers, scope=st.sampled_from(["", "?scope=all"]), fatal=fatal)
    def api_cancel(self, number: int, scope: str, fatal: int) -> None:
        """DELETE of a meeting, an occurrence or a series."""
        if name := self._named(number):
            self.desk.ask("delete", f"{EVENTS}/{name}{scope}", fatal=fatal)

    # --- Workers, and what goes wrong ---------------------------------------------------------
    @rule(number=numbers, fatal=fatal)
    def work(self, number: int, fatal: int) -> None:
        """A worker does something, to its end or its death."""
        self.desk.work(number, fatal)

    @rule(number=numbers, fatal=fatal)
    def work_more(self, number: int, fatal: int) -> None:
        """Workers have most of the day."""
        for each in range(3):
            self.desk.work(number + each, fatal if each == 2 else 0)

    @rule(number=numbers, twice=st.booleans())
    def push(self, number: int, twice: bool) -> None:
        """A message arrives, perhaps doubled; most are lost."""
        for _ in range(1 + twice):
            self.desk.push(number)

    @rule()
    def poll(self) -> None:
        """The clock asks."""
        self.desk.poll()

    @rule()
    def expire_tokens(self) -> None:
        """Google refuses every sync token it gave."""
        self.sandbox.google.expire_tokens()

    @rule()
    def forget_place(self) -> None:
        """Google refuses tokens of its pages."""
        rows = MirroredCalendar.objects.exclude(full_sync_page_token=None)
        rows.update(full_sync_page_token="nonsense")
        CalendarSyncState.objects.exclude(sync_token=None).update(sync_token="nonsense")

    @rule(fault=faults, method=methods, skip=st.integers(0, 3))
    def fail(self, fault: dict[str, Any], method: str, skip: int) -> None:
        """Google answers badly, or its answer is lost; perhaps in the middle of a list."""
        self.sandbox.google.faults.plan({**fault, "method": method, "skip": skip})

    @rule(
        number=numbers,
        answers=st.integers(0, 4),
        deed=st.sampled_from(["create", "cancel", "rename", "instance", "expire"]),
        fatal=fatal,
    )
    def busy_hour(self, number: int, answers: int, deed: str, fatal: int) -> None:
        """Somebody edits while a worker reads; every message arrives, and nobody polls."""
        self.desk.settle()
        self.desk.push()
        deeds = {
            "create": lambda: self.people_create(number, number, 8, ZONES[1]),
            "cancel": lambda: self.people_cancel(number),
            "rename": lambda: self.people_rename(number),
            "instance": lambda: self.people_cancel_instance(number, number),
            "expire": self.sandbox.google.expire_tokens,
        }

        def happen() -> None:
            deeds[deed]()
            self.desk.push()

        self.desk.calendar_steps.meanwhile = (answers, happen)
        for each in range(3):
            self.desk.work(number + each, fatal if each == 0 else 0)
        self.desk.calendar_steps.meanwhile = None
        self.desk.let_leases_end()
        self.desk.work_all()
        self.desk.check()

    @rule(number=numbers, day=days, fatal=st.integers(1, 60))
    def die_in_the_middle(self, number: int, day: int, fatal: int) -> None:
        """A worker dies of a delta: all of it is seen, or nothing and the cursor is the old one."""
        self.desk.settle()
        row = self._registered(number)
        if row is None:
            return
        before, cursor = appearing(row), cursor_of(row)
        self.people_create(number, day, 8, ZONES[1])
        self.people_rename(number)
        self.people_cancel(number + 1)
        after = self.people.plain().etags(self.desk.google_id(row))
        MirroredCalendar.objects.request(row.pk)
        self.desk.steps.run(lambda: sync_calendar(row.pk), fatal)
        self.desk.follow_commits()
        shown = appearing(row)
        assert shown in (before, after), (differences(shown, before), differences(shown, after))
        assert shown == after or cursor_of(row) == cursor, "the cursor is ahead of the meetings"

    @rule()
    def unroll_further(self) -> None:
        """A day has passed."""
        extend_occurrences()

    @rule(fatal=fatal)
    def archive(self, fatal: int) -> None:
        """What is long over is put away."""
        self.desk.steps.run(archive_events, fatal)

    @rule()
    @precondition(lambda self: self.people.count > 4)
    def look(self) -> None:
        """The dust settles in the middle of it all, too."""
        self.desk.settle()
        self.desk.check()


def cursor_of(row: MirroredCalendar) -> str | None:
    """Where the next delta begins."""
    return CalendarSyncState.objects.active().get(mirrored_calendar=row).sync_token


@pytest.fixture
def busy_google(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, clock: object
) -> Iterator[None]:
    """A sandbox, and the patience of a test."""
    settings.CALENDAR_EVENT_RETENTION_DAYS = 30
    with busy_sandbox(settings, monkeypatch) as server:
        CalendarLife.sandbox = server
        yield


@pytest.mark.django_db
@pytest.mark.timeout(14_400)
# The dead close no files.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_g8_the_mirror_ends_as_google_calendar_is(
    busy_google: None, tell: Callable[[Figure], None]
) -> None:
    live(CalendarLife, NAME)

    tell(Figure("lives", CalendarLife.lives, at_least=int(os.environ.get(f"{NAME}_RUNS", "1"))))
    tell(Figure("steps of all lives", CalendarLife.steps, at_least=20 * CalendarLife.lives))
