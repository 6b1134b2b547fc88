"""A lead's life, lived at random through the API beside a plain model of it.

`LEAD_LIFE_RUNS` is the number of lives: 1,000 new ones before a release, else always the same few.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rest_framework.test import APIClient

from crm.models import Interaction, Lead, LeadContact, LeadStatus, LeadTag
from pipedesk.accounts import tokens
from tests.crm.lead_life.plain_crm import BUCKETS, CHIEFS, PlainCrm, PlainLead, Refused
from tests.factories.accounts import UserFactory
from tests.factories.crm import CompanyFactory, ContactFactory, DealFactory, TagFactory

RUNS = int(os.environ.get("LEAD_LIFE_RUNS", "25"))
STEPS = 25
# Shrinking a failure takes minutes; `LEAD_LIFE_SHRINK=0` shows it as found.
SHRINK = os.environ.get("LEAD_LIFE_SHRINK", "1") == "1"
PHASES = [phase for phase in Phase if SHRINK or phase is not Phase.shrink]
DAWN = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEADS = "/api/leads"

people = st.sampled_from(["admin", "manager", "ana", "bia", "ana", "bia"])
# Mostly those who may, for what few may do.
chiefs = st.sampled_from(["admin", "manager", "manager", "ana"])
owners = st.sampled_from([None, "ana", "bia"])
sales = st.sampled_from(["ana", "bia", "admin"])
statuses = st.sampled_from([None, "new", "contacted", "qualified"])
tag_sets = st.sets(st.sampled_from(["t1", "t2", "t3"]))
contacts = st.sampled_from(["c1", "c2", "c3"])
names = st.sampled_from(["Alfa", "Beta", "Gama", "Ação Ltda"])
maybe_names = st.none() | names


class LeadLife(RuleBasedStateMachine):
    """People at work on leads; after each step every lead is as the model says."""

    leads = Bundle("leads")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.now = DAWN
        self.clock = time_machine.travel(self.now, tick=False)
        self.traveller = self.clock.start()
        self.plain = PlainCrm()
        self.ids: dict[str, str] = {}
        self.touched: set[str] = set()

    @initialize()
    def furnish(self) -> None:
        """The people and things that leads are about."""
        roles = {"admin": "admin", "manager": "manager", "ana": "sales", "bia": "sales"}
        self.clients = {}
        for name, role in roles.items():
            user = UserFactory(name=name, role=role)
            client = APIClient()
            token = tokens.issue(user, timedelta(days=3650))
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
            self.clients[name], self.ids[name] = client, str(user.pk)
        for code, pk in LeadStatus.objects.values_list("code", "pk"):
            self.ids[code] = str(pk)
        for name in ("t1", "t2", "t3"):
            self.ids[name] = str(TagFactory(name=name).pk)
        for name in ("c1", "c2", "c3"):
            self.ids[name] = str(ContactFactory(name=name).pk)
        for name in ("k1", "k2"):
            self.ids[name] = str(CompanyFactory(name=name).pk)
        self.ids["d1"] = str(DealFactory(title="d1", company_id=self.ids["k1"]).pk)
        self.deals = {"d1": "k1"}

    def teardown(self) -> None:
        """Forget this life."""
        self.clock.stop()
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # --- Speaking to both ---------------------------------------------------------------------

    def _id(self, name: str | None) -> str | None:
        return None if name is None else self.ids[name]

    def _ask(self, who: str, method: str, address: str, body: dict[str, Any] | None = None) -> Any:
        """One request a second."""
        self.now += timedelta(seconds=1)
        self.traveller.move_to(self.now)
        return getattr(self.clients[who], method)(f"{LEADS}{address}", body, format="json")

    def _both(self, lead: str, answer: Any, verb: Callable[[], None], success: int) -> bool:
        """Whether both did it; both must refuse with the same status."""
        self.touched.add(lead)
        expected = success
        try:
            verb()
        except Refused as refusal:
            expected = refusal.status
        assert answer.status_code == expected, answer.content
        return expected == success

    def _on(self, lead: str, *rest: str) -> str:
        return "/".join(["", self.ids[lead], *rest])

    # --- Records ------------------------------------------------------------------------------

    @rule(target=leads, who=people, name=names, status=statuses, owner=owners, trade=maybe_names)
    def create(
        self, who: str, name: str, status: str | None, owner: str | None, trade: str | None
    ) -> str:
        """Write a lead down."""
        values = {"legal_name": name, "status": status, "trade_name": trade}
        body = {"legal_name": name, "lead_status_id": self._id(status), "trade_name": trade}
        if owner is not None:
            values["owner"], body["owner_user_id"] = owner, self.ids[owner]
        key = f"lead{len(self.plain.leads) + 1}"
        if owner not in (None, who) and who not in CHIEFS:
            assert self._ask(who, "post", "", body).status_code == 403
            body["owner_user_id"] = self.ids[who]
            values["owner"] = who
        answer = self._ask(who, "post", "", body)
        self.plain.create(who, key, values)
        assert answer.status_code == 201, answer.content
        self.ids[key] = answer.json()["id"]
        self.touched.add(key)
        return key

    @rule(lead=leads, who=people, name=names, trade=maybe_names, status=statuses)
    def edit(self, lead: str, who: str, name: str, trade: str | None, status: str | None) -> None:
        """Change some columns."""
        body = {"legal_name": name, "trade_name": trade, "lead_status_id": self._id(status)}
        answer = self._ask(who, "patch", self._on(lead), body)
        values = {"legal_name": name, "trade_name": trade, "status": status}
        self._both(lead, answer, lambda: self.plain.edit(who, lead, values, self.now), 200)

    @rule(lead=leads, who=chiefs)
    def delete(self, lead: str, who: str) -> None:
        """Hide a lead."""
        answer = self._ask(who, "delete", self._on(lead))
        self._both(lead, answer, lambda: self.plain.delete(who, lead), 204)

    @rule(lead=leads, who=chiefs)
    def restore(self, lead: str, who: str) -> None:
        """Show it again."""
        answer = self._ask(who, "post", self._on(lead, "restore"))
        self._both(lead, answer, lambda: self.plain.restore(who, lead), 200)

    # --- Tags and contacts --------------------------------------------------------------------

    @rule(lead=leads, who=people, tags=tag_sets)
    def put_tags(self, lead: str, who: str, tags: set[str]) -> None:
        """Tag it."""
        body = {"tag_ids": [self.ids[tag] for tag in sorted(tags)]}
        answer = self._ask(who, "put", self._on(lead, "tags"), body)
        self._both(lead, answer, lambda: self.plain.put_tags(who, lead, tags, self.now), 200)

    @rule(lead=leads, who=people, contact=contacts, primary=st.booleans())
    def add_contact(self, lead: str, who: str, contact: str, primary: bool) -> None:
        """Link somebody."""
        body = {"contact_id": self.ids[contact], "is_primary": primary}
        answer = self._ask(who, "post", self._on(lead, "contacts"), body)
        self._both(
            lead, answer,
            lambda: self.plain.add_contact(who, lead, contact, primary, self.now), 201,
        )  # fmt: skip

    @rule(lead=leads, who=people, contact=contacts, primary=st.booleans())
    def mark_contact(self, lead: str, who: str, contact: str, primary: bool) -> None:
        """Whom to call."""
        address = self._on(lead, "contacts", self.ids[contact])
        answer = self._ask(who, "patch", address, {"is_primary": primary})
        self._both(
            lead, answer,
            lambda: self.plain.mark_contact(who, lead, contact, primary, self.now), 200,
        )  # fmt: skip

    @rule(lead=leads, who=people, contact=contacts)
    def remove_contact(self, lead: str, who: str, contact: str) -> None:
        """Unlink somebody."""
        answer = self._ask(who, "delete", self._on(lead, "contacts", self.ids[contact]))
        self._both(
            lead, answer, lambda: self.plain.remove_contact(who, lead, contact, self.now), 204
        )

    # --- Qualification ------------------------------------------------------------------------

    @rule(lead=leads, who=people, dry_run=st.booleans())
    def qualify_to_deal(self, lead: str, who: str, dry_run: bool) -> None:
        """It became a deal there is."""
        self._qualify(lead, who, {"deal_id": self.ids["d1"]}, "k1", "d1", dry_run)

    @rule(lead=leads, who=people, company=st.sampled_from(["k1", "k2"]), with_deal=st.booleans())
    def qualify_to_company(self, lead: str, who: str, company: str, with_deal: bool) -> None:
        """It belongs to a company there is."""
        body: dict[str, Any] = {"company_id": self.ids[company]}
        deal = None
        if with_deal:
            deal = f"d{len(self.deals) + 1}"
            body["new_deal"] = {"title": deal}
        self._qualify(lead, who, body, company, deal, dry_run=False)

    @rule(lead=leads, who=people, name=names)
    def qualify_to_new_company(self, lead: str, who: str, name: str) -> None:
        """It became a company."""
        new = f"new company of {len(self.ids)}"
        self._qualify(lead, who, {"new_company": {"name": name}}, new, None, dry_run=False)

    def _qualify(
        self, lead: str, who: str, body: dict[str, Any], company: str, deal: str | None,
        dry_run: bool,
    ) -> None:  # fmt: skip
        address = self._on(lead, "qualify") + ("?dry_run=true" if dry_run else "")
        answer = self._ask(who, "post", address, body)
        before = self.plain.snapshot(lead)
        done = self._both(
            lead, answer, lambda: self.plain.qualify(who, lead, company, deal, self.now), 200
        )
        if not done:
            return
        moved = answer.json()
        assert (moved["company"]["name"], moved["dry_run"]) == (
            body.get("new_company", {"name": company})["name"], dry_run
        )  # fmt: skip
        if dry_run:
            self.plain.leads[lead] = before
            return
        self.ids.setdefault(company, moved["company"]["id"])
        if deal is not None:
            self.ids.setdefault(deal, moved["deal"]["id"])
            self.deals.setdefault(deal, company)

    @rule(lead=leads, who=people)
    def unqualify(self, lead: str, who: str) -> None:
        """It was a lead after all."""
        answer = self._ask(who, "post", self._on(lead, "unqualify"))
        self._both(lead, answer, lambda: self.plain.unqualify(who, lead, self.now), 200)

    @rule(lead=leads, who=people, reason=names)
    def disqualify(self, lead: str, who: str, reason: str) -> None:
        """Give it up."""
        answer = self._ask(who, "post", self._on(lead, "disqualify"), {"reason": reason})
        self._both(lead, answer, lambda: self.plain.disqualify(who, lead, reason, self.now), 200)

    @rule(lead=leads, who=people)
    def reopen(self, lead: str, who: str) -> None:
        """Take it up again."""
        answer = self._ask(who, "post", self._on(lead, "reopen"))
        self._both(lead, answer, lambda: self.plain.reopen(who, lead), 200)

    @rule(lead=leads, who=people, owner=sales)
    def change_owner(self, lead: str, who: str, owner: str) -> None:
        """Give it to somebody."""
        body = {"owner_user_id": self.ids[owner]}
        answer = self._ask(who, "post", self._on(lead, "change-owner"), body)
        self._both(lead, answer, lambda: self.plain.change_owner(who, lead, owner, self.now), 200)

    # --- The work list ------------------------------------------------------------------------

    # --- Priority and interactions ------------------------------------------------------------

    @rule(lead=leads, who=people, bucket=st.sampled_from(sorted(BUCKETS)))
    def set_priority(self, lead: str, who: str, bucket: str) -> None:
        """Hot, warm or cold, says somebody."""
        in_force = Lead.objects.values_list("priority_score", flat=True).get(pk=self.ids[lead])
        body = {"priority_bucket": bucket}
        answer = self._ask(who, "patch", self._on(lead, "priority"), body)
        self._both(
            lead, answer,
            lambda: self.plain.set_priority(
                who, lead, BUCKETS[bucket], self.now, in_force=in_force
            ), 200,
        )  # fmt: skip

    @rule(lead=leads, who=people)
    def clear_priority(self, lead: str, who: str) -> None:
        """The formula knows better."""
        answer = self._ask(who, "delete", self._on(lead, "priority"))
        self._both(lead, answer, lambda: self.plain.clear_priority(who, lead, self.now), 204)

    @rule(
        lead=leads, who=people, kind=st.sampled_from(["call", "email", "value_asset", "note"]),
        ago=st.integers(-1, 100),
    )  # fmt: skip
    def log_interaction(self, lead: str, who: str, kind: str, ago: int) -> None:
        """Something happened that many days ago; nothing happens tomorrow."""
        occurred_at = self.now + timedelta(seconds=1) - timedelta(days=ago)
        body = {"kind": kind, "occurred_at": occurred_at.isoformat()}
        answer = self._ask(who, "post", self._on(lead, "interactions"), body)
        name = str(len(self.ids))
        done = self._both(
            lead, answer,
            lambda: self.plain.log_interaction(who, lead, name, occurred_at, self.now), 201,
        )  # fmt: skip
        if done:
            self.ids[name] = answer.json()["id"]

    # --- Two that are one ---------------------------------------------------------------------

    @rule(kept=leads, other=leads, who=chiefs)
    def merge(self, kept: str, other: str, who: str) -> None:
        """Both were the same all along."""
        self.touched.add(other)
        body = {"other_id": self.ids[other]}
        answer = self._ask(who, "post", self._on(kept, "merge"), body)
        self._both(kept, answer, lambda: self.plain.merge(who, kept, other, self.now), 200)

    @rule(other=leads, who=chiefs)
    def unmerge(self, other: str, who: str) -> None:
        """They were two after all."""
        if other in self.plain.merges:
            self.touched.add(self.plain.merges[other].kept)
        answer = self._ask(who, "post", self._on(other, "unmerge"))
        self._both(other, answer, lambda: self.plain.unmerge(who, other, self.now), 200)

    @rule(days=st.integers(1, 20))
    def sleep(self, days: int) -> None:
        """Nobody works for some days."""
        self.now += timedelta(days=days)

    @invariant()
    def touched_leads_are_as_the_model_says(self) -> None:
        """Every column, tag and contact of what the last step was about."""
        for key in sorted(self.touched):
            self._compare(key, self.plain.leads[key])
        self.touched.clear()

    def _compare(self, key: str, lead: PlainLead) -> None:
        answer = self._ask("admin", "get", self._on(key))
        if not lead.exists:
            assert answer.status_code == (307 if self.plain.leads_on(lead) else 404)
            return
        shown = answer.json()
        assert answer.status_code == 200, answer.content
        expected = {
            "legal_name": lead.legal_name,
            "trade_name": lead.trade_name,
            "lead_status_id": self._id(lead.status),
            "owner_user_id": self._id(lead.owner),
            "qualified_company_id": self._id(lead.company),
            "qualified_master_deal_id": self._id(lead.deal),
            "disqualification_reason": lead.disqualified and lead.disqualified[1],
        }
        assert {name: shown[name] for name in expected} == expected
        moments = {
            "qualified_at": lead.qualified_at,
            "deleted_at": lead.qualified_at,
            "disqualified_at": lead.disqualified and lead.disqualified[0],
            "last_interaction_at": lead.last_interaction,
        }
        read = {n: shown[n] and datetime.fromisoformat(shown[n]) for n in moments}
        assert read == moments
        if lead.manual is not None:
            assert shown["priority_score"] == lead.manual
        known = Interaction.objects.filter(lead=self.ids[key]).values_list("pk", flat=True)
        assert set(map(str, known)) == {self.ids[name] for name in lead.interactions}
        tags = LeadTag.objects.filter(lead=self.ids[key]).values_list("tag_id", flat=True)
        assert set(map(str, tags)) == {self.ids[tag] for tag in lead.tags}
        links = LeadContact.objects.filter(lead=self.ids[key])
        marked = {str(pk): flag for pk, flag in links.values_list("contact_id", "is_primary")}
        assert marked == {self.ids[name]: link.is_primary for name, link in lead.contacts.items()}

    @invariant()
    @precondition(lambda self: self.plain.leads)
    def the_work_list_shows_the_open_leads(self) -> None:
        """Exactly those, each with the contact to call."""
        rows = self._ask("bia", "get", "/sales-view?page_size=100").json()["data"]
        shown = {row["id"]: (row["primary_contact"] or {}).get("name") for row in rows}
        assert shown == {
            self.ids[key]: lead.primary for key, lead in self.plain.leads.items() if lead.is_open
        }

    @invariant()
    def nobody_has_two_primary_contacts(self) -> None:
        """At most one per lead, and nothing of leads nobody made."""
        marked = list(LeadContact.objects.filter(is_primary=True).values_list("lead", flat=True))
        assert len(marked) == len(set(marked))
        assert Lead.objects.count() == len(self.plain.leads)


@pytest.mark.django_db
@pytest.mark.timeout(7200)
def test_a_lead_lives_as_the_model_says() -> None:
    run_state_machine_as_test(
        LeadLife,
        settings=settings(
            max_examples=RUNS,
            derandomize="LEAD_LIFE_RUNS" not in os.environ,
            phases=PHASES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
