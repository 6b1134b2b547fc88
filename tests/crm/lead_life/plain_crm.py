"""The life of leads as the contract tells it, over plain values: no database, no framework.

Every verb either changes the plain rows or raises Refused with the status the API answers.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

CHIEFS = ("admin", "manager")
UNQUALIFY_WITHIN = timedelta(days=30)
UNDO_WITHIN = timedelta(days=30)
BUCKETS = {"hot": 85, "warm": 55, "cold": 20}


class Refused(Exception):
    """The API says no, with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass
class PlainLink:
    """A contact of a lead."""

    is_primary: bool
    added_at: datetime


@dataclass
class PlainLead:
    """One lead. People, statuses, companies, deals, tags and contacts go by plain names."""

    legal_name: str
    trade_name: str | None = None
    status: str | None = None
    city: str | None = None
    owner: str | None = None
    company: str | None = None
    deal: str | None = None
    qualified_at: datetime | None = None
    before_qualified: dict[str, str | None] = field(default_factory=dict)
    disqualified: tuple[datetime, str] | None = None
    deleted: bool = False
    merged_into: str | None = None
    last_interaction: datetime | None = None
    manual: int | None = None
    tags: set[str] = field(default_factory=set)
    contacts: dict[str, PlainLink] = field(default_factory=dict)
    interactions: set[str] = field(default_factory=set)

    @property
    def exists(self) -> bool:
        """Whether people can look it up: qualified leads too, merely deleted ones not."""
        return not self.deleted and self.merged_into is None

    @property
    def is_open(self) -> bool:
        """Whether it stands on the work list."""
        return self.exists and self.qualified_at is None and self.status != "qualified"

    @property
    def primary(self) -> str | None:
        """The contact to call: the primary one, else the first one added."""
        ranked = sorted(
            self.contacts.items(), key=lambda pair: (not pair[1].is_primary, pair[1].added_at)
        )
        return ranked[0][0] if ranked else None

    def make_primary(self, contact: str) -> None:
        """This one and no other."""
        for name, link in self.contacts.items():
            link.is_primary = name == contact


# What a merge takes from one of the two leads together.
GROUPS = (
    ("legal_name",),
    ("trade_name",),
    ("status",),
    ("owner",),
    ("company", "deal"),
    ("city",),
    ("manual",),
)


@dataclass
class PlainMerge:
    """What taking a merge back needs: both leads before it, and the kept one after."""

    at: datetime
    kept: str
    kept_before: PlainLead
    kept_after: PlainLead
    other_before: PlainLead


