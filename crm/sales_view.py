"""The work list: one query for its rows, two more for their tags and primary contacts.

Filters, sorts and what is shown read the same expressions.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from crm import next_action, priority
from crm.folding import Fold
from crm.models import LeadContact, LeadTag
from crm.models.lead import LeadQuerySet
from pipedesk.core.pagination import Key

ORDERS: Final[dict[str, Key]] = {
    "priority": Key("priority_score", descending=True),
    "last_interaction": Key("last_interaction_at", descending=True, nullable=True),
    "created_at": Key("created_at", descending=True),
    "status": Key("lead_status__sort_order", nullable=True),
    "owner": Key("owner_folded", nullable=True),
    "next_action": Key("rule"),
}
DEFAULT_ORDER: Final = "priority"
# What the rows come with from the database, beside the annotations.
COLUMNS: Final = (
    "id",
    "title",
    "trade_name",
    "lead_status_id",
    "lead_origin_id",
    "lead_status__code",
    "lead_status__sort_order",
    "lead_origin__code",
    "owner_id",
    "priority_score",
    "last_interaction_at",
    "activity_stats__last_interaction_type",
    "qualified_master_deal_id",
    "qualified_at",
    "disqualified_at",
    "address_city",
    "address_state",
    "created_at",
    "updated_at",
)
# What a row of the answer is made of, in the contract's order.
FIELDS: Final = (
    "id",
    "legal_name",
    "trade_name",
    "lead_status_id",
    "lead_origin_id",
    "status",
    "origin",
    "owner_user_id",
    "owner",
    "priority_score",
    "priority_bucket",
    "priority_description",
    "last_interaction_at",
    "last_interaction_type",
    "qualified_master_deal_id",
    "qualified_at",
    "disqualified_at",
    "address_city",
    "address_state",
    "created_at",
    "updated_at",
    "tags",
    "primary_contact",
    "next_action",
)


def stored_rows(leads: LeadQuerySet, now: datetime) -> QuerySet[Any, Any]:
    """What `present` needs of these leads, and what ORDERS sort by."""
    # A person without a name is known by the e-mail.
    owner_name = Coalesce(
        NullIf("owner__name", Value("")), "owner__email", output_field=CharField()
    )
    annotated: QuerySet[Any, Any] = leads.annotate(
        **next_action.facts(now),
        last_call_at=F("activity_stats__last_call_at"),
        last_value_asset_at=F("activity_stats__last_value_asset_at"),
        owner_name=owner_name,
        owner_folded=Fold(owner_name),
    ).annotate(rule=next_action.rule(now))
    return annotated.values(
        *COLUMNS,
        *next_action.FACTS,
        "last_call_at",
        "last_value_asset_at",
        "owner_name",
        "owner_folded",
        "rule",
    )


def present(rows: Iterable[Mapping[str, Any]], wanted: Collection[str]) -> list[dict[str, Any]]:
    """The rows as the contract shows them. A relation nobody wants costs no query."""
    rows = list(rows)
    ids = [row["id"] for row in rows]
    tags = tags_of(ids) if "tags" in wanted else {}
    contacts = primary_contacts_of(ids) if "primary_contact" in wanted else {}
    shown = []
    for row in rows:
        whole = _plain(row) | {
            "tags": tags.get(row["id"], []),
            "primary_contact": contacts.get(row["id"]),
            "next_action": asdict(next_action.describe(row["rule"], row)),
        }
        shown.append({name: whole[name] for name in FIELDS if name in wanted})
    return shown


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The members that come straight from the stored row."""
    owner_id, score = row["owner_id"], row["priority_score"]
    return {
        **row,
        "legal_name": row["title"],
        "status": row["lead_status__code"],
        "origin": row["lead_origin__code"],
        "owner_user_id": owner_id,
        "owner": None if owner_id is None else {"id": owner_id, "name": row["owner_name"]},
        "priority_bucket": priority.bucket(score),
        "priority_description": priority.description(score),
        "last_interaction_type": row["activity_stats__last_interaction_type"],
    }


def tags_of(lead_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """The tags of each of these leads, by name."""
    rows = LeadTag.objects.filter(lead_id__in=lead_ids).order_by("tag__name", "tag_id")
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for lead_id, tag_id, name, color in rows.values_list(
        "lead_id", "tag_id", "tag__name", "tag__color"
    ):
        found.setdefault(lead_id, []).append({"id": tag_id, "name": name, "color": color})
    return found


def primary_contacts_of(lead_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """The primary contact of each of these leads, else the one that was added first."""
    rows = LeadContact.objects.filter(lead_id__in=lead_ids, contact__deleted_at__isnull=True)
    found: dict[uuid.UUID, dict[str, Any]] = {}
    for lead_id, contact_id, name, role, email, phone in rows.order_by(
        "-is_primary", "added_at", "contact_id"
    ).values_list(
        "lead_id",
        "contact_id",
        "contact__name",
        "contact__role",
        "contact__email",
        "contact__phone",
    ):
        contact = {"id": contact_id, "name": name, "role": role, "email": email, "phone": phone}
        found.setdefault(lead_id, contact)
    return found
