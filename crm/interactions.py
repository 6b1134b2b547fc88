"""Contacts with leads that happened: the times move forward only."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from crm.models import Lead, LeadActivityStats


def touch(leads: Collection[uuid.UUID], at: datetime, kind: str) -> int:
    """Move the last interaction of these leads to `at` unless it is later already.

    A way of machines: neither `updated_at` nor the history notices. Statistics rows are
    copied to where they exist, after their lead, so that the copy never runs ahead. Returns
    how many leads moved.
    """
    later = Q(last_interaction_at__isnull=True) | Q(last_interaction_at__lt=at)
    with transaction.atomic():
        # In one order, so that two of these never wait for each other.
        locked = (
            Lead.objects.filter(later, pk__in=leads).order_by("pk").select_for_update(no_key=True)
        )
        moved = list(locked.values_list("pk", flat=True))
        if moved:
            Lead.objects.filter(pk__in=moved).update(last_interaction_at=at)
            LeadActivityStats.objects.filter(later, pk__in=moved).update(
                last_interaction_at=at, last_interaction_type=kind
            )
    return len(moved)
