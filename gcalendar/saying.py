"""Saying that a meeting belongs to a record, or that it does not.

Locks in the order of everybody who writes both: the meeting, leads by their keys, the record.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone

from crm import statistics
from crm.models import Lead
from gcalendar.event_rows import meeting_in, row_of
from gcalendar.linking import links_of
from gcalendar.matching import leads_of_contacts
from gcalendar.models import CalendarEvent, EventLink
from gcalendar.records import find_record
from gcalendar.said import Record
from pipedesk.accounts.models import User


def link(event: CalendarEvent, record: Record, user: User) -> bool:
    """Let the meeting be the record's, whoever is invited, from now on.

    Returns whether that is news. Raises Http404 where the meeting went meanwhile, InvalidInput
    for a record that did.
    """
    with transaction.atomic():
        event = _locked(event.pk)
        lead_ids = _lock_leads(record)
        kind, pk = record
        find_record(kind, pk, "id")
        if EventLink.objects.on(kind, pk).filter(event=event, revoked=False).exists():
            return False
        _write(event, record, user, revoked=False)
        _follow(lead_ids)
    return True


def unlink(event: CalendarEvent, record: Record, user: User) -> None:
    """Let the meeting not be the record's, whatever the guests tell, until somebody links it.

    Raises Http404 where it is not the record's anyway.
    """
    with transaction.atomic():
        event = _locked(event.pk)
        lead_ids = _lock_leads(record)
        (links,) = links_of([meeting_in(row_of(event))]).values()
        if record not in links.rows:
            raise Http404
        _write(event, record, user, revoked=True)
        _follow(lead_ids)


def _locked(event_id: int) -> CalendarEvent:
    rows = CalendarEvent.objects.select_for_update(of=("self",), no_key=True)
    event = rows.filter(pk=event_id).first()
    if event is None:
        raise Http404  # it went to the archive
    return event


def _lock_leads(record: Record) -> set[uuid.UUID]:
    """The leads whose meetings this is about."""
    kind, pk = record
    lead_ids = {"lead": {pk}, "contact": leads_of_contacts([pk])}.get(kind, set())
    leads = Lead.objects.filter(pk__in=lead_ids).order_by("pk")
    list(leads.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    return lead_ids


def _write(event: CalendarEvent, record: Record, user: User, *, revoked: bool) -> None:
    kind, pk = record
    values: Mapping[str, Any] = {f"{kind}_id": pk, "revoked": revoked, "user": user}
    EventLink.objects.bulk_create(
        [EventLink(event=event, updated_at=timezone.now(), **values)],
        update_conflicts=True,
        unique_fields=[kind, "event"],
        update_fields=["revoked", "user", "updated_at"],
    )


def _follow(lead_ids: Collection[uuid.UUID]) -> None:
    """Now, and once more for whoever changes a lead's contacts or this meeting meanwhile."""
    statistics.refresh(lead_ids)
    transaction.on_commit(partial(statistics.refresh, lead_ids), robust=True)
