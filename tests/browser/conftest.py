"""A real browser, kept off the network, on a live server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from ctypes.util import find_library
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import ConsoleMessage, Page, Request

from pipedesk.accounts.groups import sync_roles

PASSWORD = "of-the-browser-tests"


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Playwright's driver needs it, and a small Debian has none.
DRIVER_RUNS = find_library("atomic") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs a browser; where there is none it is skipped, and says so."""
    for item in items:
        if "/tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None or not DRIVER_RUNS:
                item.add_marker(pytest.mark.skip("needs Debian's chromium and libatomic1"))


@pytest.fixture(scope="session", autouse=True)
def beside_an_event_loop() -> Iterator[None]:
    """Playwright keeps an event loop running in the thread of the tests, next to which Django
    would refuse to use the database. Nothing here is asynchronous.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, without a sandbox of its own (tests run as root) or phoning home."""
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
        ],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A desk's screen, in English unless a test asks otherwise."""
    return {
        **browser_context_args,
        "viewport": {"width": 1360, "height": 860},
        "locale": "en-US",
        "timezone_id": "America/Sao_Paulo",
    }


@pytest.fixture
def demo(transactional_db: None, settings: Any) -> None:
    """The demo data and its people."""
    settings.DEMO_PASSWORD = PASSWORD
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    sync_roles()
    call_command("seed_demo", "--json", "--no-progress", stdout=StringIO())


@pytest.fixture
def quiet_page(page: Page, live_server: Any) -> Iterator[Page]:
    """A page that fails the test when it asks another host, or when a script or style breaks."""
    faults: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(message.text)

    def watch(request: Request) -> None:
        if not request.url.startswith((live_server.url, "data:", "blob:")):
            faults.append(f"another host: {request.url}")

    page.set_default_timeout(15_000)
    page.on("console", listen)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", watch)
    yield page
    assert faults == []


@pytest.fixture
def log_in(quiet_page: Page, live_server: Any, demo: None) -> Any:
    """`log_in("sales@pipedesk.example")` gives the page after logging in by the form."""

    def by_form(email: str) -> Page:
        quiet_page.goto(f"{live_server.url}/admin/login/?next=/admin/")
        quiet_page.fill("[name=username]", email)
        quiet_page.fill("[name=password]", PASSWORD)
        quiet_page.press("[name=password]", "Enter")
        quiet_page.wait_for_url(f"{live_server.url}/admin/")
        return quiet_page

    return by_form
