"""kill -9 of the workers in the middle: the result is the same as without it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.product import Product, eventually
from tests.e2e.test_journeys import EVENTS, LEAD_FOLDERS, WINDOW, drive_of, meeting, new_lead

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def slow_google(product: Product) -> Iterator[None]:
    """Each answer of Google takes a while, so that a kill lands between two of them."""
    product.in_google("POST", "/_sandbox/latency", json={"seconds": 0.8})
    yield
    product.in_google("POST", "/_sandbox/latency", json={"seconds": 0})


def expire_leases(product: Product) -> None:
    """What waiting for the lease to run out and the sweeper to come does, at once."""
    product.manage("shell", "-c", SWEEP_NOW)


SWEEP_NOW = """
from django.apps import apps
from pipedesk.core.work import Work
for model in apps.get_models():
    if issubclass(model, Work):
        model.objects.update(lease_until=None)
        model.objects.filter(queued_at__isnull=False).update(queued_at="2020-01-01T00:00:00Z")
        model.objects.rewake()
"""


# What reliability promises: the lease runs out, then the sweeper of the next minute comes.
RECOVERED_WITHIN_S = 105


def test_a_tree_cut_in_the_middle_is_completed_once(product: Product, slow_google: None) -> None:
    lead = new_lead(product, "Cortado ao Meio")
    eventually(
        lambda: "Lead - Cortado ao Meio" in product.folder_tree().get("Leads", {}), within_s=15
    )
    time.sleep(0.5)
    product.kill_worker()
    grown = product.folder_tree()["Leads"]["Lead - Cortado ao Meio"]
    product.start_worker()
    assert len(grown) < len(LEAD_FOLDERS), "the kill came too late to prove anything"

    eventually(
        lambda: drive_of(product, lead)["folder"]["state"] == "ready",
        within_s=RECOVERED_WITHIN_S + 15,  # what is left of the work itself, on a slow Google
        every_s=0.5,
    )

    assert set(product.folder_tree()["Leads"]["Lead - Cortado ao Meio"]) == LEAD_FOLDERS


def test_fifty_requests_lost_answers_and_killed_workers_make_one_tree(
    product: Product, slow_google: None
) -> None:
    lost = {"method": "drive.files.create", "kind": "reset_after_commit", "times": 2}
    product.in_google("POST", "/_sandbox/faults", json=[lost, {**lost, "skip": 4}])
    lead = new_lead(product, "Cinquenta Pedidos")
    with ThreadPoolExecutor(50) as callers:
        address = f"/api/drive/lead/{lead}/provision"
        answers = list(callers.map(lambda _n: product.api("POST", address), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job_id"] for answer in answers}) == 1

    for _death in range(2):
        time.sleep(1.0)
        product.kill_worker()
        product.start_worker()
        expire_leases(product)
    eventually(
        lambda: drive_of(product, lead)["folder"]["state"] == "ready",
        within_s=RECOVERED_WITHIN_S,
        every_s=0.5,
    )

    # Doubled names fail in `folder_tree`.
    assert set(product.folder_tree()["Leads"]["Lead - Cinquenta Pedidos"]) == LEAD_FOLDERS


def test_a_sync_cut_in_the_middle_loses_and_doubles_nothing(product: Product) -> None:
    product.in_google("POST", "/_sandbox/latency", json={"seconds": 1.0})
    before = list_calls(product)
    try:
        for day in range(1, 9):
            product.in_google("POST", EVENTS, json=meeting(f"Reunião {day}", day))
        eventually(lambda: list_calls(product) > before, within_s=15, what="a sync under way")
        product.kill_worker()
    finally:
        product.in_google("POST", "/_sandbox/latency", json={"seconds": 0})

    product.start_worker()
    expire_leases(product)

    expected = [f"Reunião {day}" for day in range(1, 9)]
    eventually(lambda: meetings(product) == expected, within_s=20, what="all eight, once each")


def meetings(product: Product) -> list[str]:
    found = product.api("GET", "/api/calendar/events", params={**WINDOW, "limit": "100"}).json()
    return sorted(e["summary"] for e in found["data"] if e["summary"].startswith("Reunião"))


def list_calls(product: Product) -> int:
    counts: dict[str, Any] = product.in_google("GET", "/_sandbox/requests")
    return int(counts.get("calendar.events.list", 0))
