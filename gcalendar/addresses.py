"""E-mail addresses of guests: whose they are, and which are of our own house. Lower case here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from django.conf import settings

# Google's rooms and shared calendars: no guests from outside.
GOOGLE_RESOURCES: Final = ("resource.calendar.google.com", "group.calendar.google.com")


def mailbox(address: str) -> str:
    """The address without its tag: `ana+crm@x.example` arrives where `ana@x.example` does."""
    local, _at, domain = address.rpartition("@")
    name, plus, _tag = local.partition("+")
    return f"{name}@{domain}" if plus and name else address


def guests_in(attendees: Iterable[Mapping[str, Any]] | None) -> Iterator[str]:
    """The addresses under which guests are looked for: as invited, and their mailboxes."""
    for guest in attendees or ():
        yield guest["email"]
        if (box := mailbox(guest["email"])) != guest["email"]:
            yield box


def answers_in(attendees: Iterable[Mapping[str, Any]] | None) -> dict[str, str | None]:
    """What guests answered, by each of these addresses; one that is invited itself counts first."""
    answers = {guest["email"]: guest.get("responseStatus") for guest in attendees or ()}
    for address, answer in list(answers.items()):
        answers.setdefault(mailbox(address), answer)
    return answers


def own_domains() -> frozenset[str]:
    """The domains of our own people: INTERNAL_DOMAINS, else that of the default person."""
    named = settings.INTERNAL_DOMAINS or [settings.GOOGLE_IMPERSONATE_EMAIL.rpartition("@")[2]]
    return frozenset(name.strip().lower() for name in (*named, *GOOGLE_RESOURCES) if name.strip())
