"""A lead is given up, or taken up again. Neither is an interaction with it."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.models import Lead
from crm.qualification import refuse_decided
from pipedesk.audit.recording import acting
from pipedesk.core.exceptions import Conflict

DISQUALIFY = "disqualify_lead"
REOPEN = "reopen_lead"


def disqualify(lead: Lead, reason: str) -> None:
    """Give the lead up; call inside a transaction, lead locked.

    Its status stays: what people call it is theirs to say. Raises Conflict when it is qualified
    or disqualified already.
    """
    refuse_decided(lead)
    lead.disqualified_at = timezone.now()
    lead.disqualification_reason = reason
    with acting(action=DISQUALIFY):
        lead.save()


def reopen(lead: Lead) -> None:
    """Take the lead up again; call inside a transaction, lead locked.

    Raises Conflict when nobody gave it up.
    """
    if lead.disqualified_at is None:
        raise Conflict(_("This lead is not disqualified."))
    lead.disqualified_at = lead.disqualification_reason = None
    with acting(action=REOPEN):
        lead.save()
