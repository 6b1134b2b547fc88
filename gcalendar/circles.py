"""Leads and contacts seen from the CRM: the meetings that are theirs."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from crm.models import Contact, Lead, LeadContact
from gcalendar.records import BECAME
from gcalendar.said import Record, Said, said_of
from pipedesk.core.chunks import chunks

CONTACT, LEAD = "contact", "lead"


@dataclass
class Circle:
    """Leads with their living contacts, the addresses of these, and what people said of both.

    `addresses`: lower case, those of contacts merged into them included.
    """

    contacts: dict[uuid.UUID, set[uuid.UUID]] = field(default_factory=dict)
    addresses: dict[str, set[uuid.UUID]] = field(default_factory=lambda: defaultdict(set))
    said: Said = field(default_factory=Said)

    @classmethod
    def of_leads(
        cls,
        lead_ids: Collection[uuid.UUID],
        more: Mapping[str, Collection[uuid.UUID]] | None = None,
    ) -> Circle:
        """Around these leads; `more`: other records whose words are wanted."""
        circle = cls(contacts={lead_id: set() for lead_id in lead_ids})
        emails: dict[uuid.UUID, str | None] = {}
        for some in chunks(sorted(lead_ids)):
            rows = LeadContact.objects.filter(lead__in=some, contact__deleted_at=None).order_by()
            for lead_id, contact_id, address in rows.values_list(
                "lead_id", "contact_id", Lower("contact__email")
            ):
                circle.contacts[lead_id].add(contact_id)
                emails[contact_id] = address
        circle._read(emails)
        circle.said = said_of({LEAD: lead_ids, CONTACT: emails, **(more or {})})
        return circle

    @classmethod
    def of_contact(cls, pk: uuid.UUID) -> Circle:
        """Around one contact."""
        circle = cls()
        people = Contact.objects.alive().filter(pk=pk)
        circle._read(dict(people.values_list("pk", Lower("email"))))
        circle.said = said_of({CONTACT: [pk]})
        return circle

    def _read(self, emails: Mapping[uuid.UUID, str | None]) -> None:
        kept = {pk: pk for pk in emails}
        for pk, address in emails.items():
            if address:
                self.addresses[address].add(pk)
        known = sorted(kept)
        while known:
            merged = [row for some in chunks(known) for row in _merged_into(some)]
            for pk, into, address in merged:
                kept[pk] = kept[into]
                if address:
                    self.addresses[address].add(kept[pk])
            known = [pk for pk, _into, _address in merged]

    @property
    def leads_of(self) -> dict[uuid.UUID, set[uuid.UUID]]:
        """The leads of each contact."""
        found: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        for lead_id, contact_ids in self.contacts.items():
            for contact_id in contact_ids:
                found[contact_id].add(lead_id)
        return found

    def is_met(
        self, lead_id: uuid.UUID, attending: Collection[uuid.UUID], words: Mapping[Record, bool]
    ) -> bool:
        """Whether a meeting of these contacts, of which this was said, is the lead's."""
        said = words.get((LEAD, lead_id))
        if said is not None:
            return said
        return any(
            words.get((CONTACT, contact_id), contact_id in attending)
            for contact_id in self.contacts[lead_id]
        )


def _merged_into(ids: Iterable[uuid.UUID]) -> QuerySet[Any, Any]:
    rows = Contact.objects.filter(merged_into__in=ids).order_by()
    found: QuerySet[Any, Any] = rows.values_list("pk", "merged_into_id", Lower("email"))
    return found


class Touching(NamedTuple):
    """The meetings of one record: to which one of `addresses` is invited, or in `linked`.

    `hidden` are those of the former that people took back.
    """

    addresses: frozenset[str]
    linked: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()


def circle_of(kind: str, pk: uuid.UUID) -> Circle:
    """Around one record. Four statements, one more for companies and deals."""
    if kind == CONTACT:
        return Circle.of_contact(pk)
    if kind == LEAD:
        return Circle.of_leads([pk])
    leads = Lead.objects.filter(**{BECAME[kind]: pk}).order_by()
    return Circle.of_leads(set(leads.values_list("pk", flat=True)), {kind: [pk]})


def touching(circle: Circle, record: Record, events: Any, guests: Any) -> Touching:
    """The meetings of the record it was drawn around, in these two tables.

    Asks nothing where people said nothing, else two statements.
    """
    kind, pk = record
    addresses = frozenset(circle.addresses)
    if not circle.said:
        return Touching(addresses)
    told = set(circle.said.words)
    rows = events.objects.filter(Q(pk__in=told) | Q(series__in=told)).order_by()
    candidates = dict(rows.values_list("pk", "series_id"))
    attending: dict[int, set[uuid.UUID]] = defaultdict(set)
    invited = guests.objects.filter(event__in=candidates, email__in=addresses).order_by()
    for event_id, address in invited.values_list("event_id", "email"):
        attending[event_id] |= circle.addresses[address]
    linked = set()
    for event_id, series_id in candidates.items():
        words = circle.said.of(event_id, series_id)
        met = words.get(record)
        if met is None and kind == CONTACT:
            met = pk in attending[event_id]
        elif met is None:
            met = any(circle.is_met(lead, attending[event_id], words) for lead in circle.contacts)
        if met:
            linked.add(event_id)
    return Touching(addresses, frozenset(linked), frozenset(candidates.keys() - linked))
