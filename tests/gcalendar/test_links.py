"""What people say of meetings and records, beside what the guests tell."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from rest_framework.test import APIClient

from crm import merging, statistics, unmerging
from crm.carrying import KINDS
from crm.models import Contact, Lead, LeadActivityStats
from gcalendar import saying
from gcalendar.archive import bring_back, put_away
from gcalendar.models import (
    ArchivedEventLink,
    CalendarEvent,
    CalendarEventArchive,
    EventAttendee,
    EventLink,
)
from pipedesk.core.models import StoredAnswer
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
)
from tests.factories.gcalendar import AppearanceFactory, CalendarFactory, OccurrenceFactory
from tests.factories.timeline import meet, person_of
from tests.gcalendar.conftest import NOW, Mirror, at
from tests.gcalendar.dying import Steps

Api = Callable[..., APIClient]
URL = "/api/calendar/events"
YESTERDAY = NOW - timedelta(days=1)
MAKERS = {
    "contact": ContactFactory,
    "lead": LeadFactory,
    "company": CompanyFactory,
    "deal": DealFactory,
}


def meeting(start: Any = YESTERDAY, *people: Contact, **values: Any) -> CalendarEvent:
    """A meeting on a calendar, to which these contacts are invited."""
    meet(list(people), start, **values)
    return CalendarEvent.objects.order_by("pk").last()  # type: ignore[return-value]


def link(client: APIClient, event: CalendarEvent, kind: str, record: Any) -> Any:
    body = {"type": kind, "id": str(record.pk)}
    return client.post(f"{URL}/{event.pk}/links", body, format="json")


def unlink(client: APIClient, event: CalendarEvent, kind: str, record: Any) -> Any:
    return client.delete(f"{URL}/{event.pk}/links/{kind}/{record.pk}")


def linked(event: CalendarEvent, client: APIClient) -> set[tuple[str, str, str]]:
    rows = client.get(f"{URL}/{event.pk}").json()["linked"]
    assert len({(row["type"], row["id"]) for row in rows}) == len(rows)
    return {(row["type"], row["id"], row["source"]) for row in rows}


def held(lead: Lead) -> int:
    row = LeadActivityStats.objects.filter(lead=lead).first()
    return row.total_events if row else 0


def listed(client: APIClient, kind: str, record: Any) -> tuple[list[int], int]:
    """What the list of the record's meetings has, and how many its timeline shows."""
    query = {"entityType": kind, "entityId": str(record.pk), "timeMin": "2020-01-01T00:00:00Z"}
    found = [row["id"] for row in client.get(URL, query).json()["data"]]
    entries = client.get(f"/api/timeline/{kind}/{record.pk}", {"kinds": "meeting"}).json()
    return found, entries["total"]


def proven() -> bool:
    return statistics.differing(Lead.objects.values_list("pk", flat=True)) == {}


# --- Linking ----------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("kind", MAKERS)
def test_a_meeting_is_linked_and_the_link_taken_back(api: Api, kind: str) -> None:
    client, record, event = api("manager"), MAKERS[kind](), meeting()

    answer = link(client, event, kind, record)
    assert answer.status_code == 201
    assert answer.json()["linked"] == [{"type": kind, "id": str(record.pk), "source": "explicit"}]
    assert link(client, event, kind, record).status_code == 200
    assert EventLink.objects.get().user == client.user  # type: ignore[attr-defined]
    assert listed(client, kind, record) == ([event.pk], 1)

    assert unlink(client, event, kind, record).status_code == 204
    assert linked(event, client) == set()
    assert listed(client, kind, record) == ([], 0)
    assert unlink(client, event, kind, record).status_code == 404
    assert link(client, event, kind, record).status_code == 201
    assert EventLink.objects.count() == 1


@pytest.mark.django_db
def test_a_linked_lead_brings_what_it_became_and_counts_the_meeting(api: Api) -> None:
    company, deal = CompanyFactory(), DealFactory()
    lead = LeadFactory(qualified_company=company, qualified_master_deal=deal)
    client, event = api("manager"), meeting()

    link(client, event, "lead", lead)

    assert linked(event, client) == {
        ("lead", str(lead.pk), "explicit"),
        ("company", str(company.pk), "inferred"),
        ("deal", str(deal.pk), "inferred"),
    }
    assert held(lead) == 1
    assert listed(client, "deal", deal) == ([event.pk], 1)
    unlink(client, event, "deal", deal)
    assert listed(client, "deal", deal) == ([], 0)
    assert listed(client, "company", company) == ([event.pk], 1)
    assert held(lead) == 1
    unlink(client, event, "lead", lead)
    assert held(lead) == 0
    assert proven()


