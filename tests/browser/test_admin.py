"""A person at the admin, in a real browser under the real policy."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from crm.models import Lead, LeadContact, LeadTag
from gdrive.models import DriveStructureTemplate
from tests.browser.conftest import PASSWORD


def choose(page: Page, field: str, typed: str, option: str) -> None:
    """Pick from a field that is searched by typing."""
    box = page.locator(f"select[name={field}] + .select2-container")
    box.click()
    page.locator(".select2-container--open .select2-search__field").fill(typed)
    page.locator(".select2-results__option", has_text=option).first.click()


def test_a_manager_finds_a_lead_and_edits_it_with_a_tag_and_a_contact(
    log_in: Any, live_server: Any
) -> None:
    lead = Lead.objects.in_work_list().filter(tags=None).first()
    assert lead is not None
    page: Page = log_in("manager@pipedesk.example")

    page.locator('#nav-sidebar-apps a[href$="/crm/lead/"]').click()
    page.fill("#searchbar", lead.title)
    page.press("#searchbar", "Enter")
    page.locator("#result_list").get_by_role("link", name=lead.title).first.click()
    page.fill("[name=trade_name]", "Renamed in the browser")
    choose(page, "tag_list", "Urg", "Urgente")
    page.locator("#leadcontact_set-group a.add-row").last.click()
    rows = LeadContact.objects.filter(lead=lead).count()
    choose(page, f"leadcontact_set-{rows}-contact", "Ana", "Ana")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator("#result_list")).to_contain_text("Renamed in the browser")
    expect(page.locator("#result_list")).to_contain_text("Urgente")
    lead.refresh_from_db()
    assert lead.trade_name == "Renamed in the browser"
    assert LeadTag.objects.get(lead=lead).tag.name == "Urgente"
    assert LeadContact.objects.filter(lead=lead).count() == rows + 1


def test_a_manager_edits_a_folder_template(log_in: Any, live_server: Any) -> None:
    template = DriveStructureTemplate.objects.get(entity_type="contact", active=True)
    page: Page = log_in("manager@pipedesk.example")
    page.goto(f"{live_server.url}/admin/gdrive/drivestructuretemplate/{template.pk}/change/")

    page.locator("#nodes-group a.add-row").last.click()
    new = template.nodes.count()
    page.fill(f"[name=nodes-{new}-name]", "03. {{contact_nam}}")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator("#nodes-group")).to_contain_text("Did you mean “contact_name”?")

    page.fill(f"[name=nodes-{new}-name]", "03. {{contact_name}}")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".pd-tree").first).to_contain_text("03. {{contact_name}}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_work_in_light_and_dark_and_on_a_phone_in_portuguese(
    browser: Browser, live_server: Any, demo: None, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="pt-BR", color_scheme=scheme
    )
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/login/?next=/admin/crm/lead/")
    page.fill("[name=username]", "sales@pipedesk.example")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")

    expect(page.locator("#result_list")).to_contain_text("Última interação", ignore_case=True)
    background = page.evaluate(
        "getComputedStyle(document.body).colorScheme + document.documentElement.className"
    )
    assert ("dark" in background) == (scheme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    context.close()


def test_a_manager_disqualifies_a_lead_and_says_why(log_in: Any, live_server: Any) -> None:
    lead = Lead.objects.in_work_list().disqualified(yes=False).first()
    assert lead is not None
    page: Page = log_in("manager@pipedesk.example")
    page.goto(f"{live_server.url}/admin/crm/lead/{lead.pk}/change/")

    page.get_by_role("link", name="Disqualify").click()
    dialog = page.locator("#dialog")
    dialog.get_by_role("button", name="Disqualify").click()
    expect(dialog).to_contain_text("required")
    dialog.locator("[name=reason]").fill("No budget this year")
    dialog.get_by_role("button", name="Disqualify").click()

    expect(page.locator("body")).to_contain_text("The lead is disqualified.", timeout=15_000)
    expect(page.get_by_role("link", name="Reopen")).to_be_visible()
    lead.refresh_from_db()
    assert lead.disqualification_reason == "No budget this year"
