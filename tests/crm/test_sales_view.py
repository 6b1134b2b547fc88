"""The work list against a model of its rules in plain Python, over generated rows."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from crm import sales_view
from crm.models import Lead, LeadActivityStats, LeadOrigin, LeadStatus, LeadTag
from crm.serializers import SalesViewRowSerializer
from pipedesk.accounts.models import User
from tests.crm import plain_rules
from tests.crm.plain_rules import DAY, PlainLead
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadActivityStatsFactory,
    LeadContactFactory,
    LeadFactory,
    LeadTagFactory,
    TagFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
URL = "/api/leads/sales-view"
NAMES = ("Ação Imóveis", "acao & Cia", "100% Livre", "AÇÚCAR_Doce", "Zé Construções", "Müller")
HOURS = (0, 1, 24, 71, 72, 73, 7 * 24, 7 * 24 + 1, 14 * 24, 30 * 24, 59 * 24, 60 * 24, 90 * 24)


@dataclass
class World:
    """Generated leads, as rows in the database and as plain values."""

    client: APIClient
    leads: list[PlainLead]
    owners: list[User]
    tag_ids: list[uuid.UUID]

    def ask(self, **query: Any) -> list[str]:
        """The ids of the whole answer, in order."""
        answer = self.client.get(URL, {"page_size": 100, **query})
        assert answer.status_code == 200, answer.json()
        assert answer.json()["pagination"]["total"] == len(answer.json()["data"])
        return [row["id"] for row in answer.json()["data"]]

    def expected(
        self, keep: Callable[[PlainLead], bool] = bool, order_by: str = "priority", **shown: bool
    ) -> list[str]:
        """The ids the contract's rules lead to."""
        include = shown.get("include_qualified", False)
        found = [lead for lead in self.leads if plain_rules.shown(lead, include) and keep(lead)]
        return [str(lead.id) for lead in plain_rules.in_order(found, order_by, NOW)]


@pytest.fixture
def world(api: Callable[..., APIClient]) -> Any:
    """Ninety leads that differ in everything; the clock stands still."""
    rnd = random.Random(20260309)
    with time_machine.travel(NOW, tick=False):
        client = api("sales")
        owners = [client.user, *(UserFactory(name=name) for name in ("Émile", "ana", "Zoë", "Bia"))]
        owners.append(UserFactory(name="", email="carla@pipedesk.example"))
        references = _References(
            statuses=[None, *LeadStatus.objects.all()],
            origins=[None, *LeadOrigin.objects.all()],
            owners=[None, *owners],
            company=CompanyFactory(),
            deal=DealFactory(),
            tag_ids=[TagFactory().pk for _ in range(5)],
        )
        leads = [_make(rnd, references, number) for number in range(90)]
        Lead.objects.bulk_create(references.leads)
        LeadTag.objects.bulk_create(references.tags)
        LeadActivityStats.objects.bulk_create(references.stats)
        yield World(client, leads, owners, references.tag_ids)


@dataclass
class _References:
    statuses: list[LeadStatus | None]
    origins: list[LeadOrigin | None]
    owners: list[User | None]
    company: Any
    deal: Any
    tag_ids: list[uuid.UUID]
    leads: list[Lead] = field(default_factory=list)
    tags: list[LeadTag] = field(default_factory=list)
    stats: list[LeadActivityStats] = field(default_factory=list)


