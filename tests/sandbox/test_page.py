"""The sandbox's own page: what a person sees and does there."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httplib2
import pytest

from pipedesk.sandbox.page.texts import ENGLISH, PORTUGUESE
from pipedesk.sandbox.server import SandboxServer

START = datetime(2026, 11, 23, 13, tzinfo=UTC)
CALENDAR = "ana@pipedesk.example"


class Browser:
    """Loads the page and posts its forms, without following redirects."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self._root_url = sandbox.root_url
        self.http = httplib2.Http(timeout=5)
        self.http.follow_redirects = False

    def load(self, path: str = "", **headers: str) -> str:
        answer, content = self.http.request(self._root_url + path, headers=headers)
        assert answer.status == 200
        return content.decode()

    def submit(self, action: str, **values: str) -> tuple[int, str]:
        answer, content = self.http.request(
            f"{self._root_url}_sandbox/page/{action}",
            "POST",
            urlencode(values),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        return answer.status, content.decode()


@pytest.fixture
def browser(sandbox: SandboxServer) -> Iterator[Browser]:
    opened = Browser(sandbox)
    yield opened
    opened.http.close()


def test_the_page_shows_calendars_folders_and_channels(
    browser: Browser, sandbox: SandboxServer
) -> None:
    soon = sandbox.google.clock.now() + timedelta(hours=1)
    sandbox.calendar.create_event("Visit <b>ACME</b>", soon)
    sandbox.calendar.create_event("Daily", soon, time_zone="UTC", recurrence=["RRULE:FREQ=DAILY"])
    folder = sandbox.drive.create_folder("Deals & leads")
    sandbox.drive.drop_file(folder, "offer.pdf", b"12345")
    page = browser.load()
    for shown in ("Visit &lt;b&gt;ACME", "Daily", "Deals &amp; leads", "offer.pdf", CALENDAR):
        assert shown in page
    assert "<b>ACME" not in page
    assert ENGLISH["no_channels"] in page


def test_the_page_needs_no_other_host(browser: Browser) -> None:
    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", browser.load()) == []


def test_the_page_speaks_portuguese_to_whoever_asks(browser: Browser) -> None:
    page = browser.load(**{"Accept-Language": "pt-BR,pt;q=0.9,en;q=0.8"})
    assert PORTUGUESE["lead"] in page
    assert '<html lang="pt-BR">' in page
    assert ENGLISH["lead"] in browser.load(**{"Accept-Language": "de"})
    assert set(ENGLISH) == set(PORTUGUESE)


def test_an_event_is_created_moved_renamed_and_cancelled(
    browser: Browser, sandbox: SandboxServer
) -> None:
    form = {"user": CALENDAR, "calendar": CALENDAR}
    times = {"date": "2026-11-23", "start": "10:00", "end": "11:00"}
    assert browser.submit("event/create", summary="Visit", **form, **times)[0] == 303
    (event,) = sandbox.calendar.events()
    assert event["start"]["dateTime"] == "2026-11-23T10:00:00-03:00"

    form["event"] = event["id"]
    moved = {**times, "start": "22:30", "end": "00:30"}
    assert browser.submit("event/save", summary="Dinner", **form, **moved)[0] == 303
    (event,) = sandbox.calendar.events()
    assert event["summary"] == "Dinner"
    assert event["end"]["dateTime"] == "2026-11-24T00:30:00-03:00"

    assert browser.submit("event/save", summary="Dinner", **form, **moved)[0] == 303
    assert sandbox.calendar.event(event["id"])["etag"] == event["etag"]
    assert browser.submit("event/cancel", **form)[0] == 303
    assert sandbox.calendar.events() == []
    assert browser.submit("event/cancel", **form)[0] == 410


def test_an_all_day_event_moves_by_its_date(browser: Browser, sandbox: SandboxServer) -> None:
    event = sandbox.calendar.create_event("Fair", START.date(), START.date() + timedelta(days=3))
    form = {"user": CALENDAR, "calendar": CALENDAR, "event": event["id"], "summary": "Fair"}
    assert browser.submit("event/save", **form, date="2026-12-01")[0] == 303
    moved = sandbox.calendar.event(event["id"])
    assert (moved["start"], moved["end"]) == ({"date": "2026-12-01"}, {"date": "2026-12-04"})


def test_folders_are_created_renamed_and_trashed_and_files_dropped(
    browser: Browser, sandbox: SandboxServer
) -> None:
    root = sandbox.google.files.root_id(CALENDAR)
    assert browser.submit("folder/create", user=CALENDAR, id=root, name="Deals")[0] == 303
    folder = sandbox.drive.children()[0]["id"]
    assert browser.submit("file/rename", user=CALENDAR, id=folder, name="Won")[0] == 303
    place = urlencode({"user": CALENDAR, "id": folder, "name": "João.txt"})
    answer, _ = browser.http.request(
        f"{sandbox.root_url}_sandbox/page/file/drop?{place}", "POST", b"bytes"
    )
    assert answer.status == 204
    assert sandbox.drive.tree() == {"Won": {"João.txt": None}}
    assert browser.submit("file/trash", user=CALENDAR, id=folder)[0] == 303
    assert sandbox.drive.tree() == {}


@pytest.mark.parametrize(
    ("action", "values"),
    [
        ("event/create", {"calendar": CALENDAR, "summary": "x", "date": "soon", "start": "1"}),
        ("event/create", {"calendar": CALENDAR}),
        ("folder/create", {"id": "nowhere", "name": "x"}),
        ("file/explode", {}),
        ("file/trash", {"user": "stranger@example.com", "id": "x"}),
    ],
)
def test_a_form_that_does_not_fit_is_refused_on_the_page(
    browser: Browser, action: str, values: dict[str, str]
) -> None:
    status, page = browser.submit(action, **values)
    assert status in {400, 404}
    assert 'role="alert"' in page


def test_foreign_sites_cannot_use_the_page(browser: Browser, sandbox: SandboxServer) -> None:
    root = sandbox.root_url
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        for path in ("", "_sandbox/reset"):
            answer, _ = browser.http.request(root + path, "POST", b"", headers)
            assert answer.status == 403
    own = {"Origin": root.rstrip("/")}
    assert browser.http.request(f"{root}_sandbox/version", "GET", None, own)[0].status == 200


def test_a_folder_too_long_to_read_is_cut(browser: Browser, sandbox: SandboxServer) -> None:
    for number in range(130):
        sandbox.drive.create_folder(f"f{number}")
    assert f"… 30 {ENGLISH['more']}" in browser.load()
