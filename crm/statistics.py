"""Statistics of leads, kept from logged interactions and meetings.

A row is a function of what is known of the lead and of the moment it was computed for
(`computed_at`); crm.activity is that function. Whoever changes what is known calls `refresh`
in the same transaction; what the clock changes is refreshed when it is due (`stale_at`).
A way of machines: neither `leads.updated_at` nor the history notices.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from crm import scoring
from crm.activity import Activity, Logged
from crm.meetings import meetings_of
from crm.models import Interaction, Lead, LeadActivityStats
from pipedesk.core.chunks import chunks

CHUNK: Final = 500
# The name of the last interaction when it was a change of the lead itself.
UPDATE_KIND: Final = "update"
# How far the clock of another machine may be ahead.
MAX_SKEW: Final = timedelta(minutes=5)
WRITTEN: Final = (
    "engagement_score", "last_interaction_at", "last_interaction_type", "last_email_at",
    "last_event_at", "next_event_at", "last_call_at", "last_value_asset_at", "total_emails",
    "total_events", "total_interactions", "stale_at", "computed_at",
)  # fmt: skip
MISSING: Final = "lead_id"


def refresh(lead_ids: Iterable[uuid.UUID], now: datetime | None = None) -> set[uuid.UUID]:
    """Bring the statistics of these leads in line with what is known of them; scores follow.

    Eight statements for 500 leads, more with more sources of meetings; only rows that differ
    are written, and a lead nothing is known of gets none. A lead's last interaction moves
    forward to what was found. Locks the leads until the transaction ends, in the order of
    their keys. `now` is the present unless given. Returns the leads whose numbers moved.
    """
    moved: set[uuid.UUID] = set()
    for ids in chunks(sorted(set(lead_ids)), CHUNK):
        with transaction.atomic(savepoint=False):
            standings = _locked(ids)
            moment = timezone.now() if now is None else now
            wanted = {s.lead_id: s.due(moment) for s in standings if s}
            written = _write([s for s in standings if wanted.get(s.lead_id)], wanted)
            scoring.write(written, moment)
            moved |= written
    return moved


def differing(
    lead_ids: Iterable[uuid.UUID], now: datetime | None = None
) -> dict[uuid.UUID, list[str]]:
    """The leads whose rows are not what a recomputation gives, and in which columns.

    Recomputed for the moment each row was computed for, or for `now`. A row that is missing
    differs in `lead_id`. Locks as `refresh` does.
    """
    found = {}
    for ids in chunks(sorted(set(lead_ids)), CHUNK):
        with transaction.atomic(savepoint=False):
            for standing in _locked(ids):
                if standing and (columns := standing.differing(now)):
                    found[standing.lead_id] = columns
    return found


def refresh_due(now: datetime, limit: int | None = None) -> int:
    """Refresh the rows that the clock alone has changed, each 500 in a transaction.

    Returns how many there were; with `limit` it stops after about so many.
    """
    count, last = 0, uuid.UUID(int=0)
    while limit is None or count < limit:
        due = LeadActivityStats.objects.filter(stale_at__lte=now, pk__gt=last).order_by("pk")
        ids = list(due.values_list("pk", flat=True)[:CHUNK])
        if not ids:
            break
        refresh(ids, now)
        count, last = count + len(ids), ids[-1]
    return count


@dataclass
class _Standing:
    """One lead: its row as stored, and what is known."""

    lead_id: uuid.UUID
    last_interaction_at: datetime | None
    row: LeadActivityStats | None
    activity: Activity

    def __bool__(self) -> bool:
        """Whether there is, or should be, a row."""
        return self.row is not None or bool(self.activity)

    def as_of(self, moment: datetime) -> dict[str, Any]:
        """The row's columns at a moment, `computed_at` left out."""
        return self.activity.as_of(moment) | self._last_interaction(moment)

    def due(self, now: datetime) -> dict[str, Any]:
        """The columns to write, none where the row says the right thing.

        A row that says so by chance is written too: of the moment it names it would be wrong.
        """
        moment = self._not_before_the_last(now)
        wanted = self.as_of(moment)
        computed_at = None if self.row is None else self.row.computed_at
        if computed_at and not self._against(wanted) and not self.differing(None):
            return {}
        return wanted | {"computed_at": moment}

    def differing(self, now: datetime | None) -> list[str]:
        """The columns in which the row is wrong; for the moment it names unless told another."""
        if self.row is None:
            return [MISSING]
        moment = now or self.row.computed_at
        return ["computed_at"] if moment is None else self._against(self.as_of(moment))

    def _against(self, wanted: dict[str, Any]) -> list[str]:
        return [name for name, value in wanted.items() if getattr(self.row, name) != value]

    def _not_before_the_last(self, now: datetime) -> datetime:
        """A clock that is a little behind another machine's does not take the row back."""
        computed_at = None if self.row is None else self.row.computed_at
        is_ahead = computed_at is not None and now < computed_at <= now + MAX_SKEW
        return computed_at if computed_at is not None and is_ahead else now

    def _last_interaction(self, moment: datetime) -> dict[str, Any]:
        """The lead's own time, or what was found if that is later."""
        at, kind = self.last_interaction_at, None
        latest = self.activity.latest(moment)
        if latest is not None and (at is None or latest[0] >= at):
            at, kind = latest
        if self.row is not None and self.row.last_interaction_at == at:
            kind = self.row.last_interaction_type or kind
        if kind is None and at is not None:
            kind = UPDATE_KIND
        return {"last_interaction_at": at, "last_interaction_type": kind}


def _locked(ids: Collection[uuid.UUID]) -> list[_Standing]:
    """What is stored and known of these leads; nobody else refreshes them meanwhile."""
    leads = Lead.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    times = dict(leads.values_list("pk", "last_interaction_at"))
    rows = LeadActivityStats.objects.order_by().in_bulk(times)
    activities = {lead_id: Activity() for lead_id in times}
    logged = Interaction.objects.filter(lead__in=times).order_by()
    for lead_id, kind, direction, at in logged.values_list(
        "lead_id", "kind", "direction", "occurred_at"
    ):
        activities[lead_id].logged.append(Logged(kind, direction, at))
    for lead_id, starts_at in meetings_of(times):
        activities[lead_id].meetings.append(starts_at)
    return [
        _Standing(lead_id, last_at, rows.get(lead_id), activities[lead_id])
        for lead_id, last_at in times.items()
    ]


def _write(
    standings: Collection[_Standing], wanted: dict[uuid.UUID, dict[str, Any]]
) -> set[uuid.UUID]:
    """Write rows, and the leads' last interactions where they move."""
    LeadActivityStats.objects.bulk_create(
        [LeadActivityStats(lead_id=s.lead_id, **wanted[s.lead_id]) for s in standings],
        update_conflicts=True,
        unique_fields=["lead"],
        update_fields=[*WRITTEN, "updated_at"],
    )
    touched = [
        s.lead_id
        for s in standings
        if wanted[s.lead_id]["last_interaction_at"] != s.last_interaction_at
    ]
    if touched:
        copy = LeadActivityStats.objects.filter(lead=OuterRef("pk")).values("last_interaction_at")
        Lead.objects.filter(pk__in=touched).update(last_interaction_at=Subquery(copy))
    return {s.lead_id for s in standings}
