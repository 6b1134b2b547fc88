"""Two records become one, with all that belongs to them; and two again."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from crm import scoring, statistics
from crm.carrying import KINDS
from crm.merging import carry, prepare
from crm.models import (
    Company,
    Contact,
    Deal,
    Interaction,
    Lead,
    LeadContact,
    LeadTag,
    Merge,
)
from crm.signals import merge_undone, records_merged
from crm.unmerging import unmerge
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
    LeadTagFactory,
    TagFactory,
)

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
NOBODY = "00000000-0000-4000-8000-000000000000"
FACTORIES = {"companies": CompanyFactory, "contacts": ContactFactory, "leads": LeadFactory}
KIND_OF = {"companies": "company", "contacts": "contact", "leads": "lead"}
EVERY = pytest.mark.parametrize("address", list(FACTORIES))
TABLES = (Company, Contact, Deal, Lead, LeadContact, LeadTag, Interaction)
EARLY, LATE = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
MOMENTS = (EARLY, LATE, EARLY + timedelta(days=3, microseconds=17))


def merge(
    client: APIClient, address: str, kept: Any, other: Any, query: str = "", **body: Any
) -> Any:
    body = {"other_id": str(getattr(other, "pk", other)), **body}
    return client.post(f"/api/{address}/{kept.pk}/merge{query}", body, format="json")


def unmerged(client: APIClient, address: str, other: Any) -> Any:
    return client.post(f"/api/{address}/{other.pk}/unmerge")


def snapshot(*besides: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of the CRM as it is, without the stamps of writing."""
    return {
        model._meta.db_table: sorted(
            (
                {name: row[name] for name in row if name not in {"updated_at", *besides}}
                for row in model.objects.values()
            ),
            key=str,
        )
        for model in TABLES
    }


def everything() -> dict[str, list[Any]]:
    """Every row of every table of the house."""
    return {
        model._meta.db_table: sorted(model.objects.order_by().values_list(), key=str)
        for model in apps.get_models()
        if model._meta.managed and not model._meta.proxy
    }


# --- What moves --------------------------------------------------------------------------------


def test_a_company_s_leads_and_deals_go_to_the_kept_one(api: Api) -> None:
    kept, other = CompanyFactory(name="Alfa"), CompanyFactory(name="Alfa Ltda")
    deals = [DealFactory(company=other), DealFactory(company=other)]
    deals[1].soft_delete(by=None)
    lead = LeadFactory(qualified_company=other, qualified=True, last_interaction_at=EARLY)
    mine = DealFactory(company=kept)
    client = api("manager")
    answer = merge(client, "companies", kept, other)
    assert answer.status_code == 200
    moved = answer.json()
    assert sorted(moved["moved"]["deals"]) == sorted(str(deal.pk) for deal in deals)
    assert moved["moved"]["leads"] == [str(lead.pk)]
    assert (moved["kept_id"], moved["merged_id"]) == (str(kept.pk), str(other.pk))
    assert moved["fields"] == []
    assert moved["dry_run"] is False
    assert set(Deal.objects.filter(company=kept)) == {*deals, mine}
    lead.refresh_from_db()
    assert (lead.qualified_company, lead.last_interaction_at) == (kept, EARLY)
    other.refresh_from_db()
    assert (other.merged_into, other.deleted_by) == (kept, str(client.user.pk))
    assert other.deleted_at is not None
    row = Merge.objects.get(pk=moved["merge_id"])
    assert (row.kept_id, row.merged_id, row.user_id) == (kept.pk, other.pk, str(client.user.pk))


def test_the_history_tells_the_merge_on_every_record(api: Api) -> None:
    kept, other = CompanyFactory(), CompanyFactory(name="Alfa Ltda")
    deal = DealFactory(company=other)
    client = api("manager")
    merge(client, "companies", kept, other, fields={"name": "other"})
    entries = {entry.entity_id: entry for entry in AuditLog.objects.filter(action="merge")}
    assert set(entries) == {str(kept.pk), str(other.pk), str(deal.pk)}
    assert {entry.user_id for entry in entries.values()} == {str(client.user.pk)}
    fields = {key: {one["field"] for one in entry.changes} for key, entry in entries.items()}
    assert fields[str(kept.pk)] == {"name", "merged_id"}
    assert fields[str(other.pk)] == {"merged_into_id", "deleted_at", "deleted_by"}
    assert fields[str(deal.pk)] == {"company_id"}


