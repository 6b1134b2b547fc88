"""The records of the CRM behind meetings: through their guests, and as people said."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet
from django.db.models.functions import Lower

from crm.models import Contact, Lead
from gcalendar.records import BECAME
from gcalendar.said import Record, Said, said_of_meetings
from pipedesk.core.chunks import chunks

LEAD: Final = "leadcontact__lead"
EXPLICIT, INFERRED = "explicit", "inferred"
FACTS: Final = ("pk", "owner", "deleted_at", "qualified_at", *BECAME.values())


class Meeting(NamedTuple):
    """A meeting, the series it is an exception of, and the lower-case addresses of its guests."""

    event_id: int
    series_id: int | None
    guests: tuple[str, ...]


@dataclass
class Links:
    """What a meeting touches: records and whence that is known, and whose leads they are."""

    rows: dict[Record, str] = field(default_factory=dict)
    owner_ids: set[uuid.UUID] = field(default_factory=set)

    def add(self, record: Record, words: Mapping[Record, bool]) -> bool:
        """Note a record, unless somebody took it back: then nothing behind it counts either."""
        if not words.get(record, True):
            return False
        self.rows[record] = EXPLICIT if record in words else INFERRED
        return True


class LeadFacts(NamedTuple):
    """Of a lead: whose it is, whether it can be linked to, and what became of it."""

    owner_id: uuid.UUID | None
    is_known: bool
    became: tuple[Record, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any], prefix: str = "") -> LeadFacts:
        """From columns that begin with the prefix."""
        column = {name: row[prefix + name] for name in FACTS}
        return cls(
            column["owner"],
            # A qualified lead is hidden, not gone; a deleted one is no place to link to.
            column["deleted_at"] is None or column["qualified_at"] is not None,
            tuple((kind, column[name]) for kind, name in BECAME.items() if column[name]),
        )


@dataclass
class People:
    """Contacts at some addresses, their leads, and the contacts that others were merged into."""

    at: dict[str, dict[uuid.UUID, None]] = field(default_factory=lambda: defaultdict(dict))
    leads_of: dict[uuid.UUID, list[uuid.UUID]] = field(default_factory=dict)
    leads: dict[uuid.UUID, LeadFacts] = field(default_factory=dict)
    merged: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)

    @classmethod
    def behind(cls, addresses: Collection[str], said: Said | None = None) -> People:
        """Whoever has these lower-case addresses, and whom people named.

        One statement for 500 addresses, and one more for each of: merged ones, named contacts,
        named leads.
        """
        people = cls()
        contacts = Contact.objects.annotate(address=Lower("email")).order_by("name", "pk")
        for some in chunks(sorted(addresses)):
            people._read(contacts.filter(address__in=some))
        wanted = set(people.merged.values()) | (said.keys("contact") if said else set())
        while missing := wanted - people.leads_of.keys() - people.merged.keys():
            people._read(contacts.filter(pk__in=missing))
            wanted = set(people.merged.values())
        if said and (lead_ids := said.keys("lead") - people.leads.keys()):
            for row in Lead.objects.filter(pk__in=lead_ids).order_by().values(*FACTS):
                people.leads[row["pk"]] = LeadFacts.of(row)
        return people

    def _read(self, contacts: QuerySet[Contact]) -> None:
        names = [f"{LEAD}__{name}" for name in FACTS]
        for row in contacts.values("address", "pk", "deleted_at", "merged_into", *names):
            self.at[row["address"]][row["pk"]] = None
            if row["merged_into"] is not None:
                self.merged[row["pk"]] = row["merged_into"]
            elif row["deleted_at"] is None:
                leads = self.leads_of.setdefault(row["pk"], [])
                lead_id = row[f"{LEAD}__pk"]
                if lead_id is not None:
                    leads.append(lead_id)
                    self.leads[lead_id] = LeadFacts.of(row, f"{LEAD}__")

    def contacts_at(self, addresses: Iterable[str]) -> dict[uuid.UUID, None]:
        """The living contacts behind these addresses, each once."""
        found: dict[uuid.UUID, None] = {}
        for address in addresses:
            for pk in self.at.get(address, ()):
                kept = pk
                while kept in self.merged:
                    kept = self.merged[kept]
                if kept in self.leads_of:
                    found[kept] = None
        return found

    def touched(self, meeting: Meeting, words: Mapping[Record, bool]) -> Links:
        """What the meeting touches. What people took back still is its owner's business."""
        links = Links()
        named = [record for record, linked in words.items() if linked]
        contacts = self.contacts_at(meeting.guests)
        contacts |= {pk: None for kind, pk in named if kind == "contact" and pk in self.leads_of}
        for contact_id in contacts:
            known = links.add(("contact", contact_id), words)
            for lead_id in self.leads_of[contact_id]:
                self._touch(lead_id, links, words if known else None)
        for kind, pk in named:
            if kind == "lead" and pk in self.leads:
                self._touch(pk, links, words)
            elif kind in ("company", "deal"):
                links.add((kind, pk), words)
        return links

    def _touch(self, lead_id: uuid.UUID, links: Links, words: Mapping[Record, bool] | None) -> None:
        lead = self.leads[lead_id]
        if lead.owner_id is not None:
            links.owner_ids.add(lead.owner_id)
        if words is None or not words.get(("lead", lead_id), True):
            return
        if lead.is_known:
            links.add(("lead", lead_id), words)
        for record in lead.became:
            links.add(record, words)


def links_of(meetings: Collection[Meeting]) -> dict[int, Links]:
    """What each of these meetings touches, by its id."""
    if not meetings:
        return {}
    ids = {meeting.event_id for meeting in meetings}
    ids |= {meeting.series_id for meeting in meetings if meeting.series_id is not None}
    said = said_of_meetings(ids)
    people = People.behind({guest for meeting in meetings for guest in meeting.guests}, said)
    return {
        meeting.event_id: people.touched(meeting, said.of(meeting.event_id, meeting.series_id))
        for meeting in meetings
    }


def addresses_owned_by(user_id: uuid.UUID) -> QuerySet[Any, Any]:
    """Lower-case addresses of the people of this user's leads, for an IN clause."""
    people = Contact.objects.alive().filter(**{f"{LEAD}__owner": user_id}, email__isnull=False)
    found: QuerySet[Any, Any] = people.order_by().values_list(Lower("email"), flat=True)
    return found
