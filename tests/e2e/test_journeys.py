"""The three journeys of the README, through real processes, each within five seconds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.product import Product, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EVENTS = "/calendar/v3/calendars/primary/events"
WINDOW = {"timeMin": "2027-01-01T00:00:00Z", "timeMax": "2027-02-01T00:00:00Z"}


def meeting(summary: str, day: int) -> dict[str, Any]:
    return {
        "summary": summary,
        "start": {"dateTime": f"2027-01-{day:02}T10:00:00Z"},
        "end": {"dateTime": f"2027-01-{day:02}T11:00:00Z"},
    }


def mirrored(product: Product, summary: str) -> list[dict[str, Any]]:
    answer = product.api("GET", "/api/calendar/events", params=WINDOW)
    assert answer.status_code == 200, answer.text
    return [event for event in answer.json()["data"] if event["summary"] == summary]


def new_lead(product: Product, name: str) -> str:
    answer = product.api("POST", "/api/leads", json={"legal_name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def drive_of(product: Product, lead: str, **params: str) -> dict[str, Any]:
    answer = product.api("GET", f"/api/drive/lead/{lead}", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def names_in(listing: dict[str, Any]) -> set[str]:
    return {file["name"] for file in listing["files"]}


LEAD_FOLDERS = {
    "00. Administração do Lead",
    "01. Originação & Materiais",
    "02. Ativo / Terreno (Básico)",
    "03. Empreendimento & Viabilidade (Preliminar)",
    "04. Partes & KYC (Básico)",
    "05. Decisão Interna",
}


def test_a_meeting_made_moved_and_cancelled_in_google_is_followed(product: Product) -> None:
    made = product.in_google("POST", EVENTS, json=meeting("Visita ao terreno", 12))

    seen = eventually(lambda: mirrored(product, "Visita ao terreno"), what="the new meeting")
    assert len(seen) == 1
    assert seen[0]["google_event_id"] == made["id"]

    product.in_google("PATCH", f"{EVENTS}/{made['id']}", json=meeting("Visita ao terreno", 14))
    eventually(
        lambda: [
            event
            for event in mirrored(product, "Visita ao terreno")
            if event["start_time"].startswith("2027-01-14")
        ],
        what="the moved meeting",
    )

    product.in_google("DELETE", f"{EVENTS}/{made['id']}")
    eventually(lambda: not mirrored(product, "Visita ao terreno"), what="no meeting")


def test_a_lead_gets_its_tree_keeps_its_name_and_shows_what_is_dropped(product: Product) -> None:
    lead = new_lead(product, "Alfa Empreendimentos")
    listing = eventually(
        lambda: (
            (found := drive_of(product, lead))["folder"]["state"] == "ready"
            and names_in(found) == LEAD_FOLDERS
            and found
        ),
        what="the tree in the API",
    )
    in_drive = product.folder_tree()["Leads"]["Lead - Alfa Empreendimentos"]
    assert set(in_drive) == LEAD_FOLDERS

    answer = product.api("PATCH", f"/api/leads/{lead}", json={"legal_name": "Beta Incorporadora"})
    assert answer.status_code == 200, answer.text
    eventually(
        lambda: "Lead - Beta Incorporadora" in product.folder_tree()["Leads"],
        what="the folder renamed in Drive",
    )
    assert "Lead - Alfa Empreendimentos" not in product.folder_tree()["Leads"]

    folder = next(file for file in listing["files"] if file["name"].startswith("01."))
    product.in_google(
        "POST", "/drive/v3/files", json={"name": "Matrícula.pdf", "parents": [folder["id"]]}
    )
    eventually(
        lambda: "Matrícula.pdf" in names_in(drive_of(product, lead, folder_id=folder["id"])),
        what="the dropped file in the API",
    )


def test_twenty_calls_to_provision_make_one_tree(product: Product) -> None:
    lead = new_lead(product, "Vinte Vezes")
    with ThreadPoolExecutor(20) as callers:
        answers = list(
            callers.map(
                lambda _: product.api("POST", f"/api/drive/lead/{lead}/provision"), range(20)
            )
        )

    assert {answer.status_code for answer in answers} == {202}
    eventually(lambda: drive_of(product, lead)["folder"]["state"] == "ready", within_s=10)
    leads = product.folder_tree()["Leads"]  # fails where a name is there twice
    assert set(leads["Lead - Vinte Vezes"]) == LEAD_FOLDERS


def test_a_company_its_lead_and_its_deal_grow_in_one_another(product: Product) -> None:
    company = product.api("POST", "/api/companies", json={"name": "Gama S.A."}).json()["id"]
    deal = product.api(
        "POST", "/api/deals", json={"client_name": "Torre Norte", "company_id": company}
    )
    contact = product.api("POST", "/api/contacts", json={"name": "Rita Lima"})
    assert (deal.status_code, contact.status_code) == (201, 201), deal.text + contact.text

    def whole_tree() -> bool:
        root = product.folder_tree()
        gama = root.get("Companies", {}).get("Gama S.A.", {})
        deals = gama.get("02. Deals", {})
        return len(deals.get("Deal - Torre Norte", {})) == 9 and len(gama) == 5

    eventually(whole_tree, within_s=20, what="the company's tree with its deal")
    eventually(lambda: product.folder_tree().get("Contacts"), what="the contact's tree")


def test_a_qualified_lead_leaves_the_work_list(product: Product) -> None:
    lead = new_lead(product, "Delta Loteamentos")
    shown = product.api("GET", "/api/leads/sales-view", params={"search": "delta"}).json()
    assert [row["id"] for row in shown["data"]] == [lead]
    assert shown["data"][0]["next_action"]["code"] == "call_first_time"

    answer = product.api(
        "POST", f"/api/leads/{lead}/qualify", json={"new_company": {"name": "Delta Ltda"}}
    )

    assert answer.status_code == 200, answer.text
    shown = product.api("GET", "/api/leads/sales-view", params={"search": "delta"}).json()
    assert shown["data"] == []
    again = product.api(
        "POST", f"/api/leads/{lead}/qualify", json={"new_company": {"name": "Delta Ltda"}}
    )
    assert again.status_code == 409


def test_the_workers_of_a_quiet_day_complain_of_nothing(product: Product) -> None:
    new_lead(product, "Épsilon Urbanismo")
    eventually(lambda: "Processed" in product.log("worker"), what="a job that was done")

    complaints = [line for line in product.log("worker").splitlines() if "[error" in line]
    assert complaints == []