@pytest.mark.django_db
def test_a_linked_contact_is_as_good_as_a_guest(api: Api) -> None:
    lead = LeadFactory()
    contact = person_of(lead)
    client, event = api("manager"), meeting()
    link(client, event, "contact", contact)
    assert held(lead) == 1
    assert listed(client, "lead", lead) == ([event.pk], 1)
    assert ("lead", str(lead.pk), "inferred") in linked(event, client)


@pytest.mark.django_db
def test_a_person_s_link_stays_whatever_the_guests_become(api: Api) -> None:
    lead = LeadFactory()
    contact = person_of(lead)
    client, event = api("manager"), meeting(YESTERDAY, contact)
    link(client, event, "lead", lead)
    EventAttendee.objects.all().delete()
    CalendarEvent.objects.update(attendees=[])
    statistics.refresh([lead.pk])
    assert linked(event, client) == {("lead", str(lead.pk), "explicit")}
    assert held(lead) == 1


@pytest.mark.django_db
def test_what_was_taken_back_is_not_inferred_again(api: Api) -> None:
    lead, other = LeadFactory(), LeadFactory()
    contact = person_of(lead)
    LeadContactFactory(lead=other, contact=contact)
    client, event = api("manager"), meeting(YESTERDAY, contact)
    statistics.refresh([lead.pk, other.pk])
    assert (held(lead), held(other)) == (1, 1)

    assert unlink(client, event, "lead", lead).status_code == 204

    assert (held(lead), held(other)) == (0, 1)
    assert linked(event, client) == {
        ("contact", str(contact.pk), "inferred"),
        ("lead", str(other.pk), "inferred"),
    }
    assert listed(client, "lead", lead) == ([], 0)
    assert listed(client, "lead", other) == ([event.pk], 1)

    assert unlink(client, event, "contact", contact).status_code == 204
    assert held(other) == 0
    assert linked(event, client) == set()
    assert listed(client, "contact", contact) == ([], 0)
    assert proven()


@pytest.mark.django_db
def test_what_is_said_of_a_series_goes_for_its_exceptions(api: Api) -> None:
    lead, client = LeadFactory(), api("manager")
    series = meeting(YESTERDAY, recurrence=["RRULE:FREQ=WEEKLY"])
    exception = meeting(
        YESTERDAY - timedelta(days=7),
        series=series,
        recurring_event_id=series.google_event_id,
    )
    link(client, series, "lead", lead)
    assert held(lead) == 2
    assert linked(exception, client) == {("lead", str(lead.pk), "explicit")}
    unlink(client, exception, "lead", lead)
    assert held(lead) == 1
    assert listed(client, "lead", lead) == ([series.pk], 1)
    assert linked(series, client) == {("lead", str(lead.pk), "explicit")}


@pytest.mark.django_db
def test_a_linked_meeting_that_is_cancelled_or_forgotten_counts_no_longer(api: Api) -> None:
    lead, client, event = LeadFactory(), api("manager"), meeting()
    link(client, event, "lead", lead)
    CalendarEvent.objects.update(status="cancelled")
    statistics.refresh([lead.pk])
    assert held(lead) == 0
    CalendarEvent.objects.update(status="confirmed", source=None)
    statistics.refresh([lead.pk])
    assert held(lead) == 0


# --- Who may ----------------------------------------------------------------------------------
@pytest.mark.django_db
def test_sales_link_what_they_may_change_of_meetings_they_may_read(api: Api) -> None:
    client = api("sales")
    me = client.user  # type: ignore[attr-defined]
    mine, others, company = (
        LeadFactory(owner=me),
        LeadFactory(owner=UserFactory()),
        CompanyFactory(),
    )
    attended = meeting(organizer_email=me.email)
    masked = meeting()

    assert link(client, attended, "lead", mine).status_code == 201
    assert link(client, attended, "lead", others).status_code == 403
    assert link(client, attended, "company", company).status_code == 403
    assert link(client, masked, "lead", mine).status_code == 403
    link(api("manager"), attended, "lead", others)
    assert unlink(client, attended, "lead", others).status_code == 403
    assert unlink(client, masked, "lead", mine).status_code == 403
    assert EventLink.objects.filter(revoked=True).count() == 0


