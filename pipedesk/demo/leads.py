"""Made-up leads with all that belongs to them, a slice at a time and set by set.

The n-th lead of a seed is always the same, whatever the size: its ids, names and times come
from the seed and n alone (times count back from the day of the run).
"""

from __future__ import annotations

import random
import unicodedata
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from crm.models import (
    Company,
    Contact,
    Deal,
    Interaction,
    Lead,
    LeadContact,
    LeadOrigin,
    LeadStatus,
    LeadTag,
    Tag,
)
from pipedesk.accounts.models import User
from pipedesk.demo import words
from pipedesk.demo.people import SPACE

Kind, Direction = Interaction.Kind, Interaction.Direction
# Every third e-mail or so is an answer.
DIRECTIONS: Final = (Direction.SENT, Direction.SENT, Direction.RECEIVED)
# Shares of leads by fate; the rest is open.
QUALIFIED, DISQUALIFIED, DELETED = 0.06, 0.05, 0.02
LEADS_PER_COMPANY: Final = 6


@dataclass(frozen=True)
class Meeting:
    """A meeting with the contacts of one lead."""

    number: int
    summary: str
    start: datetime
    end: datetime
    emails: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """What all leads of a run share."""

    seed: int
    today: datetime
    owners: list[User]
    statuses: dict[str, LeadStatus]
    origins: list[LeadOrigin]
    tags: list[Tag]
    meetings_per_lead: int = 0

    def key(self, kind: str, number: int) -> uuid.UUID:
        """The id of the n-th row of a kind."""
        return uuid.uuid5(SPACE, f"{self.seed}/{kind}/{number}")

    @property
    def suffix(self) -> str:
        """What keeps apart the addresses of two seeds' people."""
        return "" if self.seed == 1 else f".{self.seed}"


@dataclass
class Slice:
    """Rows of some leads, to be written in this order."""

    companies: list[Company] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    leads: list[Lead] = field(default_factory=list)
    links: list[LeadContact] = field(default_factory=list)
    tags: list[LeadTag] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)

    def write(self) -> int:
        """Store what is not there yet; returns the number of rows offered."""
        written: tuple[list[Any], ...] = (
            self.companies,
            self.deals,
            self.contacts,
            self.leads,
            self.links,
            self.tags,
            self.interactions,
        )
        for rows in written:
            if rows:
                type(rows[0])._default_manager.bulk_create(  # noqa: SLF001  (Django's documented attribute)
                    rows, batch_size=1000, ignore_conflicts=True
                )
        return sum(len(rows) for rows in written)


def make_tags() -> list[Tag]:
    """The demo tags; one of the same name is used as it is."""
    Tag.objects.bulk_create(
        [
            Tag(id=uuid.uuid5(SPACE, f"tag/{name}"), name=name, color=color)
            for name, color in words.TAGS
        ],
        ignore_conflicts=True,
    )
    return list(Tag.objects.filter(name__in=[name for name, _color in words.TAGS]).order_by("name"))


def make_slice(world: World, numbers: range) -> Slice:
    """The rows of these leads."""
    made = Slice()
    for number in numbers:
        _Maker(world, number, made).make()
    return made


