"""The CRM's admin pages, through real requests."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.models import Company, Lead, LeadContact, LeadTag
from pipedesk.accounts.models import User
from pipedesk.audit.models import AuditLog
from tests.browsing import staff_of, staff_with, superuser
from tests.factories.crm import (
    CompanyFactory,
    ContactFactory,
    DealFactory,
    LeadActivityStatsFactory,
    LeadContactFactory,
    LeadFactory,
    LeadOriginFactory,
    LeadStatusFactory,
    LeadTagFactory,
    OwnerFactory,
    TagFactory,
)

pytestmark = pytest.mark.django_db

LEADS = reverse("admin:crm_lead_changelist")
ADD = reverse("admin:crm_lead_add")


@pytest.fixture
def boss() -> Any:
    """A superuser's browser."""
    return superuser()


def change(lead: Lead) -> str:
    return reverse("admin:crm_lead_change", args=(lead.pk,))


def form_of(
    lead: Lead | None = None, rows: list[dict[str, Any]] = (), **values: Any
) -> dict[str, Any]:
    """What the browser sends for this lead; `rows` are contacts, stored ones with `pk`."""
    fields = {
        "title": lead.title if lead else "",
        "trade_name": (lead.trade_name or "") if lead else "",
        "lead_status": (lead.lead_status_id or "") if lead else "",
        "lead_origin": (lead.lead_origin_id or "") if lead else "",
        "owner": (lead.owner_id or "") if lead else "",
        "priority_score": lead.priority_score if lead else 0,
        "tag_list": [tag.pk for tag in lead.tags.all()] if lead else [],
        "address_city": (lead.address_city or "") if lead else "",
        "address_state": (lead.address_state or "") if lead else "",
        "qualified_company": (lead.qualified_company_id or "") if lead else "",
        "qualified_master_deal": (lead.qualified_master_deal_id or "") if lead else "",
        **values,
    }
    prefix = "leadcontact_set"
    fields[f"{prefix}-TOTAL_FORMS"] = len(rows)
    fields[f"{prefix}-INITIAL_FORMS"] = sum("pk" in row for row in rows)
    for n, row in enumerate(rows):
        for name, value in {"lead": lead.pk if lead else "", **row}.items():
            fields[f"{prefix}-{n}-{name}"] = value
    return fields


def test_a_lead_is_added_with_tags_and_contacts_in_one_form(boss: Any) -> None:
    tags, contacts = TagFactory.create_batch(2), ContactFactory.create_batch(2)

    answer = boss.post(
        ADD,
        form_of(
            title="Incorporadora Aurora S.A.",
            tag_list=[tag.pk for tag in tags],
            rows=[
                {"contact": contacts[0].pk, "is_primary": "on"},
                {"contact": contacts[1].pk},
            ],
        ),
    )

    assert answer.status_code == 302, answer.context["errors"]
    lead = Lead.objects.get(title="Incorporadora Aurora S.A.")
    assert set(lead.tags.all()) == set(tags)
    assert {row.contact_id: row.is_primary for row in LeadContact.objects.filter(lead=lead)} == {
        contacts[0].pk: True,
        contacts[1].pk: False,
    }


def test_tags_are_added_and_taken_off(boss: Any) -> None:
    lead = LeadFactory()
    stays, goes, comes = TagFactory.create_batch(3)
    LeadTagFactory(lead=lead, tag=stays)
    LeadTagFactory(lead=lead, tag=goes)

    answer = boss.post(change(lead), form_of(lead, tag_list=[stays.pk, comes.pk]))

    assert answer.status_code == 302
    assert set(LeadTag.objects.filter(lead=lead).values_list("tag_id", flat=True)) == {
        stays.pk,
        comes.pk,
    }
    recorded = AuditLog.objects.filter(entity_id=str(lead.pk), action="update")
    assert {entry.changes[0]["field"] for entry in recorded} == {"tag_id"}


