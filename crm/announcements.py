"""What database clients wrote, told to the rooms above as if the product had written it."""

from __future__ import annotations

import logging
import uuid
from time import monotonic

from django.db import transaction

from crm.models import Announcement, Lead
from crm.receivers import ENTITY_TYPES
from crm.signals import entity_created, entity_renamed, lead_qualified
from pipedesk.core.work import SLICE_S

logger = logging.getLogger(__name__)
MODELS = {entity_type: model for model, entity_type in ENTITY_TYPES.items()}


class Unheard(Exception):
    """Some announcements failed; the log says why, and they are still there."""


def announce() -> int:
    """Send the signals of what waits, oldest first, for at most a slice; returns how many.

    Each goes in one transaction with all its receivers write: whoever is killed in the middle
    has done nothing, and the next run does it. One that fails keeps none of the others waiting.
    Raises Unheard when any failed.
    """
    started = monotonic()
    sent = failed = 0
    for pk in list(Announcement.objects.order_by("pk").values_list("pk", flat=True)):
        if monotonic() - started > SLICE_S:
            break
        try:
            sent += _announce(pk)
        except Exception:
            logger.exception("announcement %s failed", pk)
            failed += 1
    if failed:
        msg = f"{failed} announcements failed"
        raise Unheard(msg)
    return sent


def _announce(pk: int) -> bool:
    """Send one, unless another worker is at it or did it."""
    with transaction.atomic():
        row = Announcement.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
        if row is None:
            return False
        send = _tell_qualified if row.fact == Announcement.Fact.QUALIFIED else _tell_created
        send(row)
        row.delete()
    return True


def _tell_created(row: Announcement) -> None:
    """Nothing is said of what was purged since."""
    model = MODELS[row.entity_type]
    if model._default_manager.filter(pk=row.entity_id).exists():  # noqa: SLF001  (Django's name)
        entity_created.send(model, entity_type=row.entity_type, entity_id=row.entity_id)


def _tell_qualified(row: Announcement) -> None:
    """As crm.qualification does; the lead's company is always another one.

    Nothing is said of a lead that was unqualified since: that told everybody.
    """
    lead = Lead.objects.filter(pk=row.entity_id, qualified_at__isnull=False).first()
    if lead is not None:
        user_id = uuid.UUID(row.user_id) if row.user_id else None
        entity_renamed.send(Lead, entity_type="lead", entity_id=lead.pk)
        lead_qualified.send(Lead, lead=lead, user_id=user_id)
