"""What to do next: each rule at its very edge, in SQL and against the contract's own words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm import next_action
from crm.models import Lead
from crm.sales_view import stored_rows
from tests.factories.crm import (
    CompanyFactory,
    DealFactory,
    LeadActivityStatsFactory,
    LeadFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
SILENT_4 = {"last_interaction_at": NOW - 4 * DAY}


def of(lead: dict[str, Any], stats: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """(rule, row) of a lead with these values, as the work list sees it."""
    row = LeadFactory(**lead)
    if stats is not None:
        LeadActivityStatsFactory(lead=row, **stats)
    stored = stored_rows(Lead.objects.filter(pk=row.pk), NOW).get()
    return stored["rule"], stored


@pytest.mark.parametrize(
    ("expected", "lead", "stats"),
    [
        # 1: a meeting lies ahead.
        (1, {}, {"next_event_at": NOW + TICK}),
        (2, {}, {"next_event_at": NOW}),
        # 2: at most 3 days ago, nothing since; a planned one that lies behind was held.
        (2, {}, {"last_event_at": NOW - 3 * DAY}),
        (3, {}, {"last_event_at": NOW - 3 * DAY - TICK}),
        (2, {"last_interaction_at": NOW - DAY}, {"last_event_at": NOW - DAY}),
        (12, {"last_interaction_at": NOW - DAY + TICK}, {"last_event_at": NOW - DAY}),
        (2, SILENT_4, {"next_event_at": NOW - DAY, "last_event_at": NOW - 9 * DAY}),
        # 3: no interaction at all.
        (3, {}, None),
        (3, {}, {"engagement_score": 100}),
        # 5 and 6: engagement.
        (5, SILENT_4, {"engagement_score": 70}),
        (6, SILENT_4, {"engagement_score": 69}),
        (6, SILENT_4, {"engagement_score": 50}),
        (8, SILENT_4, {"engagement_score": 49}),
        # 7: the last call.
        (7, SILENT_4, {"last_call_at": NOW - 7 * DAY}),
        (12, SILENT_4, {"last_call_at": NOW - 7 * DAY - TICK}),
        # 8: engagement, and no asset for 14 days.
        (8, SILENT_4, {"engagement_score": 40}),
        (12, SILENT_4, {"engagement_score": 39}),
        (8, SILENT_4, {"engagement_score": 40, "last_value_asset_at": NOW - 14 * DAY}),
        (12, SILENT_4, {"engagement_score": 40, "last_value_asset_at": NOW - 14 * DAY + TICK}),
        # 9, 10, 11, 12: silence.
        (12, {"last_interaction_at": NOW - 5 * DAY + TICK}, None),
        (9, {"last_interaction_at": NOW - 5 * DAY}, None),
        (9, {"last_interaction_at": NOW - 30 * DAY + TICK}, None),
        (10, {"last_interaction_at": NOW - 30 * DAY}, None),
        (10, {"last_interaction_at": NOW - 60 * DAY + TICK}, None),
        (11, {"last_interaction_at": NOW - 60 * DAY}, None),
        (11, {"last_interaction_at": NOW - 60 * DAY}, {"engagement_score": 39}),
        (
            9,
            {"last_interaction_at": NOW - 60 * DAY},
            {"engagement_score": 40, "last_value_asset_at": NOW},
        ),
        (9, {"last_interaction_at": NOW - 60 * DAY, "disqualified_at": NOW}, None),
        (12, {"last_interaction_at": NOW + DAY}, None),
    ],
)
def test_the_first_rule_that_holds_wins(
    expected: int, lead: dict[str, Any], stats: dict[str, Any] | None
) -> None:
    assert of(lead, stats)[0] == expected


@pytest.mark.parametrize(
    ("expected", "company", "deal", "disqualified", "engagement"),
    [
        (4, True, False, False, 0),
        (4, True, False, False, 100),
        (9, True, True, False, 0),
        (9, True, False, True, 0),
        (6, True, True, False, 70),
        (5, False, True, False, 70),
        (9, False, True, False, 0),
        (11, False, False, False, 0),
        (5, False, False, True, 70),
    ],
)
def test_company_and_deal_decide_about_the_handoff(
    expected: int, company: bool, deal: bool, disqualified: bool, engagement: int
) -> None:
    lead = {
        "last_interaction_at": NOW - 90 * DAY,
        "qualified_company": CompanyFactory() if company else None,
        "qualified_master_deal": DealFactory() if deal else None,
        "disqualified_at": NOW if disqualified else None,
    }
    assert of(lead, {"engagement_score": engagement})[0] == expected


@pytest.mark.parametrize(
    ("lead", "stats", "due_at"),
    [
        ({}, {"next_event_at": NOW + DAY}, NOW + DAY),
        ({}, {"last_event_at": NOW - DAY}, NOW + 2 * DAY),
        ({}, None, None),
        (SILENT_4, {"last_call_at": NOW - DAY}, NOW + 6 * DAY),
        (SILENT_4, {"engagement_score": 40}, None),
        ({"last_interaction_at": NOW - 6 * DAY}, None, NOW - DAY),
    ],
)
def test_people_are_told_what_why_and_until_when(
    lead: dict[str, Any], stats: dict[str, Any] | None, due_at: datetime | None
) -> None:
    number, row = of(lead, stats)
    told = next_action.describe(number, row)
    assert told.code == next_action.CODES[number]
    assert told.label == str(next_action.LABELS[told.code])
    assert told.reason
    assert told.due_at == due_at


def test_both_follow_up_rules_have_one_code() -> None:
    assert next_action.rules_of(["send_follow_up", "disqualify"]) == [9, 11, 12]


def test_labels_are_portuguese() -> None:
    assert str(next_action.LABELS["call_first_time"]) == "Fazer primeira ligação"
