"""A calendar in the sandbox, its mirror, and ways to look at both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from gcalendar import client
from gcalendar.models import (
    CalendarEvent,
    CalendarSyncState,
    EventAppearance,
    EventOccurrence,
    MirroredCalendar,
)
from gcalendar.sync import sync
from pipedesk.core.performing import perform
from pipedesk.sandbox.server import SandboxServer
from tests.factories.gcalendar import CalendarFactory

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Mirror:
    """One calendar of a person, with its mirror."""

    def __init__(self, google: SandboxServer, subject: str, calendar_id: str = "primary") -> None:
        self.google = google
        self.people = google.calendar.as_user(subject)
        self.calendar = CalendarFactory(subject=subject, calendar_id=calendar_id)

    def sync(self) -> MirroredCalendar:
        """Ask for a sync and do it, as a worker would; the calendar afterwards."""
        MirroredCalendar.objects.filter(pk=self.calendar.pk).update(next_attempt_at=None)
        MirroredCalendar.objects.request(self.calendar.pk)
        perform(MirroredCalendar, self.calendar.pk, sync)
        self.calendar.refresh_from_db()
        return self.calendar

    def synced(self) -> MirroredCalendar:
        """A sync that must succeed."""
        calendar = self.sync()
        assert calendar.last_error == ""
        assert calendar.applied == calendar.requested
        assert calendar.state == MirroredCalendar.State.OK
        return calendar

    @property
    def token(self) -> str | None:
        """The cursor."""
        return CalendarSyncState.objects.active().get(mirrored_calendar=self.calendar).sync_token

    def lists(self) -> int:
        """How many list calls Google has had."""
        return self.google.google.requests.count("calendar.events.list")


def shown() -> list[str | None]:
    """Titles of the events that take place, by time."""
    return list(CalendarEvent.objects.not_cancelled().values_list("summary", flat=True))


def rows() -> list[list[Any]]:
    """Everything the mirror holds of meetings, without keys and times of writing."""
    kept: list[list[Any]] = []
    for model in (CalendarEvent, EventAppearance, EventOccurrence):
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if field.name not in {"created_at", "updated_at", "generation"}
        ]
        kept.append([dict(row) for row in model.objects.order_by("pk").values(*names)])
    return kept


def writes() -> list[datetime]:
    """When each row was last written."""
    stamps = list(CalendarEvent.objects.order_by("pk").values_list("updated_at", flat=True))
    return stamps + list(
        EventAppearance.objects.order_by("pk").values_list("updated_at", flat=True)
    )


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time runs on from a fixed day, here and in the sandbox."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def mirror(transactional_db: None, google: SandboxServer, clock: object) -> Mirror:
    """Ana's primary calendar and its mirror, never synced so far."""
    return Mirror(google, "ana@pipedesk.example")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists come in pages of two."""
    monkeypatch.setattr("gcalendar.client.EVENTS_QUERY", {"singleEvents": False, "maxResults": 2})


def at(day: int, hour: int = 13) -> datetime:
    """A time in December 2026."""
    return datetime(2026, 12, day, hour, tzinfo=UTC)


def fill(mirror: Mirror, count: int) -> list[dict[str, Any]]:
    """Meetings of the days from the 1st on."""
    start = at(1)
    return [mirror.people.create_event(f"m{n}", start + timedelta(hours=n)) for n in range(count)]


def edited(monkeypatch: pytest.MonkeyPatch, edit: Any) -> list[dict[str, Any]]:
    """Let `edit(page)` change what Google answered; returns the pages as they left Google."""
    genuine, pages = client.list_events, []

    def answer(*args: Any, **kwargs: Any) -> dict[str, Any]:
        page = genuine(*args, **kwargs)
        pages.append(dict(page))
        return edit(page) or page

    monkeypatch.setattr(client, "list_events", answer)
    return pages
