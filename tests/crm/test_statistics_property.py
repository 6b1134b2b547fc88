"""Whatever happens, the statistics are those of an independent model, and prove to be right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import interactions, statistics
from crm.models import Contact, Interaction, Lead, LeadActivityStats, LeadContact
from gcalendar import matching
from gcalendar.models import CalendarEvent, EventAttendee, EventOccurrence
from tests.crm.plain_statistics import PlainHistory, PlainMeeting, last_happened, numbers
from tests.factories.crm import ContactFactory, LeadFactory
from tests.factories.gcalendar import CalendarFactory, EventFactory, OccurrenceFactory

START = datetime(2026, 3, 9, 12, tzinfo=UTC)
ADDRESSES = ("ana@x.example", "bia@x.example", "caio@x.example")
LEADS = 3
# Distances in which the rules have their boundaries, and what lies close to them.
GAPS = [timedelta(days=days, microseconds=tick) for days in (0, 1, 90) for tick in (-1, 0, 1)]
KINDS = [str(kind) for kind in Interaction.Kind]
DIRECTIONS = [str(direction) for direction in Interaction.Direction]

leads = st.integers(0, LEADS - 1)
people = st.integers(0, len(ADDRESSES) - 1)
gaps = st.sampled_from(GAPS) | st.timedeltas(timedelta(0), timedelta(days=120))
guests = st.dictionaries(people, st.booleans(), max_size=3)
steps = st.one_of(
    st.tuples(st.just("log"), leads, st.sampled_from(KINDS), st.sampled_from(DIRECTIONS), gaps),
    st.tuples(st.just("take_back"), leads),
    st.tuples(st.just("link"), leads, people),
    st.tuples(st.just("unlink"), leads, people),
    st.tuples(st.just("readdress"), people, people),
    st.tuples(st.just("delete_or_restore"), people),
    st.tuples(st.just("meet"), guests, gaps, st.booleans()),
    st.tuples(st.just("answer"), guests),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("wait"), gaps),
)


class Lives:
    """The product and the model side by side, changed by the same steps."""

    def __init__(self) -> None:
        self.now = START
        self.leads = [LeadFactory() for _ in range(LEADS)]
        self.contacts = [ContactFactory(email=address.title()) for address in ADDRESSES]
        self.calendar = CalendarFactory()
        self.logged: list[list[tuple[str, str, datetime]]] = [[] for _ in range(LEADS)]
        self.links: set[tuple[int, int]] = set()
        self.address = list(ADDRESSES)
        self.gone: set[int] = set()
        self.meetings: list[PlainMeeting] = []
        self.last: list[datetime | None] = [None] * LEADS

    # --- Steps -----------------------------------------------------------------------------
    def log(self, lead: int, kind: str, direction: str, ago: timedelta) -> None:
        at = self.now - max(ago, timedelta(0))
        interactions.log(self.leads[lead], kind, at, direction=direction)
        self.logged[lead].append((kind, direction, at))

    def take_back(self, lead: int) -> None:
        row = Interaction.objects.filter(lead=self.leads[lead]).first()
        if row is not None:
            self.logged[lead].remove((row.kind, row.direction, row.occurred_at))
            interactions.take_back(row)

    def link(self, lead: int, person: int) -> None:
        if (lead, person) not in self.links:
            LeadContact.objects.create(lead=self.leads[lead], contact=self.contacts[person])
            self.links.add((lead, person))

    def unlink(self, lead: int, person: int) -> None:
        rows = LeadContact.objects.filter(lead=self.leads[lead], contact=self.contacts[person])
        rows.delete()
        self.links.discard((lead, person))

    def readdress(self, person: int, other: int) -> None:
        contact = Contact.objects.get(pk=self.contacts[person].pk)
        contact.email = ADDRESSES[other].upper()
        contact.save()
        self.address[person] = ADDRESSES[other]

    def delete_or_restore(self, person: int) -> None:
        contact = Contact.objects.get(pk=self.contacts[person].pk)
        if person in self.gone:
            contact.restore()
        else:
            contact.soft_delete(by=None)
        self.gone ^= {person}

    def meet(self, invited: dict[int, bool], gap: timedelta, ahead: bool) -> None:
        at = self.now + gap if ahead else self.now - gap
        event = EventFactory(source=self.calendar, start_time=at)
        OccurrenceFactory(event=event, start_time=at)
        self.meetings.append(PlainMeeting(at))
        self._invite(event.pk, invited)

    def answer(self, invited: dict[int, bool]) -> None:
        event = CalendarEvent.objects.order_by("pk").last()
        if event is not None:
            self._invite(event.pk, invited)

    def _invite(self, event_id: int, invited: dict[int, bool]) -> None:
        rows = EventAttendee.objects.filter(event=event_id)
        before = set(rows.values_list("email", flat=True))
        rows.delete()
        meeting = self.meetings[-1]
        meeting.guests = {ADDRESSES[person] for person in invited}
        meeting.declined = {ADDRESSES[person] for person, declines in invited.items() if declines}
        EventAttendee.objects.bulk_create(
            EventAttendee(
                event_id=event_id,
                email=email,
                response_status="declined" if email in meeting.declined else None,
            )
            for email in meeting.guests
        )
        matching.follow(matching.Reach({event_id}, before))

    def cancel(self) -> None:
        event = CalendarEvent.objects.order_by("pk").last()
        if event is not None:
            CalendarEvent.objects.filter(pk=event.pk).update(status="cancelled")
            self.meetings[-1].cancelled = True
            matching.follow(matching.Reach({event.pk}))

    def wait(self, gap: timedelta) -> None:
        self.now += max(gap, timedelta(0))

    # --- Comparing -------------------------------------------------------------------------
    def history(self, lead: int) -> PlainHistory:
        living = [p for of, p in self.links if of == lead and p not in self.gone]
        return PlainHistory(self.logged[lead], {self.address[person] for person in living})

    def compare(self) -> None:
        for number, lead in enumerate(self.leads):
            history = self.history(number)
            row = LeadActivityStats.objects.filter(lead=lead).first() or LeadActivityStats()
            expected = numbers(history, self.meetings, self.now)
            assert {name: getattr(row, name) for name in expected} == expected
            happened = last_happened(history, self.meetings, self.now)
            times = [at for at in (self.last[number], happened) if at is not None]
            self.last[number] = max(times, default=None)
            stored = Lead.objects.get(pk=lead.pk).last_interaction_at
            assert stored == self.last[number]
            if row.pk is not None:
                assert row.last_interaction_at == stored
        assert statistics.differing([lead.pk for lead in self.leads]) == {}


@pytest.mark.django_db
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(steps, max_size=25))
def test_after_every_step_the_numbers_are_those_of_the_model(
    steps: list[tuple[Any, ...]],
) -> None:
    with transaction.atomic():
        lives = Lives()
        for name, *values in steps:
            with time_machine.travel(lives.now, tick=False):
                getattr(lives, name)(*values)
            with time_machine.travel(lives.now, tick=False):
                statistics.refresh_due(lives.now)
                lives.compare()
        transaction.set_rollback(True)
    assert not EventOccurrence.objects.exists()
