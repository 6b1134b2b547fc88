"""Guests' addresses -> contacts -> leads: the meetings of leads, for the CRM's statistics."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from crm import statistics
from crm.meetings import source
from crm.models import LeadContact
from gcalendar.addresses import own_domains
from gcalendar.circles import Circle
from gcalendar.linking import People
from gcalendar.models import (
    ArchivedAttendee,
    ArchivedOccurrence,
    CalendarEvent,
    CalendarEventArchive,
    EventAttendee,
    EventLink,
    EventOccurrence,
)
from gcalendar.parsing import CANCELLED
from gcalendar.said import said_around
from pipedesk.core.chunks import chunks

DECLINED = "declined"
# Live meetings and archived ones, with their guests and times.
SIDES: tuple[tuple[type[Any], type[Any], type[Any]], ...] = (
    (CalendarEvent, EventAttendee, EventOccurrence),
    (CalendarEventArchive, ArchivedAttendee, ArchivedOccurrence),
)


@source("gcalendar")
def meetings_of(lead_ids: Collection[uuid.UUID]) -> Iterator[tuple[uuid.UUID, datetime]]:
    """Lead and start of each time it meets us, each once however many of its contacts attend.

    Of meetings that a calendar on the registry tells of, without what was cancelled, what the
    contact declined and what people took back; with what people linked. Where people are invited,
    one of another domain than ours must be among those who come. Archived ones count
    like all others. Seven statements at most where nobody said anything, more for each further
    500 addresses or meetings.
    """
    circle = Circle.of_leads(lead_ids)
    for events, guests, times in SIDES:
        spoken_of = _spoken_of(circle, events)
        meetings = _meetings(circle, spoken_of, guests)
        for event_id in _among_ourselves(circle, meetings.keys(), spoken_of, guests):
            del meetings[event_id]
        # Step by step: joined, the planner reads the whole table of times.
        for event_ids in chunks(sorted(meetings)):
            rows = times.objects.filter(event__in=event_ids).order_by()
            for event_id, starts_at in rows.values_list("event_id", "start_time").iterator():
                for lead_id in meetings[event_id]:
                    yield lead_id, starts_at


def _meetings(
    circle: Circle, spoken_of: Mapping[int, int | None], guests: type[Any]
) -> dict[int, set[uuid.UUID]]:
    """The leads of each meeting that takes place, of one side."""
    leads_of = circle.leads_of
    attending: dict[int, set[uuid.UUID]] = defaultdict(set)
    for addresses in chunks(sorted(circle.addresses)):
        for address, event_id in _going(guests, addresses):
            attending[event_id] |= circle.addresses[address]
    meetings = {
        event_id: set().union(*(leads_of[contact_id] for contact_id in contact_ids))
        for event_id, contact_ids in attending.items()
        if event_id not in spoken_of
    }
    for event_id, series_id in spoken_of.items():
        words = circle.said.of(event_id, series_id)
        contact_ids = attending[event_id] | {pk for kind, pk in words if kind == "contact"}
        concerned = {pk for kind, pk in words if kind == "lead"}.union(
            *(leads_of[contact_id] for contact_id in contact_ids if contact_id in leads_of)
        )
        meetings[event_id] = {
            lead_id for lead_id in concerned if circle.is_met(lead_id, attending[event_id], words)
        }
    return meetings


def _among_ourselves(
    circle: Circle, event_ids: Set[int], spoken_of: Iterable[int], guests: type[Any]
) -> set[int]:
    """Those of the meetings to which people are invited, but nobody from outside who would come.

    Looked at are only those that somebody linked or that people of our own domains attend.
    """
    own = own_domains()
    ours = [address for address in circle.addresses if address.rpartition("@")[2] in own]
    doubtful = set(spoken_of)
    for addresses in chunks(ours):
        doubtful.update(event_id for _address, event_id in _going(guests, addresses))
    invited: set[int] = set()
    visited: set[int] = set()
    for ids in chunks(sorted(doubtful & event_ids)):
        rows = guests.objects.filter(event__in=ids).order_by()
        for event_id, address, answer in rows.values_list("event_id", "email", "response_status"):
            invited.add(event_id)
            if answer != DECLINED and address.rpartition("@")[2] not in own:
                visited.add(event_id)
    return invited - visited


def _spoken_of(circle: Circle, events: type[Any]) -> dict[int, int | None]:
    """Meetings of which people said something, and the exceptions of theirs: id -> series."""
    found: dict[int, int | None] = {}
    for ids in chunks(sorted(circle.said.words)):
        rows = events.objects.filter(Q(pk__in=ids) | Q(series__in=ids), source__isnull=False)
        found.update(rows.exclude(status=CANCELLED).values_list("pk", "series_id"))
    return found


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


def told_by(calendar_id: int) -> Reach:
    """What depends on this calendar's words: its guests, and the meetings people spoke of."""
    guests = EventAttendee.objects.filter(event__source=calendar_id)
    spoken_of = EventLink.objects.filter(event__source=calendar_id)
    return Reach(
        set(spoken_of.order_by().values_list("event_id", flat=True).distinct()),
        set(guests.order_by().values_list("email", flat=True).distinct()),
    )


def follow(reach: Reach) -> None:
    """Let the statistics of the leads follow, in the transaction that wrote the meetings."""
    addresses = set(reach.addresses)
    for ids in chunks(sorted(reach.event_ids)):
        families = CalendarEvent.objects.families(ids)
        guests = EventAttendee.objects.filter(event__in=families.values("pk"))
        addresses.update(guests.order_by().values_list("email", flat=True))
    spoken_of = _leads_spoken_of(reach.event_ids)
    if addresses or spoken_of:
        lead_ids = _leads_of(addresses) | spoken_of
        statistics.refresh(lead_ids)
        # A contact who is being linked meanwhile is not seen yet, nor are these meetings by
        # whoever links: whichever is seen last looks again.
        again = partial(_follow_later, addresses, reach.event_ids, lead_ids)
        transaction.on_commit(again, robust=True)


def _follow_later(
    addresses: Collection[str], event_ids: Collection[int], done: Collection[uuid.UUID]
) -> None:
    lead_ids = _leads_of(addresses) | _leads_spoken_of(event_ids)
    statistics.refresh(lead_ids.difference(done))


def _leads_of(addresses: Collection[str]) -> set[uuid.UUID]:
    return set(People.behind(addresses).leads)


def _leads_spoken_of(event_ids: Collection[int]) -> set[uuid.UUID]:
    """The leads that people said something of, of them or of their contacts, at these meetings."""
    said = said_around(event_ids)
    lead_ids = said.keys("lead")
    return lead_ids | leads_of_contacts(said.keys("contact"))


def leads_of_contacts(contact_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Whose contacts they are."""
    found: set[uuid.UUID] = set()
    for some in chunks(sorted(contact_ids)):
        links = LeadContact.objects.filter(contact__in=some).order_by()
        found.update(links.values_list("lead_id", flat=True))
    return found


def _going(guests: type[Any], addresses: Collection[str]) -> QuerySet[Any, Any]:
    """Address and meeting of guests who did not decline."""
    invited = guests.objects.filter(email__in=addresses, event__source__isnull=False)
    going = invited.exclude(response_status=DECLINED).exclude(event__status=CANCELLED)
    found: QuerySet[Any, Any] = going.order_by().values_list("email", "event_id")
    return found
