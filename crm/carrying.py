"""What a merge carries from one record to the other, per type of record, and back again."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import models

from crm.models import Company, Contact, Deal, Interaction, Lead, LeadContact, LeadTag

Values = dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """Rows that point at the record. `name` is what the API calls them.

    `entity_type`: they are records themselves, with a history and a folder of their own.
    """

    name: str
    model: type[Any]
    column: str
    entity_type: str | None = None

    @property
    def key(self) -> str:
        """Where the journal of a merge keeps them."""
        return f"{self.model._meta.db_table}.{self.column}"  # noqa: SLF001  (documented by Django)

    def of(self, pk: uuid.UUID) -> models.QuerySet[Any]:
        """The rows that point at this record, in the order in which they are locked."""
        rows: models.QuerySet[Any] = self.model.objects.filter(**{self.column: pk})
        return rows.order_by("pk")


@dataclass(frozen=True)
class Link:
    """A table between the record (`column`) and others (`opposite`), one row per pair."""

    name: str
    model: type[Any]
    column: str
    opposite: str

    @property
    def key(self) -> str:
        """Where the journal of a merge keeps them."""
        return f"{self.model._meta.db_table}.{self.column}"  # noqa: SLF001  (documented by Django)

    @property
    def marks(self) -> tuple[str, ...]:
        """The columns beside the two keys."""
        return ("is_primary", "added_at") if self.model is LeadContact else ()

    def of(self, pk: uuid.UUID) -> dict[uuid.UUID, Values]:
        """The marks of the record's links, by whom it is linked with."""
        rows = self.model.objects.filter(**{self.column: pk}).order_by(self.opposite)
        return {row[self.opposite]: _marks(self, row) for row in rows.values()}


def _marks(link: Link, row: Mapping[str, Any]) -> Values:
    return {name: row[name] for name in link.marks}


@dataclass(frozen=True)
class Kind:
    """A type of record that can be merged.

    `choices`: what the caller may choose -> the attributes that come from one record together.
    """

    entity_type: str
    model: type[Any]
    choices: Mapping[str, tuple[str, ...]]
    references: tuple[Reference, ...] = ()
    links: tuple[Link, ...] = ()


KINDS: Final = {
    kind.entity_type: kind
    for kind in (
        Kind(
            "company",
            Company,
            {"name": ("name",)},
            references=(
                Reference("leads", Lead, "qualified_company_id", "lead"),
                Reference("deals", Deal, "company_id", "deal"),
            ),
        ),
        Kind(
            "contact",
            Contact,
            {name: (name,) for name in ("name", "email", "phone", "role")},
            links=(Link("leads", LeadContact, "contact_id", "lead_id"),),
        ),
        Kind(
            "lead",
            Lead,
            {
                "legal_name": ("title",),
                "trade_name": ("trade_name",),
                "lead_status_id": ("lead_status_id",),
                "lead_origin_id": ("lead_origin_id",),
                "owner_user_id": ("owner_id",),
                "qualified_company_id": ("qualified_company_id", "qualified_master_deal_id"),
                "address_city": ("address_city", "address_state"),
                "manual_priority_score": (
                    "manual_priority_score",
                    "manual_priority_by",
                    "manual_priority_at",
                ),
            },
            references=(Reference("interactions", Interaction, "lead_id"),),
            links=(
                Link("contacts", LeadContact, "lead_id", "contact_id"),
                Link("tags", LeadTag, "lead_id", "tag_id"),
            ),
        ),
    )
}


