"""Hints at records that may be the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from crm import duplicates
from crm.duplicates import Asked
from crm.likeness import name_key, phone_key, similarity
from tests.factories.crm import CompanyFactory, ContactFactory, LeadContactFactory, LeadFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
NAMES = [
    ("Construtora Alfa Ltda.", "construtora alfa"),
    ("CONSTRUTORA ALFA S/A", "construtora alfa"),
    ("Construtora Alfa S.A.", "construtora alfa"),
    ("Construtora Alfa & Cia. Ltda", "construtora alfa"),
    ("Construtora Alfa Ltda - ME", "construtora alfa"),
    ("Construtora Alfa EIRELI - EPP", "construtora alfa"),
    ("Padaria São João MEI", "padaria sao joao"),
    ("Acme, Inc.", "acme"),
    ("Müller GmbH", "muller"),
    ("Ltda", "ltda"),
    ("ME", "me"),
    ("Cia. Brasileira de Obras", "cia brasileira de obras"),
    ("  100% Obras_x \\ \t ", "100 obras x"),
    ("Казань", "казань"),
    ("...", ""),
    ("", ""),
]
PHONES = [
    ("(11) 99999-0000", "11999990000"),
    ("+55 11 99999 0000", "11999990000"),
    ("0055 11 99999-0000", "11999990000"),
    ("011 99999-0000", "11999990000"),
    ("+55 011 3333-4444", "1133334444"),
    ("(55) 99999-0000", "55999990000"),
    ("3333-4444", "33334444"),
    ("+1 212 555 0100", "12125550100"),
    ("no phone", ""),
]


def in_database(function: str, *values: str) -> Any:
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({marks})", values)
        return cursor.fetchone()[0]


def hints(answer: Any) -> list[tuple[str, str]]:
    return [(one["id"], one["reason"]) for one in answer]


@pytest.mark.parametrize(("name", "key"), NAMES)
def test_names_lose_case_accents_punctuation_and_legal_forms(name: str, key: str) -> None:
    assert name_key(name) == key
    assert in_database("pipedesk_name_key", name) == key


@pytest.mark.parametrize(("phone", "key"), PHONES)
def test_phones_lose_what_is_no_number_and_the_prefixes(phone: str, key: str) -> None:
    assert phone_key(phone) == key
    assert in_database("pipedesk_phone_key", phone) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("construtora alfa", "construtora alfa"),
        ("construtora alfa", "contrutora alfa"),
        ("acme", "acme brasil"),
        ("abc", "xyz"),
        ("a", "a"),
        ("", "a"),
    ],
)
def test_the_database_counts_trigrams_as_python_does(
    one: str, other: str, is_postgres: bool
) -> None:
    function = "similarity" if is_postgres else "pipedesk_similarity"
    assert in_database(function, one, other) == pytest.approx(similarity(one, other), abs=1e-6)


def test_a_new_company_is_told_of_the_same_name_and_of_similar_ones(api: Api) -> None:
    same = CompanyFactory(name="Construtora Alfa S.A.")
    similar = CompanyFactory(name="Contrutora Alfa")
    CompanyFactory(name="Padaria")
    gone = CompanyFactory(name="Construtora Alfa")
    gone.soft_delete(by=None)
    answer = api("sales").post("/api/companies", {"name": "CONSTRUTORA ALFA LTDA."}, format="json")
    assert answer.status_code == 201
    found = answer.json()["possible_duplicates"]
    assert hints(found) == [(str(same.pk), "same_name"), (str(similar.pk), "similar_name")]
    assert found[0]["name"] == "Construtora Alfa S.A."
    assert 100 >= found[0]["score"] > found[1]["score"] > 0
    assert found[0]["message"]


def test_nothing_alike_is_an_empty_list(api: Api) -> None:
    client = api("sales")
    CompanyFactory(name="Padaria")
    for address in ("companies", "contacts"):
        made = client.post(f"/api/{address}", {"name": "..."}, format="json").json()
        assert made["possible_duplicates"] == []
    made = client.post("/api/leads", {"legal_name": "Obras"}, format="json").json()
    assert made["possible_duplicates"] == []
    assert "possible_duplicates" not in client.get(f"/api/leads/{made['id']}").json()


def test_a_new_contact_is_told_of_address_phone_and_name_best_first(api: Api) -> None:
    by_phone = ContactFactory(name="X", phone="011 98888-7777")
    by_email = ContactFactory(name="Y", email="ANA@obras.example")
    by_name = ContactFactory(name="ana  NUNES")
    ContactFactory(name="João Sá")
    body = {"name": "Ana Nunes", "email": "ana@OBRAS.example", "phone": "+55 (11) 98888-7777"}
    found = api("sales").post("/api/contacts", body, format="json").json()["possible_duplicates"]
    assert hints(found) == [
        (str(by_email.pk), "same_email"),
        (str(by_phone.pk), "same_phone"),
        (str(by_name.pk), "same_name"),
    ]


def test_people_have_surnames_and_no_legal_forms() -> None:
    ContactFactory(name="João Sá")
    [found] = duplicates.find("contact", Asked(name="João"))
    assert found.reason == "similar_name"


@pytest.mark.parametrize("names", [("Alfa Obras Ltda", None), ("Zeta", "ALFA OBRAS")])
def test_a_new_lead_is_told_by_legal_and_trade_name_also_of_qualified_ones(
    api: Api, names: tuple[str, str | None]
) -> None:
    lead = LeadFactory(title="X", trade_name="Alfa Obras ME", qualified=True)
    LeadFactory(title="Alfa Obras", deleted=True)
    body = {"legal_name": names[0], "trade_name": names[1]}
    found = api("sales").post("/api/leads", body, format="json").json()["possible_duplicates"]
    assert hints(found) == [(str(lead.pk), "same_name")]


def test_at_most_five_and_never_itself(api: Api) -> None:
    rows = [CompanyFactory(name="Alfa Obras") for _ in range(8)]
    client = api("sales")
    made = client.post("/api/companies", {"name": "Alfa Obras"}, format="json").json()
    assert len(made["possible_duplicates"]) == 5
    found = client.get(f"/api/companies/{rows[0].pk}/duplicates").json()["data"]
    assert str(rows[0].pk) not in dict(hints(found))
    assert len(found) == 5


def test_leads_and_companies_are_found_by_their_contacts(api: Api) -> None:
    company = CompanyFactory(name="Kappa")
    lead = LeadFactory(title="Omega", qualified_company=company)
    LeadContactFactory(lead=lead, contact=ContactFactory(name="Ana", email="ana@obras.example"))
    client = api("sales")
    for address, row in (("leads", lead), ("companies", company)):
        found = client.get(f"/api/{address}/duplicates?email=Ana@Obras.example").json()["data"]
        assert hints(found) == [(str(row.pk), "same_email")]
        assert client.get(f"/api/{address}/duplicates").json()["data"] == []


def test_a_stored_lead_is_compared_by_its_contacts_too(api: Api) -> None:
    mine, other = LeadFactory(title="Alfa Obras"), LeadFactory(title="Zeta")
    LeadContactFactory(lead=mine, contact=ContactFactory(name="A", phone="11 98888-7777"))
    LeadContactFactory(lead=other, contact=ContactFactory(name="B", phone="5511988887777"))
    found = api("sales").get(f"/api/leads/{mine.pk}/duplicates").json()["data"]
    assert hints(found) == [(str(other.pk), "same_phone")]


@pytest.mark.parametrize("address", ["companies", "contacts", "leads"])
def test_unknown_parameters_are_named(api: Api, address: str) -> None:
    answer = api("sales").get(f"/api/{address}/duplicates?nme=A")
    assert answer.status_code == 400
    assert "name" in answer.json()["message"]


@pytest.mark.parametrize(("entity_type", "count"), [("company", 3), ("lead", 4), ("contact", 2)])
def test_asking_costs_as_many_queries_whatever_is_found(
    entity_type: str,
    count: int,
    is_postgres: bool,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    asked = Asked(name="Alfa Obras", email="ana@obras.example", phone="11 98888-7777")
    for _ in range(3):
        contact = ContactFactory(name="Alfa Obras", email="ana@obras.example")
        company = CompanyFactory(name="Alfa Obras")
        lead = LeadFactory(title="Alfa Obras", qualified_company=company)
        LeadContactFactory(lead=lead, contact=contact)
    with transaction.atomic(), django_assert_num_queries(count + is_postgres):
        assert len(duplicates.find(entity_type, asked)) == 3
