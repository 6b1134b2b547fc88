"""Words in meetings: the same on both databases, from an index on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from gcalendar.models import EventOccurrence
from tests.factories.gcalendar import START, AppearanceFactory, CalendarFactory, OccurrenceFactory
from tests.gcalendar.test_views import meeting, titles

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("reuniao", {"Reunião"}),
        ("REUNIÃO", {"Reunião"}),
        ("acoes orçamento", {"Reunião"}),
        ("orçamento ações", {"Reunião"}),
        ("Müller", {"Visit"}),
        ("muller", {"Visit"}),
        ("ana@pipedesk", {"Visit"}),
        ("o'brien", {"Visit"}),
        ("12.50", {"Visit"}),
        ("São Paulo", {"Visit"}),
        ("reunião müller", set()),
        ("100%", {"Percent"}),
        ("_", set()),
        ("%", set()),
        ("' & !", set()),
        ("\\", set()),
        ("zz:* | qq", set()),
        ("o’brien", {"Visit"}),
        ("встреча", {"Встреча"}),
    ],
)
def test_words_are_found_without_case_accents_and_punctuation(
    api: Clients, words: str, found: set[str]
) -> None:
    meeting(summary="Reunião", description="Orçamento, ações & metas")
    meeting(summary="Visit", description="Müller; ana@pipedesk.example O'Brien 12.50",
            location="São Paulo")  # fmt: skip
    meeting(summary="Percent", description="100 of them")
    meeting(summary="Встреча")

    assert set(titles(api("admin"), q=words)) == found


def test_the_beginning_of_a_word_is_enough(api: Clients) -> None:
    meeting(summary="Quarterly planning")
    assert titles(api("admin"), q="plan quart") == ["Quarterly planning"]


def test_a_text_of_any_length_can_be_stored(api: Clients) -> None:
    meeting(summary="long", description=" ".join(f"word{n}" for n in range(300_000)))
    assert titles(api("admin"), q="word77") == ["long"]


def test_a_search_takes_the_same_statements_for_many(
    api: Clients, django_assert_num_queries: Any
) -> None:
    for number in range(30):
        meeting(summary=f"Planning {number}")
    client = api("manager")
    client.get("/api/me")
    # The caller with the role; the count, the page, its links, the freshness.
    with django_assert_num_queries(5):
        assert len(titles(client, q="planning", limit=100)) == 30


def test_postgresql_finds_words_by_the_index(is_postgres: bool) -> None:
    if not is_postgres:
        pytest.skip("SQLite looks through the rows")
    calendar = CalendarFactory()
    for number in range(1500):
        event = AppearanceFactory(
            mirrored_calendar=calendar, event__summary=f"Word{number} meeting"
        ).event
        OccurrenceFactory(event=event, start_time=START + timedelta(hours=number))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE calendar_events")
        cursor.execute("ANALYZE calendar_event_occurrences")
    rows = EventOccurrence.objects.shown().taking_place().mentioning("word77")

    assert "idx_calendar_events_words" in rows.explain()
    assert rows.count() == 11  # 77 and 770 to 779
