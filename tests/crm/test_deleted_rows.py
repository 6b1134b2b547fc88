"""Deleted companies, contacts, deals and leads: who finds them, who brings them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tests.factories.crm import CompanyFactory, ContactFactory, DealFactory, LeadFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
FACTORIES = {
    "companies": CompanyFactory,
    "contacts": ContactFactory,
    "deals": DealFactory,
    "leads": LeadFactory,
}


def deleted(address: str, **fields: Any) -> Any:
    return FACTORIES[address](deleted_at=timezone.now(), **fields)


def listed(client: APIClient, address: str, **query: Any) -> list[str]:
    answer = client.get(f"/api/{address}", query)
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["data"]]


@pytest.mark.parametrize("address", FACTORIES)
def test_whoever_may_restore_finds_what_there_is_to_restore(api: Api, address: str) -> None:
    alive, gone = FACTORIES[address](), deleted(address)
    if address != "deals":
        deleted(address, merged_into=alive)
    for role in ("manager", "admin"):
        client = api(role)
        assert listed(client, address) == [str(alive.pk)]
        assert listed(client, address, deleted="false") == [str(alive.pk)]
        assert listed(client, address, deleted="true") == [str(gone.pk)]
        assert listed(client, address, deleted="true", search="x y z") == []
        assert client.get(f"/api/{address}/{gone.pk}").status_code == 404
    sales = api("sales")
    assert sales.get(f"/api/{address}", {"deleted": "true"}).status_code == 403
    assert listed(sales, address, deleted="false") == [str(alive.pk)]


def test_a_qualified_lead_is_nothing_to_restore(api: Api) -> None:
    lead = LeadFactory(qualified=True)
    client = api("admin")

    assert listed(client, "leads", deleted="true") == []
    assert client.post(f"/api/leads/{lead.pk}/restore").status_code == 404


@pytest.mark.parametrize("address", FACTORIES)
def test_restoring_shows_the_row_again_and_answers_with_it(api: Api, address: str) -> None:
    gone, client = deleted(address), api("manager")
    one = f"/api/{address}/{gone.pk}"

    assert api("sales").post(f"{one}/restore").status_code == 403
    answer = client.post(f"{one}/restore")

    assert answer.status_code == 200
    assert answer.json()["deleted_at"] is None
    seen = client.get(one)
    assert seen.json() == answer.json()
    assert seen["ETag"] == answer["ETag"]
    gone.refresh_from_db()
    assert getattr(gone, "deleted_by", None) is None
    # Nothing deleted is left to restore.
    assert client.post(f"{one}/restore").status_code == 404


@pytest.mark.parametrize("address", ["companies", "contacts", "leads"])
def test_what_was_merged_comes_back_only_by_undoing_the_merge(api: Api, address: str) -> None:
    kept = FACTORIES[address]()
    merged = deleted(address, merged_into=kept)

    answer = api("admin").post(f"/api/{address}/{merged.pk}/restore")

    assert answer.status_code == 409
    assert answer.json()["details"][0] == {
        "field": "merged_into", "code": "conflict", "message": str(kept.pk),
    }  # fmt: skip
    merged.refresh_from_db()
    assert merged.deleted_at is not None
