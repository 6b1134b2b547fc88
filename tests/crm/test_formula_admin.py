"""The page of the priority formula: look first, then save."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from crm.formula_preview import preview
from crm.models import Lead, PriorityFormula
from tests.browsing import staff_of
from tests.factories.crm import LeadFactory

pytestmark = pytest.mark.django_db

LIST = reverse("admin:crm_priorityformula_changelist")
PAGE = reverse("admin:crm_priorityformula_change", args=(PriorityFormula.ONLY,))
AS_IT_IS = {
    "recency_points": 40,
    "recency_days": 30,
    "meeting_points": 25,
    "engagement_points": 20,
}
PREVIEW = {"crm_priorityformula_preview": ""}


def heard_of(name: str, days: int, **values: Any) -> Lead:
    """An open lead with its true score."""
    at = timezone.now() - timedelta(days=days)
    lead: Lead = LeadFactory(title=name, **values)
    Lead.objects.filter(pk=lead.pk).update(
        last_interaction_at=at, priority_score=max(0, 40 - round(40 * days / 30))
    )
    return lead


def stored() -> dict[str, int]:
    formula = PriorityFormula.objects.current()
    return {name: getattr(formula, name) for name in AS_IT_IS}


def test_the_menu_leads_to_the_one_form_and_none_can_be_added_or_deleted() -> None:
    browser = staff_of("admin")

    assert browser.get(LIST).headers["Location"] == PAGE
    assert browser.get(PAGE).status_code == 200
    assert browser.get(reverse("admin:crm_priorityformula_add")).status_code == 403
    assert browser.post(reverse("admin:crm_priorityformula_delete", args=(1,))).status_code == 403


def test_a_preview_names_who_would_move_and_writes_nothing() -> None:
    heard_of("Fresh", 0)
    heard_of("Older", 15)
    before = list(Lead.objects.order_by("pk").values())

    answer = staff_of("admin").post(PAGE, AS_IT_IS | {"recency_points": 80} | PREVIEW)

    shown = answer.context["preview"]
    assert [(move.name, move.before, move.after) for move in shown.moves] == [
        ("Fresh", 40, 80),
        ("Older", 20, 40),
    ]
    assert {b.name: (b.before, b.after) for b in shown.buckets} == {
        "hot": (0, 1),
        "warm": (1, 1),
        "cold": (1, 0),
    }
    assert (shown.up, shown.down) == (2, 0)
    page = answer.content.decode()
    assert "40 → 80" in page
    assert 'value="80"' in page
    assert stored() == AS_IT_IS
    assert list(Lead.objects.order_by("pk").values()) == before


def test_saving_asks_for_all_scores_anew() -> None:
    answer = staff_of("admin").post(PAGE, AS_IT_IS | {"recency_points": 80})

    assert answer.status_code == 302
    assert stored() == AS_IT_IS | {"recency_points": 80}
    formula = PriorityFormula.objects.get()
    assert formula.requested > formula.applied


@pytest.mark.parametrize("values", [{"recency_points": 101}, {"recency_days": 0}])
def test_numbers_out_of_range_are_refused_in_a_preview_too(values: dict[str, int]) -> None:
    browser = staff_of("admin")

    for button in ({}, PREVIEW):
        answer = browser.post(PAGE, AS_IT_IS | values | button)
        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors
        assert "preview" not in answer.context
    assert stored() == AS_IT_IS


def test_managers_look_and_the_sales_team_does_not() -> None:
    manager = staff_of("manager")
    assert manager.get(PAGE).status_code == 200
    assert manager.post(PAGE, AS_IT_IS | {"recency_points": 80}).status_code == 403
    assert staff_of("sales").get(PAGE).status_code == 403
    assert stored() == AS_IT_IS


def test_scores_set_by_hand_and_hidden_leads_do_not_move(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    now = timezone.now()
    by_hand = {"manual_priority_score": 90, "manual_priority_at": now}
    lead = heard_of("By hand", 0, **by_hand)
    Lead.objects.filter(pk=lead.pk).update(priority_score=90)
    heard_of("Qualified", 0, qualified=True)
    heard_of("Deleted", 0, deleted=True)

    with django_assert_num_queries(2):
        found = preview(PriorityFormula(recency_points=100), now)

    assert (found.up, found.down, found.moves) == (0, 0, ())
    assert [bucket.after for bucket in found.buckets] == [1, 0, 0]