def _make(rnd: random.Random, refs: _References, number: int) -> PlainLead:
    def some_time(chance: float = 0.7) -> datetime | None:
        return NOW - timedelta(hours=rnd.choice(HOURS)) if rnd.random() < chance else None

    status, origin, owner = (
        rnd.choice(choices) for choices in (refs.statuses, refs.origins, refs.owners)
    )
    qualified = rnd.random() < 0.12
    plain = PlainLead(
        id=uuid.UUID(int=rnd.getrandbits(128), version=4),
        legal_name=f"{rnd.choice(NAMES)} {number}",
        trade_name=rnd.choice([None, "Fantasia", "Coração", "50%_x"]),
        created_at=NOW - timedelta(hours=rnd.randrange(40)),
        status=status and status.code,
        status_order=status and status.sort_order,
        origin=origin and origin.code,
        owner_id=owner and owner.pk,
        owner_name=owner and (owner.name or owner.email),
        score=rnd.choice([0, 20, 39, 40, 55, 69, 70, 85, 100]),
        last_interaction=some_time(),
        qualified=qualified,
        deleted=qualified or rnd.random() < 0.1,
        disqualified=rnd.random() < 0.2,
        company=rnd.random() < 0.2,
        deal=rnd.random() < 0.15,
        tags=set(rnd.sample(refs.tag_ids, rnd.randrange(4))),
    )
    refs.leads.append(
        Lead(
            id=plain.id,
            title=plain.legal_name,
            trade_name=plain.trade_name,
            created_at=plain.created_at,
            lead_status=status,
            lead_origin=origin,
            owner=owner,
            priority_score=plain.score,
            last_interaction_at=plain.last_interaction,
            qualified_at=NOW if qualified else None,
            deleted_at=NOW if plain.deleted else None,
            disqualified_at=NOW if plain.disqualified else None,
            qualified_company=refs.company if plain.company else None,
            qualified_master_deal=refs.deal if plain.deal else None,
        )
    )
    refs.tags += [LeadTag(lead_id=plain.id, tag_id=tag_id) for tag_id in sorted(plain.tags)]
    if rnd.random() < 0.2:
        return plain  # no statistics row
    plain = replace(
        plain,
        engagement=rnd.choice([0, 10, 39, 40, 49, 50, 69, 70, 100]),
        last_event=some_time(0.3),
        next_event=rnd.choice([None, None, NOW + DAY, NOW, NOW - DAY, NOW - 9 * DAY]),
        last_call=some_time(0.4),
        last_asset=some_time(0.4),
    )
    refs.stats.append(
        LeadActivityStats(
            lead_id=plain.id,
            engagement_score=plain.engagement,
            last_event_at=plain.last_event,
            next_event_at=plain.next_event,
            last_call_at=plain.last_call,
            last_value_asset_at=plain.last_asset,
        )
    )
    return plain


ORDERS = [sign + name for name in sales_view.ORDERS for sign in ("", "-")]


def test_nobody_asks_for_an_order_and_gets_the_hottest_first(world: World) -> None:
    assert world.ask() == world.expected()
    assert len(world.ask()) > 50


@pytest.mark.parametrize("order_by", ORDERS)
@pytest.mark.parametrize("include", ["true", "false"])
def test_every_order(world: World, order_by: str, include: str) -> None:
    shown = {"include_qualified": include == "true"}
    expected = world.expected(order_by=order_by, **shown)
    assert world.ask(order_by=order_by, include_qualified=include) == expected
    assert world.ask(order_by=order_by, includeQualified=include) == expected


def test_every_rule_occurs_among_the_generated_rows(world: World) -> None:
    assert {plain_rules.rule(lead, NOW) for lead in world.leads} == set(range(1, 13))


@pytest.mark.parametrize("code", sorted(set(plain_rules.CODES.values())))
def test_by_next_action_and_the_row_says_the_same(world: World, code: str) -> None:
    def keep(lead: PlainLead) -> bool:
        return plain_rules.CODES[plain_rules.rule(lead, NOW)] == code

    assert world.ask(next_action=code) == world.expected(keep)
    rows = world.client.get(URL, {"next_action": code, "page_size": 100}).json()["data"]
    assert all(row["next_action"]["code"] == code for row in rows)


def test_by_several_next_actions(world: World) -> None:
    def keep(lead: PlainLead) -> bool:
        return plain_rules.rule(lead, NOW) in (1, 9, 12)

    assert world.ask(next_action="prepare_for_meeting,send_follow_up") == world.expected(keep)


@pytest.mark.parametrize("parameter", ["search", "q"])
@pytest.mark.parametrize(
    "text", ["acao", "AÇÃO", "açucar_d", "%", "_", "100%", "ze con", "coracao", "\\", "'", "x y z"]
)
def test_search_without_case_and_accents(world: World, parameter: str, text: str) -> None:
    def keep(lead: PlainLead) -> bool:
        names = (lead.legal_name, lead.trade_name or "")
        return any(plain_rules.folded(text) in plain_rules.folded(name) for name in names)

    assert world.ask(**{parameter: text}) == world.expected(keep)


@pytest.mark.parametrize("parameter", ["owner", "owners", "ownerIds", "owner_id", "owner_user_id"])
def test_by_owner_under_each_name(world: World, parameter: str) -> None:
    wanted = {world.owners[1].pk, world.owners[2].pk}
    csv = ",".join(map(str, wanted))
    assert world.ask(**{parameter: csv}) == world.expected(lambda lead: lead.owner_id in wanted)


def test_owners_under_several_names_are_united_and_me_is_the_caller(world: World) -> None:
    wanted = {world.owners[0].pk, world.owners[1].pk}
    expected = world.expected(lambda lead: lead.owner_id in wanted)
    assert world.ask(owner="me", ownerIds=str(world.owners[1].pk)) == expected


