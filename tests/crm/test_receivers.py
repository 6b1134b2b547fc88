"""The lead listener and the facts higher apps hear of."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core import serializers
from django.db import transaction

from crm.models import Company, Lead, LeadActivityStats
from crm.models.lead import TRACKED_FIELDS
from crm.signals import entity_created, entity_renamed
from tests.factories.accounts import UserFactory
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadActivityStatsFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
)

pytestmark = pytest.mark.django_db

BEFORE = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
EXPLICIT = datetime(2026, 3, 5, 8, tzinfo=UTC)

NEW_VALUES: dict[str, Callable[[], Any]] = {
    "owner_id": lambda: UserFactory().pk,
    "lead_status_id": lambda: LeadStatusFactory().pk,
    "lead_origin_id": lambda: LeadOriginFactory().pk,
    "title": lambda: "Another name",
    "trade_name": lambda: "Another trade name",
    "priority_score": lambda: 71,
    "qualified_company_id": lambda: CompanyFactory().pk,
    "qualified_master_deal_id": lambda: DealFactory().pk,
    "address_city": lambda: "Recife",
    "address_state": lambda: "PE",
}


@pytest.fixture
def lead() -> Iterator[Lead]:
    """A quiet lead with a statistics row, loaded as a view loads it, at NOW."""
    with time_machine.travel(BEFORE, tick=False):
        stored = LeadFactory(last_interaction_at=BEFORE)
        LeadActivityStatsFactory(
            lead=stored, last_interaction_at=BEFORE, last_interaction_type="call"
        )
    with time_machine.travel(NOW, tick=False):
        yield Lead.objects.get(pk=stored.pk)


def stored_times(lead: Lead) -> tuple[datetime | None, datetime | None, datetime | None]:
    """(updated, last interaction, the statistics' copy) as the database has them."""
    row = Lead.objects.select_related("activity_stats").get(pk=lead.pk)
    return row.updated_at, row.last_interaction_at, row.activity_stats.last_interaction_at


def test_every_tracked_field_has_a_case() -> None:
    assert set(NEW_VALUES) == set(TRACKED_FIELDS)
    assert len(TRACKED_FIELDS) == 10


@pytest.mark.parametrize("field", TRACKED_FIELDS)
def test_a_tracked_field_moves_the_times(lead: Lead, field: str) -> None:
    setattr(lead, field, NEW_VALUES[field]())
    lead.save()
    assert stored_times(lead) == (NOW, NOW, NOW)
    assert lead.activity_stats.last_interaction_type == "update"


@pytest.mark.parametrize("field", TRACKED_FIELDS)
def test_a_tracked_field_moves_the_times_when_only_it_is_saved(lead: Lead, field: str) -> None:
    setattr(lead, field, NEW_VALUES[field]())
    lead.save(update_fields=[field])
    assert stored_times(lead) == (NOW, NOW, NOW)
    assert getattr(Lead.objects.get(pk=lead.pk), field) == getattr(lead, field)


@pytest.mark.parametrize("field", ["owner", "lead_status", "qualified_company"])
def test_a_relation_may_be_named_in_update_fields(lead: Lead, field: str) -> None:
    setattr(lead, f"{field}_id", NEW_VALUES[f"{field}_id"]())
    lead.save(update_fields=[field])
    assert stored_times(lead) == (NOW, NOW, NOW)


@pytest.mark.parametrize("field", TRACKED_FIELDS)
@pytest.mark.parametrize("save", ["plain", "only"])
def test_an_unchanged_tracked_field_moves_nothing(lead: Lead, field: str, save: str) -> None:
    setattr(lead, field, getattr(lead, field))
    lead.save(**({"update_fields": [field]} if save == "only" else {}))
    assert stored_times(lead) == (BEFORE, BEFORE, BEFORE)


def test_the_same_value_as_text_is_no_change(lead: Lead) -> None:
    owner = UserFactory()
    Lead.objects.filter(pk=lead.pk).update(owner=owner, priority_score=5)
    lead.refresh_from_db()
    lead.owner_id = str(owner.pk)  # type: ignore[assignment]
    lead.priority_score = "5"  # type: ignore[assignment]
    lead.save()
    assert stored_times(lead) == (BEFORE, BEFORE, BEFORE)


def test_an_untracked_field_moves_updated_at_alone(lead: Lead) -> None:
    lead.disqualification_reason = "No budget"
    lead.save()
    assert stored_times(lead) == (NOW, BEFORE, BEFORE)


def test_an_untracked_field_saved_alone_moves_updated_at_alone(lead: Lead) -> None:
    lead.disqualification_reason = "No budget"
    lead.save(update_fields=["disqualification_reason"])
    assert stored_times(lead) == (NOW, BEFORE, BEFORE)


def test_a_save_without_a_change_is_no_write(
    lead: Lead, django_assert_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_num_queries(0):
        lead.save()
    assert stored_times(lead) == (BEFORE, BEFORE, BEFORE)


@pytest.mark.parametrize("factory", [CompanyFactory, ContactFactory, DealFactory, LeadFactory])
def test_the_save_after_a_save_is_no_write(
    factory: type[CompanyFactory], django_assert_num_queries: Callable[[int], Any]
) -> None:
    row = factory()
    setattr(row, "title" if hasattr(row, "title") else "name", "Another name")
    row.save()
    with django_assert_num_queries(0):
        row.save()


def test_a_change_left_out_of_update_fields_does_not_count_until_it_is_saved(lead: Lead) -> None:
    lead.title, lead.disqualification_reason = "Another name", "No budget"
    lead.save(update_fields=["disqualification_reason"])
    assert stored_times(lead) == (NOW, BEFORE, BEFORE)
    lead.save()
    assert stored_times(lead) == (NOW, NOW, NOW)
    assert Lead.objects.get(pk=lead.pk).title == "Another name"


@pytest.mark.parametrize("only", [None, ["title"], ["title", "last_interaction_at"]])
def test_an_explicit_interaction_time_stays(lead: Lead, only: list[str] | None) -> None:
    lead.title, lead.last_interaction_at = "Another name", EXPLICIT
    lead.save(update_fields=only)
    assert stored_times(lead) == (NOW, EXPLICIT, EXPLICIT)


def test_an_explicit_interaction_time_alone_takes_the_statistics_along(lead: Lead) -> None:
    lead.last_interaction_at = None
    lead.save()
    assert stored_times(lead) == (NOW, None, None)


def test_the_first_save_counts_no_interaction() -> None:
    assert LeadFactory().last_interaction_at is None


def test_no_statistics_row_is_made(lead: Lead) -> None:
    LeadActivityStats.objects.all().delete()
    lead.title = "Another name"
    lead.save()
    assert not LeadActivityStats.objects.exists()


def test_queryset_and_bulk_writes_never_count(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(title="By machine")
    lead.refresh_from_db()
    lead.priority_score = 99
    Lead.objects.bulk_update([lead], ["priority_score"])
    assert stored_times(lead) == (BEFORE, BEFORE, BEFORE)


def test_a_fixture_never_counts(lead: Lead) -> None:
    text = serializers.serialize("json", [lead]).replace(lead.title, "From a fixture")
    for row in serializers.deserialize("json", text):
        row.save()
    assert Lead.objects.get(pk=lead.pk).title == "From a fixture"
    assert stored_times(lead) == (BEFORE, BEFORE, BEFORE)


def test_the_detection_costs_no_query(
    lead: Lead, django_assert_num_queries: Callable[[int], Any]
) -> None:
    lead.address_city = "Recife"
    # The lead, its statistics, its score, the audit entry, folders whose names show the city.
    with transaction.atomic(), django_assert_num_queries(5):
        lead.save()


def test_a_deferred_column_is_compared_once_it_was_loaded(lead: Lead) -> None:
    thin = Lead.objects.only("id").get(pk=lead.pk)
    thin.title = str(thin.title)
    thin.save()
    assert stored_times(lead) == (BEFORE, BEFORE, BEFORE)
    thin.title += "!"
    thin.save()
    assert stored_times(lead) == (NOW, NOW, NOW)


def test_a_deferred_column_set_unseen_counts_as_changed(lead: Lead) -> None:
    thin = Lead.objects.defer("title").get(pk=lead.pk)
    thin.title = "Another name"
    thin.save()
    assert stored_times(lead) == (NOW, NOW, NOW)


def test_after_a_refresh_the_fresh_values_are_the_ones_compared(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(title="By machine")
    lead.refresh_from_db(fields=["title"])
    lead.save()
    assert stored_times(lead) == (BEFORE, BEFORE, BEFORE)


def test_the_second_save_compares_with_the_first(lead: Lead) -> None:
    lead.title = "Another name"
    lead.save()
    with time_machine.travel(EXPLICIT, tick=False):
        lead.save()
    assert stored_times(lead) == (NOW, NOW, NOW)


def test_a_save_leaves_alone_what_others_wrote_meanwhile(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(address_city="Recife", last_interaction_at=EXPLICIT)
    lead.disqualification_reason = "No budget"
    lead.save()
    row = Lead.objects.get(pk=lead.pk)
    assert (row.address_city, row.last_interaction_at) == ("Recife", EXPLICIT)


def test_a_failing_receiver_takes_the_lead_back_too(lead: Lead) -> None:
    def refuse(**_kwargs: object) -> None:
        msg = "no"
        raise RuntimeError(msg)

    entity_renamed.connect(refuse)
    try:
        lead.title = "Another name"
        with pytest.raises(RuntimeError), transaction.atomic():
            lead.save()
    finally:
        entity_renamed.disconnect(refuse)
    assert stored_times(lead) == (BEFORE, BEFORE, BEFORE)


def test_two_copies_of_a_row_remember_apart(lead: Lead) -> None:
    other = copy.copy(lead)
    other.title = "Another name"
    other.save()
    assert lead.changes() == {}
    lead.title = "Another name"
    assert set(lead.changes()) == {"title"}


def test_a_copy_with_a_new_key_is_an_insert(lead: Lead) -> None:
    lead.pk = uuid.uuid4()
    lead._state.adding = True
    lead.save()
    assert Lead.objects.count() == 2


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str, uuid.UUID]]]:
    """What higher apps hear: (signal, entity type, id)."""
    facts: list[tuple[str, str, uuid.UUID]] = []

    def created(entity_type: str, entity_id: uuid.UUID, **_kwargs: object) -> None:
        facts.append(("created", entity_type, entity_id))

    def renamed(entity_type: str, entity_id: uuid.UUID, **_kwargs: object) -> None:
        facts.append(("renamed", entity_type, entity_id))

    entity_created.connect(created)
    entity_renamed.connect(renamed)
    yield facts
    entity_created.disconnect(created)
    entity_renamed.disconnect(renamed)


@pytest.mark.parametrize(
    ("factory", "entity_type", "naming", "other"),
    [
        (CompanyFactory, "company", {"name": "New"}, {"delete_reason": "x"}),
        (ContactFactory, "contact", {"name": "New"}, {"role": "CEO"}),
        (DealFactory, "deal", {"title": "New"}, {"delete_reason": "x"}),
        (LeadFactory, "lead", {"title": "New"}, {"address_city": "Recife"}),
        (LeadFactory, "lead", {"trade_name": "New"}, {"address_state": "PE"}),
    ],
)
def test_higher_apps_hear_of_new_and_renamed_rows(
    heard: list[tuple[str, str, uuid.UUID]],
    factory: type[CompanyFactory],
    entity_type: str,
    naming: dict[str, str],
    other: dict[str, str],
) -> None:
    row = factory()
    assert heard == [("created", entity_type, row.pk)]
    for name, value in other.items():
        setattr(row, name, value)
    row.save()
    assert len(heard) == 1
    for name, value in naming.items():
        setattr(row, name, value)
    row.save()
    assert heard[1:] == [("renamed", entity_type, row.pk)]


def test_a_row_that_moves_below_another_company_is_heard_of(
    heard: list[tuple[str, str, uuid.UUID]],
) -> None:
    company, deal, lead = CompanyFactory(), DealFactory(), LeadFactory()
    heard.clear()
    deal.company = company
    deal.save()
    lead.qualified_company = company
    lead.save()
    assert heard == [("renamed", "deal", deal.pk), ("renamed", "lead", lead.pk)]


def test_a_fixture_is_not_heard_of(heard: list[tuple[str, str, uuid.UUID]]) -> None:
    company = Company(name="From a fixture")
    company.save_base(raw=True)
    assert heard == []


COLUMNS = {
    "owner_id": "owner_user_id",
    "title": "legal_name",
}


@pytest.mark.parametrize("field", TRACKED_FIELDS)
def test_a_tracked_field_moves_the_times_through_the_api(
    lead: Lead, api: Callable[..., Any], field: str
) -> None:
    value = NEW_VALUES[field]()
    column = COLUMNS.get(field, field)
    sent = value if isinstance(value, int) else str(value)
    answer = api("admin").patch(f"/api/leads/{lead.pk}", {column: sent}, format="json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()[column] == sent
    assert stored_times(lead) == (NOW, NOW, NOW)


@pytest.mark.parametrize("field", TRACKED_FIELDS)
def test_the_same_value_through_the_api_moves_nothing(
    lead: Lead, api: Callable[..., Any], field: str
) -> None:
    Lead.objects.filter(pk=lead.pk).update(**{field: NEW_VALUES[field]()})
    client = api("admin")
    column = COLUMNS.get(field, field)
    shown = client.get(f"/api/leads/{lead.pk}").json()
    answer = client.patch(f"/api/leads/{lead.pk}", {column: shown[column]}, format="json")
    assert answer.json() == shown
    assert stored_times(lead) == (BEFORE, BEFORE, BEFORE)
