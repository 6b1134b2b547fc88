"""Stored scores: the formula as SQL says what the formula in Python says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import priority, scoring
from crm.models import Lead, LeadActivityStats, LeadOrigin, LeadStatus, PriorityFormula
from pipedesk.audit.models import AuditLog
from tests.factories.crm import (
    LeadActivityStatsFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)

edges = st.sampled_from([0, 1, -1])
# Around whole days, to the microsecond, and anywhere, in the future too.
silences = st.one_of(
    st.builds(lambda days, edge: days * DAY + timedelta(microseconds=edge),
              st.integers(-3, 370), edges),
    st.timedeltas(timedelta(days=-40), timedelta(days=400)),
)  # fmt: skip
formulas = st.builds(
    PriorityFormula,
    recency_points=st.integers(0, 100),
    recency_days=st.integers(1, 365),
    meeting_points=st.integers(0, 100),
    engagement_points=st.integers(0, 100),
)
weights = st.none() | st.integers(-50, 150)


def set_up(weight: int | None, origin: int | None, facts: dict[str, Any]) -> Lead:
    """One lead with these facts, whatever a former example left."""
    Lead.objects.all().delete()
    LeadStatus.objects.all().delete()
    LeadOrigin.objects.all().delete()
    lead = LeadFactory(
        lead_status=None if weight is None else LeadStatusFactory(priority_weight=weight),
        lead_origin=None if origin is None else LeadOriginFactory(priority_weight=origin),
    )
    Lead.objects.filter(pk=lead.pk).update(
        last_interaction_at=facts["last_interaction_at"], priority_score=-1
    )
    if facts["has_stats"]:
        LeadActivityStatsFactory(
            lead=lead,
            engagement_score=facts["engagement"],
            next_event_at=facts["next_event_at"],
        )
    return lead


@given(
    formula=formulas,
    weight=weights,
    origin=weights,
    silence=st.none() | silences,
    ahead=st.none() | st.one_of(edges.map(lambda n: timedelta(microseconds=n)), silences),
    engagement=st.integers(-20, 150),
    has_stats=st.booleans(),
    stored=st.booleans(),
)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_sql_and_python_agree_on_every_lead(
    formula: PriorityFormula,
    weight: int | None,
    origin: int | None,
    silence: timedelta | None,
    ahead: timedelta | None,
    engagement: int,
    has_stats: bool,
    stored: bool,
) -> None:
    facts = {
        "last_interaction_at": None if silence is None else NOW - silence,
        "next_event_at": None if ahead is None else NOW + ahead,
        "engagement": engagement,
        "has_stats": has_stats,
    }
    lead = set_up(weight, origin, facts)
    PriorityFormula.objects.all().delete()
    if stored:
        formula.save(force_insert=True)
    found = priority.parts(
        formula,
        status_weight=weight or 0,
        origin_weight=origin or 0,
        last_interaction_at=facts["last_interaction_at"],
        meeting_ahead=has_stats and ahead is not None and ahead > timedelta(0),
        engagement=engagement if has_stats else 0,
        now=NOW,
    )
    expected = priority.score(found)

    leads = Lead.objects.annotate(score=scoring.computed(NOW, None if stored else formula))

    assert leads.get().score == expected
    assert sum(Fraction(part.points) for part in found) == expected
    if stored:
        assert scoring.rescore([lead.pk], NOW) == 1
        assert Lead.objects.get().priority_score == expected
        assert scoring.rescore([lead.pk], NOW) == 0


def test_a_rescore_moves_the_score_and_nothing_else() -> None:
    lead = LeadFactory(lead_status=LeadStatusFactory(priority_weight=18), old=True)
    Lead.objects.update(priority_score=3)
    before = Lead.objects.values().get()
    entries = AuditLog.objects.count()

    assert scoring.rescore([lead.pk], NOW) == 1

    assert Lead.objects.values().get() == before | {"priority_score": 18}
    assert AuditLog.objects.count() == entries


def test_a_priority_set_by_hand_stays_in_force() -> None:
    lead = LeadFactory(lead_status=LeadStatusFactory(priority_weight=18))
    Lead.objects.update(manual_priority_score=85, manual_priority_at=NOW)

    assert scoring.rescore([lead.pk], NOW) == 1
    assert Lead.objects.get().priority_score == 85

    Lead.objects.update(manual_priority_score=None, manual_priority_at=None)
    assert scoring.rescore([lead.pk], NOW) == 1
    assert Lead.objects.get().priority_score == 18


def test_only_the_leads_named_are_written() -> None:
    status = LeadStatusFactory(priority_weight=18)
    lead, _other = LeadFactory(lead_status=status), LeadFactory(lead_status=status)
    Lead.objects.update(priority_score=0)

    assert scoring.rescore([lead.pk], NOW) == 1
    assert scoring.rescore([], NOW) == 0

    assert sorted(Lead.objects.values_list("priority_score", flat=True)) == [0, 18]
    assert not LeadActivityStats.objects.exists()
