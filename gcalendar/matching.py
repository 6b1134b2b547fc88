"""Guests' addresses -> contacts -> leads: the meetings of leads, for the CRM's statistics."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from crm import statistics
from crm.meetings import source
from crm.models import LeadContact
from gcalendar.models import (
    ArchivedAttendee,
    ArchivedOccurrence,
    EventAttendee,
    EventOccurrence,
)
from gcalendar.parsing import CANCELLED
from pipedesk.core.chunks import chunks

DECLINED = "declined"
# Guests and times of the live meetings and of the archived ones.
SIDES: tuple[tuple[type[Any], type[Any]], ...] = (
    (EventAttendee, EventOccurrence),
    (ArchivedAttendee, ArchivedOccurrence),
)


@source("gcalendar")
def meetings_of(lead_ids: Collection[uuid.UUID]) -> Iterator[tuple[uuid.UUID, datetime]]:
    """Lead and start of each time its contacts meet us, each once however many attend.

    Of meetings that a calendar on the registry tells of, without what was cancelled and what
    the contact declined. Archived ones count like all others. Five statements at most,
    more for each further 500 addresses or meetings.
    """
    leads: dict[str, set[uuid.UUID]] = defaultdict(set)
    links = _links().filter(lead__in=lead_ids, contact__email__isnull=False)
    for lead_id, address in links.values_list("lead_id", "address"):
        leads[address].add(lead_id)
    for guests, times in SIDES:
        yield from _meetings(leads, guests, times)


def _meetings(
    leads: Mapping[str, set[uuid.UUID]], guests: type[Any], times: type[Any]
) -> Iterator[tuple[uuid.UUID, datetime]]:
    meetings: dict[int, set[uuid.UUID]] = defaultdict(set)
    for addresses in chunks(sorted(leads)):
        for address, event_id in _going(guests, addresses):
            meetings[event_id] |= leads[address]
    # Step by step: joined, the planner reads the whole table of times.
    for event_ids in chunks(sorted(meetings)):
        rows = times.objects.filter(event__in=event_ids).order_by()
        for event_id, starts_at in rows.values_list("event_id", "start_time").iterator():
            for lead_id in meetings[event_id]:
                yield lead_id, starts_at


@dataclass
class Reach:
    """Whose meetings a write may have changed.

    `event_ids`: meetings whose times, state or guests moved, their exceptions included.
    `addresses`: lower-case addresses that were guests before.
    """

    event_ids: set[int] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)

    def __ior__(self, other: Reach) -> Reach:
        self.event_ids |= other.event_ids
        self.addresses |= other.addresses
        return self


def guests_told_by(calendar_id: int) -> set[str]:
    """The lower-case addresses of the guests of what this calendar tells of."""
    guests = EventAttendee.objects.filter(event__source=calendar_id)
    return set(guests.order_by().values_list("email", flat=True).distinct())


def follow(reach: Reach) -> None:
    """Let the statistics of the leads follow, in the transaction that wrote the meetings."""
    addresses = set(reach.addresses)
    for ids in chunks(sorted(reach.event_ids)):
        guests = EventAttendee.objects.filter(Q(event__in=ids) | Q(event__series__in=ids))
        addresses.update(guests.order_by().values_list("email", flat=True))
    if addresses:
        lead_ids = _leads_of(addresses)
        statistics.refresh(lead_ids)
        # A contact who is being linked meanwhile is not seen yet, nor are these meetings by
        # whoever links: whichever is seen last looks again.
        transaction.on_commit(partial(_follow_later, addresses, lead_ids), robust=True)


def _follow_later(addresses: Collection[str], done: Collection[uuid.UUID]) -> None:
    statistics.refresh(_leads_of(addresses).difference(done))


def _leads_of(addresses: Collection[str]) -> set[uuid.UUID]:
    found: set[uuid.UUID] = set()
    for some in chunks(sorted(addresses)):
        rows = _links().filter(address__in=some)
        found.update(rows.values_list("lead_id", flat=True))
    return found


def _links() -> QuerySet[Any, Any]:
    """Links to the living, with the contact's lower-case address."""
    links = LeadContact.objects.filter(contact__deleted_at__isnull=True).order_by()
    found: QuerySet[Any, Any] = links.annotate(address=Lower("contact__email"))
    return found


def _going(guests: type[Any], addresses: Collection[str]) -> QuerySet[Any, Any]:
    """Address and meeting of guests who did not decline."""
    invited = guests.objects.filter(email__in=addresses, event__source__isnull=False)
    going = invited.exclude(response_status=DECLINED).exclude(event__status=CANCELLED)
    found: QuerySet[Any, Any] = going.order_by().values_list("email", "event_id")
    return found