class _Maker:
    """One lead and its rows."""

    def __init__(self, world: World, number: int, made: Slice) -> None:
        self.world, self.number, self.made = world, number, made
        self.chance = random.Random(f"{world.seed}/{number}")  # noqa: S311  made-up data
        self.created_at = world.today - timedelta(minutes=self.chance.randrange(30, 400 * 1440))

    def make(self) -> None:
        """Add the lead and what belongs to it."""
        name = _place_name(self.chance)
        self.city, state, self.area = self.chance.choice(words.CITIES)
        lead = Lead(
            id=self.world.key("lead", self.number),
            title=_company_name(self.chance, name),
            trade_name=name if self.chance.random() < 0.7 else None,
            lead_origin=self.chance.choice(self.world.origins),
            owner=self.chance.choice(self.world.owners) if self.chance.random() < 0.9 else None,
            address_city=self.city,
            address_state=state,
            created_at=self.created_at,
        )
        emails = self._contacts(lead, name)
        self._tags(lead)
        self._interactions(lead)
        self._fate(lead, name)
        self._meetings(emails)
        lead.updated_at = max(
            at
            for at in (self.created_at, lead.last_interaction_at, lead.qualified_at)
            if at is not None
        )
        self.made.leads.append(lead)

    def _contacts(self, lead: Lead, company: str) -> tuple[str, ...]:
        emails = []
        for place in range(self.chance.choice((1, 1, 2))):
            given, family = (
                self.chance.choice(words.GIVEN_NAMES),
                self.chance.choice(words.FAMILY_NAMES),
            )
            key = self.world.key(f"contact{place}", self.number)
            person = f"{_ascii(given)}.{_ascii(family)}{self.number}{self.world.suffix}"
            email = f"{person}@{_ascii(company)}.example"
            contact = Contact(
                id=key,
                name=f"{given} {family}",
                email=email,
                phone=f"+55 {self.area} 95555-{self.chance.randrange(10_000):04}",
                role=self.chance.choice(words.JOBS),
                created_at=self.created_at,
            )
            self.made.contacts.append(contact)
            self.made.links.append(
                LeadContact(
                    lead=lead, contact=contact, is_primary=not place, added_at=self.created_at
                )
            )
            emails.append(email)
        return tuple(emails)

    def _tags(self, lead: Lead) -> None:
        for tag in self.chance.sample(self.world.tags, self.chance.choice((0, 1, 2, 2, 3))):
            self.made.tags.append(LeadTag(lead=lead, tag=tag))

    def _interactions(self, lead: Lead) -> None:
        """None for some, a few for most, many and fresh ones for the hot."""
        warmth, age = self.chance.random(), self.world.today - self.created_at
        if warmth < 0.15:
            return
        if warmth > 0.92:
            count = self.chance.randrange(22, 46)
            latest = age * 0.02 * self.chance.random()
            span = min(age - latest, timedelta(days=80))
        else:
            count = self.chance.randrange(1, 6)
            latest = min(age, timedelta(days=90)) * self.chance.random()
            span = age - latest
        lead.last_interaction_at = self.world.today - latest
        self.made.interactions += [
            Interaction(
                id=self.world.key(f"interaction{place}", self.number),
                lead=lead,
                kind=self.chance.choice(
                    (Kind.CALL, Kind.EMAIL, Kind.EMAIL, Kind.VALUE_ASSET, Kind.NOTE)
                ),
                direction=DIRECTIONS[place % len(DIRECTIONS)],
                occurred_at=self.world.today - latest - span * (place / count),
                note=self.chance.choice(words.NOTES),
                user_id=str(lead.owner_id) if lead.owner_id else None,
            )
            for place in range(count)
        ]

    def _meetings(self, emails: tuple[str, ...]) -> None:
        for place in range(self.world.meetings_per_lead):
            day = self.world.today + timedelta(days=self.chance.randrange(-180, 30))
            start = day.replace(hour=self.chance.randrange(12, 21), minute=0)
            self.made.meetings.append(
                Meeting(
                    number=self.number * self.world.meetings_per_lead + place,
                    summary=self.chance.choice(words.MEETINGS),
                    start=start,
                    end=start + timedelta(minutes=self.chance.choice((30, 60, 90))),
                    emails=emails,
                )
            )

    def _fate(self, lead: Lead, name: str) -> None:
        """Open, qualified, disqualified or deleted; some open ones have a company already."""
        fate = self.chance.random()
        status = self.world.statuses
        decided_at = self.created_at + (self.world.today - self.created_at) * self.chance.random()
        if fate < QUALIFIED:
            lead.qualified_company = self._company()
            lead.qualified_master_deal = self._deal(lead.qualified_company, name)
            lead.qualified_at = lead.deleted_at = decided_at
            lead.lead_status = status.get(LeadStatus.QUALIFIED)
        elif fate < QUALIFIED + DISQUALIFIED:
            lead.disqualified_at = decided_at
            lead.disqualification_reason = self.chance.choice(words.REASONS)
            lead.lead_status = status.get("disqualified")
        else:
            open_codes = [code for code in ("new", "contacted", "proposal") if code in status]
            lead.lead_status = status[self.chance.choice(open_codes)] if open_codes else None
            if fate > 1 - DELETED:
                lead.deleted_at = decided_at
            elif fate > 0.9:
                lead.qualified_company = self._company()

    def _company(self) -> Company:
        """A company of its own, or one that a lead of the same six has too."""
        number = self.number // LEADS_PER_COMPANY
        chance = random.Random(f"{self.world.seed}/company/{number}")  # noqa: S311  made-up data
        company = Company(
            id=self.world.key("company", number),
            name=_company_name(chance, _place_name(chance)),
        )
        self.made.companies.append(company)
        return company

    def _deal(self, company: Company, name: str) -> Deal:
        deal = Deal(
            id=self.world.key("deal", self.number), title=f"Residencial {name}", company=company
        )
        self.made.deals.append(deal)
        return deal


def _place_name(chance: random.Random) -> str:
    """Two words that do not say the same twice, as "Serra da Serra" would."""
    first, last = chance.choice(words.FIRST_WORDS), chance.choice(words.LAST_WORDS)
    return f"{first} {last}" if first not in last else f"Novo {last}"


def _company_name(chance: random.Random, name: str) -> str:
    return f"{chance.choice(words.KINDS)} {name} {chance.choice(words.FORMS)}"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(sign for sign in plain.lower() if sign.isalnum())


def shared(seed: int, today: datetime, owners: list[User], **more: Any) -> World:
    """What all leads of a run share, from the database."""
    return World(
        seed=seed,
        today=today,
        owners=owners,
        statuses={status.code: status for status in LeadStatus.objects.all()},
        origins=list(LeadOrigin.objects.order_by("sort_order", "code")),
        tags=make_tags(),
        **more,
    )
