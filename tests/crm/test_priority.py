"""The score of a lead and its parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm import priority
from crm.models import PriorityFormula

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)
QUIET: dict[str, Any] = {
    "status_weight": 0,
    "origin_weight": 0,
    "last_interaction_at": None,
    "meeting_ahead": False,
    "engagement": 0,
    "now": NOW,
}


@pytest.mark.parametrize(
    ("values", "score"),
    [
        ({}, 0),
        ({"status_weight": 18, "origin_weight": 20}, 38),
        ({"last_interaction_at": NOW}, 40),
        ({"last_interaction_at": NOW + DAY}, 40),
        ({"last_interaction_at": NOW - DAY + timedelta(seconds=1)}, 40),
        ({"last_interaction_at": NOW - DAY}, 39),
        ({"last_interaction_at": NOW - 15 * DAY}, 20),
        ({"last_interaction_at": NOW - 30 * DAY}, 0),
        ({"last_interaction_at": NOW - 300 * DAY}, 0),
        ({"meeting_ahead": True}, 25),
        ({"engagement": 50}, 10),
        ({"engagement": 53}, 11),
        ({"engagement": 900}, 20),
        ({"engagement": -5}, 0),
        ({"status_weight": 30, "origin_weight": 20, "last_interaction_at": NOW,
          "meeting_ahead": True, "engagement": 100}, 100),
    ],
)  # fmt: skip
def test_the_parts_add_up_to_the_score(values: dict[str, Any], score: int) -> None:
    parts = priority.parts(PriorityFormula(), **QUIET | values)
    assert priority.score(parts) == score
    assert sum(part.points for part in parts) == score
    assert [part.name for part in parts] == [
        "status",
        "origin",
        "recency",
        "meeting",
        "engagement",
        "clamp",
    ]


@pytest.mark.parametrize(
    ("score", "bucket", "words"),
    [
        (100, "hot", "Alta prioridade"),
        (70, "hot", "Alta prioridade"),
        (69, "warm", "Prioridade média"),
        (40, "warm", "Prioridade média"),
        (39, "cold", "Baixa prioridade"),
        (0, "cold", "Baixa prioridade"),
    ],
)
def test_buckets_and_their_words(score: int, bucket: str, words: str) -> None:
    assert priority.bucket(score) == bucket
    assert priority.description(score) == words