def test_the_primary_contact_is_swapped_in_one_form(boss: Any) -> None:
    lead = LeadFactory()
    first = LeadContactFactory(lead=lead, is_primary=True)
    second = LeadContactFactory(lead=lead)

    answer = boss.post(
        change(lead),
        form_of(
            lead,
            rows=[{"pk": first.contact_id}, {"pk": second.contact_id, "is_primary": "on"}],
        ),
    )

    assert answer.status_code == 302
    primary = LeadContact.objects.get(lead=lead, is_primary=True)
    assert primary.contact_id == second.contact_id


def test_a_new_primary_contact_takes_the_place_of_a_removed_one(boss: Any) -> None:
    lead = LeadFactory()
    old = LeadContactFactory(lead=lead, is_primary=True)
    new = ContactFactory()

    answer = boss.post(
        change(lead),
        form_of(
            lead,
            rows=[
                {"pk": old.contact_id, "is_primary": "on", "DELETE": "on"},
                {"contact": new.pk, "is_primary": "on"},
            ],
        ),
    )

    assert answer.status_code == 302
    assert [row.contact_id for row in LeadContact.objects.filter(lead=lead)] == [new.pk]


def test_the_contact_of_a_stored_row_cannot_be_swapped_by_hand(boss: Any) -> None:
    lead = LeadFactory()
    row = LeadContactFactory(lead=lead)
    other = ContactFactory()

    boss.post(change(lead), form_of(lead, rows=[{"pk": row.contact_id, "contact": other.pk}]))

    assert [row.contact_id for row in LeadContact.objects.filter(lead=lead)] == [row.contact_id]


@pytest.mark.parametrize("mistake", ["two primary", "twice", "known already", "gone", "no uuid"])
def test_contradicting_contacts_are_refused_and_nothing_is_written(boss: Any, mistake: str) -> None:
    lead = LeadFactory(title="As it was")
    stored = LeadContactFactory(lead=lead)
    one, two = ContactFactory.create_batch(2)
    keep = {"pk": stored.contact_id}
    rows: dict[str, list[dict[str, Any]]] = {
        "two primary": [
            keep,
            {"contact": one.pk, "is_primary": "on"},
            {"contact": two.pk, "is_primary": "on"},
        ],
        "twice": [keep, {"contact": one.pk}, {"contact": one.pk}],
        "known already": [keep, {"contact": stored.contact_id}],
        "gone": [keep, {"pk": one.pk}],
        "no uuid": [{"pk": "x' OR 1=1"}],
    }

    answer = boss.post(change(lead), form_of(lead, title="Changed", rows=rows[mistake]))

    assert answer.status_code == 200
    assert answer.context["errors"]
    lead.refresh_from_db()
    assert lead.title == "As it was"
    assert LeadContact.objects.filter(lead=lead).count() == 1


def tracked_values() -> dict[str, Any]:
    return {
        "owner": OwnerFactory().pk,
        "lead_status": LeadStatusFactory().pk,
        "lead_origin": LeadOriginFactory().pk,
        "title": "New name",
        "trade_name": "New trade name",
        "priority_score": 55,
        "qualified_company": CompanyFactory().pk,
        "qualified_master_deal": DealFactory().pk,
        "address_city": "Recife",
        "address_state": "PE",
    }


@pytest.mark.parametrize("field", sorted([
    "owner", "lead_status", "lead_origin", "title", "trade_name", "priority_score",
    "qualified_company", "qualified_master_deal", "address_city", "address_state",
]))  # fmt: skip
def test_changing_a_tracked_field_in_the_form_is_an_interaction(boss: Any, field: str) -> None:
    long_ago = timezone.now() - timedelta(days=40)
    lead = LeadFactory(old=True, last_interaction_at=long_ago)
    LeadActivityStatsFactory(lead=lead, last_interaction_at=long_ago)
    before = timezone.now()

    answer = boss.post(change(lead), form_of(lead, **{field: tracked_values()[field]}))

    assert answer.status_code == 302
    lead.refresh_from_db()
    assert lead.updated_at >= before
    assert lead.last_interaction_at is not None
    assert lead.last_interaction_at >= before
    assert lead.activity_stats.last_interaction_at == lead.last_interaction_at


