"""Rows written by COPY are what bulk_create would have written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from gcalendar.models import CalendarEvent, EventOccurrence, RecurrenceRule
from pipedesk.core.inserting import insert

pytestmark = pytest.mark.django_db

ODD = [
    None, "", "plain", "\\N", "\\", "\\.", "a\tb\nc\r\nd", "{x,\"y\"}", "Reunião ☕", "%s",
    "\u2028\x01\x7f",
]  # fmt: skip


def event(number: int, **fields: Any) -> CalendarEvent:
    return CalendarEvent(google_event_id=f"event{number}", **fields)


def everything(rows: list[CalendarEvent]) -> list[dict[str, Any]]:
    names = [f.attname for f in CalendarEvent._meta.concrete_fields]
    kept = CalendarEvent.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
    skipped = {"id", "google_event_id", "created_at", "updated_at"}
    return [{k: v for k, v in row.items() if k not in skipped} for row in kept.values(*names)]


def odd_events(first: int) -> list[CalendarEvent]:
    return [
        event(
            first + number,
            summary=text,
            description=text,
            attendees=[{"email": text, "n": 1.5, "deep": {"a": [None, True]}}],
            recurrence=[text] if text else None,
            raw={"text": text},
            start_time=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
            start_date=date(2026, 1, 2),
            all_day=bool(number % 2),
        )
        for number, text in enumerate(ODD)
    ]


def test_every_text_number_and_time_arrives_as_by_bulk_create() -> None:
    quick, usual = odd_events(0), odd_events(100)

    insert(quick)
    CalendarEvent.objects.bulk_create(usual)

    assert everything(quick) == everything(usual)
    assert [row["summary"] for row in everything(quick)] == ODD


def test_the_rows_have_their_keys_and_can_be_changed_and_pointed_at() -> None:
    made = [event(1), event(2)]
    insert(made)
    insert([RecurrenceRule(event=made[1], position=0, rule="RRULE:FREQ=DAILY")])

    made[0].summary = "changed"
    made[0].save()

    assert CalendarEvent.objects.get(google_event_id="event1").summary == "changed"
    assert RecurrenceRule.objects.get().event == made[1]
    assert CalendarEvent.objects.create(google_event_id="event3").pk > made[1].pk


def test_what_the_table_forbids_is_said_as_ever() -> None:
    insert([event(1)])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert([event(2), event(1)])
    late, early = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    backwards = EventOccurrence(
        event=CalendarEvent.objects.get(), original_start_time=late, start_time=late, end_time=early
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        insert([backwards])

    assert CalendarEvent.objects.count() == 1


def test_nothing_to_insert_asks_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        insert([])


def test_what_cannot_be_written_is_not_guessed() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("bulk_create decides")
    with pytest.raises(TypeError, match="a set cannot be written"):
        insert([event(1, summary={"a", "set"})])
