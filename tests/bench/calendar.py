"""The mirror of a large calendar: `python -m tests.bench calendar --full`.

Full sync, once more with nothing changed, ten changes, and a range of the calendar page; each
on a small calendar and on a large one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from time import thread_time
from typing import Any

import requests
from django.db import connection
from django.test.utils import override_settings

from gcalendar.client import EVENTS_QUERY
from gcalendar.models import CalendarEvent, MirroredCalendar
from gcalendar.sync import forget_cursor, sync
from pipedesk.core.performing import perform
from pipedesk.google.service import close_services
from pipedesk.sandbox.identity import DEFAULT_USER
from tests.bench.asking import list_of
from tests.bench.costs import Cost, cost, forget_peak, mean_of, peak_mb, scans, typical
from tests.bench.google import EVERY, FIRST, filled_google
from tests.bench.running import Bench
from tests.figures import Figure

EVENTS = "calendar/v3/calendars/primary/events"
CHANGES = 10
PAGE = 100
TABLES = ("calendar_events", "calendar_event_occurrences", "calendar_event_appearances")


@dataclass
class Measured:
    """What a calendar of one size cost."""

    events: int
    calls: int
    first: Cost
    again: Cost
    delta: Cost
    page: Cost
    floor: Cost
    peak_mb: float
    loads_s: float
    scans: int


def measure(events: int, small: int, rounds: int) -> Iterable[Figure]:
    """Figures of a calendar of `events`, beside one of `small`."""
    few, many = (_measured(size, rounds) for size in (small, events))
    assert (few.events, many.events) == (small, events)
    yield from _of_full_sync(few, many)
    yield Figure(f"{CHANGES} changes", 1000 * many.delta.seconds, "ms")
    yield Figure(f"{CHANGES} changes, statements", many.delta.statements, "")
    yield Figure(
        f"{CHANGES} changes, statements, against {small:,} events",
        many.delta.statements / few.delta.statements, "×", at_most=1,
    )  # fmt: skip
    yield Figure(
        f"{CHANGES} changes, CPU, against {small:,} events",
        many.delta.both_s / few.delta.both_s, "×", at_most=1.1,
    )  # fmt: skip
    yield Figure("range", 1000 * many.page.seconds, "ms")
    yield Figure("range, statements", many.page.statements)
    yield Figure("range, whole tables read", many.scans, at_most=0)
    yield Figure(
        f"range, CPU, against {small:,} events", many.page.both_s / few.page.both_s, "×",
        at_most=1.3,
    )  # fmt: skip
    yield Figure(
        "range, CPU, against SQL by hand", many.page.both_s / many.floor.both_s, "×", at_most=2
    )


def _of_full_sync(few: Measured, many: Measured) -> Iterable[Figure]:
    events = many.events
    limit = 4 if connection.vendor == "postgresql" else 6
    yield Figure(f"full sync of {events:,}", events / many.first.seconds, "events/s", at_least=500)
    yield Figure("full sync, list calls", many.calls)
    yield Figure("full sync, statements per event", many.first.statements / events)
    yield Figure("full sync, ours", 1e6 * many.first.cpu_s / events, "µs CPU/event")
    yield Figure("full sync, database", 1e6 * many.first.database_s / events, "µs CPU/event")
    yield Figure("json.loads of its pages", 1e6 * many.loads_s / events, "µs CPU/event")
    yield Figure(
        "full sync, CPU, against json.loads", many.first.both_s / many.loads_s, "×", at_most=limit
    )
    yield Figure("unchanged full sync, ours", 1e6 * many.again.cpu_s / events, "µs CPU/event")
    yield Figure(
        "unchanged full sync, database", 1e6 * many.again.database_s / events, "µs CPU/event"
    )
    yield Figure(
        "unchanged full sync, CPU, against json.loads", many.again.both_s / many.loads_s, "×",
        at_most=limit,
    )  # fmt: skip
    yield Figure("peak memory", many.peak_mb, "MB")
    yield Figure(
        f"peak memory, against {few.events:,} events", many.peak_mb / few.peak_mb, "×",
        at_most=1.5,
    )  # fmt: skip


def _measured(events: int, rounds: int) -> Measured:
    MirroredCalendar.objects.all().delete()
    CalendarEvent.objects.all().delete()
    with filled_google(events) as google, override_settings(GOOGLE_API_ROOT_URL=google.root_url):
        try:
            return _with_google(google.root_url, rounds)
        finally:
            close_services()


def _with_google(root_url: str, rounds: int) -> Measured:
    calendar = MirroredCalendar.objects.create(calendar_id="primary", subject=DEFAULT_USER)
    forget_peak()
    with cost() as first:
        sync_to_the_end(calendar)
    peak = peak_mb()
    calls = requests.get(f"{root_url}_sandbox/requests", timeout=60).json()["calendar.events.list"]
    _analyze()
    with cost() as again:
        forget_cursor(calendar)
        sync_to_the_end(calendar)
    deltas = []
    ids = list(CalendarEvent.objects.values_list("google_event_id", flat=True)[: rounds * CHANGES])
    for number in range(rounds):
        for google_id in ids[number * CHANGES : (number + 1) * CHANGES]:
            url = f"{root_url}{EVENTS}/{google_id}"
            requests.patch(url, json={"summary": f"Changed {number}"}, timeout=60)
        with cost() as delta:
            sync_to_the_end(calendar)
        deltas.append(delta)
    page = _page()
    assert page()["data"]
    return Measured(
        CalendarEvent.objects.count(),
        calls,
        first,
        again,
        mean_of(deltas),
        typical(page, rounds, times=20),
        typical(partial(_floor, *_bounds()), rounds, times=20),
        peak,
        _loads_s(root_url),
        len(scans(page, *TABLES)),
    )


def sync_to_the_end(calendar: MirroredCalendar) -> None:
    """What workers would do until the calendar is up to date."""
    MirroredCalendar.objects.request(calendar.pk)
    calendar.refresh_from_db()
    while calendar.applied < calendar.requested:
        assert perform(MirroredCalendar, calendar.pk, sync), calendar.last_error
        calendar.refresh_from_db()
    assert calendar.state == MirroredCalendar.State.OK, calendar.last_error


def _analyze() -> None:
    """Statistics for the planner, as autovacuum brings them."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _bounds() -> tuple[str, str]:
    """Amid all events, so that as many lie before as after."""
    since = FIRST + EVERY * (CalendarEvent.objects.count() // 2)
    return since.isoformat(), (since + EVERY * PAGE * 1.5).isoformat()


def _page() -> Callable[[], Any]:
    """Asks for a page of the calendar, as a manager does."""
    since, until = _bounds()
    query = {"timeMin": since, "timeMax": until, "limit": str(PAGE)}
    return list_of("/api/calendar/events", query)


def _floor(since: str, until: str) -> None:
    """The same rows by hand: two statements and a dump, no framework."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id, e.google_event_id, e.calendar_id, e.ical_uid, e.summary, e.description,"
            " e.location, o.start_time, o.end_time, e.all_day, o.start_date, o.end_date,"
            " e.time_zone, e.status, e.meet_link, e.html_link, e.organizer_email, e.attendees,"
            " e.recurrence, e.recurring_event_id, e.original_start_time, e.created_at, e.updated_at"
            " FROM calendar_event_occurrences o JOIN calendar_events e ON e.id = o.event_id"
            " WHERE o.end_time > %s AND o.start_time < %s AND e.status <> 'cancelled'"
            " AND e.source_id IS NOT NULL ORDER BY o.start_time, o.id LIMIT %s",
            [since, until, PAGE],
        )
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for row in rows:
            row["attendees"] = json.loads(row["attendees"] or "[]")
        emails = sorted({guest["email"] for row in rows for guest in row["attendees"]})
        marks = ",".join(["%s"] * len(emails))
        cursor.execute(f"SELECT id, email FROM contacts WHERE lower(email) IN ({marks})", emails)  # noqa: S608
        cursor.fetchall()
    json.dumps(rows, default=str)


def _loads_s(root_url: str) -> float:
    """Processor time of reading the JSON of every page, and of nothing else."""
    spent, token = 0.0, None
    while True:
        query = {**EVENTS_QUERY, "singleEvents": "false"} | ({"pageToken": token} if token else {})
        body = requests.get(f"{root_url}{EVENTS}", params=query, timeout=60).content
        started = thread_time()
        token = json.loads(body).get("nextPageToken")
        spent += thread_time() - started
        if not token:
            return spent


BENCH = Bench(
    "A large calendar",
    measure,
    full={"events": 100_000, "small": 1_000, "rounds": 9},
    short={"events": 20_000, "small": 1_000, "rounds": 5},
)
