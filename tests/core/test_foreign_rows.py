"""Two people of the sales team: what is B's, A may read and not change, anywhere."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone
from rest_framework.test import APIClient

from crm.models import Company, Contact, Deal, Interaction, Lead, LeadContact
from gcalendar.models import CalendarSyncState, MirroredCalendar
from gdrive.models import DriveSyncState
from pipedesk.accounts.models import User
from tests.core.test_access import OPERATIONS
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
    LeadTagFactory,
    TagFactory,
)
from tests.factories.gcalendar import AppearanceFactory, OccurrenceFactory
from tests.factories.webhooks import CalendarChannelFactory, DriveChannelFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]
CANARY = "c4n4ry-5f0c954c4b3e"


class World:
    """Everything of B's: a lead with a contact, a tag, a company and a deal."""

    def __init__(self) -> None:
        self.b: User = UserFactory(role="sales")
        self.company: Company = CompanyFactory()
        self.deal: Deal = DealFactory(company=self.company)
        self.lead: Lead = LeadFactory(
            owner=self.b, qualified_company=self.company, qualified_master_deal=self.deal
        )
        self.contact: Contact = ContactFactory()
        self.link: LeadContact = LeadContactFactory(lead=self.lead, contact=self.contact)
        LeadTagFactory(lead=self.lead)
        self.call = Interaction.objects.create(
            lead=self.lead, kind="call", occurred_at=timezone.now()
        )

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Each address of a single row with B's ids in it, and its template."""
        ids = {
            "/api/leads/{id}": self.lead.pk,
            "/api/companies/{id}": self.company.pk,
            "/api/contacts/{id}": self.contact.pk,
            "/api/deals/{id}": self.deal.pk,
        }
        for template in OPERATIONS:
            for start, pk in ids.items():
                if template.startswith(start):
                    filled = template.replace("{id}", str(pk))
                    for part, row in (("contact", self.contact), ("interaction", self.call)):
                        filled = filled.replace(f"{{{part}_id}}", str(row.pk))
                    yield filled, template


@pytest.fixture
def world() -> World:
    return World()


