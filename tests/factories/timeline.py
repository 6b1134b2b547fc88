"""Entries of timelines, of every kind."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from crm.models import Contact, Interaction, Lead
from gcalendar.models import CalendarEvent, MirroredCalendar
from gdrive.models import DriveFolder
from pipedesk.audit.models import AuditLog
from tests.factories.crm import ContactFactory, LeadContactFactory
from tests.factories.gcalendar import AppearanceFactory, OccurrenceFactory
from tests.factories.gdrive import DriveChangeLogFactory, DriveFileFactory, DriveFolderFactory


def write(lead: Any, at: datetime, *, entity_type: str = "lead", **values: Any) -> str:
    """A write to the record; returns its entry's id, as all of these do."""
    row = AuditLog.objects.create(
        **{
            "action": "update",
            "entity_type": entity_type,
            "entity_id": str(lead.pk),
            "changes": [{"field": "legal_name", "old": "A", "new": "B"}],
            "created_at": at,
            **values,
        }
    )
    return f"audit-{row.pk}"


def call(lead: Lead, at: datetime, **values: Any) -> str:
    """A logged call."""
    row = Interaction.objects.create(lead=lead, **{"kind": "call", "occurred_at": at, **values})
    return f"interaction-{row.pk}"


def person_of(lead: Lead) -> Contact:
    """A contact of the lead with an address."""
    contact: Contact = ContactFactory(email=f"P{uuid.uuid4().hex[:8]}@Customer.example")
    LeadContactFactory(lead=lead, contact=contact)
    return contact


def meet(people: list[Contact], at: datetime, **values: Any) -> str:
    """A meeting that these contacts attend."""
    guests = [{"email": (contact.email or "").lower()} for contact in people]
    calendar = values.pop("calendar", None) or MirroredCalendar.objects.order_by("pk").first()
    appearance = AppearanceFactory(
        **({"mirrored_calendar": calendar} if calendar else {}),
        event__start_time=at,
        event__attendees=guests,
        **{f"event__{name}": value for name, value in values.items()},
    )
    event: CalendarEvent = appearance.event
    OccurrenceFactory(event=event, start_time=at, end_time=at + timedelta(hours=1))
    for guest in guests:
        event.attendee_rows.create(email=guest["email"])
    return f"meeting-{event.pk}-{at:%Y%m%dT%H%M%SZ}"


def folder_of(record: Any, entity_type: str = "lead") -> DriveFolder:
    """The record's folder in Drive."""
    folder: DriveFolder = DriveFolderFactory(entity_type=entity_type, entity_id=str(record.pk))
    return folder


def file_change(folder_id: str, at: datetime, event: str = "renamed", **values: Any) -> str:
    """A change of a new file in this folder."""
    file = DriveFileFactory(parent_folder_id=folder_id, **values)
    change = DriveChangeLogFactory(
        changed_resource_id=file.file_id, event_type=event, received_at=at
    )
    return f"drive-{change.pk}"
