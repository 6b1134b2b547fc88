"""The buttons on a lead's page ask, act as the API does, and show only where they work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.models import Lead
from crm.qualification import Target, qualify
from pipedesk.audit.models import AuditLog
from tests.browsing import BACKEND, staff_of, staff_with, superuser
from tests.factories.accounts import UserFactory
from tests.factories.crm import LeadFactory

pytestmark = pytest.mark.django_db

VERBS = ("disqualify", "reopen", "unqualify")
CONFIRMED = {"_form_submitted": "on"}
WHY = {**CONFIRMED, "reason": "No budget this year"}


def address(lead: Lead, verb: str) -> str:
    return reverse(f"admin:crm_lead_{verb}", args=(lead.pk,))


def page(lead: Lead) -> str:
    return reverse("admin:crm_lead_change", args=(lead.pk,))


def buttons(browser: Any, lead: Lead) -> set[str]:
    text = browser.get(page(lead)).content.decode()
    return {verb for verb in VERBS if address(lead, verb) in text}


def qualified() -> Lead:
    lead = LeadFactory()
    qualify(lead.pk, Target(new_company_name="Nova SA"), None)
    lead.refresh_from_db()
    return lead


def test_each_state_has_its_button() -> None:
    boss = superuser()
    assert buttons(boss, LeadFactory()) == {"disqualify"}
    assert buttons(boss, LeadFactory(disqualified=True)) == {"reopen"}
    assert buttons(boss, qualified()) == {"unqualify"}
    assert buttons(boss, LeadFactory(deleted=True)) == set()
    old = qualified()
    Lead.objects.filter(pk=old.pk).update(qualified_at=timezone.now() - timedelta(days=31))
    assert buttons(boss, old) == set()


def test_asking_changes_nothing() -> None:
    boss = superuser()
    leads = {
        "disqualify": LeadFactory(),
        "reopen": LeadFactory(disqualified=True),
        "unqualify": qualified(),
    }
    before = list(Lead.objects.order_by("pk").values())
    for verb, lead in leads.items():
        asked = boss.get(address(lead, verb))
        assert asked.status_code == 200
        assert b"<form" in asked.content
    assert list(Lead.objects.order_by("pk").values()) == before


def test_disqualifying_needs_a_reason_and_reopening_clears_it() -> None:
    boss, lead = superuser(), LeadFactory()
    for reason in ("", "  "):
        asked_again = boss.post(address(lead, "disqualify"), {**CONFIRMED, "reason": reason})
        assert asked_again.status_code == 200
        assert "HX-Redirect" not in asked_again
    done = boss.post(address(lead, "disqualify"), WHY)
    assert done["HX-Redirect"] == page(lead)
    lead.refresh_from_db()
    assert lead.disqualification_reason == WHY["reason"]
    assert lead.last_interaction_at is None
    entry = AuditLog.objects.get(action="disqualify_lead")
    assert entry.user_id == str(boss.user.pk)
    assert "disqualified" in boss.get(page(lead)).content.decode()
    boss.post(address(lead, "reopen"), CONFIRMED)
    lead.refresh_from_db()
    assert lead.disqualified_at is None


def test_unqualifying_brings_the_lead_back() -> None:
    boss, lead = superuser(), qualified()
    assert boss.post(address(lead, "unqualify"), CONFIRMED)["HX-Redirect"] == page(lead)
    lead.refresh_from_db()
    assert (lead.qualified_at, lead.deleted_at, lead.qualified_company) == (None, None, None)
    assert AuditLog.objects.get(action="unqualify_lead").user_id == str(boss.user.pk)


def test_what_blocks_is_said_on_the_page() -> None:
    boss, lead = superuser(), LeadFactory(qualified=True)  # of which the history knows nothing
    assert boss.post(address(lead, "unqualify"), CONFIRMED)["HX-Redirect"] == page(lead)
    assert "The history does not say" in boss.get(page(lead)).content.decode()


@pytest.mark.parametrize(
    ("who", "status"),
    [("manager", 200), ("owner", 200), ("taker", 200), ("sales", 403), ("viewer", 403)],
)
def test_who_may(who: str, status: int) -> None:
    browser = {"manager": lambda: staff_of("manager"), "viewer": lambda: staff_with("view_lead")}
    staff = browser.get(who, lambda: staff_of("sales"))()
    owner = {"owner": staff.user, "taker": None}.get(who, UserFactory())
    lead = LeadFactory(owner=owner)
    assert buttons(staff, lead) == ({"disqualify"} if status == 200 else set())
    assert staff.post(address(lead, "disqualify"), WHY).status_code == status
    lead.refresh_from_db()
    assert (lead.disqualified_at is not None) == (status == 200)
    assert lead.owner == (staff.user if who == "taker" else owner)


def test_a_state_that_does_not_allow_it_is_forbidden() -> None:
    boss, lead = superuser(), LeadFactory()
    for verb in ("reopen", "unqualify"):
        assert boss.post(address(lead, verb), CONFIRMED).status_code == 403


def test_without_the_pages_token_nothing_happens() -> None:
    lead = LeadFactory()
    stranger = Client(enforce_csrf_checks=True)
    stranger.force_login(UserFactory(staff=True, is_superuser=True), backend=BACKEND)
    assert stranger.post(address(lead, "disqualify"), WHY).status_code == 403
    lead.refresh_from_db()
    assert lead.disqualified_at is None
