"""A customer becomes a lead again: the link is undone, and the lead is back in the work list."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.models import Company, Deal, Lead, LeadStatus
from crm.qualification import ACTION as QUALIFY
from crm.signals import lead_unqualified
from pipedesk.accounts.models import User
from pipedesk.audit.models import AuditLog
from pipedesk.audit.recording import acting
from pipedesk.core.exceptions import Conflict

ACTION = "unqualify_lead"
WITHIN = timedelta(days=30)
# What qualifying replaced: column -> where its former value must still be found.
LINKS: dict[str, models.QuerySet[LeadStatus] | models.QuerySet[Company] | models.QuerySet[Deal]] = {
    "lead_status_id": LeadStatus.objects.all(),
    "qualified_company_id": Company.objects.all(),
    "qualified_master_deal_id": Deal.objects.alive(),
}


def unqualify(lead: Lead, user: User | None) -> None:
    """Make the lead what it was before; call inside a transaction, lead locked.

    The company and the deal stay, and so does whoever became the owner. Raises Conflict naming
    what stands in the way.
    """
    refuse(lead)
    deal_id = lead.qualified_master_deal_id
    for column, value in _before(lead).items():
        setattr(lead, column, value)
    lead.qualified_at = lead.deleted_at = None
    user_id = None if user is None else user.pk
    with acting(action=ACTION, user_id=user_id):
        lead.save()
    lead_unqualified.send(Lead, lead=lead, user_id=user_id, deal_id=deal_id)


def refuse(lead: Lead) -> None:
    """Raises Conflict unless the lead is qualified, and not for too long."""
    if lead.merged_into is not None:
        message = _("This lead was merged into “%(lead)s”.") % {"lead": lead.merged_into}
        raise Conflict(message, merged_into=lead.merged_into_id)
    if lead.qualified_at is None:
        raise Conflict(_("This lead is not qualified."))
    until = lead.qualified_at + WITHIN
    if timezone.now() > until:
        facts = {"days": WITHIN.days, "when": until.isoformat()}
        message = _("This was possible for %(days)s days, until %(when)s.") % facts
        raise Conflict(message, at=lead.qualified_at, until=until)


def _before(lead: Lead) -> dict[str, uuid.UUID | None]:
    """The links the lead had before it was qualified, by the history. Raises Conflict."""
    entries = AuditLog.objects.filter(entity_type="lead", entity_id=str(lead.pk), action=QUALIFY)
    entry = entries.first()
    changes = {change["field"]: change for change in entry.changes} if entry else {}
    qualified_at = lead.qualified_at and lead.qualified_at.isoformat()
    if changes.get("qualified_at", {}).get("new") != qualified_at:
        raise Conflict(_("The history does not say what the lead was before."))
    return {
        column: _still_there(column, changes[column]["old"])
        for column in LINKS
        if column in changes
    }


def _still_there(column: str, former: str | None) -> uuid.UUID | None:
    """The former value, or what it was merged into. Raises Conflict where it is gone."""
    if former is None:
        return None
    row = LINKS[column].filter(pk=former).first()
    while isinstance(row, Company) and row.merged_into is not None:
        row = row.merged_into
    if row is None or getattr(row, "deleted_at", None) is not None:
        what = {
            "lead_status_id": _("The status it had before is gone."),
            "qualified_company_id": _("The company it had before is gone."),
            "qualified_master_deal_id": _("The deal it had before is gone."),
        }
        raise Conflict(what[column], **{column: former})
    return row.pk