@pytest.mark.parametrize(("parameter", "model"), [("status", LeadStatus), ("origin", LeadOrigin)])
def test_by_status_and_origin_as_ids_or_codes(world: World, parameter: str, model: Any) -> None:
    first, second = model.objects.exclude(code="qualified")[:2]
    expected = world.expected(lambda lead: getattr(lead, parameter) in (first.code, second.code))
    assert world.ask(**{parameter: f"{first.code},{second.pk}"}) == expected
    assert expected


def test_by_status_and_origin_together(world: World) -> None:
    def keep(lead: PlainLead) -> bool:
        return lead.status in ("new", "won") and lead.origin in ("event", "other", "inbound")

    assert world.ask(status="new,won", origin="event,other,inbound") == world.expected(keep)


def test_by_any_of_several_tags_each_lead_once(world: World) -> None:
    wanted = set(world.tag_ids[:2])
    csv = ",".join(map(str, wanted))
    assert world.ask(tags=csv) == world.expected(lambda lead: bool(lead.tags & wanted))


@pytest.mark.parametrize("buckets", ["hot", "warm", "cold", "hot,cold", "hot,warm,cold"])
def test_by_priority(world: World, buckets: str) -> None:
    def keep(lead: PlainLead) -> bool:
        return plain_rules.bucket(lead.score) in buckets.split(",")

    assert world.ask(priority=buckets) == world.expected(keep)


@pytest.mark.parametrize("least", [-5, 0, 40, 70, 101])
def test_by_least_score(world: World, least: int) -> None:
    assert world.ask(min_priority_score=least) == world.expected(lambda lead: lead.score >= least)


@pytest.mark.parametrize("recent", ["true", "false"])
def test_by_recent_interaction(world: World, recent: str) -> None:
    def keep(lead: PlainLead) -> bool:
        last = lead.last_interaction
        return (last is not None and NOW - last <= 7 * DAY) == (recent == "true")

    assert world.ask(has_recent_interaction=recent) == world.expected(keep)


@pytest.mark.parametrize("days", [1, 3, 7, 14, 30, 60, 36_500])
def test_by_days_without_interaction(world: World, days: int) -> None:
    def keep(lead: PlainLead) -> bool:
        return lead.last_interaction is None or NOW - lead.last_interaction >= days * DAY

    assert world.ask(days_without_interaction=days) == world.expected(keep)


@pytest.mark.parametrize("yes", ["true", "false"])
def test_by_disqualified(world: World, yes: str) -> None:
    expected = world.expected(lambda lead: lead.disqualified == (yes == "true"))
    assert world.ask(disqualified=yes) == expected


def test_filters_narrow_together(world: World) -> None:
    def keep(lead: PlainLead) -> bool:
        return (
            lead.score >= 40
            and lead.owner_id == world.owners[0].pk
            and "a" in plain_rules.folded(lead.legal_name + (lead.trade_name or ""))
        )

    query = {"min_priority_score": 40, "owner": "me", "q": "A", "include_qualified": "true"}
    found = world.ask(**query, order_by="-created_at")
    assert found == world.expected(keep, "-created_at", include_qualified=True)