@pytest.mark.parametrize("score", [-1, 101, "x", ""])
def test_a_score_beyond_0_to_100_is_refused_by_the_form(boss: Any, score: Any) -> None:
    lead = LeadFactory()

    answer = boss.post(change(lead), form_of(lead, priority_score=score))

    assert answer.status_code == 200
    assert "priority_score" in answer.context["adminform"].form.errors


def test_a_score_typed_into_the_form_is_set_by_hand_and_can_be_taken_back(boss: Any) -> None:
    lead = LeadFactory(lead_status=LeadStatusFactory(priority_weight=18))
    assert 'name="clear_priority"' not in boss.get(change(lead)).content.decode()

    boss.post(change(lead), form_of(lead, priority_score=55))

    lead.refresh_from_db()
    assert (lead.priority_score, lead.manual_priority_score) == (55, 55)
    person = User.objects.get(pk=lead.manual_priority_by)
    page = boss.get(change(lead)).content.decode()
    assert 'name="clear_priority"' in page
    assert f"Set to 55 by {person}" in page

    boss.post(change(lead), form_of(lead, clear_priority="on"))

    lead.refresh_from_db()
    # 18, and 40 for the change.
    assert (lead.priority_score, lead.manual_priority_score) == (58, None)


def test_a_score_that_moved_while_the_form_was_open_is_not_set_by_hand(boss: Any) -> None:
    lead = LeadFactory()
    form = form_of(lead, trade_name="Other") | {"initial-priority_score": "0"}
    Lead.objects.filter(pk=lead.pk).update(priority_score=12)

    assert boss.post(change(lead), form).status_code == 302

    lead.refresh_from_db()
    assert lead.trade_name == "Other"
    assert lead.manual_priority_score is None


def test_saving_the_form_unchanged_is_no_interaction(boss: Any) -> None:
    lead = LeadFactory(
        old=True, owner=OwnerFactory(), lead_status=LeadStatusFactory(), address_city="Olinda"
    )

    boss.post(change(lead), form_of(lead))

    was = lead.updated_at
    lead.refresh_from_db()
    assert (lead.updated_at, lead.last_interaction_at) == (was, None)


def test_a_status_out_of_use_stays_with_the_lead_that_has_it(boss: Any) -> None:
    retired = LeadStatusFactory(is_active=False)
    lead = LeadFactory(lead_status=retired)

    assert boss.post(change(lead), form_of(lead)).status_code == 302
    refused = boss.post(ADD, form_of(title="Other", lead_status=retired.pk))
    assert refused.status_code == 200
    assert not Lead.objects.filter(title="Other").exists()


def test_deleting_a_lead_hides_it_and_restoring_shows_it_again(boss: Any) -> None:
    lead = LeadFactory(title="Hidden one")

    boss.post(reverse("admin:crm_lead_delete", args=(lead.pk,)), {"post": "yes"})

    lead.refresh_from_db()
    assert lead.deleted_at is not None
    assert list(boss.get(LEADS).context["cl"].result_list) == []
    assert list(boss.get(LEADS, {"state": "deleted"}).context["cl"].result_list) == [lead]

    boss.post(LEADS + "?state=deleted", {"action": "restore", "_selected_action": [lead.pk]})
    lead.refresh_from_db()
    assert lead.deleted_at is None


def test_many_leads_are_hidden_by_the_list_action(boss: Any) -> None:
    leads = LeadFactory.create_batch(3)
    marked = {"action": "delete_selected", "_selected_action": [lead.pk for lead in leads]}

    asked = boss.post(LEADS, marked)
    boss.post(LEADS, marked | {"post": "yes"})

    assert leads[0].title in asked.content.decode()
    assert Lead.objects.deleted().count() == 3


def test_restoring_leaves_a_qualified_lead_hidden(boss: Any) -> None:
    lead = LeadFactory(qualified=True)

    boss.post(LEADS + "?state=all", {"action": "restore", "_selected_action": [lead.pk]})

    lead.refresh_from_db()
    assert lead.deleted_at is not None