class PlainCrm:
    """All leads, and what people do with them."""

    def __init__(self) -> None:
        self.leads: dict[str, PlainLead] = {}
        # The merge in which a lead went, while it stands.
        self.merges: dict[str, PlainMerge] = {}

    # --- Who may ------------------------------------------------------------------------------

    def _found(self, key: str, who: str) -> PlainLead:
        """A lead this person may change."""
        lead = self.leads[key]
        if not lead.exists:
            raise Refused(409 if self.leads_on(lead) else 404)
        if who not in CHIEFS and lead.owner not in (None, who):
            raise Refused(403)
        return lead

    def leads_on(self, lead: PlainLead) -> bool:
        """Whether it was merged, and what it went into in the end is there."""
        end = lead
        while end.merged_into is not None:
            end = self.leads[end.merged_into]
        return end is not lead and end.exists

    @staticmethod
    def _take(lead: PlainLead, who: str, now: datetime | None = None) -> None:
        """The first write of the sales team makes its author the owner.

        That is an interaction, but for giving the lead up and taking it up again (no `now`).
        """
        if who not in CHIEFS and lead.owner is None:
            lead.owner = who
            lead.last_interaction = now or lead.last_interaction

    # --- Records ------------------------------------------------------------------------------

    def create(self, who: str, key: str, values: dict[str, Any]) -> None:
        """A new lead; the sales team owns what it creates."""
        lead = PlainLead(**values)
        if who not in CHIEFS:
            lead.owner = who
        self.leads[key] = lead

    def edit(self, who: str, key: str, values: dict[str, Any], now: datetime) -> None:
        """Other values; each real change is an interaction."""
        lead = self._found(key, who)
        changed = {name: v for name, v in values.items() if getattr(lead, name) != v}
        for name, value in changed.items():
            setattr(lead, name, value)
        if changed:
            lead.last_interaction = now
        self._take(lead, who, now)

    def delete(self, who: str, key: str) -> None:
        """Hide it. Chiefs only; what is qualified left already."""
        if who not in CHIEFS:
            raise Refused(403)
        lead = self._found(key, who)
        if lead.qualified_at is not None:
            raise Refused(409)
        lead.deleted = True

    def restore(self, who: str, key: str) -> None:
        """Show it again."""
        if who not in CHIEFS:
            raise Refused(403)
        lead = self.leads[key]
        if lead.merged_into is not None or not lead.deleted:
            raise Refused(409 if self.leads_on(lead) else 404)
        lead.deleted = False

    # --- Tags and contacts --------------------------------------------------------------------

    def put_tags(self, who: str, key: str, tags: set[str], now: datetime) -> None:
        """Exactly these tags."""
        lead = self._found(key, who)
        self._take(lead, who, now)
        lead.tags = set(tags)

    def add_contact(
        self, who: str, key: str, contact: str, is_primary: bool, now: datetime
    ) -> None:
        """One more contact; a primary one takes the mark from whoever had it."""
        lead = self._found(key, who)
        if contact in lead.contacts:
            raise Refused(409)
        self._take(lead, who, now)
        lead.contacts[contact] = PlainLink(False, now)
        if is_primary:
            lead.make_primary(contact)

    def mark_contact(
        self, who: str, key: str, contact: str, is_primary: bool, now: datetime
    ) -> None:
        """Make it the primary one, or no longer."""
        lead = self._found(key, who)
        if contact not in lead.contacts:
            raise Refused(404)
        self._take(lead, who, now)
        if is_primary:
            lead.make_primary(contact)
        else:
            lead.contacts[contact].is_primary = False

    def remove_contact(self, who: str, key: str, contact: str, now: datetime) -> None:
        """Take it off."""
        lead = self._found(key, who)
        if contact not in lead.contacts:
            raise Refused(404)
        self._take(lead, who, now)
        del lead.contacts[contact]

    # --- Qualification ------------------------------------------------------------------------

    def qualify(
        self, who: str, key: str, company: str | None, deal: str | None, now: datetime
    ) -> None:
        """It becomes a customer: linked, and out of the work list."""
        lead = self._found(key, who)
        if lead.qualified_at is not None or lead.disqualified is not None:
            raise Refused(409)
        after = {
            "status": "qualified",
            "company": company or lead.company,
            "deal": deal or lead.deal,
        }
        lead.before_qualified = {}
        for name, value in after.items():
            if getattr(lead, name) != value:
                lead.before_qualified[name] = getattr(lead, name)
                setattr(lead, name, value)
        lead.qualified_at = lead.last_interaction = now
        self._take(lead, who, now)

    def unqualify(self, who: str, key: str, now: datetime) -> None:
        """Back on the work list, as it was."""
        lead = self._found(key, who)
        if lead.qualified_at is None or now - lead.qualified_at > UNQUALIFY_WITHIN:
            raise Refused(409)
        for name, value in lead.before_qualified.items():
            setattr(lead, name, value)
        lead.qualified_at, lead.last_interaction = None, now
        self._take(lead, who, now)

    def disqualify(self, who: str, key: str, reason: str, now: datetime) -> None:
        """Given up. No interaction."""
        lead = self._found(key, who)
        if lead.qualified_at is not None or lead.disqualified is not None:
            raise Refused(409)
        self._take(lead, who)
        lead.disqualified = (now, reason)

    def reopen(self, who: str, key: str) -> None:
        """Not given up after all."""
        lead = self._found(key, who)
        if lead.disqualified is None:
            raise Refused(409)
        self._take(lead, who)
        lead.disqualified = None

    def change_owner(self, who: str, key: str, owner: str, now: datetime) -> None:
        """To anybody, by chiefs; the sales team takes what nobody has."""
        lead = self._found(key, who)
        if who not in CHIEFS and owner != who:
            raise Refused(403)
        if lead.owner != owner:
            lead.owner, lead.last_interaction = owner, now

    # --- Priority and interactions ------------------------------------------------------------

    def set_priority(self, who: str, key: str, score: int, now: datetime, *, in_force: int) -> None:
        """A score set by hand: an interaction where another one was in force."""
        lead = self._found(key, who)
        self._take(lead, who, now)
        if lead.manual != score:
            lead.manual = score
            lead.last_interaction = lead.last_interaction if score == in_force else now

    def clear_priority(self, who: str, key: str, now: datetime) -> None:
        """Back to the computed score: a person's word, too, where there was one to take back."""
        lead = self._found(key, who)
        self._take(lead, who, now)
        if lead.manual is not None:
            lead.manual, lead.last_interaction = None, now

    def log_interaction(
        self, who: str, key: str, name: str, occurred_at: datetime, now: datetime
    ) -> None:
        """Something happened with the lead; its time only moves forward."""
        lead = self._found(key, who)
        if occurred_at > now:
            raise Refused(422)
        self._take(lead, who, now)
        lead.interactions.add(name)
        if lead.last_interaction is None or lead.last_interaction < occurred_at:
            lead.last_interaction = occurred_at

    # --- Merging ------------------------------------------------------------------------------

    def merge(self, who: str, kept_key: str, other_key: str, now: datetime) -> None:
        """The other lead turned out to be the kept one: all of it goes over."""
        if who not in CHIEFS:
            raise Refused(403)
        kept = self._found(kept_key, who)
        if kept_key == other_key:
            raise Refused(422)
        other = self.leads[other_key]
        self._refuse_pair(kept, other)
        kept_before, other_before = deepcopy(kept), deepcopy(other)
        for names in GROUPS:
            fixed = kept.qualified_at is not None and "company" in names
            if not fixed and all(getattr(kept, name) is None for name in names):
                for name in names:
                    setattr(kept, name, getattr(other, name))
        heard = [at for at in (kept.last_interaction, other.last_interaction) if at]
        kept.last_interaction = max(heard, default=None)
        kept.tags |= other.tags
        kept.interactions |= other.interactions
        self._carry_contacts(kept, other)
        other.tags, other.interactions, other.contacts = set(), set(), {}
        other.merged_into = kept_key
        self.merges[other_key] = PlainMerge(
            now, kept_key, kept_before, deepcopy(kept), other_before
        )

    @staticmethod
    def _refuse_pair(kept: PlainLead, other: PlainLead) -> None:
        if other.merged_into is not None:
            raise Refused(409)
        if other.deleted:
            raise Refused(422)
        if other.qualified_at is not None:
            became = (kept.company, kept.deal)
            if kept.qualified_at is None or became != (other.company, other.deal):
                raise Refused(409)
        elif kept.disqualified is not None and other.disqualified is None:
            raise Refused(409)

    @staticmethod
    def _carry_contacts(kept: PlainLead, other: PlainLead) -> None:
        has_primary = any(link.is_primary for link in kept.contacts.values())
        for name, link in other.contacts.items():
            mine = kept.contacts.setdefault(name, PlainLink(False, link.added_at))
            mine.added_at = min(mine.added_at, link.added_at)
            mine.is_primary |= link.is_primary and not has_primary

    def unmerge(self, who: str, other_key: str, now: datetime) -> None:
        """They were two after all: what still is as the merge left it goes back."""
        if who not in CHIEFS:
            raise Refused(403)
        other = self.leads[other_key]
        merge = self.merges.get(other_key)
        if merge is None:
            raise Refused(404 if other.deleted else 409)
        kept = self.leads[merge.kept]
        if now - merge.at > UNDO_WITHIN or not kept.exists:
            raise Refused(409)
        was, became = merge.kept_before, merge.kept_after
        for name in (*(name for names in GROUPS for name in names), "last_interaction"):
            if getattr(kept, name) == getattr(became, name):
                setattr(kept, name, getattr(was, name))
        self._return_links(kept, other, merge)
        other.merged_into = None
        del self.merges[other_key]

    @staticmethod
    def _return_links(kept: PlainLead, other: PlainLead, merge: PlainMerge) -> None:
        was, became, gone = merge.kept_before, merge.kept_after, merge.other_before
        still = gone.interactions & kept.interactions
        other.interactions, kept.interactions = still, kept.interactions - still
        other.tags = gone.tags & kept.tags
        kept.tags -= gone.tags - was.tags
        for name, link in gone.contacts.items():
            mine = kept.contacts.get(name)
            if mine is None:
                continue
            before = was.contacts.get(name) or link
            if mine.is_primary == became.contacts[name].is_primary:
                mine.is_primary = before.is_primary
            mine.added_at = before.added_at
            if name in was.contacts:
                other.contacts[name] = deepcopy(link)
            else:
                other.contacts[name] = kept.contacts.pop(name)

    def snapshot(self, key: str) -> PlainLead:
        """The lead as it is now."""
        return deepcopy(self.leads[key])