def test_a_contact_s_links_are_joined_where_both_have_one(api: Api) -> None:
    kept, other = ContactFactory(), ContactFactory()
    alone, both = LeadFactory(), LeadFactory()
    LeadContactFactory(lead=alone, contact=other, is_primary=True, added_at=EARLY)
    LeadContactFactory(lead=both, contact=other, is_primary=True, added_at=EARLY)
    LeadContactFactory(lead=both, contact=kept, added_at=LATE)
    answer = merge(api("manager"), "contacts", kept, other)
    assert sorted(answer.json()["moved"]["leads"]) == sorted([str(alone.pk), str(both.pk)])
    links = LeadContact.objects.values_list("lead_id", "contact_id", "is_primary", "added_at")
    assert set(links) == {(lead.pk, kept.pk, True, EARLY) for lead in (alone, both)}


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({}, ("Ana", "ana@a.example", "222", "CEO")),
        ({"name": "other", "email": "other"}, ("Anna", "anna@a.example", "222", "CEO")),
        ({"phone": "kept", "role": "other"}, ("Ana", "ana@a.example", None, None)),
    ],
)
def test_each_field_is_chosen_and_an_empty_one_filled(
    api: Api, choices: dict[str, str], expected: tuple[str | None, ...]
) -> None:
    kept = ContactFactory(name="Ana", email="ana@a.example", role="CEO")
    other = ContactFactory(name="Anna", email="anna@a.example", phone="222")
    answer = merge(api("manager"), "contacts", kept, other, fields=choices).json()
    kept.refresh_from_db()
    assert (kept.name, kept.email, kept.phone, kept.role) == expected
    before = {"name": "Ana", "email": "ana@a.example", "phone": None, "role": "CEO"}
    after = dict(zip(before, expected, strict=True))
    assert {one["field"]: (one["old"], one["new"]) for one in answer["fields"]} == {
        name: (before[name], after[name]) for name in before if before[name] != after[name]
    }


def test_a_lead_s_tags_contacts_and_interactions_are_united(api: Api) -> None:
    kept, other = LeadFactory(last_interaction_at=EARLY), LeadFactory(last_interaction_at=LATE)
    shared, tag = TagFactory(), TagFactory()
    LeadTagFactory(lead=kept, tag=shared)
    LeadTagFactory(lead=other, tag=shared)
    LeadTagFactory(lead=other, tag=tag)
    boss = LeadContactFactory(lead=kept, is_primary=True).contact
    aide = LeadContactFactory(lead=other, is_primary=True).contact
    call = Interaction.objects.create(lead=other, kind="call", occurred_at=LATE)
    answer = merge(api("manager"), "leads", kept, other).json()
    assert answer["moved"]["interactions"] == [str(call.pk)]
    assert sorted(answer["moved"]["tags"]) == sorted([str(shared.pk), str(tag.pk)])
    assert answer["moved"]["contacts"] == [str(aide.pk)]
    kept.refresh_from_db()
    assert set(kept.tags.all()) == {shared, tag}
    links = dict(LeadContact.objects.filter(lead=kept).values_list("contact_id", "is_primary"))
    assert links == {boss.pk: True, aide.pk: False}
    assert kept.last_interaction_at == LATE
    assert list(kept.interactions.all()) == [call]
    assert not LeadTag.objects.filter(lead=other).exists()


def test_what_belongs_together_comes_from_one_lead(api: Api) -> None:
    company, deal = CompanyFactory(), DealFactory()
    kept = LeadFactory(qualified_company=company, address_city="Recife")
    other = LeadFactory(
        qualified_master_deal=deal,
        address_city="Natal",
        address_state="RN",
        manual_priority_score=0,
        manual_priority_at=EARLY,
        trade_name="Beta",
    )
    merge(api("manager"), "leads", kept, other)
    kept.refresh_from_db()
    assert (kept.qualified_company, kept.qualified_master_deal) == (company, None)
    assert (kept.address_city, kept.address_state) == ("Recife", None)
    assert (kept.manual_priority_score, kept.manual_priority_at) == (0, EARLY)
    assert kept.trade_name == "Beta"