def test_restoring_leaves_a_merged_company_hidden_and_says_into_what_it_went(boss: Any) -> None:
    kept = CompanyFactory()
    gone = CompanyFactory(deleted_at=timezone.now(), merged_into=kept)

    marked = {"action": "restore", "_selected_action": [gone.pk]}
    answer = boss.post(reverse("admin:crm_company_changelist"), marked, follow=True)

    gone.refresh_from_db()
    assert gone.deleted_at is not None
    assert str(kept.pk) in answer.content.decode()


def test_deleting_a_company_keeps_who_did_it(boss: Any) -> None:
    company = CompanyFactory()

    boss.post(reverse("admin:crm_company_delete", args=(company.pk,)), {"post": "yes"})

    company.refresh_from_db()
    assert company.deleted_by == str(boss.user.pk)
    assert Company.objects.alive().count() == 0


@pytest.mark.parametrize("rows", [1, 50])
def test_the_list_takes_the_same_number_of_queries_for_one_row_and_for_fifty(
    boss: Any, rows: int, django_assert_num_queries: Any
) -> None:
    for _ in range(rows):
        lead = LeadFactory(owner=OwnerFactory(), lead_status=LeadStatusFactory())
        LeadTagFactory(lead=lead)
        LeadContactFactory(lead=lead)
    boss.get(LEADS)  # content types and the like are cached from now on

    with django_assert_num_queries(9):
        answer = boss.get(LEADS)

    assert len(answer.context["cl"].result_list) == rows


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"Open", "Warm one"}),
        ({"state": "qualified"}, {"Qualified"}),
        ({"state": "deleted"}, {"Deleted"}),
        ({"state": "disqualified"}, {"Disqualified"}),
        ({"bucket": "warm"}, {"Warm one"}),
        ({"q": "aurora"}, {"Open"}),
    ],
)
def test_the_list_is_filtered_and_searched(
    boss: Any, query: dict[str, str], found: set[str]
) -> None:
    LeadFactory(title="Open", trade_name="Aurora Incorporações", priority_score=80)
    LeadFactory(title="Warm one", priority_score=40)
    LeadFactory(title="Qualified", qualified=True)
    LeadFactory(title="Deleted", deleted=True)
    LeadFactory(title="Disqualified", disqualified=True, priority_score=90)

    shown = boss.get(LEADS, query).context["cl"].result_list

    assert {lead.title for lead in shown} - {"Disqualified"} == found - {"Disqualified"}
    assert ("Disqualified" in {lead.title for lead in shown}) == (
        "Disqualified" in found or query == {}
    )


def test_who_may_only_look_gets_no_form() -> None:
    looking = staff_with("view_lead")
    lead = LeadFactory()
    LeadTagFactory(lead=lead)
    LeadContactFactory(lead=lead)

    page = looking.get(change(lead))

    assert page.status_code == 200
    assert not re.findall(
        r'name="(title|tag_list|leadcontact_set-0-contact)"', page.content.decode()
    )
    assert looking.post(change(lead), form_of(lead, title="Mine now")).status_code == 403
    assert looking.get(ADD).status_code == 403


def test_without_permission_there_is_no_page() -> None:
    assert staff_with("view_company").get(LEADS).status_code == 403


@pytest.mark.parametrize("noun", ["leadstatus", "leadorigin", "tag", "company", "contact", "deal"])
def test_every_page_of_the_crm_opens(boss: Any, noun: str) -> None:
    made = {
        "leadstatus": LeadStatusFactory,
        "leadorigin": LeadOriginFactory,
        "tag": TagFactory,
        "company": CompanyFactory,
        "contact": ContactFactory,
        "deal": DealFactory,
    }[noun]()

    for name, arguments in (("changelist", ()), ("add", ()), ("change", (made.pk,))):
        assert boss.get(reverse(f"admin:crm_{noun}_{name}", args=arguments)).status_code == 200


def test_a_status_in_use_is_not_deleted(boss: Any) -> None:
    status = LeadFactory(lead_status=LeadStatusFactory()).lead_status

    boss.post(reverse("admin:crm_leadstatus_delete", args=(status.pk,)), {"post": "yes"})

    assert type(status).objects.filter(pk=status.pk).exists()


