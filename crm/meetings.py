"""Whence the CRM learns of meetings: rooms above register what they know.

The CRM counts meetings and does not know where they come from.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

# Lead and start, one pair for each meeting of each of these leads.
Meetings = Iterable[tuple[uuid.UUID, datetime]]
# Gives the meetings of the contacts of these leads: each once per lead however many of its
# contacts attend; neither the cancelled nor those that all of them declined.
Source = Callable[[Collection[uuid.UUID]], Meetings]

_sources: dict[str, Source] = {}


def source(name: str) -> Callable[[Source], Source]:
    """Register a function that knows meetings."""

    def register(function: Source) -> Source:
        _sources[name] = function
        return function

    return register


def meetings_of(lead_ids: Collection[uuid.UUID]) -> Iterator[tuple[uuid.UUID, datetime]]:
    """What all sources know."""
    for known in _sources.values():
        yield from known(lead_ids)