def test_a_merge_is_no_interaction(api: Api) -> None:
    kept, other = LeadFactory(), LeadFactory()
    merge(api("manager"), "leads", kept, other, fields={"legal_name": "other"})
    kept.refresh_from_db()
    assert kept.title == other.title
    assert kept.last_interaction_at is None


@EVERY
def test_a_dry_run_says_the_same_and_writes_no_row(api: Api, address: str) -> None:
    kept, other = FACTORIES[address](), FACTORIES[address]()
    fill(address, kept, other, random.Random(7))
    client = api("manager")
    before = everything()
    dry = merge(client, address, kept, other, "?dry_run=true").json()
    assert everything() == before
    assert (dry.pop("dry_run"), dry.pop("merge_id"), dry.pop("undo_until")) == (True, None, None)
    wet = merge(client, address, kept, other).json()
    assert {name: wet[name] for name in dry} == dry


# --- What is refused ---------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"other_id": NOBODY},
        {"other_id": "nonsense"},
        {"other_id": None},
        {"other": NOBODY},
        {"fields": {"name": "mine"}},
        {"fields": {"nme": "kept"}},
        {"fields": []},
        [],
    ],
)
def test_a_body_that_breaks_a_rule_is_422(api: Api, address: str, body: Any) -> None:
    kept, other = FACTORIES[address](), FACTORIES[address]()
    if isinstance(body, dict) and "fields" in body:
        body = {"other_id": str(other.pk), **body}
    answer = api("manager").post(f"/api/{address}/{kept.pk}/merge", body, format="json")
    assert answer.status_code == 422
    assert not Merge.objects.exists()


@EVERY
def test_with_itself_or_another_type_or_a_deleted_one_is_422(api: Api, address: str) -> None:
    client, kept = api("manager"), FACTORIES[address]()
    gone = FACTORIES[address](deleted_at=timezone.now())
    for other in (kept, gone, DealFactory()):
        answer = merge(client, address, kept, other)
        assert answer.status_code == 422
        assert answer.json()["details"][0]["field"] == "other_id"
    assert merge(client, address, gone, kept).status_code == 404


@EVERY
def test_twice_or_into_a_merged_one_is_409_that_names_the_kept_one(api: Api, address: str) -> None:
    client = api("manager")
    kept, other, third = (FACTORIES[address]() for _ in range(3))
    assert merge(client, address, kept, other).status_code == 200
    for answer in (merge(client, address, third, other), merge(client, address, other, third)):
        assert answer.status_code == 409
        assert str(kept.pk) in answer.json()["message"]
    assert Merge.objects.count() == 1


@pytest.mark.parametrize(
    ("kept", "other", "status"),
    [
        ("open", "open", 200),
        ("open", "disqualified", 200),
        ("open", "qualified", 409),
        ("disqualified", "open", 409),
        ("disqualified", "disqualified", 200),
        ("qualified", "open", 200),
        ("qualified", "disqualified", 200),
        ("qualified", "elsewhere", 409),
        ("qualified", "qualified", 200),
    ],
)
def test_leads_whose_fates_contradict_each_other_are_refused(
    api: Api, kept: str, other: str, status: int
) -> None:
    company, elsewhere = CompanyFactory(), CompanyFactory()
    made = {
        "open": lambda: LeadFactory(),
        "disqualified": lambda: LeadFactory(disqualified=True),
        "qualified": lambda: LeadFactory(qualified=True, qualified_company=company),
        "elsewhere": lambda: LeadFactory(qualified=True, qualified_company=elsewhere),
    }
    mine, theirs = made[kept](), made[other]()
    client = api("manager")
    before = snapshot()
    assert merge(client, "leads", mine, theirs).status_code == status
    if status == 409:
        assert snapshot() == before
    else:
        assert client.get(f"/api/leads/{mine.pk}").status_code == 200
        assert client.get(f"/api/leads/{theirs.pk}").status_code == 307


def test_what_a_qualified_lead_became_is_not_to_choose(api: Api) -> None:
    kept, other = LeadFactory(qualified=True), LeadFactory(qualified_company=CompanyFactory())
    client = api("manager")
    refused = merge(client, "leads", kept, other, fields={"qualified_company_id": "other"})
    assert refused.status_code == 422
    assert merge(client, "leads", kept, other).status_code == 200
    kept.refresh_from_db()
    assert kept.qualified_company is None