@dataclass(frozen=True)
class LinkMove:
    """What happens to one link of the record that goes.

    Where the kept record has no such link, the row changes hands; where both have one, the
    kept one stays with the marks of both, and the other (`removed`) goes. `before` and `after`
    are the marks of the row that is there in the end.
    """

    with_id: uuid.UUID
    before: Values
    after: Values
    removed: Values | None = None

    def as_json(self) -> Values:
        """For the journal."""
        return {
            "with": str(self.with_id),
            "before": plain(self.before),
            "after": plain(self.after),
            "removed": None if self.removed is None else plain(self.removed),
        }

    @classmethod
    def from_json(cls, link: Link, entry: Mapping[str, Any]) -> LinkMove:
        """From the journal."""
        fields = link.model._meta  # noqa: SLF001  (documented by Django)

        def read(values: Mapping[str, Any]) -> Values:
            return {name: fields.get_field(name).to_python(values[name]) for name in values}

        removed = entry["removed"]
        return cls(
            uuid.UUID(entry["with"]),
            read(entry["before"]),
            read(entry["after"]),
            None if removed is None else read(removed),
        )


def link_moves(link: Link, kept_id: uuid.UUID, other_id: uuid.UUID) -> list[LinkMove]:
    """What happens to each link of the record that goes."""
    kept, other = link.of(kept_id), link.of(other_id)
    # A lead that stays keeps its primary contact; a contact has no such thing.
    takes_marks = link.model is LeadContact and link.column == "lead_id"
    primary_is_taken = takes_marks and any(marks["is_primary"] for marks in kept.values())
    return [
        _link_move(with_id, kept.get(with_id), marks, primary_is_taken=primary_is_taken)
        for with_id, marks in other.items()
    ]


def _link_move(
    with_id: uuid.UUID, kept: Values | None, other: Values, *, primary_is_taken: bool
) -> LinkMove:
    if not other:
        return LinkMove(with_id, {}, {}, None if kept is None else {})
    primary = other["is_primary"] and not primary_is_taken
    if kept is None:
        return LinkMove(with_id, other, {**other, "is_primary": primary})
    after = {
        "is_primary": kept["is_primary"] or primary,
        "added_at": min(kept["added_at"], other["added_at"]),
    }
    return LinkMove(with_id, kept, after, removed=other)


def carry_link(link: Link, move: LinkMove, kept_id: uuid.UUID, other_id: uuid.UUID) -> None:
    """Do what the move says."""
    if move.removed is not None:
        _row(link, other_id, move.with_id).delete()
        if move.before != move.after:
            _row(link, kept_id, move.with_id).update(**move.after)
        return
    _row(link, other_id, move.with_id).update(**{link.column: kept_id}, **move.after)


def return_link(link: Link, move: LinkMove, kept_id: uuid.UUID, other_id: uuid.UUID) -> bool:
    """Take the move back; False where people took the link away meanwhile.

    Marks that people changed stay as they are, and nobody loses being the primary contact.
    """
    row = _row(link, kept_id, move.with_id)
    stored = row.values().first()
    if stored is None:
        return False
    marks = _marks(link, stored)
    back = {name: was for name, was in move.before.items() if marks[name] == move.after[name]}
    if move.removed is None:
        row.update(**{link.column: other_id}, **back)
        return True
    if back:
        row.update(**back)
    removed = dict(move.removed)
    keys = {link.column: other_id, link.opposite: move.with_id}
    if removed.get("is_primary"):
        lead = LeadContact.objects.filter(lead_id=keys["lead_id"], is_primary=True)
        removed["is_primary"] = not lead.exists()
    link.model.objects.bulk_create([link.model(**keys, **removed)], ignore_conflicts=True)
    return True


def _row(link: Link, pk: uuid.UUID, with_id: uuid.UUID) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = link.model.objects.filter(
        **{link.column: pk, link.opposite: with_id}
    )
    return rows


def plain(values: Mapping[str, Any]) -> Values:
    """Values as JSON holds them."""
    return {name: plain_value(value) for name, value in values.items()}


def plain_value(value: Any) -> Any:
    """One value as JSON holds it."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def ids_of(names: Iterable[str]) -> list[uuid.UUID]:
    """Ids from the journal."""
    return [uuid.UUID(name) for name in names]
