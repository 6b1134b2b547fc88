"""Logged interactions: kept, counted, in the history, taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from crm import interactions
from crm.models import Interaction, Lead, LeadActivityStats
from pipedesk.audit.models import AuditLog
from tests.factories.crm import LeadActivityStatsFactory, LeadFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Kind = Interaction.Kind


@pytest.fixture(autouse=True)
def _clock() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def test_it_happened_now_unless_told_when() -> None:
    lead = LeadFactory()

    assert interactions.log(lead, Kind.CALL).occurred_at == NOW
    assert interactions.log(lead, Kind.CALL, NOW - HOUR).occurred_at == NOW - HOUR


def test_statistics_and_the_last_interaction_follow_at_once() -> None:
    lead = LeadFactory(old=True)

    interactions.log(lead, Kind.EMAIL, NOW - HOUR, direction="received")

    stats = LeadActivityStats.objects.get(lead=lead)
    assert (stats.engagement_score, stats.total_emails, stats.last_email_at) == (3, 1, NOW - HOUR)
    assert (stats.last_interaction_at, stats.last_interaction_type) == (NOW - HOUR, "email")
    assert stats.computed_at == NOW
    stored = Lead.objects.get(pk=lead.pk)
    assert (stored.last_interaction_at, stored.updated_at) == (NOW - HOUR, lead.updated_at)


@pytest.mark.parametrize("earlier", [timedelta(0), HOUR])
def test_an_earlier_one_moves_no_last_interaction(earlier: timedelta) -> None:
    lead = LeadFactory(last_interaction_at=NOW)
    LeadActivityStatsFactory(lead=lead, last_interaction_at=NOW, last_interaction_type="update")

    interactions.log(lead, Kind.CALL, NOW - earlier)

    stats = LeadActivityStats.objects.get(lead=lead)
    assert Lead.objects.get().last_interaction_at == NOW
    assert (stats.last_interaction_at, stats.last_interaction_type) == (NOW, "update")
    assert stats.last_call_at == NOW - earlier


def test_what_is_taken_back_counts_no_longer_but_the_last_interaction_stays() -> None:
    lead = LeadFactory()
    interactions.log(lead, Kind.CALL, NOW - 3 * HOUR)
    mistake = interactions.log(lead, Kind.VALUE_ASSET, NOW - HOUR)

    interactions.take_back(mistake)

    stats = LeadActivityStats.objects.get(lead=lead)
    assert (stats.total_interactions, stats.engagement_score) == (1, 2)
    assert stats.last_value_asset_at is None
    assert Lead.objects.get().last_interaction_at == NOW - HOUR


def test_the_history_of_the_lead_says_both_without_what_was_left_empty() -> None:
    lead = LeadFactory()
    row = interactions.log(lead, Kind.CALL, NOW - HOUR, note="Busy")
    pk = str(row.pk)
    interactions.take_back(row)

    logged, removed = AuditLog.objects.filter(
        entity_id=str(lead.pk), action__endswith="_interaction"
    ).order_by("pk")
    assert (logged.action, removed.action) == ("log_interaction", "remove_interaction")
    assert {c["field"]: c["new"] for c in logged.changes} == {
        "interaction_id": pk,
        "kind": "call",
        "direction": "sent",
        "occurred_at": (NOW - HOUR).isoformat(),
        "note": "Busy",
    }
    assert {c["field"]: c["old"] for c in removed.changes} == {
        c["field"]: c["new"] for c in logged.changes
    }
