"""Two people at one lead at the same moment: one wins, the other is told by whom and what."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from crm.models import Company, Lead, LeadContact
from pipedesk.audit.models import AuditLog
from tests.factories.accounts import UserFactory
from tests.factories.crm import ContactFactory, LeadContactFactory, LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[..., APIClient]
Call = Callable[[APIClient, Lead], Any]
DECISIONS = ("qualify_lead", "unqualify_lead", "disqualify_lead", "reopen_lead", "delete")


def post(verb: str, body: object = None) -> Call:
    return lambda client, lead: client.post(f"/api/leads/{lead.pk}/{verb}", body, format="json")


def delete(client: APIClient, lead: Lead) -> Any:
    return client.delete(f"/api/leads/{lead.pk}")


QUALIFY = post("qualify", {"new_company": {"name": "Nova SA"}})
DISQUALIFY = post("disqualify", {"reason": "No budget"})
UNQUALIFY = post("unqualify")
REOPEN = post("reopen")


def at_once(lead: Lead, calls: list[tuple[APIClient, Call]]) -> list[Any]:
    """What each call answered; each has a thread and a connection of its own."""
    start = threading.Barrier(len(calls))
    answers: dict[int, Any] = {}

    def run(number: int, client: APIClient, call: Call) -> None:
        try:
            start.wait(timeout=20)
            answers[number] = call(client, lead)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(number, client, call))
        for number, (client, call) in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return [answers[number] for number in range(len(calls))]


@pytest.mark.parametrize(
    ("before", "first", "second"),
    [
        ([], QUALIFY, QUALIFY),
        ([], QUALIFY, DISQUALIFY),
        ([], DISQUALIFY, DISQUALIFY),
        ([QUALIFY], UNQUALIFY, UNQUALIFY),
        ([DISQUALIFY], REOPEN, REOPEN),
    ],
    ids=["qualify twice", "qualify or disqualify", "disqualify twice", "unqualify twice", "reopen"],
)
def test_one_wins_and_the_other_is_told(
    api: Api, before: list[Call], first: Call, second: Call
) -> None:
    lead, boss = LeadFactory(), api("admin")
    for call in before:
        assert call(boss, lead).status_code == 200
    decided = AuditLog.objects.filter(action__in=DECISIONS).count()
    people = [api("manager", user=UserFactory(name=name)) for name in ("Ana", "Bia")]
    answers = at_once(lead, list(zip(people, (first, second), strict=True)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner, loser = sorted(answers, key=lambda answer: answer.status_code)
    name = ("Ana", "Bia")[answers.index(winner)]
    shown = winner.json().get("lead") or winner.json()
    if shown["qualified_at"] or shown["disqualified_at"]:
        assert name in loser.json()["message"]
        why = "Nova SA" if shown["qualified_at"] else "No budget"
        assert why in loser.json()["message"]
    assert AuditLog.objects.filter(action__in=DECISIONS).count() == decided + 1
    assert Company.objects.count() <= 1


def test_a_lead_is_qualified_or_deleted_never_both(api: Api) -> None:
    lead, boss = LeadFactory(), api("manager")
    qualified, deleted = at_once(lead, [(boss, QUALIFY), (api("manager"), delete)])
    lead.refresh_from_db()
    if qualified.status_code == 200:
        assert deleted.status_code == 409
        assert lead.qualified_at is not None
    else:
        assert (qualified.status_code, deleted.status_code) == (404, 204)
        assert lead.qualified_at is None
        assert not Company.objects.exists()
    assert AuditLog.objects.filter(action__in=DECISIONS).count() == 1


def test_of_two_sales_people_who_take_a_lead_one_has_it(api: Api) -> None:
    lead, people = LeadFactory(), [api("sales"), api("sales")]

    def take(client: APIClient, lead: Lead) -> Any:
        body = {"owner_user_id": str(client.user.pk)}
        return client.post(f"/api/leads/{lead.pk}/change-owner", body, format="json")

    answers = at_once(lead, [(person, take) for person in people])
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    lead.refresh_from_db()
    assert lead.owner == people[[answer.status_code for answer in answers].index(200)].user


def test_of_two_contacts_made_primary_at_once_one_is(api: Api) -> None:
    lead = LeadFactory()
    links = LeadContactFactory.create_batch(2, lead=lead)
    LeadContactFactory(lead=lead, is_primary=True)

    def primary(link: LeadContact) -> Call:
        address = f"/api/leads/{lead.pk}/contacts/{link.contact_id}"
        return lambda client, _lead: client.patch(address, {"is_primary": True}, format="json")

    answers = at_once(lead, [(api("manager"), primary(link)) for link in links])
    assert [answer.status_code for answer in answers] == [200, 200]
    chosen = LeadContact.objects.get(lead=lead, is_primary=True)
    assert chosen.contact_id in {link.contact_id for link in links}


def test_of_two_contacts_added_as_primary_at_once_one_is(api: Api) -> None:
    lead = LeadFactory()

    def add(contact_id: object) -> Call:
        body = {"contact_id": str(contact_id), "is_primary": True}
        return post("contacts", body)

    calls = [(api("manager"), add(contact.pk)) for contact in ContactFactory.create_batch(2)]
    answers = at_once(lead, calls)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert LeadContact.objects.filter(lead=lead).count() == 2
    assert LeadContact.objects.filter(lead=lead, is_primary=True).count() == 1
