"""Interactions found by machines move the times forward only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm.interactions import touch
from crm.models import Lead, LeadActivityStats
from tests.factories.crm import LeadActivityStatsFactory, LeadFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 9, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_later_interaction_moves_lead_and_statistics() -> None:
    stats = LeadActivityStatsFactory(lead__last_interaction_at=AT - HOUR)
    never = LeadFactory()
    assert touch([stats.pk, never.pk], AT, "meeting") == 2
    stats.refresh_from_db()
    assert (stats.last_interaction_at, stats.last_interaction_type) == (AT, "meeting")
    assert set(Lead.objects.values_list("last_interaction_at", flat=True)) == {AT}
    assert LeadActivityStats.objects.count() == 1


@pytest.mark.parametrize("earlier", [timedelta(0), HOUR])
def test_an_earlier_one_moves_nothing(earlier: timedelta) -> None:
    stats = LeadActivityStatsFactory(
        lead__last_interaction_at=AT, last_interaction_at=AT - 2 * HOUR
    )
    assert touch([stats.pk], AT - earlier, "meeting") == 0
    stats.refresh_from_db()
    assert stats.last_interaction_at == AT - 2 * HOUR
    assert Lead.objects.get().last_interaction_at == AT


def test_updated_at_stays() -> None:
    lead = LeadFactory(old=True)
    touch([lead.pk], AT, "email")
    assert Lead.objects.get().updated_at == lead.updated_at
