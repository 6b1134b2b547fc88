"""A lead becomes a customer: linked to a company and a deal, and out of the work list."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.models import Company, Deal, Lead, LeadStatus
from crm.signals import lead_qualified
from pipedesk.accounts import roles
from pipedesk.accounts.models import User
from pipedesk.audit.models import AuditLog
from pipedesk.audit.recording import acting
from pipedesk.core.exceptions import Conflict, InvalidInput

ACTION = "qualify_lead"


@dataclass(frozen=True)
class Target:
    """What a lead becomes: exactly one of the first three; a new deal goes with a company."""

    deal_id: uuid.UUID | None = None
    company_id: uuid.UUID | None = None
    new_company_name: str | None = None
    new_deal_title: str | None = None

    def check(self) -> None:
        """Raises InvalidInput when the combination makes no sense."""
        chosen = (self.deal_id, self.company_id, self.new_company_name)
        if sum(value is not None for value in chosen) != 1:
            message = _("Give exactly one of deal_id, company_id and new_company.")
            raise InvalidInput("deal_id", message, "exactly_one")
        if self.deal_id is not None and self.new_deal_title is not None:
            message = _("A new deal cannot be asked for together with an existing one.")
            raise InvalidInput("new_deal", message, "exactly_one")


@dataclass(frozen=True)
class Qualified:
    """All that moves. New rows are unsaved in a dry run."""

    lead: Lead
    company: Company | None
    deal: Deal | None
    qualified_at: datetime
    contact_ids: list[uuid.UUID]
    tag_ids: list[uuid.UUID]
    company_is_new: bool
    deal_is_new: bool


def qualify(
    lead_id: uuid.UUID, target: Target, user: User | None, *, dry_run: bool = False
) -> Qualified:
    """Link the lead and hide it, in one transaction with its row locked.

    Its contacts and tags stay on the lead, where company and deal find them. Raises Conflict
    when it is qualified or disqualified already, InvalidInput for an unknown deal or company,
    Lead.DoesNotExist, also for a deleted one.
    """
    target.check()
    with transaction.atomic(savepoint=False):
        leads = Lead.objects.known().select_for_update(of=("self",), no_key=True)
        lead = leads.get(pk=lead_id)
        refuse_decided(lead)
        company, deal = _resolve(target)
        outcome = Qualified(
            lead=lead,
            company=company,
            deal=deal,
            qualified_at=timezone.now(),
            contact_ids=list(lead.contacts.values_list("pk", flat=True)),
            tag_ids=list(lead.tags.values_list("pk", flat=True)),
            company_is_new=target.new_company_name is not None,
            deal_is_new=target.new_deal_title is not None,
        )
        if not dry_run:
            _apply(outcome, user)
    return outcome


def refuse_decided(lead: Lead) -> None:
    """Raises Conflict, saying by whom, when and to what, unless the lead is still open."""
    if lead.qualified_at is not None:
        company, deal = lead.qualified_company, lead.qualified_master_deal
        names = " · ".join(str(row) for row in (company, deal) if row is not None)
        who = _author(lead, "qualified_at")
        facts = {"who": who, "when": lead.qualified_at.isoformat(), "what": names or "–"}
        raise Conflict(
            _("Already qualified by %(who)s at %(when)s to %(what)s.") % facts,
            by=who,
            at=lead.qualified_at.isoformat(),
            company_id=lead.qualified_company_id and str(lead.qualified_company_id),
            deal_id=lead.qualified_master_deal_id and str(lead.qualified_master_deal_id),
        )
    if lead.disqualified_at is not None:
        who = _author(lead, "disqualified_at")
        reason = lead.disqualification_reason or "–"
        facts = {"who": who, "when": lead.disqualified_at.isoformat(), "what": reason}
        raise Conflict(
            _("Disqualified by %(who)s at %(when)s: %(what)s") % facts,
            by=who,
            at=lead.disqualified_at.isoformat(),
            reason=lead.disqualification_reason,
        )


def takes_what_it_writes(user: User | None) -> bool:
    """Whether a lead of nobody becomes this person's with their first write."""
    if user is None:
        return False
    return roles.granted(user, "lead", roles.CHANGE_OWNER) is not roles.Grant.ALL


def _author(lead: Lead, column: str) -> str:
    """Who last set this column, by the history."""
    history = AuditLog.objects.filter(entity_type="lead", entity_id=str(lead.pk))
    for user_id, changes in history.values_list("user_id", "changes").iterator():
        if any(change["field"] == column and change["new"] for change in changes):
            user = User.objects.filter(pk=user_id).first() if user_id else None
            return str(user or _("the system"))
    return _("somebody")


def _resolve(target: Target) -> tuple[Company | None, Deal | None]:
    """The company and the deal; those asked for anew are not saved yet."""
    if target.deal_id is not None:
        found = Deal.objects.alive().select_related("company").filter(pk=target.deal_id).first()
        if found is None:
            raise InvalidInput("deal_id", _("There is no such deal."), "does_not_exist")
        return found.company, found
    if target.company_id is not None:
        company = Company.objects.alive().filter(pk=target.company_id).first()
        if company is None:
            raise InvalidInput("company_id", _("There is no such company."), "does_not_exist")
    else:
        company = Company(name=target.new_company_name or "")
    title = target.new_deal_title
    return company, None if title is None else Deal(title=title, company=company)


def _apply(outcome: Qualified, user: User | None) -> None:
    lead, company, deal = outcome.lead, outcome.company, outcome.deal
    user_id = None if user is None else user.pk
    with acting(user_id=user_id):
        for row in (company, deal):
            if row is not None and row._state.adding:  # noqa: SLF001  (Django's documented attribute)
                row.save()
    status, _created = LeadStatus.objects.get_or_create(
        code=LeadStatus.QUALIFIED, defaults={"label": _("Qualificado")}
    )
    lead.qualified_at = lead.deleted_at = outcome.qualified_at
    # A deal of no company leaves the company the lead was linked to before.
    lead.qualified_company = company or lead.qualified_company
    lead.qualified_master_deal = deal or lead.qualified_master_deal
    lead.lead_status = status
    if lead.owner_id is None and takes_what_it_writes(user):
        lead.owner = user
    with acting(action=ACTION, user_id=user_id):
        lead.save()
    lead_qualified.send(Lead, lead=lead, user_id=user_id)