def everything() -> dict[str, list[Any]]:
    """All rows that a request could have changed."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values_list())
        for model in apps.get_models()
        if model._meta.app_label in ("crm", "gdrive", "gcalendar", "accounts", "audit")
    }


# Bodies that each address would take from somebody who may.
BODIES: dict[str, dict[str, Any]] = {
    "PATCH /api/leads/{id}": {"legal_name": "Mine"},
    "PATCH /api/companies/{id}": {"name": "Mine"},
    "PATCH /api/contacts/{id}": {"name": "Mine"},
    "PATCH /api/deals/{id}": {"client_name": "Mine"},
    "PUT /api/leads/{id}/tags": {"tag_ids": []},
    "PATCH /api/leads/{id}/contacts/{contact_id}": {"is_primary": True},
    "POST /api/leads/{id}/qualify": {"new_company": {"name": "Mine"}},
}


def test_no_write_reaches_what_is_anothers(api: Api, world: World) -> None:
    client = api("sales")
    tried = set()
    for address, template in world.addresses():
        for method in OPERATIONS[template].keys() - {"GET"}:
            body = BODIES.get(f"{method} {template}", {})
            if template.endswith("/contacts"):
                body = {"contact_id": str(ContactFactory().pk)}
            before = everything()
            answer = client.generic(
                method, address, json.dumps(body), content_type="application/json"
            )
            assert answer.status_code == 403, (method, address, answer.content)
            assert everything() == before, (method, address)
            tried.add(f"{method} {template}")
    assert set(BODIES) <= tried


def test_the_owner_may_what_the_other_may_not(api: Api, world: World) -> None:
    """The bodies above are good ones: it is the person that was refused."""
    client = api("sales", user=world.b)
    addresses = {template: address for address, template in world.addresses()}

    for name, body in BODIES.items():
        method, template = name.split()
        answer = client.generic(
            method, addresses[template], json.dumps(body), content_type="application/json"
        )
        assert answer.status_code in (200, 409), (name, answer.content)


def test_b_can_be_read_by_all(api: Api, world: World) -> None:
    client = api("sales")
    for address, template in world.addresses():
        if "GET" in OPERATIONS[template]:
            assert client.get(address).status_code == 200, address


def test_deleted_rows_do_not_exist_for_anybody(api: Api, world: World) -> None:
    rows: list[models.Model] = [world.company, world.contact, world.deal]
    for row in rows:
        type(row)._base_manager.filter(pk=row.pk).update(deleted_at=timezone.now())
    deleted = LeadFactory(deleted=True, title="Nobody knows me")
    for role in ("sales", "manager"):
        client = api(role)
        for address in (
            f"/api/companies/{world.company.pk}",
            f"/api/contacts/{world.contact.pk}",
            f"/api/deals/{world.deal.pk}",
            f"/api/leads/{deleted.pk}",
            f"/api/leads/{deleted.pk}/tags",
            f"/api/leads/{deleted.pk}/contacts",
        ):
            assert client.get(address).status_code == 404, address
        for address in ("/api/leads", "/api/leads/sales-view"):
            for query in ("", "?search=Nobody", "?includeQualified=true"):
                assert str(deleted.pk) not in client.get(address + query).content.decode()


def test_a_nested_id_of_another_lead_is_404(api: Api, world: World) -> None:
    client = api("sales")
    own = LeadFactory(owner=client.user)

    for contact in (world.contact.pk, uuid.uuid4()):
        address = f"/api/leads/{own.pk}/contacts/{contact}"
        assert client.patch(address, {"is_primary": True}).status_code == 404
        assert client.delete(address).status_code == 404
    assert LeadContact.objects.filter(pk=world.link.pk).exists()


def test_nobody_of_the_sales_team_gives_leads_away_or_takes_anothers(
    api: Api, world: World
) -> None:
    client = api("sales")
    own, unowned = LeadFactory(owner=client.user), LeadFactory()
    other = str(world.b.pk)

    for lead, owner in ((own, other), (unowned, other), (world.lead, str(client.user.pk))):
        answer = client.patch(f"/api/leads/{lead.pk}", {"owner_user_id": owner})
        assert answer.status_code == 403
    created = client.post("/api/leads", {"legal_name": "x", "owner_user_id": other})
    assert created.status_code == 403
    assert set(Lead.objects.filter(owner_id=world.b.pk)) == {world.lead}


@pytest.mark.parametrize("field", ["lead_status_id", "qualified_company_id", "owner_user_id"])
@pytest.mark.parametrize("value", ["00000000-0000-0000-0000-000000000000", "x", 7, [], {}])
def test_a_link_to_what_does_not_exist_is_422(api: Api, field: str, value: Any) -> None:
    lead = LeadFactory()

    assert api("admin").patch(f"/api/leads/{lead.pk}", {field: value}).status_code == 422


def test_links_to_deleted_rows_and_locked_people_are_422(api: Api) -> None:
    lead, client = LeadFactory(), api("admin")
    gone = CompanyFactory()
    gone.soft_delete(by=None)
    locked = UserFactory(locked=True)

    for body in ({"qualified_company_id": str(gone.pk)}, {"owner_user_id": str(locked.pk)}):
        assert client.patch(f"/api/leads/{lead.pk}", body).status_code == 422


def test_no_answer_holds_a_token_or_a_secret(api: Api, world: World) -> None:
    """Planted in every column that holds one; every list and detail is walked."""
    appearance = AppearanceFactory()
    OccurrenceFactory(event=appearance.event, start_time=timezone.now() + timedelta(days=1))
    CalendarChannelFactory(
        mirrored_calendar=appearance.mirrored_calendar,
        sync_token=CANARY, token_hash=CANARY, resource_id=CANARY,
    )  # fmt: skip
    DriveChannelFactory(token_hash=CANARY, resource_id=CANARY)
    MirroredCalendar.objects.update(full_sync_page_token=CANARY)
    DriveSyncState.objects.update(page_token=CANARY)
    User.objects.update(password=CANARY)
    assert CalendarSyncState.objects.filter(sync_token=CANARY).exists()
    client = api("admin")
    ids = {
        "/api/users/{id}": world.b.pk,
        "/api/calendar/calendars/{id}": appearance.mirrored_calendar.pk,
        "/api/calendar/events/{id}": appearance.event.pk,
        "/api/tags/{id}": TagFactory().pk,
    }
    addresses = [
        *(address for address, template in world.addresses()),
        *(
            template.replace("{id}", str(ids[template]))
            for template in OPERATIONS
            if template in ids
        ),
        *(template for template in OPERATIONS if "{" not in template),
    ]

    seen = 0
    for address in addresses:
        answer = client.get(address)
        seen += answer.status_code == 200
        assert CANARY not in answer.content.decode(), address
        for word in ("password", "sync_token", "token_hash", "page_token", "is_superuser"):
            assert f'"{word}"' not in answer.content.decode(), (address, word)
    assert seen > 20
