"""Folders whose names mention other records: what a change of those asks to be named anew.

The template of a lead may say `{{company_name}}`, that of a company `{{owner_name}}`. Each
folder keeps the pattern its name came from, so who is concerned is one query per few hundred
records; the trees' own jobs render the names and leave alone what a person renamed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from crm.models import Company, Contact, Deal, Lead
from gdrive.models import DriveFolderNode, DriveFolderTree
from pipedesk.core.chunks import chunks

# Columns of a record, by the placeholder of its own folders that shows them.
SHOWN: Final = {
    "owner_id": "owner_name",
    "address_city": "city",
    "address_state": "state",
    "role": "contact_role",
}
# So many jobs are woken at once; the sweeper wakes the others within a minute.
WOKEN_AT_ONCE: Final = 100


def company_renamed(company_id: UUID) -> None:
    """Ask for the trees of the company's leads and deals that show its name."""
    of_it = {
        "lead": Lead.objects.filter(qualified_company=company_id).values_list("pk", flat=True),
        "deal": Deal.objects.of_company(company_id).values_list("pk", flat=True),
    }
    for entity_type, ids in of_it.items():
        _ask(entity_type, ids, ["company_name"])


def described(entity_type: str, entity_id: UUID | str, columns: Collection[str]) -> None:
    """Ask for the record's tree if its names show one of these columns.

    Whose lead it is also shows in the folders of its company, deal and contacts.
    """
    _ask(entity_type, [entity_id], [SHOWN[column] for column in columns if column in SHOWN])
    if "owner_id" in columns:
        _ask_around(Q(pk=entity_id))


def contact_moved(contact_id: UUID) -> None:
    """Ask for the contact's tree where it shows whose lead's contact it is."""
    _ask("contact", [contact_id], ["owner_name"])


def owner_renamed(user_id: UUID) -> None:
    """Ask for the trees that show the name of this owner of leads."""
    own = Q(owner=user_id)
    _ask("lead", Lead.objects.filter(own).values_list("pk", flat=True), ["owner_name"])
    _ask_around(own)


def _ask_around(leads: Q) -> None:
    """Ask for the trees of what belongs to these leads, where they show the owner's name."""
    chosen = Lead.objects.filter(leads).order_by()
    around = {
        "company": Company.objects.filter(leads__in=chosen),
        "deal": Deal.objects.filter(leads__in=chosen),
        "contact": Contact.objects.filter(leads__in=chosen),
    }
    for entity_type, rows in around.items():
        _ask(entity_type, rows.order_by().values_list("pk", flat=True).distinct(), ["owner_name"])


def _ask(entity_type: str, ids: Iterable[UUID | str], shown: Collection[str]) -> None:
    """Ask for the trees of these records in which a folder shows one of these placeholders."""
    if not shown:
        return
    mentions = Q()
    for name in shown:
        mentions |= Q(pattern__contains=name)
    folders = DriveFolderNode.objects.filter(mentions, tree=OuterRef("pk"))
    with transaction.atomic(savepoint=False):
        for chunk in chunks([str(pk) for pk in ids]):
            trees = DriveFolderTree.objects.filter(
                Exists(folders), entity_type=entity_type, entity_id__in=chunk
            )
            _request(list(trees.order_by("pk").values_list("pk", flat=True)))


def _request(pks: list[int]) -> None:
    for pk in pks[:WOKEN_AT_ONCE]:
        DriveFolderTree.objects.request(pk)
    late = DriveFolderTree.objects.filter(pk__in=pks[WOKEN_AT_ONCE:])
    late.update(requested=F("requested") + 1)
