"""Free/busy over 100,000 meetings: by indexes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gcalendar.busy import calendars_of, diaries
from tests.factories.gcalendar import CalendarFactory

pytestmark = pytest.mark.django_db

PEOPLE, MEETINGS = 50, 100_000
# Five minutes apart for a year; each fifth has a guest who has a calendar here, too.
FILL = """
INSERT INTO calendar_events (google_event_id, calendar_id, status, start_time, end_time, source_id)
SELECT 'e' || n, 'c', 'confirmed', now() - interval '180 days' + n * interval '5 minutes',
    now() - interval '180 days' + n * interval '5 minutes' + interval '1 hour',
    (SELECT min(id) FROM calendars) + n %% %(people)s
FROM generate_series(1, %(meetings)s) n;
INSERT INTO calendar_event_appearances
    (event_id, mirrored_calendar_id, calendar_id, google_event_id, status)
SELECT id, source_id, 'c', google_event_id, status FROM calendar_events;
INSERT INTO calendar_event_occurrences (event_id, original_start_time, start_time, end_time)
SELECT id, start_time, start_time, end_time FROM calendar_events;
INSERT INTO calendar_event_attendees (event_id, email, response_status)
SELECT id, 'p' || id %% %(people)s || '@pipedesk.example', 'accepted' FROM calendar_events
WHERE id %% 5 = 0;
"""


def people(count: int) -> list[str]:
    addresses = [f"p{number}@pipedesk.example" for number in range(count)]
    for address in addresses:
        CalendarFactory(calendar_id=address, google_id=address, as_of=timezone.now())
    return addresses


def test_postgresql_reads_what_it_needs_by_indexes(is_postgres: bool) -> None:
    if not is_postgres:
        pytest.skip("SQLite tells no costs")
    addresses = people(PEOPLE)
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"people": PEOPLE, "meetings": MEETINGS})
        cursor.execute("ANALYZE")

    for count in (1, 5):
        shown, invited = plans(addresses[:count])
        assert "Seq Scan on calendar_event" not in shown + invited, shown + invited
    # Who asks for everybody has the appearances of everybody read, but not all times.
    for plan in plans(addresses):
        assert "Seq Scan on calendar_event_occurrences" not in plan, plan


def plans(addresses: list[str]) -> list[str]:
    """How PostgreSQL finds two weeks of these people: what they show, where they are invited."""
    since = timezone.now() + timedelta(days=1)
    with CaptureQueriesContext(connection) as asked:
        found = diaries(calendars_of(addresses), since, since + timedelta(days=14))
    assert all(diary.busy for diary in found.values())
    _calendars, _first, *statements = [query["sql"] for query in asked]
    explained = []
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + statement)
            explained.append("\n".join(line for (line,) in cursor.fetchall()))
    return explained