@pytest.mark.django_db
def test_the_owner_of_a_linked_lead_reads_the_meeting_unless_it_is_private(api: Api) -> None:
    client = api("sales")
    lead = LeadFactory(owner=client.user)  # type: ignore[attr-defined]
    contact = person_of(lead)
    open_one, private = meeting(summary="Visit"), meeting(summary="Visit", private=True)
    by_contact = meeting(summary="Visit")
    for event in (open_one, private):
        saying.link(event, ("lead", lead.pk), UserFactory())
    saying.link(by_contact, ("contact", contact.pk), UserFactory())
    titles = [
        client.get(f"{URL}/{e.pk}").json()["summary"] for e in (open_one, private, by_contact)
    ]
    assert titles == ["Visit", "Busy", "Visit"]
    found = client.get(URL, {"q": "visit"}).json()["data"]
    assert {row["id"] for row in found} == {open_one.pk, by_contact.pk}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": "lead"}, "id"),
        ({"type": "file", "id": str(uuid.uuid4())}, "type"),
        ({"entity_type": "lead", "entity_id": "x"}, "id"),
        ({"entityType": "lead", "entityId": str(uuid.uuid4())}, "id"),
        ({"type": "lead", "id": str(uuid.uuid4()), "note": "x"}, "note"),
    ],
)
def test_bad_bodies_name_the_field_and_write_nothing(
    api: Api, body: dict[str, Any], field: str
) -> None:
    answer = api("manager").post(f"{URL}/{meeting().pk}/links", body, format="json")
    assert answer.status_code == 422
    assert field in {detail["field"] for detail in answer.json()["details"]}
    assert not EventLink.objects.exists()


