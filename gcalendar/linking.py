"""Guests' addresses and the people of the CRM."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Lower

from crm.models import Contact

LEAD = "leadcontact__lead"
# Which contacts belong to an entity: a lead's own, and those of the leads behind the others.
CONTACTS_OF = {
    "contact": "pk",
    "lead": f"{LEAD}",
    "company": f"{LEAD}__qualified_company",
    "deal": f"{LEAD}__qualified_master_deal",
}


@dataclass
class Links:
    """What an address stands for: CRM rows, and who owns the leads among them."""

    rows: dict[tuple[str, uuid.UUID], None] = field(default_factory=dict)
    owner_ids: set[uuid.UUID] = field(default_factory=set)


def addresses_of(entity_type: str, entity_id: uuid.UUID) -> QuerySet[Any, Any]:
    """Lower-case addresses of the people of an entity, for an IN clause."""
    people = Contact.objects.alive().filter(**{CONTACTS_OF[entity_type]: entity_id})
    return _addresses(people)


def addresses_owned_by(user_id: uuid.UUID) -> QuerySet[Any, Any]:
    """Lower-case addresses of the people of this user's leads, for an IN clause."""
    return _addresses(Contact.objects.alive().filter(**{f"{LEAD}__owner": user_id}))


def _addresses(people: QuerySet[Contact]) -> QuerySet[Any, Any]:
    return people.filter(email__isnull=False).order_by().values_list(Lower("email"), flat=True)


def links_of(addresses: Collection[str]) -> dict[str, Links]:
    """The CRM rows behind these lower-case addresses; one query."""
    links: dict[str, Links] = defaultdict(Links)
    if not addresses:
        return links
    people = Contact.objects.alive().annotate(address=Lower("email")).order_by("name", "pk")
    for row in people.filter(address__in=addresses).values(
        "address", "pk", LEAD, f"{LEAD}__owner", f"{LEAD}__deleted_at", f"{LEAD}__qualified_at",
        f"{LEAD}__qualified_company", f"{LEAD}__qualified_master_deal",
    ):  # fmt: skip
        found = links[row["address"]]
        found.rows.update(dict.fromkeys(_rows(row)))
        if owner_id := row[f"{LEAD}__owner"]:
            found.owner_ids.add(owner_id)
    return links


def _rows(row: dict[str, Any]) -> Iterator[tuple[str, uuid.UUID]]:
    yield "contact", row["pk"]
    if row[LEAD] is None:
        return
    # A qualified lead is hidden, not gone; a deleted one is no place to link to.
    if row[f"{LEAD}__deleted_at"] is None or row[f"{LEAD}__qualified_at"] is not None:
        yield "lead", row[LEAD]
    for name, column in (("company", "qualified_company"), ("deal", "qualified_master_deal")):
        if related := row[f"{LEAD}__{column}"]:
            yield name, related