def test_a_colour_that_is_none_is_refused_and_never_reaches_the_page(boss: Any) -> None:
    status = LeadStatusFactory(color='"><script>alert(1)')

    page = boss.get(reverse("admin:crm_leadstatus_changelist")).content.decode()
    refused = boss.post(
        reverse("admin:crm_tag_add"), {"name": "Bad", "color": "red;position:fixed"}
    )

    assert "<script>alert" not in page
    assert refused.status_code == 200
    assert "3b82f6" in str(refused.context["errors"])
    assert status.label in page


def test_the_sales_team_changes_its_own_leads_and_reads_the_others() -> None:
    sales = staff_of("sales")
    own, foreign = LeadFactory(owner=sales.user), LeadFactory(owner=OwnerFactory())

    assert sales.post(change(own), form_of(own, title="Mine")).status_code == 302
    assert sales.get(change(foreign)).status_code == 200
    assert sales.post(change(foreign), form_of(foreign, title="Mine too")).status_code == 403
    assert sales.post(reverse("admin:crm_lead_delete", args=(own.pk,))).status_code == 403
    own.refresh_from_db()
    assert own.title == "Mine"


def test_the_first_write_of_the_sales_team_takes_the_lead() -> None:
    sales = staff_of("sales")
    nobodys = LeadFactory()

    sales.post(change(nobodys), form_of(nobodys, title="Called", owner=OwnerFactory().pk))
    sales.post(ADD, form_of(title="Brand new"))

    assert set(Lead.objects.values_list("title", "owner")) == {
        ("Called", sales.user.pk),
        ("Brand new", sales.user.pk),
    }


def test_the_sales_team_changes_the_contacts_of_its_leads_only() -> None:
    sales = staff_of("sales")
    own = LeadContactFactory(lead=LeadFactory(owner=sales.user)).contact
    foreign = LeadContactFactory(lead=LeadFactory(owner=OwnerFactory())).contact

    for contact, status in ((own, 302), (foreign, 403)):
        page = reverse("admin:crm_contact_change", args=(contact.pk,))
        sent = {"name": "Changed", "role": "", "email": "", "phone": ""}
        assert sales.post(page, sent).status_code == status


@pytest.mark.parametrize(("role", "status"), [("sales", 403), ("manager", 403), ("admin", 200)])
def test_statuses_are_the_admins_business(role: str, status: int) -> None:
    assert staff_of(role).get(reverse("admin:crm_leadstatus_add")).status_code == status


def test_search_does_not_mind_accents_and_takes_percent_as_it_is(boss: Any) -> None:
    LeadFactory(title="Construções São José")

    def found(words: str) -> int:
        return len(boss.get(LEADS, {"q": words}).context["cl"].result_list)

    assert (found("construcoes SAO"), found("%")) == (1, 0)


def test_tags_and_contacts_are_found_while_typing(boss: Any) -> None:
    TagFactory(name="Alto padrão")
    ContactFactory(name="Júlia Castro")

    def offered(model: str, field: str, term: str) -> list[str]:
        answer = boss.get(
            reverse("admin:autocomplete"),
            {"app_label": "crm", "model_name": model, "field_name": field, "term": term},
        )
        return [row["text"] for row in answer.json()["results"]]

    assert offered("lead", "tags", "padr") == ["Alto padrão"]
    assert offered("leadcontact", "contact", "julia") == ["Júlia Castro"]


def test_leads_are_filtered_by_owner_whatever_somebody_types_there(boss: Any) -> None:
    ana = OwnerFactory()
    LeadFactory(title="Ana's", owner=ana)
    LeadFactory(title="Nobody's")
    LeadFactory(title="Mine", owner=boss.user)

    def found(owner: str) -> set[str]:
        shown = boss.get(LEADS, {"owner": owner}).context["cl"].result_list
        return {lead.title for lead in shown}

    assert found(str(ana.pk)) == {"Ana's"}
    assert found("me") == {"Mine"}
    assert found("nobody") == {"Nobody's"}
    assert found("' OR 1=1") == set()