@pytest.mark.parametrize("order_by", ORDERS)
@pytest.mark.parametrize("paging", ["cursor", "page", "far page"])
def test_pages_hold_every_lead_exactly_once(
    world: World, order_by: str, paging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if paging == "far page":
        monkeypatch.setattr(sales_view, "FAR", 14)
        paging = "page"
    found: list[str] = []
    query: dict[str, Any] = {
        "order_by": order_by,
        "pageSize": 7,
        paging: "" if paging == "cursor" else 1,
    }
    while True:
        answer = world.client.get(URL, query).json()
        found += [row["id"] for row in answer["data"]]
        if paging == "page":
            query["page"] += 1
            if not answer["data"]:
                break
        elif (cursor := answer["pagination"]["next_cursor"]) is None:
            break
        else:
            query["cursor"] = cursor
    assert found == world.expected(order_by=order_by)


@pytest.mark.parametrize("order_by", ORDERS)
def test_a_cursor_keeps_its_place_while_others_write(world: World, order_by: str) -> None:
    expected = world.expected(order_by=order_by)
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        query = {"order_by": order_by, "page_size": 9, "cursor": cursor}
        answer = world.client.get(URL, query).json()
        found += [row["id"] for row in answer["data"]]
        cursor = answer["pagination"]["next_cursor"]
        # Others add leads, rename one that was seen and one that was not, delete a seen one.
        LeadFactory(priority_score=100)
        LeadFactory(owner=world.owners[1])
        Lead.objects.filter(pk__in=[found[0], expected[-1]]).update(address_city="Recife")
        Lead.objects.filter(pk=found[-1]).update(deleted_at=NOW)
    known = set(expected)
    assert [pk for pk in found if pk in known] == expected
    assert len(found) == len(set(found))


def test_a_cursor_leads_back_too(world: World) -> None:
    expected = world.expected(order_by="last_interaction")
    query: dict[str, Any] = {"order_by": "last_interaction", "page_size": 10, "cursor": ""}
    first = world.client.get(URL, query).json()
    second = world.client.get(URL, query | {"cursor": first["pagination"]["next_cursor"]}).json()
    back = world.client.get(URL, query | {"cursor": second["pagination"]["previous_cursor"]}).json()
    assert [row["id"] for row in second["data"]] == expected[10:20]
    assert [row["id"] for row in back["data"]] == expected[:10]
    assert first["pagination"]["previous_cursor"] is None


def test_a_row_has_what_the_contract_names(api: Callable[..., APIClient]) -> None:
    with time_machine.travel(NOW, tick=False):
        owner = UserFactory(name="Ana")
        lead = LeadFactory(
            title="Ação Ltda",
            trade_name="Ação",
            owner=owner,
            lead_status=LeadStatus.objects.get(code="new"),
            lead_origin=LeadOrigin.objects.get(code="referral"),
            priority_score=70,
            last_interaction_at=NOW - DAY,
            address_city="Recife",
            address_state="PE",
        )
        tags = [LeadTagFactory(lead=lead, tag=TagFactory(name=name)).tag for name in "ba"]
        contact = ContactFactory(name="Bia", role="CEO", email="bia@x.example", phone="1")
        LeadContactFactory(lead=lead)
        LeadContactFactory(lead=lead, contact=contact, is_primary=True)
        # After the contacts: a new one makes the statistics be computed.
        LeadActivityStatsFactory(
            lead=lead, last_interaction_type="call", next_event_at=NOW + 2 * DAY
        )
        row = api("sales").get(URL).json()["data"][0]
    assert row == {
        "id": str(lead.pk),
        "legal_name": "Ação Ltda",
        "trade_name": "Ação",
        "lead_status_id": str(lead.lead_status_id),
        "lead_origin_id": str(lead.lead_origin_id),
        "status": "new",
        "origin": "referral",
        "owner_user_id": str(owner.pk),
        "owner": {"id": str(owner.pk), "name": "Ana"},
        "priority_score": 70,
        "priority_bucket": "hot",
        "priority_description": "Alta prioridade",
        "last_interaction_at": "2026-03-08T12:00:00Z",
        "last_interaction_type": "call",
        "qualified_master_deal_id": None,
        "qualified_at": None,
        "disqualified_at": None,
        "address_city": "Recife",
        "address_state": "PE",
        "created_at": "2026-03-09T12:00:00Z",
        "updated_at": "2026-03-09T12:00:00Z",
        "tags": [{"id": str(tag.pk), "name": tag.name, "color": None} for tag in tags[::-1]],
        "primary_contact": {
            "id": str(contact.pk),
            "name": "Bia",
            "role": "CEO",
            "email": "bia@x.example",
            "phone": "1",
        },
        "next_action": {
            "code": "prepare_for_meeting",
            "label": "Preparar para reunião",
            "reason": "Há uma reunião marcada",
            "due_at": "2026-03-11T12:00:00Z",
        },
    }
    assert list(row) == list(sales_view.FIELDS) == list(SalesViewRowSerializer().fields)


def test_without_a_primary_contact_the_first_one_is_shown_unless_deleted(
    api: Callable[..., APIClient],
) -> None:
    lead = LeadFactory()
    second = LeadContactFactory(lead=lead, added_at=NOW)
    first = LeadContactFactory(lead=lead, added_at=NOW - DAY)
    client = api("sales")
    assert client.get(URL).json()["data"][0]["primary_contact"]["id"] == str(first.contact_id)
    first.contact.soft_delete(by=None)
    assert client.get(URL).json()["data"][0]["primary_contact"]["id"] == str(second.contact_id)


@pytest.mark.parametrize(
    ("query", "parameter", "nearest"),
    [
        ("ordr_by=priority", "ordr_by", "order_by"),
        ("order_by=priorty", "order_by", "priority"),
        ("order_by=owner__password", "order_by", "owner"),
        ("status=qualifed", "status", "qualified"),
        ("origin=eventt", "origin", "event"),
        ("next_action=call_agian", "next_action", "call_again"),
        ("priority=hott", "priority", "hot"),
        ("owner=mee", "owner", ""),
        ("tags=x", "tags", ""),
        ("page=0", "page", ""),
        ("page_size=101", "page_size", ""),
        ("pageSize=0", "pageSize", ""),
        ("page=1&page=2", "page", ""),
        ("days_without_interaction=0", "days_without_interaction", ""),
        ("days_without_interaction=99999999999", "days_without_interaction", ""),
        ("min_priority_score=high", "min_priority_score", ""),
        ("has_recent_interaction=maybe", "has_recent_interaction", ""),
        ("disqualified=2", "disqualified", ""),
        ("cursor=nonsense", "cursor", ""),
        ("fields=legal_nam", "fields", "legal_name"),
        ("omit=tagz", "omit", "tags"),
        ("q=%00", "q", ""),
    ],
)
def test_a_faulty_question_is_answered_with_the_name_of_the_fault(
    api: Callable[..., APIClient], query: str, parameter: str, nearest: str
) -> None:
    answer = api("sales").get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["details"][0]["field"] == parameter
    assert nearest in answer.json()["message"]


def _statements(client: APIClient, **query: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(URL, query).status_code == 200
    return [query["sql"] for query in captured]


def test_a_page_costs_four_statements_at_any_size(api: Callable[..., APIClient]) -> None:
    client = api("sales")

    def add(count: int) -> None:
        for _ in range(count):
            lead = LeadTagFactory(lead__owner=UserFactory()).lead
            LeadContactFactory(lead=lead)
            LeadActivityStatsFactory(lead=lead)

    add(1)
    one = _statements(client, page_size=50)
    add(49)
    fifty = _statements(client, page_size=50)
    # The caller with the role, the total, the rows, what is around them.
    assert len(one) == len(fifty) == 4


FILTERS: list[dict[str, Any]] = [
    {}, {"q": "a"}, {"owner": "me"}, {"status": "new,won"}, {"origin": "event"},
    {"status": "new", "origin": "event"}, {"tags": str(uuid.UUID(int=1))}, {"priority": "hot,cold"},
    {"min_priority_score": 1}, {"has_recent_interaction": "true"}, {"days_without_interaction": 5},
    {"next_action": "call_again"}, {"disqualified": "false"}, {"include_qualified": "true"},
    {"q": "a", "owner": "me", "status": "new", "origin": "event", "priority": "hot",
     "has_recent_interaction": "false", "next_action": "send_follow_up", "disqualified": "false"},
]  # fmt: skip


@pytest.mark.parametrize("query", FILTERS, ids=lambda query: "-".join(query) or "all")
def test_no_filter_and_no_order_costs_more_than_five_statements(
    world: World, query: dict[str, Any]
) -> None:
    reference = int(bool(query.keys() & {"status", "origin"}))
    for order_by in ORDERS:
        for paging in ({}, {"page": 2}, {"cursor": ""}):
            asked = {**query, **paging, "order_by": order_by, "page_size": 5}
            with CaptureQueriesContext(connection) as captured:
                found = world.client.get(URL, asked).json()["data"]
            expected = 2 + reference + ("cursor" not in paging) + bool(found)
            assert len(captured) <= expected <= 5, (asked, [one["sql"] for one in captured])


def test_an_omitted_relation_costs_no_statement(api: Callable[..., APIClient]) -> None:
    client = api("sales")
    LeadContactFactory(lead=LeadTagFactory().lead)
    whole = _statements(client)
    without = _statements(client, omit="tags")
    assert len(without) == len(whole)  # tags and contacts come in one
    assert not any('"tags"' in sql for sql in without)
    without = _statements(client, omit="primary_contact")
    assert not any('"contacts"' in sql for sql in without)
    assert len(_statements(client, fields="id,legal_name")) == len(whole) - 1
    assert list(client.get(URL, {"fields": "legal_name,id"}).json()["data"][0]) == [
        "id",
        "legal_name",
    ]


def test_the_total_stops_counting(
    api: Callable[..., APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.lead_views.TOTAL_CAP", 3)
    for _ in range(5):
        LeadFactory()
    pagination = api("sales").get(URL, {"page_size": 2, "page": 2}).json()["pagination"]
    assert pagination == {"total": 3, "total_is_capped": True, "page": 2, "per_page": 2}
