"""What people did with a lead and logged. Call inside a transaction, lead locked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from crm import statistics
from crm.models import Interaction, Lead
from pipedesk.audit.recording import current_user_id, record

# What the lead's history says of an interaction.
COLUMNS = ("kind", "direction", "occurred_at", "note")


def log(lead: Lead, kind: str, occurred_at: datetime | None = None, **more: Any) -> Interaction:
    """Keep that this happened, at the present moment unless told when; statistics follow.

    `more` are other columns of the interaction.
    """
    interaction = Interaction.objects.create(
        lead=lead,
        kind=kind,
        occurred_at=occurred_at or timezone.now(),
        user_id=current_user_id(),
        **more,
    )
    _record("log_interaction", interaction, is_new=True)
    statistics.refresh([lead.pk])
    return interaction


def take_back(interaction: Interaction) -> None:
    """Remove what was logged by mistake; statistics follow.

    The lead's last interaction only ever moves forward: it stays.
    """
    lead_id = interaction.lead_id
    _record("remove_interaction", interaction, is_new=False)
    interaction.delete()
    statistics.refresh([lead_id])


def _record(action: str, interaction: Interaction, *, is_new: bool) -> None:
    values = {"interaction_id": interaction.pk}
    values |= {name: getattr(interaction, name) for name in COLUMNS}
    changes = {
        name: (None, value) if is_new else (value, None)
        for name, value in values.items()
        if value != ""
    }
    record(action, "lead", interaction.lead_id, changes)