@pytest.mark.django_db
def test_what_is_gone_cannot_be_linked(api: Api) -> None:
    client, event = api("manager"), meeting()
    gone = LeadFactory()
    gone.soft_delete()
    assert link(client, event, "lead", gone).status_code == 422
    assert client.post(f"{URL}/0/links", {}, format="json").status_code == 404
    assert client.delete(f"{URL}/{event.pk}/links/file/{gone.pk}").status_code == 404
    assert client.delete(f"{URL}/{event.pk}/links/lead/{uuid.uuid4()}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_doubles_and_links_with_two_records() -> None:
    event, lead = meeting(), LeadFactory()
    EventLink.objects.create(event=event, lead=lead)
    for values in ({"lead": lead}, {}, {"contact": ContactFactory(), "company": CompanyFactory()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            EventLink.objects.create(event=event, **values)


# --- Through Google -----------------------------------------------------------------------------
BODY = {"title": "Visit", "startTime": "2026-12-01T13:00:00Z", "endTime": "2026-12-01T14:00:00Z"}


@pytest.fixture
def ready(mirror: Mirror) -> Mirror:
    """Ana's primary calendar, synced once."""
    mirror.synced()
    return mirror


@pytest.mark.parametrize("kind", MAKERS)
def test_a_meeting_made_for_a_record_is_linked_once_and_read_again_stays_so(
    api: Api, ready: Mirror, kind: str
) -> None:
    record, client = MAKERS[kind](), api("manager")
    body = {**BODY, "entityType": kind, "entityId": str(record.pk)}

    event = client.post(URL, body).json()

    assert event["linked"] == [{"type": kind, "id": str(record.pk), "source": "explicit"}]
    row = EventLink.objects.get()
    assert row.user == client.user  # type: ignore[attr-defined]
    ready.people.change_event(event["google_event_id"], summary="Moved")
    ready.synced()
    assert EventLink.objects.get() == row
    client.delete(f"{URL}/{event['id']}/links/{kind}/{record.pk}")
    ready.people.change_event(event["google_event_id"], summary="Moved again")
    ready.synced()
    assert EventLink.objects.get().revoked


def test_what_an_event_says_of_a_merged_record_is_said_of_the_kept_one(ready: Mirror) -> None:
    last, middle, first = LeadFactory(), LeadFactory(), LeadFactory()
    for kept, other in ((middle, first), (last, middle)):
        with transaction.atomic():
            merging.carry(merging.prepare(KINDS["lead"], kept.pk, other.pk, {}), None)
    for mark in (f"lead:{first.pk}", f"lead:{uuid.uuid4()}", "lead:x", "file:1", ""):
        properties = {"private": {"pipedesk_entity": mark}}
        ready.people.create_event("Visit", at(1), extendedProperties=properties)

    ready.synced()

    assert EventLink.objects.get().lead == last
    assert LeadActivityStats.objects.get(lead=last).next_event_at == at(1)
    assert proven()


def test_sales_make_no_meeting_for_a_record_they_may_not_change(api: Api, ready: Mirror) -> None:
    other = LeadFactory(owner=UserFactory())
    body = {**BODY, "entityType": "lead", "entityId": str(other.pk)}
    assert api("sales").post(URL, body).status_code == 403
    assert ready.people.events() == []


def test_whoever_dies_while_making_a_meeting_for_a_lead_leaves_one_link_in_the_end(
    api: Api, ready: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, client, lead, number = Steps(monkeypatch), api("manager"), LeadFactory(), 0
    while True:
        number += 1
        body = {**BODY, "title": f"m{number}", "entityType": "lead", "entityId": str(lead.pk)}
        headers = {"idempotency-key": f"k{number}"}
        lived = steps.run(lambda: client.post(URL, body, headers=headers), number)  # noqa: B023
        if lived:
            break
        StoredAnswer.objects.filter(answer__isnull=True).delete()
        if number % 2:
            ready.synced()
        assert client.post(URL, body, headers=headers).status_code == 201
        assert EventLink.objects.filter(lead=lead, revoked=False).count() == number
    assert LeadActivityStats.objects.get(lead=lead).next_event_at == at(1)
    assert proven()


# --- Merges ---------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["contact", "lead", "company"])
def test_links_follow_a_merge_and_its_undo_and_there_are_no_doubles(api: Api, kind: str) -> None:
    client, by = api("manager"), UserFactory()
    kept, other = MAKERS[kind](), MAKERS[kind]()
    only, both, mixed, archived = (meeting() for _ in range(4))
    for event, record in ((only, other), (both, kept), (both, other), (mixed, other)):
        saying.link(event, (kind, record.pk), by)
    EventLink.objects.create(event=mixed, revoked=True, **{kind: kept})
    saying.link(archived, (kind, other.pk), by)
    CalendarEvent.objects.filter(pk=archived.pk).update(
        start_time=NOW - timedelta(days=900), end_time=NOW - timedelta(days=900)
    )
    archived.occurrences.all().delete()
    assert sum(put_away(timedelta(days=500))) == 1
    before = _said()

    with transaction.atomic():
        merging.carry(merging.prepare(KINDS[kind], kept.pk, other.pk, {}), None)

    assert {(row[0], row[1], row[2]) for row in _said()} == {
        (event.pk, kept.pk, False) for event in (only, both, mixed, archived)
    }
    assert all(linked(event, client) for event in (only, both, mixed))
    assert link(client, only, kind, other).status_code == 422
    assert proven()

    with transaction.atomic():
        unmerging.unmerge(KINDS[kind], other.pk, None)

    assert _said() == before
    assert proven()


def _said() -> set[tuple[Any, ...]]:
    found = set()
    for table in (EventLink, ArchivedEventLink):
        for row in table.objects.all():  # type: ignore[attr-defined]
            record = row.contact_id or row.lead_id or row.company_id or row.deal_id
            found.add((row.event_id, record, row.revoked, row.user_id))
    return found


@pytest.mark.django_db
def test_links_go_to_the_archive_and_come_back(api: Api) -> None:
    client, lead = api("manager"), LeadFactory()
    event = meeting(NOW - timedelta(days=900))
    event.occurrences.all().delete()
    OccurrenceFactory(event=event, start_time=NOW - timedelta(days=900))
    link(client, event, "lead", lead)
    before = _said()

    assert sum(put_away(timedelta(days=500))) == 1

    assert CalendarEventArchive.objects.count() == 1
    assert _said() == before
    assert held(lead) == 1
    assert linked(event, client) == {("lead", str(lead.pk), "explicit")}
    assert listed(client, "lead", lead)[1] == 1
    assert unlink(client, event, "lead", lead).status_code == 404
    with transaction.atomic():
        bring_back([event.pk])
    assert _said() == before
    assert proven()


# --- Two at once, killed, counted -----------------------------------------------------------------
def together(*actions: Callable[[], Any]) -> list[Any]:
    """Their outcomes, each on a connection of its own, begun at the same time."""
    ready = Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        try:
            ready.wait(20)
            return action()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result() for future in [pool.submit(run, action) for action in actions]]


@pytest.mark.django_db(transaction=True)
def test_two_who_link_at_once_make_one_link(api: Api) -> None:
    lead, event, by = LeadFactory(), meeting(), UserFactory()
    for _round in range(5):
        EventLink.objects.all().delete()
        news = together(*[lambda: saying.link(event, ("lead", lead.pk), by)] * 2)
        assert sorted(news) == [False, True]
        assert EventLink.objects.count() == 1
        assert held(lead) == 1


@pytest.mark.django_db(transaction=True)
def test_a_link_and_its_end_at_once_leave_numbers_that_tell_who_came_last(api: Api) -> None:
    lead, by = LeadFactory(), UserFactory()
    contact = person_of(lead)
    event = meeting(YESTERDAY, contact)
    for _round in range(5):
        EventLink.objects.all().delete()
        together(
            lambda: saying.link(event, ("lead", lead.pk), by),
            lambda: saying.unlink(event, ("lead", lead.pk), by),
        )
        row = EventLink.objects.get()
        assert held(lead) == (0 if row.revoked else 1)
        assert proven()


@pytest.mark.django_db(transaction=True)
def test_a_link_made_while_its_lead_is_being_merged_is_the_kept_one_s_or_refused(api: Api) -> None:
    client = api("manager")
    for _round in range(5):
        kept, other, event = LeadFactory(), LeadFactory(), meeting()

        def merge(kept: Lead = kept, other: Lead = other) -> None:
            with transaction.atomic():
                merging.carry(merging.prepare(KINDS["lead"], kept.pk, other.pk, {}), None)

        def say(event: CalendarEvent = event, other: Lead = other) -> int:
            return int(link(client, event, "lead", other).status_code)

        _none, status = together(merge, say)
        assert status in (201, 422)
        rows = EventLink.objects.filter(event=event)
        assert [row.lead_id for row in rows] == ([kept.pk] if status == 201 else [])
        assert proven()


@pytest.mark.django_db(transaction=True)
def test_whoever_dies_while_linking_has_done_all_or_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lead, event, by = LeadFactory(), meeting(), UserFactory()
    genuine = statistics.refresh

    def dies(*args: Any) -> set[Any]:
        genuine(*args)
        raise MemoryError

    monkeypatch.setattr(statistics, "refresh", dies)
    with pytest.raises(MemoryError):
        saying.link(event, ("lead", lead.pk), by)
    assert (EventLink.objects.count(), held(lead)) == (0, 0)
    monkeypatch.setattr(statistics, "refresh", genuine)
    saying.link(event, ("lead", lead.pk), by)
    assert (EventLink.objects.count(), held(lead)) == (1, 1)


@pytest.mark.django_db
def test_linking_costs_the_same_however_much_is_linked(
    api: Api, django_assert_max_num_queries: Any
) -> None:
    client, lead = api("manager"), LeadFactory()
    calendar = CalendarFactory()
    for _n in range(20):
        event = AppearanceFactory(mirrored_calendar=calendar, event__start_time=YESTERDAY).event
        OccurrenceFactory(event=event, start_time=YESTERDAY)
        EventLink.objects.create(event=event, lead=lead)
    event = meeting()
    with django_assert_max_num_queries(40):
        assert link(client, event, "lead", lead).status_code == 201
    query = {"entityType": "lead", "entityId": str(lead.pk), "limit": 50}
    # The caller with the role; the lead, its contacts, what people said, which meetings; the
    # count, the page, what people said of these, the leads they named, the freshness.
    with django_assert_max_num_queries(11):
        assert len(client.get(URL, query).json()["data"]) == 21


# --- Whose address it is ----------------------------------------------------------------------
def invited(start: Any, *guests: str, answer: str = "accepted") -> CalendarEvent:
    event = meeting(start)
    for guest in guests:
        EventAttendee.objects.create(event=event, email=guest, response_status=answer)
    return event


@pytest.mark.django_db
def test_a_meeting_among_ourselves_is_no_interaction_however_it_is_linked(
    settings: Any, api: Api
) -> None:
    settings.INTERNAL_DOMAINS = ["pipedesk.example", " House.example"]
    lead = LeadFactory()
    LeadContactFactory(lead=lead, contact=ContactFactory(email="ana@house.example"))
    LeadContactFactory(lead=lead, contact=ContactFactory(email="carla@customer.example"))
    inside = invited(YESTERDAY, "ana@house.example", "bob@pipedesk.example")
    room = invited(YESTERDAY, "bob@pipedesk.example", "c_1@resource.calendar.google.com")
    alone = invited(YESTERDAY)
    declined = invited(YESTERDAY, "x@customer.example", answer="declined")
    statistics.refresh([lead.pk])
    assert held(lead) == 0
    for event in (inside, room, declined):
        saying.link(event, ("lead", lead.pk), UserFactory())
    assert held(lead) == 0
    assert listed(api("manager"), "lead", lead)[1] == 3
    saying.link(alone, ("lead", lead.pk), UserFactory())
    assert held(lead) == 1
    EventAttendee.objects.filter(event=declined).update(response_status="tentative")
    EventAttendee.objects.create(event=inside, email="carla@customer.example")
    statistics.refresh([lead.pk])
    assert held(lead) == 3
    assert proven()


@pytest.mark.django_db
def test_without_a_setting_the_default_persons_domain_is_ours(settings: Any) -> None:
    settings.INTERNAL_DOMAINS = []
    settings.GOOGLE_IMPERSONATE_EMAIL = "Boss@House.example"
    lead = LeadFactory()
    LeadContactFactory(lead=lead, contact=ContactFactory(email="ana@house.example"))
    invited(YESTERDAY, "ana@house.example")
    statistics.refresh([lead.pk])
    assert held(lead) == 0
    invited(YESTERDAY, "ana@house.example", "x@customer.example")
    statistics.refresh([lead.pk])
    assert held(lead) == 1


def test_a_guest_with_a_tag_is_the_contact_at_the_mailbox(mirror: Mirror) -> None:
    plain, tagged = LeadFactory(), LeadFactory()
    LeadContactFactory(lead=plain, contact=ContactFactory(email="Carla@Customer.example"))
    LeadContactFactory(lead=tagged, contact=ContactFactory(email="carla+x@customer.example"))
    guests = [{"email": "Carla+x@customer.example"}]
    made = mirror.people.create_event("Visit", YESTERDAY, attendees=guests)
    mirror.synced()
    assert (held(plain), held(tagged)) == (1, 1)
    mirror.people.change_event(made["id"], attendees=[{"email": "carla+y@customer.example"}])
    mirror.synced()
    assert (held(plain), held(tagged)) == (1, 0)
    mirror.people.change_event(made["id"], attendees=[])
    mirror.synced()
    assert held(plain) == 0
    assert proven()


def test_the_address_of_a_merged_contact_is_the_kept_one_s(api: Api, mirror: Mirror) -> None:
    lead, last = LeadFactory(), ContactFactory(email="last@customer.example")
    LeadContactFactory(lead=lead, contact=last)
    for email in ("first@customer.example", "middle@customer.example"):
        other = ContactFactory(email=email)
        with transaction.atomic():
            merging.carry(merging.prepare(KINDS["contact"], last.pk, other.pk, {}), None)
    guests = [{"email": "First@customer.example"}]
    mirror.people.create_event("Visit", YESTERDAY, attendees=guests)
    mirror.synced()
    assert held(lead) == 1
    event = CalendarEvent.objects.get()
    assert ("contact", str(last.pk), "inferred") in linked(event, api("manager"))
    assert listed(api("manager"), "contact", last) == ([event.pk], 1)
    assert proven()
