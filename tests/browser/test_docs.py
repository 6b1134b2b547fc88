"""/api/docs/ in a real browser: under its own policy, with no host but ours."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect


def test_the_page_shows_the_operations_and_asks_no_other_host(
    quiet_page: Page, live_server: Any
) -> None:
    quiet_page.goto(f"{live_server.url}/api/docs/")

    expect(quiet_page.locator(".swagger-ui .info .title")).to_contain_text("PipeDesk")
    operations = quiet_page.locator(".opblock-summary-path")
    quiet_page.locator("#operations-tag-leads").click()
    expect(operations.filter(has_text="/api/leads/sales-view")).to_be_visible()
    quiet_page.locator("#operations-tag-me").click()
    operations.filter(has_text="/api/me").click()
    expect(quiet_page.locator(".opblock.is-open .responses-wrapper").first).to_be_visible()