@EVERY
def test_if_match_guards_the_kept_record(api: Api, address: str) -> None:
    client, kept, other = api("manager"), FACTORIES[address](), FACTORIES[address]()
    tag = client.get(f"/api/{address}/{kept.pk}")["ETag"]
    type(kept).objects.filter(pk=kept.pk).update(updated_at=EARLY)
    answer = client.post(
        f"/api/{address}/{kept.pk}/merge",
        {"other_id": str(other.pk)},
        format="json",
        HTTP_IF_MATCH=tag,
    )
    assert answer.status_code == 412
    assert not Merge.objects.exists()


# --- The way left behind -----------------------------------------------------------------------


@EVERY
def test_who_asks_for_a_merged_record_is_sent_to_the_end_of_the_chain(
    api: Api, address: str
) -> None:
    client = api("manager")
    first, second, last = (FACTORIES[address]() for _ in range(3))
    merge(client, address, second, first)
    merge(client, address, last, second)
    for method in (client.get, client.head):
        answer = method(f"/api/{address}/{first.pk}?fields=id")
        assert answer.status_code == 307
        assert answer["Location"] == f"/api/{address}/{last.pk}?fields=id"
        assert method(answer["Location"]).status_code == 200
    for write in (client.patch, client.delete):
        answer = write(f"/api/{address}/{first.pk}", {}, format="json")
        assert answer.status_code == 409
        assert str(last.pk) in answer.json()["message"]
    listed = client.get(f"/api/{address}").json()["data"]
    assert [row["id"] for row in listed] == [str(last.pk)]


def test_addresses_below_a_merged_lead_lead_to_the_kept_one(api: Api) -> None:
    kept, other = LeadFactory(), LeadFactory(qualified=True)
    client = api("manager")
    Lead.objects.filter(pk=kept.pk).update(qualified_at=EARLY, deleted_at=EARLY)
    merge(client, "leads", kept, other)
    for below in ("tags", "contacts", "duplicates"):
        answer = client.get(f"/api/leads/{other.pk}/{below}")
        assert (answer.status_code, answer["Location"]) == (307, f"/api/leads/{kept.pk}/{below}")
    body = {"contact_id": str(ContactFactory().pk)}
    for verb in ("contacts", "qualify", "restore"):
        answer = client.post(f"/api/leads/{other.pk}/{verb}", body, format="json")
        assert answer.status_code == 409, verb


def test_a_merged_record_is_no_value_for_others(api: Api) -> None:
    client, lead = api("manager"), LeadFactory()
    contact, company = ContactFactory(), CompanyFactory()
    merge(client, "contacts", ContactFactory(), contact)
    merge(client, "companies", CompanyFactory(), company)
    link = {"contact_id": str(contact.pk)}
    deal = {"title": "A", "company_id": str(company.pk)}
    assert client.post(f"/api/leads/{lead.pk}/contacts", link, format="json").status_code == 422
    assert client.post("/api/deals", deal, format="json").status_code == 422


# --- Taken back --------------------------------------------------------------------------------


def fill(address: str, kept: Any, other: Any, chance: random.Random) -> None:
    """Random values and relations of both."""
    filling = {"companies": _fill_companies, "contacts": _fill_contacts, "leads": _fill_leads}
    filling[address]((kept, other), chance)


def _fill_companies(rows: tuple[Any, ...], chance: random.Random) -> None:
    for row in rows:
        for _ in range(chance.randrange(3)):
            DealFactory(company=row)
    for _ in range(3):
        LeadFactory(qualified_company=chance.choice([None, *rows]))


def _fill_contacts(rows: tuple[Any, ...], chance: random.Random) -> None:
    leads = [LeadFactory() for _ in range(3)]
    for row in rows:
        row.email, row.phone = (chance.choice([None, "", f"{row.pk}@a.example"]) for _ in "12")
        row.role = chance.choice([None, "CEO"])
        row.save()
        for lead in leads:
            _link(lead, row, chance)


def _fill_leads(rows: tuple[Any, ...], chance: random.Random) -> None:
    contacts, tags = [ContactFactory() for _ in range(3)], [TagFactory() for _ in range(3)]
    for row in rows:
        _vary_lead(row, chance)
        for contact in contacts:
            _link(row, contact, chance)
        for tag in chance.sample(tags, chance.randrange(4)):
            LeadTagFactory(lead=row, tag=tag)
        for moment in chance.sample(MOMENTS, chance.randrange(4)):
            Interaction.objects.create(lead=row, kind="call", occurred_at=moment)


