"""Leads, companies, deals and contacts as their folders see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from crm.models import Company, Contact, Deal, Lead
from pipedesk.accounts.models import User


@dataclass(frozen=True)
class Entity:
    """A record with a folder. `company_id` is where leads and deals stand, if anywhere.

    `values` are its placeholders, without those of the day. `kept_id`: the record it was merged
    into, in whose folder its own now stands.
    """

    entity_type: str
    entity_id: str
    company_id: str | None
    values: dict[str, str]
    kept_id: str | None = None

    def placeholders(self, day: date) -> dict[str, str]:
        """Every placeholder of this entity; `day` is the one its tree was asked for."""
        return {
            **self.values,
            "year": f"{day:%Y}",
            "month": f"{day:%m}",
            "date": f"{day:%Y-%m-%d}",
            "entity_id": self.entity_id,
        }


def find(entity_type: str, entity_id: object, *, deleted: bool = False) -> Entity | None:
    """The entity, or None for one that does not exist or (unless `deleted`) is deleted.

    A qualified lead left the work list, not the house: it is found.
    """
    uuid = as_uuid(entity_id)
    if uuid is None or entity_type not in READERS:
        return None
    model, read = READERS[entity_type]
    rows: QuerySet[Any] = model.objects.all() if deleted else living(model)
    row = rows.select_related(*RELATED.get(entity_type, ())).filter(pk=uuid).first()
    if row is None:
        return None
    owners = {} if model is Lead else _first_owners(model, [uuid])
    return read(row, owners.get(uuid, ""))


def find_merged(entity_type: str, entity_id: object) -> Entity | None:
    """The entity, if it was merged into another one."""
    entity = find(entity_type, entity_id, deleted=True)
    if entity is None or entity_type not in MERGEABLE:
        return None
    rows = MERGEABLE[entity_type].objects.filter(pk=entity.entity_id)
    kept_id = rows.values_list("merged_into_id", flat=True).get()
    return replace(entity, kept_id=str(kept_id)) if kept_id is not None else None


def exists(entity_type: str, entity_id: object) -> bool:
    """Whether people can see such an entity."""
    uuid = as_uuid(entity_id)
    if uuid is None or entity_type not in READERS:
        return False
    return living(READERS[entity_type][0]).filter(pk=uuid).exists()


def all_ids(entity_type: str) -> Iterator[str]:
    """The ids of every entity of this type that is not deleted."""
    rows = living(READERS[entity_type][0]).order_by("pk").values_list("pk", flat=True)
    return (str(pk) for pk in rows.iterator(chunk_size=2000))


def is_tied_to(entity_type: str, entity_id: str, user_id: UUID) -> bool:
    """Whether the entity is a lead of this user, or tied to one."""
    rows = READERS[entity_type][0].objects.filter(pk=entity_id)
    own = rows.filter(owner_id=user_id) if entity_type == "lead" else rows.tied_to_leads_of(user_id)
    return bool(own.exists())


def living(model: type[Any]) -> QuerySet[Any]:
    """Rows people can see: not deleted; qualified leads count as living."""
    return Lead.objects.known() if model is Lead else model.objects.alive()


def as_uuid(text: object) -> UUID | None:
    """The UUID this text is, or None."""
    try:
        return UUID(str(text))
    except ValueError:
        return None


def find_many(entity_type: str, entity_ids: Collection[str]) -> dict[str, Entity]:
    """Those of the entities that people can see, in three queries however many there are."""
    model, read = READERS[entity_type]
    rows = living(model).select_related(*RELATED.get(entity_type, ())).filter(pk__in=entity_ids)
    owners = {} if model is Lead else _first_owners(model, entity_ids)
    return {str(row.pk): read(row, owners.get(row.pk, "")) for row in rows}


def _first_owners(model: type[Any], entity_ids: Collection[Any]) -> dict[UUID, str]:
    """Who owns the first lead with an owner of each company, deal or contact."""
    owned = model.objects.filter(pk__in=entity_ids, leads__owner__isnull=False)
    owned = owned.order_by("-leads__created_at", "-leads__pk")
    by_id = dict(owned.values_list("pk", "leads__owner_id"))  # the last one stays: the first
    users = User.objects.in_bulk(set(by_id.values()))
    return {pk: str(users[owner_id]) for pk, owner_id in by_id.items()}


def _company(row: Company, owner_name: str) -> Entity:
    values = {
        "entity_name": row.name,
        "company_name": row.name,
        "owner_name": owner_name,
    }
    return Entity("company", str(row.pk), None, values)


def _lead(row: Lead, _owner_name: str) -> Entity:
    values = {
        "entity_name": row.title,
        "lead_name": row.title,
        "trade_name": row.trade_name or "",
        "company_name": row.qualified_company.name if row.qualified_company else "",
        "city": row.address_city or "",
        "state": row.address_state or "",
        "owner_name": str(row.owner) if row.owner else "",
    }
    return Entity("lead", str(row.pk), _text(row.qualified_company_id), values)


def _deal(row: Deal, owner_name: str) -> Entity:
    values = {
        "entity_name": row.title,
        "deal_name": row.title,
        "company_name": row.company.name if row.company else "",
        "owner_name": owner_name,
    }
    return Entity("deal", str(row.pk), _text(row.company_id), values)


def _contact(row: Contact, owner_name: str) -> Entity:
    values = {
        "entity_name": row.name,
        "contact_name": row.name,
        "contact_role": row.role or "",
        "owner_name": owner_name,
    }
    return Entity("contact", str(row.pk), None, values)


def _text(uuid: UUID | None) -> str | None:
    return None if uuid is None else str(uuid)


# Rows the placeholders are read from.
RELATED = {"lead": ("owner", "qualified_company"), "deal": ("company",)}
READERS: dict[str, tuple[type[Any], Callable[[Any, str], Entity]]] = {
    "company": (Company, _company),
    "lead": (Lead, _lead),
    "deal": (Deal, _deal),
    "contact": (Contact, _contact),
}
MERGEABLE: dict[str, type[Any]] = {"lead": Lead, "company": Company, "contact": Contact}
