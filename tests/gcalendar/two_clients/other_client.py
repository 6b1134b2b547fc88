"""gcal-sync, an independent sync client, as a second mirror of a calendar.

Where it is wrong what it says is put right here, each with the reason; the tests show that it is.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import aiohttp
from gcal_sync.api import GoogleCalendarService
from gcal_sync.model import DateOrDatetime, Event, EventStatusEnum, VisibilityEnum
from gcal_sync.store import InMemoryCalendarStore
from gcal_sync.sync import CalendarEventSyncManager
from gcal_sync.timeline import calendar_timeline

from tests.sandbox.test_gcal_sync import Auth

Occurrence = tuple[str, str, str, str]


class OtherClient:
    """Its store of one calendar, kept from sync to sync."""

    def __init__(self, root_url: str, calendar_id: str) -> None:
        self._url = f"{root_url}calendar/v3"
        self._calendar_id = calendar_id
        self._store = InMemoryCalendarStore()

    def sync(self) -> None:
        """Bring its store up to date; after 410 it starts again by itself."""
        asyncio.run(self._run())

    def stored(self) -> list[Event]:
        """Everything in its store, tombstones included."""
        return asyncio.run(self._stored())

    def live(self) -> list[Event]:
        """Events that take place.

        Without exceptions of a deleted series: Google lists the master's tombstone only, and
        gcal-sync, which looks at no event but the one it is told of, goes on showing them.
        """
        stored = self.stored()
        gone = {event.id for event in stored if event.status == EventStatusEnum.CANCELLED}
        return [
            event
            for event in stored
            if event.id not in gone and event.recurring_event_id not in gone
        ]

    def events(self) -> dict[str, dict[str, Any]]:
        """What it knows of each event, by Google's id."""
        return {str(event.id): _told(event) for event in self.live()}

    def occurrences(self, since: datetime, until: datetime) -> set[Occurrence]:
        """Id (of a series' own: the series'), title, start and end of what starts in between.

        Cancelled exceptions belong in, or their series would show them again.
        """
        alive = {event.id for event in self.live()}
        known = [e for e in self.stored() if e.id in alive or e.recurring_event_id in alive]
        for event in known:
            if event.recur and not event.recur.rrule:
                # The start counts as the first of a series (RFC 5545, 3.8.5.3), by dates alone too.
                event.recur.rdate.append(event.start.value)
        timeline = calendar_timeline(known, UTC)
        own = {event.id for event in known}
        found = timeline.overlapping(since, until)
        return {
            (
                str(event.id if event.id in own else event.recurring_event_id),
                event.summary,
                said(event.start),
                said(event.end),
            )
            for event in found
            if since <= event.start.normalize(UTC) < until
        }

    async def _run(self) -> None:
        async with aiohttp.ClientSession() as session:
            service = GoogleCalendarService(Auth(session, self._url))
            await CalendarEventSyncManager(service, self._calendar_id, self._store).run()

    async def _stored(self) -> list[Event]:
        kept = (await self._store.async_load() or {})["event_sync"][self._calendar_id]["items"]
        return [Event(**item) for item in kept.values()]


def said(point: DateOrDatetime) -> str:
    """A date, or a time in UTC."""
    if point.date:
        return point.date.isoformat()
    return point.normalize(UTC).astimezone(UTC).isoformat()


def _told(event: Event) -> dict[str, Any]:
    original = event.original_start_time
    return {
        "uid": event.ical_uuid,
        "summary": event.summary,
        "description": event.description or "",
        "location": event.location or "",
        "start": said(event.start),
        "end": said(event.end),
        "recurrence": event.recurrence,
        "series": event.recurring_event_id,
        "original start": said(original) if original else None,
        "free": event.transparency == "transparent",
        "private": event.visibility == VisibilityEnum.PRIVATE,
        # A guest without an address is nobody to us.
        "guests": sorted(
            (guest.email.lower(), guest.response_status.value)
            for guest in event.attendees
            if guest.email
        ),
    }
