"""Stretches of time. Pure.

A span has its start in it and not its end; both are aware. A list of spans is in order, and no
two of it touch.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

Span: TypeAlias = tuple[datetime, datetime]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The list of these, in any order, overlapping or empty as they may be."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def within(spans: Iterable[Span], since: datetime, until: datetime) -> list[Span]:
    """What of a list lies between two moments."""
    return merged((max(start, since), min(end, until)) for start, end in spans)


def common(some: list[Span], others: list[Span]) -> list[Span]:
    """What two lists have in common."""
    found: list[Span] = []
    here = there = 0
    while here < len(some) and there < len(others):
        start = max(some[here][0], others[there][0])
        end = min(some[here][1], others[there][1])
        if start < end:
            found.append((start, end))
        if some[here][1] <= others[there][1]:
            here += 1
        else:
            there += 1
    return found


def without(spans: list[Span], taken: list[Span]) -> list[Span]:
    """What of a list is left where another one is taken out of it."""
    if not spans:
        return []
    first, last = spans[0][0], spans[-1][1]
    edges = [first, *(edge for span in taken for edge in span), last]
    return common(spans, merged(zip(edges[::2], edges[1::2], strict=True)))
