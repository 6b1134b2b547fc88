"""GET /api/timeline: what happened with a record, from every room, in one order."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from crm.models import Interaction, Lead
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import CompanyFactory, ContactFactory, DealFactory, LeadFactory
from tests.factories.timeline import call, file_change, folder_of, meet, person_of, write

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def address(record: Any, entity_type: str = "lead") -> str:
    return f"/api/timeline/{entity_type}/{record.pk}"


def ask(client: APIClient, record: Any, entity_type: str = "lead", **query: Any) -> Any:
    answer = client.get(address(record, entity_type), query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(document: Any) -> list[str]:
    return [entry["id"] for entry in document["entries"]]


def walk(client: APIClient, record: Any, *, limit: int, **query: Any) -> list[list[str]]:
    pages, cursor = [], ""
    while cursor is not None:
        document = ask(client, record, cursor=cursor, limit=limit, **query)
        pages.append(ids(document))
        cursor = document["pagination"]["next_cursor"]
    return pages


@pytest.fixture
def lead() -> Lead:
    """A lead without a word of its own in the history: tests say every entry."""
    return Lead.objects.bulk_create([Lead(title="Aurora")])[0]


def busy(lead: Lead, moments: list[datetime]) -> list[str]:
    """One entry of each kind at each moment, newest first."""
    people, folder = [person_of(lead), person_of(lead)], folder_of(lead)
    linked = {f"audit-{row.pk}" for row in AuditLog.objects.filter(entity_id=str(lead.pk))}
    assert len(linked) == 2
    found = []
    for at in sorted(moments, reverse=True):
        found += [
            meet(people, at),
            write(lead, at),
            file_change(folder.folder_id, at),
            call(lead, at),
        ]
    return found


def test_entries_of_all_kinds_in_the_contracts_shape(api: Clients, lead: Lead) -> None:
    ana = UserFactory(name="Ana", email="ana@pipedesk.example")
    client = api("manager")
    folder = folder_of(lead)
    ahead = datetime(2099, 1, 1, tzinfo=UTC)
    wanted = [
        meet([person_of(lead)], ahead, summary="Visit", meet_link="https://meet.example/a",
             organizer_email="Ana@pipedesk.example", description="Bring the offer"),
        call(lead, AT + timedelta(hours=2), user_id=str(ana.pk), note="Wants a price"),
        write(lead, AT + timedelta(hours=1), user_id=str(ana.pk)),
        file_change(folder.folder_id, AT, "trashed", name="offer.pdf"),
    ]  # fmt: skip

    document = ask(client, lead)

    shown = {entry["id"]: entry for entry in document["entries"]}
    meeting, interaction, audit, drive = (shown[entry_id] for entry_id in wanted)
    person = {"id": str(ana.pk), "name": "Ana"}
    assert set(meeting) == {
        "id", "type", "title", "description", "metadata", "createdAt", "createdBy"
    }  # fmt: skip
    assert meeting["type"] == "meeting"
    assert (meeting["title"], meeting["description"]) == ("Visit", "Bring the offer")
    assert meeting["metadata"]["meetLink"] == "https://meet.example/a"
    assert meeting["metadata"]["status"] == "confirmed"
    assert meeting["createdAt"] == "2099-01-01T00:00:00Z"
    assert meeting["createdBy"] == person
    assert interaction == {
        "id": wanted[1],
        "type": "interaction",
        "title": "Call",
        "description": "Wants a price",
        "metadata": {"kind": "call", "direction": "sent", "leadId": str(lead.pk)},
        "createdAt": "2026-06-01T14:00:00Z",
        "createdBy": person,
    }
    change = {"field": "legal_name", "oldValue": "A", "newValue": "B"}
    assert audit["metadata"] == {"action": "update", "changes": [change], **change}
    assert (audit["type"], audit["createdBy"]) == ("audit", person)
    assert audit["description"] == "legal_name: A → B"
    assert drive["type"] == "drive"
    assert "offer.pdf" in drive["title"]
    assert drive["metadata"]["event"] == "trashed"
    assert drive["createdBy"] is None
    assert document["total"] == len(document["entries"]) == 5  # and the contact that was added
    assert document["pagination"] == {"next_cursor": None, "previous_cursor": None, "per_page": 20}


def test_the_order_is_total_where_all_happens_at_one_microsecond(api: Clients, lead: Lead) -> None:
    wanted = busy(lead, [AT, AT, AT + timedelta(microseconds=1)])
    later, same = wanted[:4], wanted[4:]
    client = api("sales")

    for limit in (1, 2, 3, 5, 100):
        walked = [entry for page in walk(client, lead, limit=limit) for entry in page]
        assert walked[2:6] == later
        assert [entry.split("-")[0] for entry in walked[6:]] == [
            kind for kind in ("meeting", "audit", "drive", "interaction") for _ in range(2)
        ]
        assert set(walked[6:]) == set(same)
        assert len(walked) == 14


def test_every_entry_comes_once_while_others_write(api: Clients, lead: Lead) -> None:
    dice = random.Random(7)
    moments = [AT + timedelta(seconds=dice.randint(0, 8)) for _ in range(15)]
    old = busy(lead, moments)
    doomed = [Interaction.objects.create(lead=lead, kind="note", occurred_at=at) for at in moments]
    client = api("manager")

    walked, cursor = [], ""
    while cursor is not None:
        document = ask(client, lead, cursor=cursor, limit=3)
        walked += ids(document)
        cursor = document["pagination"]["next_cursor"]
        write(lead, AT + timedelta(seconds=dice.randint(0, 8)))
        call(lead, AT + timedelta(seconds=dice.randint(0, 8)))
        if doomed:
            doomed.pop().delete()

    assert len(walked) == len(set(walked))
    assert set(old) <= set(walked)


def test_the_way_back_shows_the_same_pages(api: Clients, lead: Lead) -> None:
    busy(lead, [AT, AT, AT + timedelta(seconds=1)])
    client = api("manager")
    forward, documents, cursor = [], [], ""
    while cursor is not None:
        documents.append(ask(client, lead, cursor=cursor, limit=4))
        forward.append(ids(documents[-1]))
        cursor = documents[-1]["pagination"]["next_cursor"]

    back, cursor = [], documents[-1]["pagination"]["previous_cursor"]
    while cursor is not None:
        document = ask(client, lead, cursor=cursor, limit=4)
        back.append(ids(document))
        assert document["pagination"]["next_cursor"]
        cursor = document["pagination"]["previous_cursor"]

    assert back[::-1] == forward[:-1]


def test_kinds_choose_and_the_total_follows(api: Clients, lead: Lead) -> None:
    wanted = busy(lead, [AT])
    client = api("manager")

    document = ask(client, lead, kinds="drive,interaction")
    assert ids(document) == wanted[2:]
    assert document["total"] == 2
    assert ask(client, lead, kinds="")["total"] == 6
    # A cursor of one choice is a place for every choice.
    cursor = ask(client, lead, kinds="audit", limit=2)["pagination"]["next_cursor"]
    assert ids(ask(client, lead, kinds="meeting", cursor=cursor)) == wanted[:1]


def test_a_record_without_a_past_has_an_empty_timeline(api: Clients, lead: Lead) -> None:
    assert ask(api("sales"), lead) == {
        "entries": [],
        "total": 0,
        "pagination": {"next_cursor": None, "previous_cursor": None, "per_page": 20},
    }


def test_the_total_stops_at_the_cap(
    api: Clients, lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.timeline.TOTAL_CAP", 3)
    monkeypatch.setattr("crm.timeline_views.TOTAL_CAP", 3)
    for _ in range(3):
        write(lead, AT)
    client = api("manager")

    assert "total_is_capped" not in ask(client, lead)
    call(lead, AT)
    document = ask(client, lead)
    assert (document["total"], document["total_is_capped"]) == (3, True)
    assert len(document["entries"]) == 4


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"kinds": "meeting,mail"}, "kinds"),
        ({"limit": "0"}, "limit"),
        ({"page_size": "101"}, "page_size"),
        ({"page": "1"}, "page"),
        ({"kind": "audit"}, "kind"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "audit."}, "cursor"),
        ({"cursor": "audit.WyJhdWRpdCIsZmFsc2UsWyJ4IiwxXV0"}, "cursor"),
        ({"cursor": "tag.WyJhdWRpdCIsZmFsc2UsWyJ4IiwxXV0"}, "cursor"),
        ({"cursor": "a\x00.b"}, "cursor"),
    ],
)
def test_a_faulty_query_is_named(
    api: Clients, lead: Lead, query: dict[str, str], named: str
) -> None:
    answer = api("sales").get(address(lead), query)
    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == named


def test_one_sources_cursor_is_no_cursor_of_another(api: Clients, lead: Lead) -> None:
    busy(lead, [AT, AT])
    client = api("manager")
    cursor = ask(client, lead, kinds="audit", limit=1)["pagination"]["next_cursor"]
    forged = cursor.replace("audit.", "interaction.")
    assert client.get(address(lead), {"cursor": forged}).status_code == 400


def test_unknown_deleted_and_merged_records_have_no_timeline(api: Clients) -> None:
    client, other = api("admin"), LeadFactory()
    now = datetime.now(UTC)
    gone = [
        (LeadFactory(deleted=True), "lead"),
        (LeadFactory(qualified=True, merged_into=other), "lead"),
        (CompanyFactory(deleted_at=now), "company"),
        (CompanyFactory(deleted_at=now, merged_into=CompanyFactory()), "company"),
        (ContactFactory(deleted_at=now), "contact"),
        (DealFactory(deleted_at=now), "deal"),
    ]
    for row, entity_type in gone:
        assert client.get(address(row, entity_type)).status_code == 404, entity_type
    for path in (f"lead/{uuid.uuid4()}", "lead/7", f"tag/{other.pk}", f"company/{other.pk}"):
        answer = client.get(f"/api/timeline/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert ask(client, LeadFactory(qualified=True))["total"] == 1


def test_a_company_and_a_deal_tell_of_the_leads_behind_them(api: Clients) -> None:
    company, deal = CompanyFactory(), DealFactory()
    qualified = LeadFactory(qualified=True, qualified_company=company, qualified_master_deal=deal)
    deleted = LeadFactory(deleted=True, qualified_company=company)
    stranger = LeadFactory()
    people = {lead: person_of(lead) for lead in (qualified, stranger)}
    wanted = [meet([people[qualified]], AT), call(qualified, AT)]
    meet([people[stranger]], AT)
    call(deleted, AT)
    call(stranger, AT)
    write(qualified, AT)
    client = api("sales")

    for record, entity_type in ((company, "company"), (deal, "deal")):
        document = ask(client, record, entity_type)
        (created,) = AuditLog.objects.filter(entity_id=str(record.pk))
        assert ids(document) == [f"audit-{created.pk}", *wanted]


def test_a_contacts_timeline_has_its_meetings_and_not_its_leads_calls(api: Clients) -> None:
    lead = LeadFactory()
    contact, colleague = person_of(lead), person_of(lead)
    mine = meet([contact], AT)
    meet([colleague], AT)
    call(lead, AT)

    document = ask(api("sales"), contact, "contact", kinds="meeting,interaction")

    assert ids(document) == [mine]


def test_an_author_nobody_knows_is_named_by_id_and_a_job_not_at_all(
    api: Clients, lead: Lead
) -> None:
    call(lead, AT, user_id="somebody-once")
    write(lead, AT - timedelta(seconds=1), user_id=None)
    call_by, write_by = (entry["createdBy"] for entry in ask(api("sales"), lead)["entries"])
    assert call_by == {"id": "somebody-once", "name": "somebody-once"}
    assert write_by is None


@pytest.mark.parametrize("moments", [1, 50])
def test_the_number_of_queries_does_not_grow(
    api: Clients, lead: Lead, moments: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    busy(lead, [AT + timedelta(minutes=number) for number in range(moments)])
    ana = UserFactory()
    call(lead, AT + timedelta(days=1), user_id=str(ana.pk))
    client = api("sales")

    # Caller with role, record; its contacts, those merged into them, what people said of meetings
    # with both; the total; one page of each place; links, what was said, files and authors.
    with django_assert_num_queries(16):
        document = ask(client, lead, limit=100)
    assert len(document["entries"]) == min(100, 4 * moments + 3)
