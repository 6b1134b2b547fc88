"""The product's side of a life: its workers, its API, the registry, and what must be true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from gcalendar import client
from gcalendar.models import (
    ArchivedAppearance,
    ArchivedOccurrence,
    CalendarEvent,
    EventAppearance,
    EventOccurrence,
    MirroredCalendar,
)
from gcalendar.tasks import poll_calendars
from pipedesk.sandbox.google import Google
from tests.dying import DyingProcess
from tests.gcalendar.calendar_life.plain_calendar import Identity, PlainCalendar, PlainSlot
from tests.living import ROUNDS, Desk, differences

# A little less than 18 months: the window moves on while a test runs.
WINDOW = timedelta(days=546)


class Steps(DyingProcess):
    """Steps around every call to Calendar, every transaction and every statement.

    `meanwhile` is done once, after so many answers of Google's: what people do while a worker
    works. `passed_over`: how statements begin that are no steps.
    """

    passed_over: tuple[str, ...] = ("SAVEPOINT", "RELEASE", "ROLLBACK")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *callers: ModuleType) -> None:
        super().__init__(monkeypatch, client, *callers)
        self.meanwhile: tuple[int, Callable[[], object]] | None = None

    def dying(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, after which the world may have moved on."""
        dying_call = super().dying(call)

        def watched_call(*args: Any, **options: Any) -> Any:
            answer = dying_call(*args, **options)
            if self.meanwhile is not None:
                left, deed = self.meanwhile
                self.meanwhile = (left - 1, deed) if left else None
                if not left:
                    # Another process does that: it takes none of this one's steps.
                    steps = self.fatal, self.taken
                    self.fatal = 0
                    deed()
                    self.fatal, self.taken = steps
            return answer

        return watched_call

    def run(self, work: Callable[[], Any], fatal: int) -> bool:
        """Run `work`, dying at step `fatal`; whether it lived to its end."""

        def statement(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
            if not sql.startswith(self.passed_over):
                self.step()
            return execute(sql, *args)

        with connection.execute_wrapper(statement):
            return super().run(work, fatal)


class CalendarDesk(Desk):
    """Everything that works on meetings, and people at the API."""

    def __init__(self, google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calendar_steps = Steps(monkeypatch)
        super().__init__(google, self.calendar_steps, "gcalendar", "admin")

    def plain(self) -> PlainCalendar:
        """The calendars as they are now."""
        return PlainCalendar(self.google)

    def poll(self) -> None:
        """The clock asks for every calendar."""
        MirroredCalendar.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
        poll_calendars()

    def push(self, number: int | None = None) -> None:
        """A message of Google's arrives, for one calendar or for all."""
        rows = list(MirroredCalendar.objects.order_by("pk").values_list("pk", flat=True))
        for pk in rows if number is None else [rows[number % len(rows)]] if rows else []:
            MirroredCalendar.objects.request(pk)

    def work_all(self) -> None:
        """Workers do what is asked for, and nobody asks for anything."""
        for _round in range(ROUNDS):
            if not (rows := self.behind()):
                return
            self.work_off(rows)
        raise AssertionError("it never ends: " + str(self.behind()))

    def google_id(self, row: MirroredCalendar) -> str:
        """The id behind `primary`."""
        return row.subject if row.calendar_id == "primary" else row.calendar_id

    def check(self) -> None:
        """The mirror is what Google is: every occurrence once, and no failed work."""
        plain = self.plain()
        registered = list(MirroredCalendar.objects.order_by("pk"))
        for row in registered:
            assert (row.state, row.dead_at, row.last_error, row.remedy) == ("ok", None, "", "")
            shown, wanted = appearing(row), plain.etags(self.google_id(row))
            assert shown == wanted, (str(row), differences(shown, wanted))
        assert not CalendarEvent.objects.exclude(parse_error="").exists()
        now = timezone.now()
        wanted_slots = plain.slots(
            [(self.google_id(row), row.visibility == "busy") for row in registered],
            now - WINDOW,
            now + WINDOW,
        )
        shown_slots = mirrored(now - WINDOW, now + WINDOW)
        assert shown_slots == wanted_slots, differences(shown_slots, wanted_slots)


def appearing(row: MirroredCalendar) -> dict[str, str | None]:
    """What a calendar shows, live and archived, with Google's etags."""
    found: dict[str, str | None] = {}
    for model in (EventAppearance, ArchivedAppearance):
        rows = model._default_manager.filter(mirrored_calendar=row).exclude(status="cancelled")
        found.update(rows.values_list("google_event_id", "etag"))
    return found


def mirrored(since: datetime, until: datetime) -> dict[Identity, PlainSlot]:
    """Every occurrence the mirror shows, live and archived; one that is there twice is a fault."""
    slots: list[tuple[Identity, PlainSlot]] = []
    for model in (EventOccurrence, ArchivedOccurrence):
        rows = (
            model.objects.shown().taking_place().filter(start_time__gt=since, start_time__lt=until)
        )
        for row in rows.select_related("event"):
            event = row.event
            original = row.original_start_time if event.recurrence else event.original_start_time
            guests = event.attendees or ()
            slot = PlainSlot(
                starts_at=row.start_time.astimezone(UTC),
                ends_at=row.end_time.astimezone(UTC),
                dates=(row.start_date, row.end_date) if row.start_date else None,
                title=event.summary,
                guests=frozenset((g["email"], g.get("responseStatus")) for g in guests),
                is_private=event.private,
                is_free=event.transparent,
            )
            slots.append(((event.ical_uid, original and original.astimezone(UTC)), slot))
    doubled = [key for key, count in Counter(key for key, _ in slots).items() if count > 1]
    assert doubled == []
    return dict(slots)
