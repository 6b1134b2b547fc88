"""The page as a whole."""

from pathlib import Path

from pipedesk.sandbox.google import Google
from pipedesk.sandbox.identity import DEFAULT_USER
from pipedesk.sandbox.page.agenda import render_agenda
from pipedesk.sandbox.page.folders import FolderTree
from pipedesk.sandbox.page.listeners import render_channels
from pipedesk.sandbox.page.markup import Markup, join, tag
from pipedesk.sandbox.page.texts import Texts

FOLDER = Path(__file__).parent
STYLE = Markup((FOLDER / "page.css").read_text(encoding="utf-8"))
SCRIPT = Markup((FOLDER / "page.js").read_text(encoding="utf-8"))


def render_page(google: Google, user: str, words: Texts, problem: str = "") -> str:
    """The HTML document for one account."""
    user = user if user in google.users() else DEFAULT_USER
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("link", rel="icon", href="data:,"),
        tag("title", words["title"]),
        tag("style", STYLE),
    )
    body = tag(
        "body",
        tag(
            "header",
            tag("div", tag("h1", words["title"]), tag("p", words["lead"])),
            _accounts(google, user, words),
        ),
        tag("p", problem, class_="problem", role="alert") if problem else "",
        tag("main", _columns(google, user, words), id="main"),
        tag("script", SCRIPT),
        data_user=user,
    )
    return f"<!doctype html>{tag('html', head, body, lang=words['lang'])}"


def _accounts(google: Google, user: str, words: Texts) -> Markup:
    links = [
        tag("a", each, href=f"/?user={each}", aria_current="page" if each == user else None)
        for each in google.users()[:12]
    ]
    return tag("nav", *links, aria_label=words["account"])


def _columns(google: Google, user: str, words: Texts) -> Markup:
    hint = tag("p", words["drop_hint"], class_="hint")
    columns = (
        ("calendars", render_agenda(google, user, words)),
        ("drive", tag("section", FolderTree(google, user, words).render(), hint, class_="card")),
        ("channels", render_channels(google, words)),
    )
    return join(
        tag("div", tag("h2", words[name]), content, class_=f"column {name}")
        for name, content in columns
    )
