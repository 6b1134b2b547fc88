"""The contract's statistics of a lead, once more, in plain Python over plain values.

Written from the contract and reference.json alone, to compare the product with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

NINETY_DAYS = timedelta(days=90)
POINTS = {
    ("email", "received"): 3,
    ("email", "sent"): 2,
    ("call", "sent"): 2,
    ("call", "received"): 2,
    ("value_asset", "sent"): 2,
    ("value_asset", "received"): 2,
    ("meeting", "sent"): 2,
    ("meeting", "received"): 2,
    ("note", "sent"): 0,
    ("note", "received"): 0,
}


@dataclass
class PlainMeeting:
    """A meeting at one time: its guests by lower-case address, and who declined."""

    at: datetime
    guests: set[str] = field(default_factory=set)
    declined: set[str] = field(default_factory=set)
    cancelled: bool = False


@dataclass
class PlainHistory:
    """One lead: what was logged `(kind, direction, at)`, and its living contacts' addresses."""

    logged: list[tuple[str, str, datetime]] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)


def attends(history: PlainHistory, meeting: PlainMeeting) -> bool:
    """Whether a contact of the lead is invited and did not decline."""
    return not meeting.cancelled and bool(history.addresses & (meeting.guests - meeting.declined))


def numbers(history: PlainHistory, meetings: list[PlainMeeting], now: datetime) -> dict[str, Any]:
    """The statistics as of `now`."""
    own = [meeting.at for meeting in meetings if attends(history, meeting)]
    met = [at for at in own if at <= now]
    ahead = [at for at in own if at > now]
    by_kind: dict[str, list[datetime]] = {}
    for kind, _direction, at in history.logged:
        by_kind.setdefault(kind, []).append(at)
    held = met + by_kind.get("meeting", [])
    score = 4 * len(ahead)
    for at in met:
        if now - at <= NINETY_DAYS:
            score += 2
    for kind, direction, at in history.logged:
        if now - at <= NINETY_DAYS:
            score += POINTS[kind, direction]
    return {
        "engagement_score": 100 if score > 100 else score,
        "last_email_at": latest(by_kind.get("email", [])),
        "last_call_at": latest(by_kind.get("call", [])),
        "last_value_asset_at": latest(by_kind.get("value_asset", [])),
        "last_event_at": latest(held),
        "next_event_at": sorted(ahead)[0] if ahead else None,
        "total_emails": len(by_kind.get("email", [])),
        "total_events": len(held),
        "total_interactions": len(history.logged) + len(met),
    }


def last_happened(
    history: PlainHistory, meetings: list[PlainMeeting], now: datetime
) -> datetime | None:
    """When something happened with the lead last."""
    times = [meeting.at for meeting in meetings if attends(history, meeting)]
    times += [at for _kind, _direction, at in history.logged]
    return latest([at for at in times if at <= now])


def latest(times: list[datetime]) -> datetime | None:
    """The last of them, if any."""
    return sorted(times)[-1] if times else None
