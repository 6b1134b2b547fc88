"""Made-up rows of the Calendar and Drive mirrors, to measure with.

No calendar and no drive stands behind them: the calendar is disabled and the folders count as
made, so that no job looks for them at Google.
"""

from __future__ import annotations

import uuid
from typing import Final

from gcalendar import occurrences
from gcalendar.models import CalendarEvent, EventAppearance, EventAttendee, MirroredCalendar
from gdrive.models import DriveFile, DriveFolder, DriveFolderTree, EntityType
from gdrive.parsing import FOLDER_MIME_TYPE
from pipedesk.demo import words
from pipedesk.demo.leads import Meeting, World

CALENDAR: Final = "demo.made.up@pipedesk.example"


def make_calendar() -> MirroredCalendar:
    """The calendar the made-up meetings are on."""
    calendar, _created = MirroredCalendar.objects.get_or_create(
        calendar_id=CALENDAR,
        subject="",
        defaults={"summary": "Demo", "state": MirroredCalendar.State.DISABLED},
    )
    return calendar


def write_meetings(world: World, calendar: MirroredCalendar, meetings: list[Meeting]) -> int:
    """Store meetings with their guests; those that are there stay as they are."""
    ids = {meeting.number: world.key("event", meeting.number).hex for meeting in meetings}
    owner = world.owners[0].email
    CalendarEvent.objects.bulk_create(
        [
            CalendarEvent(
                google_event_id=ids[meeting.number],
                ical_uid=f"{ids[meeting.number]}@pipedesk.example",
                calendar_id=CALENDAR,
                source=calendar,
                summary=meeting.summary,
                start_time=meeting.start,
                end_time=meeting.end,
                time_zone="America/Sao_Paulo",
                status="confirmed",
                organizer_email=owner,
                attendees=[{"email": email} for email in meeting.emails],
            )
            for meeting in meetings
        ],
        batch_size=1000,
        ignore_conflicts=True,
    )
    stored = dict(
        CalendarEvent.objects.filter(google_event_id__in=ids.values()).values_list(
            "google_event_id", "pk"
        )
    )
    EventAppearance.objects.bulk_create(
        [
            EventAppearance(
                event_id=pk,
                mirrored_calendar=calendar,
                calendar_id=CALENDAR,
                google_event_id=google_id,
                status="confirmed",
            )
            for google_id, pk in stored.items()
        ],
        batch_size=1000,
        ignore_conflicts=True,
    )
    EventAttendee.objects.bulk_create(
        [
            EventAttendee(event_id=stored[ids[meeting.number]], email=email)
            for meeting in meetings
            for email in meeting.emails
        ],
        batch_size=1000,
        ignore_conflicts=True,
    )
    occurrences.refresh(stored.values(), world.today)
    return len(meetings)


def write_files(world: World, lead_ids: list[uuid.UUID], per_lead: int) -> int:
    """Store a folder and its files for each of these leads; returns how many files."""
    folders, entries, trees = [], [], []
    for lead_id in lead_ids:
        folder_id = f"demo-{lead_id.hex}"
        trees.append(
            DriveFolderTree(
                entity_type=EntityType.LEAD,
                entity_id=str(lead_id),
                state=DriveFolderTree.State.READY,
                requested=1,
                applied=1,
            )
        )
        folders.append(
            DriveFolder(entity_type=EntityType.LEAD, entity_id=str(lead_id), folder_id=folder_id)
        )
        entries.append(DriveFile(file_id=folder_id, name="Lead", mime_type=FOLDER_MIME_TYPE))
        for place in range(per_lead):
            name, kind = words.FILES[place % len(words.FILES)]
            entries.append(
                DriveFile(
                    file_id=f"{folder_id}-{place}",
                    parent_folder_id=folder_id,
                    name=f"{place + 1:02} {name}",
                    mime_type=kind,
                    size=None if "google-apps" in kind else 1024 * (place + 1),
                    google_modified_at=world.today,
                )
            )
    DriveFolderTree.objects.bulk_create(trees, batch_size=1000, ignore_conflicts=True)
    DriveFolder.objects.bulk_create(folders, batch_size=1000, ignore_conflicts=True)
    DriveFile.objects.bulk_create(entries, batch_size=1000, ignore_conflicts=True)
    return per_lead * len(lead_ids)