def _link(lead: Lead, contact: Contact, chance: random.Random) -> None:
    if chance.random() < 0.6:
        taken = LeadContact.objects.filter(lead=lead, is_primary=True).exists()
        primary = not taken and chance.random() < 0.5
        moment = chance.choice(MOMENTS)
        LeadContactFactory(lead=lead, contact=contact, is_primary=primary, added_at=moment)


def _vary_lead(lead: Lead, chance: random.Random) -> None:
    moment = chance.choice([None, *MOMENTS])
    score = chance.choice([None, 0, 80])
    values = {
        "trade_name": chance.choice([None, "", "Beta"]),
        "lead_status": chance.choice([None, LeadStatusFactory()]),
        "lead_origin": chance.choice([None, LeadOriginFactory()]),
        "owner": chance.choice([None, UserFactory()]),
        "qualified_company": chance.choice([None, CompanyFactory()]),
        "address_city": chance.choice([None, "Recife"]),
        "last_interaction_at": moment,
        "manual_priority_score": score,
        "manual_priority_at": None if score is None else EARLY,
        "manual_priority_by": chance.choice([None, NOBODY]),
    }
    Lead.objects.filter(pk=lead.pk).update(**values)


@EVERY
@pytest.mark.parametrize("seed", range(12))
def test_merged_and_taken_back_all_is_exactly_as_before(api: Api, address: str, seed: int) -> None:
    chance = random.Random(seed)
    kept, other = FACTORIES[address](), FACTORIES[address]()
    fill(address, kept, other, chance)
    leads = set(Lead.objects.values_list("pk", flat=True))
    statistics.refresh(leads)
    scoring.rescore(leads, timezone.now())
    kind = KINDS[KIND_OF[address]]
    chosen = [name for name in kind.choices if chance.random() < 0.4]
    choices = {name: chance.choice(["kept", "other"]) for name in chosen}
    before, client = snapshot(), api("manager")
    merged = merge(client, address, kept, other, fields=choices)
    assert merged.status_code == 200
    assert snapshot() != before
    dependents = {
        "companies": Deal.objects.filter(company=other.pk),
        "contacts": LeadContact.objects.filter(contact=other.pk),
        "leads": LeadContact.objects.filter(lead=other.pk),
    }
    assert not dependents[address].exists()
    back = unmerged(client, address, other)
    assert back.status_code == 200
    assert back.json()["returned"] == merged.json()["moved"]
    assert not any(back.json()["stayed"].values())
    assert back.json()["stayed_fields"] == []
    assert snapshot() == before
    row = Merge.objects.get()
    assert row.undone_at is not None
    assert row.undone_by == str(client.user.pk)
    assert merge(client, address, other, kept).status_code == 200


def test_what_people_changed_after_the_merge_stays_and_is_told(api: Api) -> None:
    kept, other, third = CompanyFactory(), CompanyFactory(name="Alfa Ltda"), CompanyFactory()
    sold, still = DealFactory(company=other), DealFactory(company=other)
    client = api("manager")
    merge(client, "companies", kept, other, fields={"name": "other"})
    late = DealFactory(company=kept)
    client.patch(f"/api/deals/{sold.pk}", {"company_id": str(third.pk)}, format="json")
    client.patch(f"/api/deals/{still.pk}", {"title": "Renamed"}, format="json")
    client.patch(f"/api/companies/{kept.pk}", {"name": "Better"}, format="json")
    answer = unmerged(client, "companies", other).json()
    assert answer["returned"]["deals"] == [str(still.pk)]
    assert answer["stayed"]["deals"] == [str(sold.pk)]
    assert answer["stayed_fields"] == ["name"]
    owners = dict(Deal.objects.values_list("pk", "company_id"))
    assert owners == {sold.pk: third.pk, still.pk: other.pk, late.pk: kept.pk}
    kept.refresh_from_db()
    assert kept.name == "Better"
    actions = AuditLog.objects.filter(action="unmerge").values_list("entity_id", flat=True)
    assert set(actions) == {str(kept.pk), str(other.pk), str(still.pk)}


