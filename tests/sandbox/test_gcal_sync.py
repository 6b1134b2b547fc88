"""gcal-sync, an independent sync client, against the sandbox."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
from gcal_sync.api import GoogleCalendarService, LocalListEventsRequest
from gcal_sync.auth import AbstractAuth
from gcal_sync.store import InMemoryCalendarStore
from gcal_sync.sync import CalendarEventSyncManager, CalendarListSyncManager

from pipedesk.sandbox.server import SandboxServer

START = datetime(2026, 11, 23, 13, tzinfo=UTC)
CALENDAR = "ana@pipedesk.example"


class Auth(AbstractAuth):
    """The bearer names the user."""

    async def async_get_access_token(self) -> str:
        return CALENDAR


def with_service(
    sandbox: SandboxServer, act: Callable[[GoogleCalendarService], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            await act(GoogleCalendarService(Auth(session, f"{sandbox.root_url}calendar/v3")))
        await asyncio.sleep(0)

    asyncio.run(run())


async def stored(sync: CalendarEventSyncManager) -> set[str]:
    """Summaries of the live events in the client's own store."""
    request = LocalListEventsRequest(start_time=START)  # not only what lies ahead of us
    answer = await sync.store_service.async_list_events(request)
    return {event.summary for event in answer.events}


def test_full_sync_delta_tombstone_and_recovery_from_410(sandbox: SandboxServer) -> None:
    kept = sandbox.calendar.create_event("kept", START)
    gone = sandbox.calendar.create_event("gone", START)
    seen: list[set[str]] = []

    async def act(service: GoogleCalendarService) -> None:
        sync = CalendarEventSyncManager(service, CALENDAR, InMemoryCalendarStore())

        async def step() -> None:
            await sync.run()
            seen.append(await stored(sync))

        await step()
        sandbox.calendar.create_event("new", START)
        await step()
        sandbox.calendar.cancel_event(gone["id"])
        await step()
        sandbox.calendar.change_event(kept["id"], summary="renamed")
        sandbox.google.expire_tokens()
        await step()

    with_service(sandbox, act)
    assert seen == [
        {"kept", "gone"},
        {"kept", "gone", "new"},
        {"kept", "new"},
        {"renamed", "new"},
    ]
    assert sandbox.google.requests.count("calendar.events.list") == 5


def test_over_one_page_the_client_holds_every_event(sandbox: SandboxServer) -> None:
    for number in range(1100):
        sandbox.calendar.create_event(f"e{number}", START)
    seen: list[int] = []

    async def act(service: GoogleCalendarService) -> None:
        sync = CalendarEventSyncManager(service, CALENDAR, InMemoryCalendarStore())
        await sync.run()
        seen.append(len(await stored(sync)))

    with_service(sandbox, act)
    assert seen == [1100]


def test_the_calendar_list_syncs(sandbox: SandboxServer) -> None:
    seen: list[Any] = []

    async def act(service: GoogleCalendarService) -> None:
        sync = CalendarListSyncManager(service, InMemoryCalendarStore())
        for _ in range(2):
            await sync.run()
            answer = await sync.store_service.async_list_calendars()
            seen.append([calendar.id for calendar in answer.calendars])
            sandbox.calendar.create_calendar("Team")

    with_service(sandbox, act)
    assert seen[0] == [CALENDAR]
    assert len(seen[1]) == 2
    assert sandbox.google.requests.count("calendar.calendarList.list") == 2
