"""The contract's rules of the work list, once more, in plain Python over plain values.

Written from the contract alone, to compare the SQL with.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

DAY = timedelta(days=1)


@dataclass
class PlainLead:
    """One lead as the contract speaks of it."""

    id: uuid.UUID
    legal_name: str
    created_at: datetime
    trade_name: str | None = None
    status: str | None = None
    status_order: int | None = None
    origin: str | None = None
    owner_id: uuid.UUID | None = None
    owner_name: str | None = None
    score: int = 0
    last_interaction: datetime | None = None
    qualified: bool = False
    deleted: bool = False
    disqualified: bool = False
    company: bool = False
    deal: bool = False
    tags: set[uuid.UUID] = field(default_factory=set)
    engagement: int = 0
    last_event: datetime | None = None
    next_event: datetime | None = None
    last_call: datetime | None = None
    last_asset: datetime | None = None


def rule(lead: PlainLead, now: datetime) -> int:
    """The number of the next action."""
    held = lead.next_event if lead.next_event and lead.next_event <= now else lead.last_event
    last = lead.last_interaction
    silence = None if last is None else now - last
    if lead.next_event and lead.next_event > now:
        return 1
    if held and now - held <= 3 * DAY and (last is None or last <= held):
        return 2
    if silence is None:
        return 3
    return _later_rule(lead, silence, now)


def _later_rule(lead: PlainLead, silence: timedelta, now: datetime) -> int:
    asset_is_old = lead.last_asset is None or now - lead.last_asset >= 14 * DAY
    for number, holds in (
        (4, lead.company and not lead.deal and not lead.disqualified),
        (5, lead.engagement >= 70 and not lead.company),
        (6, lead.engagement >= 50),
        (7, lead.last_call is not None and now - lead.last_call <= 7 * DAY),
        (8, lead.engagement >= 40 and asset_is_old),
        (
            11,
            silence >= 60 * DAY
            and lead.engagement < 40
            and not (lead.company or lead.deal or lead.disqualified),
        ),
        (10, 30 * DAY <= silence < 60 * DAY),
        (9, silence >= 5 * DAY),
    ):
        if holds:
            return number
    return 12


CODES = {
    1: "prepare_for_meeting",
    2: "post_meeting_follow_up",
    3: "call_first_time",
    4: "handoff_to_deal",
    5: "qualify_to_company",
    6: "schedule_meeting",
    7: "call_again",
    8: "send_value_asset",
    9: "send_follow_up",
    10: "reengage_cold_lead",
    11: "disqualify",
    12: "send_follow_up",
}


def folded(text: str) -> str:
    """Lower case, no accents."""
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def bucket(score: int) -> str:
    """hot, warm or cold."""
    return "hot" if score >= 70 else "warm" if score >= 40 else "cold"


def shown(lead: PlainLead, include_qualified: bool) -> bool:
    """Whether the work list has this lead at all."""
    if include_qualified:
        return lead.qualified or not lead.deleted
    return not (lead.deleted or lead.qualified or lead.status == "qualified")


def in_order(leads: Iterable[PlainLead], order_by: str, now: datetime) -> list[PlainLead]:
    """The leads in this order; equal ones by id."""
    keys: dict[str, Callable[[PlainLead], Any]] = {
        "priority": lambda lead: -lead.score,
        "last_interaction": lambda lead: (
            lead.last_interaction and -lead.last_interaction.timestamp()
        ),
        "created_at": lambda lead: -lead.created_at.timestamp(),
        "status": lambda lead: lead.status_order,
        "owner": lambda lead: lead.owner_name and folded(lead.owner_name),
        "next_action": lambda lead: rule(lead, now),
    }
    key = keys[order_by.removeprefix("-")]

    def sort_key(lead: PlainLead) -> tuple[bool, Any, uuid.UUID]:
        value = key(lead)
        return value is None, 0 if value is None else value, lead.id

    found = sorted(leads, key=sort_key)
    return found[::-1] if order_by.startswith("-") else found