def test_links_people_changed_after_the_merge_stay_theirs(api: Api) -> None:
    kept, other = ContactFactory(), ContactFactory()
    gone, marked = LeadFactory(), LeadFactory()
    LeadContactFactory(lead=gone, contact=other)
    LeadContactFactory(lead=marked, contact=other, is_primary=True)
    LeadContactFactory(lead=marked, contact=kept)
    boss = LeadContactFactory(lead=marked).contact
    client = api("manager")
    merge(client, "contacts", kept, other)
    client.delete(f"/api/leads/{gone.pk}/contacts/{kept.pk}")
    client.patch(f"/api/leads/{marked.pk}/contacts/{boss.pk}", {"is_primary": True}, format="json")
    answer = unmerged(client, "contacts", other).json()
    assert answer["stayed"]["leads"] == [str(gone.pk)]
    assert answer["returned"]["leads"] == [str(marked.pk)]
    links = set(LeadContact.objects.values_list("lead_id", "contact_id", "is_primary"))
    assert links == {
        (marked.pk, kept.pk, False),
        (marked.pk, other.pk, False),
        (marked.pk, boss.pk, True),
    }


@EVERY
def test_a_merge_can_be_taken_back_for_exactly_thirty_days(api: Api, address: str) -> None:
    kept, other = FACTORIES[address](), FACTORIES[address]()
    with time_machine.travel(EARLY, tick=False):
        merge(api("manager"), address, kept, other)
    with time_machine.travel(EARLY + timedelta(days=30, microseconds=1), tick=False):
        answer = unmerged(api("manager"), address, other)
        assert answer.status_code == 409
        assert "2026-01-02" in answer.json()["message"]
    with time_machine.travel(EARLY + timedelta(days=30), tick=False):
        assert unmerged(api("manager"), address, other).status_code == 200


@EVERY
def test_what_stands_in_the_way_of_the_undo_is_named(api: Api, address: str) -> None:
    client = api("manager")
    first, second, last, deleted, gone = (FACTORIES[address]() for _ in range(5))
    merge(client, address, second, first)
    merge(client, address, last, second)
    merge(client, address, deleted, gone)
    client.delete(f"/api/{address}/{deleted.pk}")
    blocked = unmerged(client, address, first)
    assert blocked.status_code == 409
    assert str(last.pk) in blocked.json()["message"]
    assert unmerged(client, address, gone).status_code == 409
    assert unmerged(client, address, last).status_code == 409
    assert client.post(f"/api/{address}/{NOBODY}/unmerge").status_code == 404
    assert unmerged(client, address, second).status_code == 200
    assert unmerged(client, address, second).status_code == 409
    assert unmerged(client, address, first).status_code == 200


@EVERY
@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 200), ("sales", 403)])
def test_who_may_merge_and_take_back(api: Api, address: str, role: str, status: int) -> None:
    kept, other = FACTORIES[address](), FACTORIES[address]()
    client = api(role)
    assert merge(client, address, kept, other, "?dry_run=true").status_code == status
    assert merge(client, address, kept, other).status_code == status
    merge(api("admin"), address, kept, other)
    assert unmerged(client, address, other).status_code == status


def test_higher_apps_hear_of_it_and_get_their_notes_back() -> None:
    heard: list[tuple[str, str, uuid.UUID, uuid.UUID, Any]] = []

    def listen(entity_type: str, kept_id: Any, merged_id: Any, notes: Any, **_: Any) -> None:
        heard.append(("merged", entity_type, kept_id, merged_id, dict(notes.get("me", {}))))
        notes["me"] = {"tree": 7}

    def listen_back(entity_type: str, kept_id: Any, merged_id: Any, notes: Any, **_: Any) -> None:
        heard.append(("undone", entity_type, kept_id, merged_id, notes["me"]))

    kept, other = CompanyFactory(), CompanyFactory()
    kind = KINDS["company"]
    records_merged.connect(listen)
    merge_undone.connect(listen_back)
    try:
        with transaction.atomic():
            carry(prepare(kind, kept.pk, other.pk, {}), None)
        with transaction.atomic():
            unmerge(kind, other.pk, None)
    finally:
        records_merged.disconnect(listen)
        merge_undone.disconnect(listen_back)
    assert heard == [
        ("merged", "company", kept.pk, other.pk, {}),
        ("undone", "company", kept.pk, other.pk, {"tree": 7}),
    ]
