"""Every address of a single record, on every kind of row, for every role.

ANSWERS and ADDRESSES are written by hand from the contract; an address that is not in them
fails. A row is the caller's own (or tied to a lead of theirs), another's, nobody's, deleted, or
merged into another. Those who are nobody or have no role see nothing (test_access).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from crm.models import Interaction
from pipedesk.accounts.models import User
from tests.core.test_access import OPERATIONS
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
)

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
KINDS = ("own", "other's", "nobody's", "deleted", "merged")
ROLES = ("sales", "manager", "admin")
# What is done with the row, for whom -> the answer per kind of row; ok is any 2xx.
ANSWERS = """
                                own other's nobody's deleted merged
    read         everybody      ok  ok      ok       404     307
    change-lead  sales          ok  403     ok       404     409
    change-lead  manager,admin  ok  ok      ok       404     409
    change-tied  sales          ok  403     403      404     409
    change-tied  manager,admin  ok  ok      ok       404     409
    undo-verb    sales          409 403     409      404     409
    undo-verb    manager,admin  409 409     409      404     409
    hide         sales          403 403     403      403     403
    hide         manager,admin  ok  ok      ok       404     409
    show         sales          403 403     403      403     403
    show         manager,admin  404 404     404      ok      409
    unmerge      sales          403 403     403      403     403
    unmerge      manager,admin  409 409     409      404     409
"""
ADDRESSES = """
    read         GET                /api/leads/{id} /api/leads/{id}/tags /api/leads/{id}/contacts
    read         GET                /api/leads/{id}/duplicates /api/leads/{id}/priority
    read         GET                /api/leads/{id}/interactions
    read         GET                /api/companies/{id} /api/companies/{id}/duplicates
    read         GET                /api/contacts/{id} /api/contacts/{id}/duplicates
    read         GET                /api/deals/{id}
    change-lead  PUT,PATCH          /api/leads/{id}
    change-lead  PUT                /api/leads/{id}/tags
    change-lead  POST               /api/leads/{id}/contacts
    change-lead  PATCH,DELETE       /api/leads/{id}/contacts/{contact_id}
    change-lead  POST               /api/leads/{id}/qualify /api/leads/{id}/disqualify
    change-lead  POST               /api/leads/{id}/change-owner /api/leads/{id}/interactions
    change-lead  DELETE             /api/leads/{id}/interactions/{interaction_id}
    change-lead  PATCH,DELETE       /api/leads/{id}/priority
    undo-verb    POST               /api/leads/{id}/unqualify /api/leads/{id}/reopen
    change-tied  PUT,PATCH          /api/companies/{id} /api/contacts/{id} /api/deals/{id}
    hide         DELETE             /api/leads/{id} /api/companies/{id} /api/contacts/{id}
    hide         DELETE             /api/deals/{id}
    hide         POST               /api/leads/{id}/merge /api/companies/{id}/merge
    hide         POST               /api/contacts/{id}/merge
    unmerge      POST               /api/leads/{id}/unmerge /api/companies/{id}/unmerge
    unmerge      POST               /api/contacts/{id}/unmerge
    show         POST               /api/leads/{id}/restore /api/companies/{id}/restore
    show         POST               /api/contacts/{id}/restore /api/deals/{id}/restore
"""
RECORDS = {
    "leads": LeadFactory,
    "companies": CompanyFactory,
    "contacts": ContactFactory,
    "deals": DealFactory,
}


def answers() -> dict[tuple[str, str], dict[str, str]]:
    table = {}
    for line in ANSWERS.strip().splitlines()[1:]:
        group, roles, *codes = line.split()
        for role in ROLES if roles == "everybody" else roles.split(","):
            table[group, role] = dict(zip(KINDS, codes, strict=True))
    return table


def groups() -> dict[tuple[str, str], str]:
    table = {}
    for line in ADDRESSES.strip().splitlines():
        group, methods, *addresses = line.split()
        table |= {(method, one): group for method in methods.split(",") for one in addresses}
    return table


def row_of(kind: str, record: str, caller: User) -> Any:
    """A row of this kind, as the caller sees it."""
    # Deleted and merged ones are the caller's own, and yet out of reach.
    owner = {"other's": UserFactory(role="sales"), "nobody's": None}.get(kind, caller)
    row = LeadFactory(owner=owner) if record == "leads" else RECORDS[record]()
    match record:
        case "leads":
            LeadContactFactory(lead=row)
            Interaction.objects.create(lead=row, kind="call", occurred_at=timezone.now())
        case "companies":
            LeadFactory(owner=owner, qualified_company=row)
        case "deals":
            LeadFactory(owner=owner, qualified_master_deal=row)
        case "contacts":
            LeadContactFactory(lead__owner=owner, contact=row)
    if kind in ("deleted", "merged"):
        kept = {"merged_into": RECORDS[record]()} if kind == "merged" else {}
        type(row).objects.filter(pk=row.pk).update(deleted_at=timezone.now(), **kept)
    return row


HERE = sorted(
    (method, template)
    for template, methods in OPERATIONS.items()
    if re.match(r"/api/(leads|companies|contacts|deals)/\{id\}", template)
    for method in methods
)


def test_every_address_of_a_record_is_in_the_table() -> None:
    assert set(HERE) <= set(groups())


BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "PUT leads": lambda: {"legal_name": "B"},
    "PATCH leads": lambda: {"legal_name": "B"},
    "PUT companies": lambda: {"name": "B"},
    "PATCH companies": lambda: {"name": "B"},
    "PUT contacts": lambda: {"name": "B"},
    "PATCH contacts": lambda: {"name": "B"},
    "PUT deals": lambda: {"client_name": "B"},
    "PATCH deals": lambda: {"client_name": "B"},
    "PUT tags": lambda: {"tag_ids": []},
    "POST contacts": lambda: {"contact_id": str(ContactFactory().pk)},
    "PATCH {contact_id}": lambda: {"is_primary": True},
    "POST qualify": lambda: {"new_company": {"name": "B"}},
    "POST disqualify": lambda: {"reason": "None"},
    "POST interactions": lambda: {"kind": "call"},
    "PATCH priority": lambda: {"priority_bucket": "hot"},
}


def ask(client: APIClient, method: str, template: str, record: str, row: Any) -> int:
    last = template.rsplit("/", 1)[1]
    address = template.replace("{id}", str(row.pk))
    if record == "leads":
        address = address.replace("{contact_id}", str(row.leadcontact_set.get().contact_id))
        address = address.replace("{interaction_id}", str(row.interactions.get().pk))
    make = BODIES.get(f"{method} {record if last == '{id}' else last}", dict)
    body = make()
    if last == "change-owner":
        body = {"owner_user_id": str(client.user.pk)}  # type: ignore[attr-defined]
    if last == "merge":
        body = {"other_id": str(RECORDS[record]().pk)}
    answer = client.generic(method, address, json.dumps(body), content_type="application/json")
    return answer.status_code


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "template"), HERE)
def test_each_kind_of_row_answers_as_the_contract_says(
    api: Api, method: str, template: str, role: str
) -> None:
    client = api(role)
    record = template.split("/")[2]
    expected = answers()[groups()[method, template], role]
    for kind in KINDS:
        if kind == "merged" and record == "deals":
            continue  # deals are not merged
        code = ask(client, method, template, record, row_of(kind, record, client.user))
        answered = "ok" if 200 <= code < 300 else str(code)
        assert answered == expected[kind], (kind, code)
