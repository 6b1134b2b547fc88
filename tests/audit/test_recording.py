"""The history: every write through a save, with who did it."""

from __future__ import annotations

import uuid

import pytest
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bound_contextvars

from crm.models import Lead
from pipedesk.audit.models import AuditLog
from pipedesk.audit.recording import acting, current_user_id, record, remember_request
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadContactFactory,
    LeadFactory,
    LeadTagFactory,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("factory", "entity_type", "attribute", "column"),
    [
        (CompanyFactory, "company", "name", "name"),
        (ContactFactory, "contact", "phone", "phone"),
        (DealFactory, "deal", "title", "client_name"),
        (LeadFactory, "lead", "title", "legal_name"),
    ],
)
def test_creating_changing_and_removing_a_row_is_recorded(
    factory: type[LeadFactory], entity_type: str, attribute: str, column: str
) -> None:
    row = factory(**{attribute: "Old"})
    pk = str(row.pk)
    setattr(row, attribute, "New")
    row.save()
    row.delete()
    purged, updated, created = AuditLog.objects.filter(entity_type=entity_type, entity_id=pk)
    assert (created.action, updated.action, purged.action) == ("create", "update", "purge")
    assert {"field": column, "old": None, "new": "Old"} in created.changes
    assert updated.changes == [{"field": column, "old": "Old", "new": "New"}]


def test_hiding_and_showing_a_row_is_recorded_as_such() -> None:
    company = CompanyFactory()
    company.soft_delete(by=None, reason="Twice there")
    company.restore()
    assert [entry.action for entry in AuditLog.objects.all()] == ["restore", "delete", "create"]


def test_a_save_without_a_change_is_not_recorded() -> None:
    LeadFactory()
    Lead.objects.get().save()
    assert AuditLog.objects.count() == 1


def test_a_lead_s_tags_and_contacts_are_its_history() -> None:
    tag, contact = LeadTagFactory(), LeadContactFactory(is_primary=True)
    contact_id, tag_id = str(contact.contact_id), str(tag.tag_id)
    leads = str(contact.lead_id), str(tag.lead_id)
    tag.delete()
    contact.delete()
    entries = AuditLog.objects.filter(action="update", entity_type="lead")
    fields = [(entry.entity_id, entry.changes[0]) for entry in entries]
    assert fields == [
        (leads[0], {"field": "contact_id", "old": contact_id, "new": None}),
        (leads[1], {"field": "tag_id", "old": tag_id, "new": None}),
        (leads[0], {"field": "contact_id", "old": None, "new": contact_id}),
        (leads[1], {"field": "tag_id", "old": None, "new": tag_id}),
    ]


def test_a_removed_lead_is_one_entry_not_one_per_tag() -> None:
    link = LeadTagFactory()
    before = AuditLog.objects.count()
    link.lead.delete()
    assert AuditLog.objects.count() == before + 1
    assert AuditLog.objects.all()[0].action == "purge"


def test_the_user_of_the_request_is_named_although_known_late() -> None:
    user = UserFactory()

    def view(request: HttpRequest) -> HttpResponse:
        request.user = user
        with bound_contextvars(request_id="abc-1"):
            record("update", "lead", uuid.uuid4(), {})
        return HttpResponse()

    remember_request(view)(HttpRequest())
    entry = AuditLog.objects.get()
    assert (entry.user_id, entry.request_id) == (str(user.pk), "abc-1")
    assert current_user_id() is None


def test_a_use_case_names_its_action_and_its_user() -> None:
    user_id = uuid.uuid4()
    with acting(action="qualify_lead", user_id=user_id):
        LeadFactory()
    LeadFactory()
    assert list(AuditLog.objects.values_list("action", "user_id")) == [
        ("create", None),
        ("qualify_lead", str(user_id)),
    ]
