"""Records that may be one: the same e-mail, phone or name, or nearly the same name.

Candidates come from indexes (crm.likeness); a score of 100 is as good as certain.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext, gettext_lazy

from crm.folding import Fold, fold
from crm.likeness import (
    SHORTEST_PHONE,
    IsAlike,
    Likeness,
    NameKey,
    PhoneKey,
    name_key,
    phone_key,
    similarity,
    use_threshold,
)
from crm.models import Company, Contact, Lead

SHOWN = 5
CANDIDATES = 50
REASONS: Final = {
    "same_email": gettext_lazy("The same e-mail address."),
    "same_phone": gettext_lazy("The same phone."),
    "same_name": gettext_lazy("The same name."),
    "similar_name": gettext_lazy("A similar name."),
}
SAME_EMAIL, SAME_PHONE = 100, 90
THROUGH_A_CONTACT = 10  # less, where the address is not the record's own
# Two people may well share a name, two companies hardly.
SAME_NAME: Final = {"company": 85, "lead": 85, "contact": 70}
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "company": ("name",),
    "contact": ("name",),
    "lead": ("title", "trade_name"),
}
# The way from a record to the people one would call.
PEOPLE: Final = {"company": "leads__contacts", "lead": "contacts"}


@dataclass(frozen=True)
class Asked:
    """What is known of a record; all of it may be missing."""

    name: str | None = None
    trade_name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class Duplicate:
    """A record that may be the same, how sure that is, and why."""

    pk: uuid.UUID
    name: str
    score: int
    reason: str

    def as_answer(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": str(self.pk),
            "name": self.name,
            "score": self.score,
            "reason": self.reason,
            "message": gettext(str(REASONS[self.reason])),
        }


def find(entity_type: str, asked: Asked, *, besides: uuid.UUID | None = None) -> list[Duplicate]:
    """The likeliest duplicates of such a record, best first; in the caller's transaction.

    `besides`: the record itself, which is no duplicate. Deleted and merged rows are none.
    """
    emails = {asked.email.strip().lower()} if asked.email and asked.email.strip() else set()
    phones = {phone_key(asked.phone) or ""}
    found = [
        *_by_name(entity_type, [asked.name, asked.trade_name]),
        *_by_address(entity_type, emails, phones),
    ]
    return _best(found, besides)


def of_row(entity_type: str, pk: uuid.UUID) -> list[Duplicate]:
    """The likeliest duplicates of a stored record."""
    row = _rows(entity_type).get(pk=pk)
    if isinstance(row, Contact):
        asked = Asked(name=row.name, email=row.email, phone=row.phone)
        return find(entity_type, asked, besides=pk)
    people = Contact.objects.alive().filter(
        pk__in=_rows(entity_type).filter(pk=pk).values(PEOPLE[entity_type])
    )
    known = list(people.values_list("email", "phone"))
    found = [
        *_by_name(entity_type, [getattr(row, name) for name in NAMES[entity_type]]),
        *_by_address(
            entity_type,
            {email.lower() for email, _phone in known if email},
            {phone_key(phone) or "" for _email, phone in known},
        ),
    ]
    return _best(found, pk)


def _best(found: Iterable[Duplicate], besides: uuid.UUID | None) -> list[Duplicate]:
    best: dict[uuid.UUID, Duplicate] = {}
    for one in found:
        if one.pk != besides and (one.pk not in best or best[one.pk].score < one.score):
            best[one.pk] = one
    return sorted(best.values(), key=lambda one: (-one.score, one.name, one.pk))[:SHOWN]


def _rows(entity_type: str) -> QuerySet[Any]:
    if entity_type == "lead":
        return Lead.objects.known()
    return Company.objects.alive() if entity_type == "company" else Contact.objects.alive()


# --- Names ---------------------------------------------------------------------------------------


def _by_name(entity_type: str, names: Collection[str | None]) -> Iterator[Duplicate]:
    read = fold if entity_type == "contact" else name_key
    wanted = {key for name in names if (key := read(name))}
    if not wanted:
        return
    use_threshold()
    columns = NAMES[entity_type]
    for row in _alike(entity_type, wanted):
        stored = {_plainest(read(row[column])) for column in columns if row[column]}
        best = max(similarity(_plainest(key), other) for key in wanted for other in stored)
        yield _named(entity_type, row["pk"], row[columns[0]], best, stored, wanted)


def _named(
    entity_type: str,
    pk: uuid.UUID,
    name: str,
    likeness: float,
    stored: Collection[str],
    wanted: Collection[str],
) -> Duplicate:
    most = SAME_NAME[entity_type]
    if not set(stored).isdisjoint(map(_plainest, wanted)):
        return Duplicate(pk, name, most, "same_name")
    return Duplicate(pk, name, min(round(likeness * most), most - 1), "similar_name")


def _plainest(key: str | None) -> str:
    """Without punctuation, which people's names keep in the index."""
    return " ".join("".join(sign if sign.isalnum() else " " for sign in key or "").split())


def _alike(entity_type: str, wanted: Collection[str]) -> Iterator[dict[str, Any]]:
    """Rows with a name like one of these keys, the likest first.

    A query for each name and column: one for all would work out every key of every candidate.
    """
    key_of = Fold if entity_type == "contact" else NameKey
    columns = NAMES[entity_type]
    for column in columns:
        for key in sorted(wanted):
            stored, asked = key_of(F(column)), Value(key)
            rows = _rows(entity_type).filter(IsAlike(stored, asked))
            rows = rows.order_by(Likeness(stored, asked).desc(), "pk")
            yield from rows.values("pk", *columns)[:CANDIDATES]


# --- Addresses -----------------------------------------------------------------------------------


def _by_address(
    entity_type: str, emails: Collection[str], phones: Collection[str]
) -> Iterator[Duplicate]:
    people = _people(emails, {phone for phone in phones if len(phone) >= SHORTEST_PHONE})
    if entity_type == "contact" or not people:
        for pk, (name, reason) in people.items():
            yield Duplicate(pk, name, _score(reason), reason)
        return
    way, name = PEOPLE[entity_type], NAMES[entity_type][0]
    rows = _rows(entity_type).filter(**{f"{way}__in": people}).distinct().order_by("pk")
    for pk, text, contact_id in rows.values_list("pk", name, way)[:CANDIDATES]:
        if contact_id in people:
            _name, reason = people[contact_id]
            yield Duplicate(pk, text, _score(reason) - THROUGH_A_CONTACT, reason)


def _score(reason: str) -> int:
    return SAME_EMAIL if reason == "same_email" else SAME_PHONE


def _people(
    emails: Collection[str], phones: Collection[str]
) -> Mapping[uuid.UUID, tuple[str, str]]:
    """Contacts with one of these: their name, and what they have in common."""
    if not emails and not phones:
        return {}
    condition = Q()
    if emails:
        condition |= Q(address__in=sorted(emails))
    if phones:
        condition |= Q(digits__in=sorted(phones))
    rows = Contact.objects.alive().alias(digits=PhoneKey("phone")).annotate(address=Lower("email"))
    rows = rows.filter(condition).order_by("pk")
    return {
        pk: (name, "same_email" if address in emails else "same_phone")
        for pk, name, address in rows.values_list("pk", "name", "address")[:CANDIDATES]
    }
