"""The admin's first page. Each room adds its part; this one knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise


@dataclass(frozen=True)
class Number:
    """One figure. `url` leads to the list behind it."""

    label: Text
    value: int
    url: str


@dataclass(frozen=True)
class Row:
    """One line of a panel. `level` is a colour's reason: `good`, `waiting`, `warm` or `bad`.

    `remedy` says what to do.
    """

    text: Text
    url: str = ""
    second: Text = ""
    state: Text = ""
    level: str = "good"
    remedy: Text = ""


@dataclass(frozen=True)
class Part:
    """What one room shows to this user."""

    title: Text = ""
    numbers: tuple[Number, ...] = ()
    rows: tuple[Row, ...] = ()
    empty: Text = ""


Builder = Callable[["HttpRequest"], Part | None]


@dataclass
class Registry:
    """The parts, in the order of their position."""

    builders: dict[int, Builder] = field(default_factory=dict)

    def part(self, position: int) -> Callable[[Builder], Builder]:
        """Register a function that makes a part, or None where the user may not see it."""

        def register(builder: Builder) -> Builder:
            self.builders[position] = builder
            return builder

        return register

    def built(self, request: HttpRequest) -> Iterable[Part]:
        """What this user sees."""
        for position in sorted(self.builders):
            if part := self.builders[position](request):
                yield part


dashboard = Registry()


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The first page's context with every room's part."""
    parts = list(dashboard.built(request))
    return {
        **context,
        "numbers": [number for part in parts for number in part.numbers],
        "panels": [part for part in parts if part.title],
    }


def ago(moment: datetime | None) -> str:
    """How long ago, in the largest unit that fits."""
    if moment is None:
        return ""
    if timezone.now() - moment < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}


def ahead(moment: datetime | None) -> str:
    """In how long, in the largest unit that fits."""
    if moment is None:
        return ""
    if moment - timezone.now() < timedelta(minutes=1):
        return _("any moment")
    return _("in %(time)s") % {"time": timeuntil(moment, depth=1)}


def as_of(moment: datetime | None) -> str:
    """How long ago the mirror was last equal to Google."""
    return _("as of: %(when)s") % {"when": ago(moment)} if moment else ""
