"""The records of the CRM that meetings are linked to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from crm.models import Company, Contact, Deal, Lead
from pipedesk.accounts import roles
from pipedesk.accounts.models import User
from pipedesk.core.exceptions import InvalidInput

MODELS: Final[Mapping[str, type[Any]]] = {
    "contact": Contact,
    "lead": Lead,
    "company": Company,
    "deal": Deal,
}
# What a lead became, and the lead's column of it.
BECAME: Final = {"company": "qualified_company", "deal": "qualified_master_deal"}
KIND_OF: Final = {model: kind for kind, model in MODELS.items()}


def living(kind: str) -> Any:
    """The records people can see: not deleted; qualified leads count as living."""
    return Lead.objects.known() if kind == "lead" else MODELS[kind].objects.alive()


def find_record(kind: str, pk: uuid.UUID, field: str) -> Any:
    """The record people mean. Raises InvalidInput for `field` where there is none."""
    record = living(kind).filter(pk=pk).first()
    if record is None:
        raise InvalidInput(field, _("There is no such record."), "does_not_exist")
    return record


def may_change(user: User, record: Any) -> bool:
    """Whether the role table lets this person change the record."""
    kind = KIND_OF[type(record)]
    grant = roles.granted(user, kind, roles.CHANGE)
    if grant is not roles.Grant.OWN:
        return grant is roles.Grant.ALL
    if isinstance(record, Lead):
        return record.owner_id in (None, user.pk)
    return bool(MODELS[kind].objects.tied_to_leads_of(user.pk).filter(pk=record.pk).exists())
