"""Old meetings in the archive: what goes, what stays the same, how one comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from rest_framework.test import APIClient

from crm import statistics
from gcalendar import archive, registry
from gcalendar.models import (
    ArchivedAppearance,
    ArchivedAttendee,
    ArchivedOccurrence,
    CalendarEvent,
    CalendarEventArchive,
    EventAppearance,
    EventOccurrence,
    RecurrenceRule,
)
from gcalendar.sync import forget_cursor
from gcalendar.tasks import archive_events
from tests.gcalendar.calendar_life.desk import Steps
from tests.gcalendar.conftest import NOW, Mirror
from tests.gcalendar.test_matching import CARLA, CARLA_COMES, lead_of, numbers, proven

URL = "/api/calendar/events"
Clients = Callable[..., APIClient]
LONG_AGO = NOW - timedelta(days=300)
RECENTLY = NOW - timedelta(days=20)
RETENTION = timedelta(days=180)


def put_away(older_than: timedelta = RETENTION, **options: Any) -> int:
    return sum(archive.put_away(older_than, **options))


def live() -> set[str | None]:
    return set(CalendarEvent.objects.values_list("summary", flat=True))


def archived() -> set[str | None]:
    return set(CalendarEventArchive.objects.values_list("summary", flat=True))


def daily(mirror: Mirror, name: str, start: datetime, rule: str) -> dict[str, Any]:
    return mirror.people.create_event(
        name, start, time_zone="UTC", recurrence=[f"RRULE:FREQ={rule}"], attendees=CARLA_COMES
    )


@pytest.fixture
def old_and_new(mirror: Mirror) -> Mirror:
    """Single meetings and series on both sides of the retention, all with Carla."""
    for name, start in (("old", LONG_AGO), ("new", RECENTLY)):
        mirror.people.create_event(name, start, attendees=CARLA_COMES)
    gone = mirror.people.create_event("gone", LONG_AGO, attendees=CARLA_COMES)
    over = daily(mirror, "over", LONG_AGO, "DAILY;COUNT=3")
    stamp = f"{LONG_AGO + timedelta(days=1):%Y%m%dT%H%M%SZ}"
    moved = LONG_AGO + timedelta(days=1, hours=2)
    mirror.people.move_event(f"{over['id']}_{stamp}", moved, moved + timedelta(hours=1))
    daily(mirror, "endless", LONG_AGO, "MONTHLY")
    # Of both, what lies ahead of the retention is beyond the times that are stored.
    daily(mirror, "seldom", LONG_AGO, "YEARLY;INTERVAL=4")
    mirror.synced()
    mirror.people.cancel_event(gone["id"])
    mirror.synced()
    return mirror


def test_what_is_over_goes_with_its_guests_times_and_appearances(old_and_new: Mirror) -> None:
    before = CalendarEvent.objects.count()
    times = EventOccurrence.objects.count()

    assert put_away() == before - len(live())

    assert live() == {"new", "endless", "seldom"}
    # The exception of "over" has its name.
    assert archived() == {"old", "gone", "over"}
    assert CalendarEventArchive.objects.count() == 4
    assert EventOccurrence.objects.count() + ArchivedOccurrence.objects.count() == times
    assert ArchivedAttendee.objects.filter(event__summary="over", email=CARLA).count() == 2
    assert ArchivedAppearance.objects.count() == 4
    assert CalendarEventArchive.objects.get(summary="gone").status == "cancelled"
    assert put_away() == 0


def test_an_exception_that_lies_ahead_keeps_its_series_here(mirror: Mirror) -> None:
    made = daily(mirror, "over", LONG_AGO, "DAILY;COUNT=3")
    late = f"{made['id']}_{LONG_AGO + timedelta(days=2):%Y%m%dT%H%M%SZ}"
    mirror.people.move_event(late, RECENTLY, RECENTLY + timedelta(hours=1))
    mirror.synced()

    assert put_away() == 0


def test_statistics_and_timelines_are_the_same_before_and_after(
    old_and_new: Mirror, api: Clients
) -> None:
    lead = lead_of(CARLA)
    statistics.refresh([lead.pk])
    before, client = numbers(lead), api("manager")
    timeline = client.get(f"/api/timeline/lead/{lead.pk}", {"kinds": "meeting", "limit": 100})
    assert before[2] > 5

    put_away()

    assert numbers(lead) == before
    assert proven()
    out = StringIO()
    call_command("rebuild_stats", "--check", "--no-progress", stdout=out)
    call_command("rebuild_stats", "--no-progress", stdout=out)
    assert numbers(lead) == before
    again = client.get(f"/api/timeline/lead/{lead.pk}", {"kinds": "meeting", "limit": 100})
    assert again.json()["entries"] == timeline.json()["entries"]
    assert again.json()["total"] == timeline.json()["total"]
    pages, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/timeline/lead/{lead.pk}", {"cursor": cursor, "limit": 3}).json()
        pages += [entry["id"] for entry in page["entries"]]
        cursor = page["pagination"]["next_cursor"]
    assert [pk for pk in pages if pk.startswith("meeting")] == [
        entry["id"] for entry in timeline.json()["entries"]
    ]


def test_death_at_any_statement_leaves_each_meeting_on_one_side(
    old_and_new: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BATCH", 1)
    lead = lead_of(CARLA)
    statistics.refresh([lead.pk])
    before = numbers(lead)
    every = set(CalendarEvent.objects.values_list("pk", flat=True))
    steps, lived, at_step = Steps(monkeypatch), False, 0
    while not lived:
        at_step += 1
        lived = steps.run(put_away, at_step)
        here = list(CalendarEvent.objects.values_list("pk", flat=True))
        there = list(CalendarEventArchive.objects.values_list("pk", flat=True))
        assert sorted(here + there) == sorted(every)
        if at_step % 5 == 0:
            assert proven()
    assert at_step > 20
    assert archived() == {"old", "gone", "over"}
    assert numbers(lead) == before
    assert proven()


def test_a_sync_without_news_leaves_the_archive_alone(old_and_new: Mirror) -> None:
    put_away()
    old_and_new.synced()
    forget_cursor(old_and_new.calendar)

    old_and_new.synced()

    assert archived() == {"old", "gone", "over"}
    assert live() == {"new", "endless", "seldom"}


def test_an_archived_meeting_that_moves_comes_back_once_with_its_id(old_and_new: Mirror) -> None:
    lead = lead_of(CARLA)
    statistics.refresh([lead.pk])
    before, pk = numbers(lead), CalendarEvent.objects.get(summary="old").pk
    put_away()
    google_id = CalendarEventArchive.objects.get(pk=pk).google_event_id
    old_and_new.people.move_event(google_id, RECENTLY, RECENTLY + timedelta(hours=1))

    old_and_new.synced()

    back = CalendarEvent.objects.get(summary="old")
    assert (back.pk, back.start_time) == (pk, RECENTLY)
    assert not CalendarEventArchive.objects.filter(pk=pk).exists()
    assert EventAppearance.objects.filter(event=pk).count() == 1
    assert numbers(lead)[2] == before[2]
    assert proven()


def test_an_archived_series_comes_back_whole_when_one_day_of_it_changes(
    old_and_new: Mirror,
) -> None:
    before = set(EventOccurrence.objects.filter(event__summary="over").values_list("start_time"))
    put_away()
    series = CalendarEventArchive.objects.get(summary="over", series=None)
    stamp = f"{LONG_AGO:%Y%m%dT%H%M%SZ}"
    old_and_new.people.cancel_event(f"{series.google_event_id}_{stamp}")

    old_and_new.synced()

    assert archived() == {"old", "gone"}
    assert RecurrenceRule.objects.filter(event=series.pk).count() == 1
    times = EventOccurrence.objects.filter(event__summary="over")
    taking_place = times.exclude(event__status="cancelled")
    assert set(taking_place.values_list("start_time")) == before - {(LONG_AGO,)}


def test_what_google_deleted_is_cancelled_by_tombstone_and_by_a_full_list(
    old_and_new: Mirror,
) -> None:
    lead = lead_of(CARLA)
    put_away()
    ids = dict(CalendarEventArchive.objects.values_list("summary", "google_event_id"))
    old_and_new.people.cancel_event(ids["old"])
    old_and_new.synced()
    assert CalendarEvent.objects.get(summary="old").status == "cancelled"

    series = CalendarEventArchive.objects.get(summary="over", series=None)
    old_and_new.people.cancel_event(series.google_event_id)
    old_and_new.google.google.expire_tokens()
    old_and_new.synced()
    assert set(CalendarEvent.objects.filter(summary="over").values_list("status")) == {
        ("cancelled",)
    }
    assert proven()
    assert numbers(lead)[2] > 0


def test_a_second_calendar_that_shows_an_archived_meeting_makes_no_double(
    old_and_new: Mirror, google: Any
) -> None:
    bob = Mirror(google, "bob@pipedesk.example")
    shared = old_and_new.people.create_event("shared", LONG_AGO, iCalUID="u1@x", id="a" * 20)
    bob.people.create_event("shared", LONG_AGO, iCalUID="u1@x", id="b" * 20)
    old_and_new.synced()
    put_away()
    assert "shared" in archived()

    bob.synced()

    (event,) = CalendarEvent.objects.filter(ical_uid=shared["iCalUID"])
    assert EventAppearance.objects.filter(event=event).count() == 2
    assert not CalendarEventArchive.objects.filter(ical_uid=shared["iCalUID"]).exists()


def test_a_calendar_that_is_taken_off_or_made_busy_reaches_its_archive(
    old_and_new: Mirror,
) -> None:
    lead = lead_of(CARLA)
    put_away()
    registry.set_visibility(old_and_new.calendar, "busy")
    assert not CalendarEvent.objects.filter(summary="old").exists()
    assert not CalendarEventArchive.objects.exclude(summary=None).exists()
    old_and_new.synced()
    put_away()
    registry.remove(old_and_new.calendar)
    assert not ArchivedAppearance.objects.exists()
    assert numbers(lead) == (None, None, 0, 0)


def test_the_archive_is_read_by_the_api(old_and_new: Mirror, api: Clients) -> None:
    put_away()
    client = api("manager")

    def titles(**query: Any) -> list[str]:
        answer = client.get(URL, query)
        assert answer.status_code == 200, answer.json()
        return [event["summary"] for event in answer.json()["data"]]

    assert titles(archived="true") == ["old", "over", "over", "over"]
    assert titles(archived="true", status="cancelled") == ["gone"]
    assert titles(archived="true", q="OLD", calendarId="primary") == ["old"]
    assert "old" not in titles(limit=100)
    event = CalendarEventArchive.objects.get(summary="old")
    for name in (event.pk, event.google_event_id):
        shown = client.get(f"{URL}/{name}").json()
        assert (shown["id"], shown["attendees"][0]["email"]) == (event.pk, CARLA)
    newer = CalendarEvent.objects.get(summary="new")
    assert client.get(f"{URL}/{newer.pk}", {"archived": "true"}).status_code == 404
    series = CalendarEventArchive.objects.get(summary="over", series=None).google_event_id
    day = client.get(f"{URL}/{series}_{LONG_AGO:%Y%m%dT%H%M%SZ}").json()
    assert day["recurring_event_id"] == series


def test_the_command_says_what_it_did_and_the_job_runs_daily(
    old_and_new: Mirror, settings: Any
) -> None:
    def command(*arguments: str) -> dict[str, Any]:
        out = StringIO()
        call_command("archive_events", "--json", *arguments, stdout=out)
        return dict(json.loads(out.getvalue()))

    assert command("--dry-run")["archived"] == 4
    assert not CalendarEventArchive.objects.exists()
    assert command("--older-than", "10")["archived"] == 5
    settings.CALENDAR_EVENT_RETENTION_DAYS = 0
    assert command()["archived"] == 0
    archive_events()
    assert CalendarEventArchive.objects.count() == 5


def test_the_daily_job_archives_by_the_setting(old_and_new: Mirror) -> None:
    assert ("gcalendar.tasks.archive_events", 1440) in settings.SCHEDULES.values()
    archive_events()
    assert archived() == {"old", "gone", "over"}
