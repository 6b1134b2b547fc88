"""Meetings of leads: from what Google says, through contacts, into the statistics."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
import time_machine
from django.db import connections, transaction

from crm import interactions, merging, statistics, unmerging
from crm.carrying import KINDS
from crm.models import Contact, Lead, LeadActivityStats
from gcalendar import matching, registry
from gcalendar.mirror import store
from gcalendar.models import EventAttendee, MirroredCalendar
from gcalendar.sync import sync
from gcalendar.tasks import extend_occurrences
from pipedesk.core.work import claim
from tests.factories.crm import ContactFactory, LeadContactFactory, LeadFactory
from tests.factories.gcalendar import AppearanceFactory, EventFactory, OccurrenceFactory
from tests.gcalendar.conftest import NOW, Mirror, at

CARLA, DAVI = "carla@customer.example", "davi@customer.example"
CARLA_COMES = [{"email": CARLA}]
YESTERDAY = NOW - timedelta(days=1)


def lead_of(*emails: str) -> Lead:
    """A lead with contacts at these addresses."""
    lead = LeadFactory()
    for email in emails:
        LeadContactFactory(lead=lead, contact__email=email)
    return lead


def numbers(lead: Lead) -> tuple[datetime | None, datetime | None, int, int]:
    """Next and last meeting, how many were held, engagement; nothing without a row."""
    row = LeadActivityStats.objects.filter(lead=lead).first() or LeadActivityStats()
    return row.next_event_at, row.last_event_at, row.total_events, row.engagement_score


def proven() -> bool:
    return statistics.differing(Lead.objects.values_list("pk", flat=True)) == {}


NOTHING = (None, None, 0, 0)


# --- What is counted ------------------------------------------------------------------------
def meeting(start: datetime, *guests: str, **columns: Any) -> int:
    """A single meeting that a calendar shows."""
    event = AppearanceFactory(event__start_time=start, **columns).event
    OccurrenceFactory(event=event, start_time=start)
    for guest in guests:
        EventAttendee.objects.create(event=event, email=guest)
    return int(event.pk)


@pytest.mark.django_db
def test_each_meeting_counts_once_however_many_contacts_attend() -> None:
    lead = lead_of("Carla@Customer.example", DAVI)
    meeting(NOW, CARLA, DAVI)
    assert list(matching.meetings_of([lead.pk])) == [(lead.pk, NOW)]


@pytest.mark.django_db
def test_a_contact_of_two_leads_brings_the_meeting_to_both() -> None:
    first = lead_of(CARLA)
    second = LeadFactory()
    LeadContactFactory(lead=second, contact=Contact.objects.get())
    meeting(NOW, CARLA)
    found = sorted(matching.meetings_of([first.pk, second.pk]))
    assert found == sorted([(first.pk, NOW), (second.pk, NOW)])


@pytest.mark.django_db
def test_what_is_cancelled_declined_or_told_by_nobody_is_no_meeting() -> None:
    lead = lead_of(CARLA)
    meeting(NOW, CARLA, event__status="cancelled")
    declined = meeting(NOW, CARLA, "other@customer.example")
    EventAttendee.objects.filter(event=declined, email=CARLA).update(response_status="declined")
    forgotten = OccurrenceFactory(event=EventFactory(source=None), start_time=NOW).event
    EventAttendee.objects.create(event=forgotten, email=CARLA)
    assert list(matching.meetings_of([lead.pk])) == []


@pytest.mark.django_db
def test_one_contact_who_declined_does_not_take_it_from_the_other() -> None:
    lead = lead_of(CARLA, DAVI)
    pk = meeting(NOW, CARLA, DAVI)
    EventAttendee.objects.filter(event=pk, email=CARLA).update(response_status="declined")
    assert list(matching.meetings_of([lead.pk])) == [(lead.pk, NOW)]


@pytest.mark.django_db
def test_the_number_of_leads_and_meetings_costs_no_more_statements(
    django_assert_num_queries: Any,
) -> None:
    leads = [lead_of(f"guest{n}@customer.example") for n in range(30)]
    for n in range(30):
        meeting(NOW, f"guest{n}@customer.example", CARLA)
    # Links, contacts merged into theirs, what people said of both, guests, times; the archive has
    # no such guests.
    with django_assert_num_queries(7):
        assert len(list(matching.meetings_of([lead.pk for lead in leads]))) == 30
    with django_assert_num_queries(0):
        matching.follow(matching.Reach())


@pytest.mark.django_db
def test_merged_records_have_each_others_meetings_and_interactions_until_it_is_undone() -> None:
    kept, other = lead_of(CARLA), lead_of(DAVI)
    meeting(YESTERDAY, CARLA)
    meeting(YESTERDAY, DAVI)
    with transaction.atomic():
        interactions.log(other, "call", YESTERDAY)
    statistics.refresh([kept.pk, other.pk])
    before = numbers(kept), numbers(other)

    plan = merging.prepare(KINDS["lead"], kept.pk, other.pk, {})
    merging.carry(plan, None)
    assert numbers(kept)[2:] == (2, 6)
    assert numbers(other) == NOTHING
    assert proven()

    unmerging.unmerge(KINDS["lead"], other.pk, None)
    assert (numbers(kept), numbers(other)) == before
    assert proven()


@pytest.mark.django_db
def test_merged_contacts_leave_the_kept_address_to_all_their_leads() -> None:
    first, second = lead_of(CARLA), lead_of(DAVI)
    meeting(YESTERDAY, CARLA)
    statistics.refresh([first.pk])
    kept, other = (Contact.objects.get(email=email) for email in (CARLA, DAVI))

    merging.carry(merging.prepare(KINDS["contact"], kept.pk, other.pk, {}), None)
    assert numbers(first) == numbers(second) == (None, YESTERDAY, 1, 2)
    assert proven()

    unmerging.unmerge(KINDS["contact"], other.pk, None)
    assert numbers(second) == NOTHING
    assert proven()


# --- Through a sync -------------------------------------------------------------------------
def test_a_new_meeting_a_move_a_refusal_and_an_end_are_followed(mirror: Mirror) -> None:
    lead = lead_of(CARLA)
    made = mirror.people.create_event("Visit", at(1), attendees=CARLA_COMES)
    mirror.synced()
    assert numbers(lead) == (at(1), None, 0, 4)
    assert Lead.objects.get().last_interaction_at is None

    mirror.people.move_event(made["id"], at(3), at(3, 14))
    mirror.synced()
    assert numbers(lead) == (at(3), None, 0, 4)

    mirror.people.cancel_event(made["id"])
    mirror.synced()
    assert numbers(lead) == NOTHING
    assert proven()


def test_a_meeting_of_the_past_is_an_interaction_of_its_time(mirror: Mirror) -> None:
    lead = lead_of(CARLA)
    mirror.people.create_event("Visit", YESTERDAY, attendees=CARLA_COMES)

    mirror.synced()

    assert numbers(lead) == (None, YESTERDAY, 1, 2)
    stored = Lead.objects.get()
    assert stored.last_interaction_at == YESTERDAY
    assert stored.updated_at == lead.updated_at
    assert LeadActivityStats.objects.get().last_interaction_type == "meeting"


def test_a_guest_who_is_taken_off_no_longer_counts_and_the_new_one_does(mirror: Mirror) -> None:
    carlas, davis = lead_of(CARLA), lead_of(DAVI)
    made = mirror.people.create_event("Visit", at(1), attendees=CARLA_COMES)
    mirror.synced()

    mirror.people.change_event(made["id"], attendees=[{"email": DAVI}])
    mirror.synced()

    assert numbers(carlas) == NOTHING
    assert numbers(davis) == (at(1), None, 0, 4)
    assert proven()


def test_a_refusal_and_its_withdrawal_are_followed(mirror: Mirror) -> None:
    lead = lead_of(CARLA)
    made = mirror.people.create_event("Visit", at(1), attendees=CARLA_COMES)
    mirror.synced()
    for answer, expected in (("declined", NOTHING), ("accepted", (at(1), None, 0, 4))):
        guests = [{"email": CARLA, "responseStatus": answer}]
        mirror.people.change_event(made["id"], attendees=guests)
        mirror.synced()
        assert numbers(lead) == expected


def test_of_a_series_every_time_counts_without_the_cancelled_one(mirror: Mirror) -> None:
    lead = lead_of(CARLA)
    series = mirror.people.create_event(
        "Daily",
        at(1),
        time_zone="UTC",
        recurrence=["RRULE:FREQ=DAILY;COUNT=4"],
        attendees=CARLA_COMES,
    )
    mirror.synced()
    assert numbers(lead) == (at(1), None, 0, 16)

    mirror.people.cancel_event(f"{series['id']}_20261201T130000Z")
    mirror.people.move_event(f"{series['id']}_20261203T130000Z", at(9), at(9, 14))
    mirror.synced()
    assert numbers(lead) == (at(2), None, 0, 12)

    mirror.people.cancel_event(series["id"])
    mirror.synced()
    assert numbers(lead) == NOTHING
    assert proven()


def test_what_a_full_list_lacks_counts_no_longer(mirror: Mirror) -> None:
    lead = lead_of(CARLA)
    made = mirror.people.create_event("Visit", at(1), attendees=CARLA_COMES)
    mirror.synced()
    mirror.google.google.expire_tokens()
    mirror.people.cancel_event(made["id"])

    mirror.synced()

    assert numbers(lead) == NOTHING


def test_a_calendar_that_is_taken_off_or_shows_times_only_takes_its_meetings_along(
    mirror: Mirror,
) -> None:
    lead = lead_of(CARLA)
    mirror.people.create_event("Visit", at(1), attendees=CARLA_COMES)
    mirror.synced()

    registry.set_visibility(mirror.calendar, MirroredCalendar.Visibility.BUSY)
    assert numbers(lead) == NOTHING
    mirror.calendar.refresh_from_db()
    registry.set_visibility(mirror.calendar, MirroredCalendar.Visibility.FULL)
    mirror.synced()
    assert numbers(lead) == (at(1), None, 0, 4)
    registry.remove(mirror.calendar)
    assert numbers(lead) == NOTHING
    assert proven()


def test_a_contact_linked_later_brings_its_meetings(mirror: Mirror) -> None:
    mirror.people.create_event("Visit", at(1), attendees=CARLA_COMES)
    mirror.synced()
    lead = LeadFactory()

    link = LeadContactFactory(lead=lead, contact=ContactFactory(email="Carla@customer.example"))
    assert numbers(lead) == (at(1), None, 0, 4)
    link.contact.email = DAVI
    link.contact.save()
    assert numbers(lead) == NOTHING
    link.contact.email = CARLA
    link.contact.save()
    link.contact.soft_delete(by=None)
    assert numbers(lead) == NOTHING
    link.contact.restore()
    assert numbers(lead) == (at(1), None, 0, 4)
    link.delete()
    assert numbers(lead) == NOTHING
    assert proven()


def test_the_window_of_a_series_that_moves_on_is_followed(
    mirror: Mirror, clock: time_machine.Traveller
) -> None:
    lead = lead_of(CARLA)
    mirror.people.create_event(
        "Monthly", at(1), time_zone="UTC", recurrence=["RRULE:FREQ=MONTHLY"], attendees=CARLA_COMES
    )
    mirror.synced()
    assert numbers(lead)[3] == 4 * 18
    clock.move_to(NOW + timedelta(days=200))

    extend_occurrences()

    next_at, _last, held, engagement = numbers(lead)
    assert (held, engagement) == (7, 4 * 18 + 2 * 3)
    assert next_at is not None
    assert proven()


def test_a_sync_that_dies_leaves_meetings_and_statistics_as_they_were(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = lead_of(CARLA)
    mirror.people.create_event("Visit", at(1), attendees=CARLA_COMES)
    mirror.synced()
    before = numbers(lead), LeadActivityStats.objects.values().get()
    mirror.people.create_event("Another", at(2), attendees=CARLA_COMES)
    genuine = statistics.refresh

    def dies_after(*args: Any) -> set[Any]:
        genuine(*args)
        raise MemoryError

    monkeypatch.setattr(statistics, "refresh", dies_after)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    lease = claim(MirroredCalendar, mirror.calendar.pk)
    assert lease is not None
    with pytest.raises(MemoryError):
        sync(lease)
    assert (numbers(lead), LeadActivityStats.objects.values().get()) == before
    assert proven()

    monkeypatch.setattr(statistics, "refresh", genuine)
    MirroredCalendar.objects.filter(pk=mirror.calendar.pk).update(lease_until=None)
    mirror.synced()
    assert numbers(lead) == (at(1), None, 0, 8)


def test_a_contact_linked_while_its_meeting_is_being_stored_is_found_in_the_end(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, is_postgres: bool
) -> None:
    """The sync looks for leads before the link is there for others to see, and ends after it."""
    lead, contact = LeadFactory(), ContactFactory(email=CARLA)
    mirror.people.create_event("Visit", at(1), attendees=CARLA_COMES)
    looked, linked = Event(), Event()
    genuine = matching._leads_of

    def slow(addresses: Any) -> Any:
        found = genuine(addresses)
        looked.set()
        if is_postgres:  # SQLite's writers take turns
            assert linked.wait(20)
        return found

    def link() -> None:
        try:
            assert looked.wait(20)
            with transaction.atomic():
                LeadContactFactory(lead=lead, contact=contact)
            linked.set()
        finally:
            connections.close_all()

    monkeypatch.setattr(matching, "_leads_of", slow)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(link)
        mirror.synced()
        other.result()

    assert numbers(lead) == (at(1), None, 0, 4)
    assert proven()


@pytest.mark.django_db
def test_a_store_without_news_asks_nothing_of_the_crm(django_assert_num_queries: Any) -> None:
    appearance = AppearanceFactory()
    with django_assert_num_queries(0):
        matching.follow(mirror_of_nothing(appearance.mirrored_calendar))


def mirror_of_nothing(calendar: MirroredCalendar) -> matching.Reach:
    return store(calendar, []).reach
