"""On the registry and off it, by code, API and command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django_q.models import OrmQ
from pytest_django import Settings
from rest_framework.test import APIClient

from gcalendar import registry
from gcalendar.models import (
    CalendarEvent,
    CalendarSyncState,
    EventAppearance,
    EventOccurrence,
    MirroredCalendar,
)
from gcalendar.signals import calendar_registered, calendar_removed
from gcalendar.sync import cursor_of
from pipedesk.core.exceptions import InvalidInput
from tests.factories.gcalendar import CalendarFactory, SyncStateFactory
from tests.gcalendar.conftest import Mirror, at, fill, shown

URL = "/api/calendar/calendars"
Clients = Callable[..., APIClient]

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard() -> Iterator[list[tuple[str, Any]]]:
    """What the signals said."""
    said: list[tuple[str, Any]] = []

    def registered(calendar: MirroredCalendar, **kwargs: Any) -> None:
        said.append(("registered", calendar.pk))

    def removed(calendar: MirroredCalendar, **kwargs: Any) -> None:
        said.append(("removed", calendar.sync_states.count()))

    calendar_registered.connect(registered)
    calendar_removed.connect(removed)
    yield said
    calendar_registered.disconnect(registered)
    calendar_removed.disconnect(removed)


# --- Code ------------------------------------------------------------------------------------
def test_a_new_calendar_is_synced_and_announced_once(heard: list[Any]) -> None:
    row, new = registry.register("primary")
    again, new_again = registry.register("primary", "ANA@pipedesk.example", "busy")

    assert (new, new_again) == (True, False)
    assert again == row
    assert again.visibility == "full"
    assert row.subject == "ana@pipedesk.example"
    assert row.requested == 1
    assert OrmQ.objects.count() >= 1
    assert heard == [("registered", row.pk)]


@pytest.mark.parametrize(
    ("calendar_id", "subject", "visibility", "field"),
    [
        ("", "", "full", "calendar_id"),
        ("a\x00b", "", "full", "calendar_id"),
        ("x" * 256, "", "full", "calendar_id"),
        ("primary", "nobody", "full", "subject"),
        ("primary", "", "some", "visibility"),
    ],
)
def test_nonsense_is_not_registered(
    calendar_id: str, subject: str, visibility: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as failure:
        registry.register(calendar_id, subject, visibility)

    assert failure.value.field == field
    assert not MirroredCalendar.objects.exists()


def test_the_default_is_the_sandboxs_person_where_google_is_not_google(settings: Settings) -> None:
    settings.GOOGLE_IMPERSONATE_EMAIL = ""
    settings.GOOGLE_API_ROOT_URL = "http://127.0.0.1:9/"
    row = registry.ensure_default()
    assert row is not None
    assert (row.calendar_id, row.subject) == ("primary", "ana@pipedesk.example")
    assert registry.ensure_default() is None


def test_real_google_without_a_person_has_no_default(settings: Settings) -> None:
    settings.GOOGLE_IMPERSONATE_EMAIL = ""
    settings.GOOGLE_API_ROOT_URL = "https://www.googleapis.com/"

    assert registry.ensure_default() is None
    with pytest.raises(InvalidInput):
        registry.register("primary")


def test_a_calendar_has_one_cursor_however_often_it_is_asked_for() -> None:
    calendar = CalendarFactory()

    assert cursor_of(calendar) == cursor_of(calendar)
    assert CalendarSyncState.objects.count() == 1


def test_removal_takes_what_only_this_calendar_shows(mirror: Mirror, heard: list[Any]) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    for one, key in ((mirror, "a"), (other, "b")):
        one.people.create_event("Both", at(1), iCalUID="u1@x", id=key * 20)
    fill(mirror, 1)
    mirror.synced()
    other.synced()

    registry.remove(mirror.calendar)

    assert heard == [("removed", 1)]
    assert not EventAppearance.objects.filter(calendar_id="ana@pipedesk.example").exists()
    visible = EventOccurrence.objects.shown().values_list("event__summary", flat=True)
    assert list(visible) == ["Both"]
    # The history stays, and the meeting both had is told by the other one from now on.
    assert len(shown()) == 2
    assert CalendarEvent.objects.get(summary="Both").source == other.calendar


def test_a_calendar_that_may_only_say_when_forgets_the_rest_at_once(mirror: Mirror) -> None:
    mirror.people.create_event("Secret", at(1), attendees=[{"email": "a@b.c"}])
    mirror.synced()

    registry.set_visibility(mirror.calendar, "busy")
    event = CalendarEvent.objects.get()
    assert (event.summary, event.attendees, event.attendee_rows.count()) == (None, None, 0)
    mirror.synced()
    assert CalendarEvent.objects.get().summary is None

    registry.set_visibility(mirror.calendar, "full")
    mirror.synced()
    event.refresh_from_db()
    assert (event.summary, event.attendee_rows.count()) == ("Secret", 1)


# --- API ---------------------------------------------------------------------------------------
def test_registering_by_the_api_is_201_and_a_repeat_200_with_the_same_row(api: Clients) -> None:
    client = api("manager")

    first = client.post(URL, {"calendar_id": "primary", "subject": "ana@pipedesk.example"})
    again = client.post(URL, {"calendar_id": "primary"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert set(first.json()) == {
        "id", "calendar_id", "subject", "summary", "time_zone", "access_role", "visibility",
        "state", "as_of", "lag_s", "last_error", "remedy", "channel",
    }  # fmt: skip
    assert first.json()["state"] == "pending"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "calendar_id"),
        ({"calendar_id": ""}, "calendar_id"),
        ({"calendar_id": "primary", "subject": "x"}, "subject"),
        ({"calendar_id": "primary", "visibility": "half"}, "visibility"),
        ({"calendar_id": "primary", "colour": "red"}, "colour"),
        ({"calendar_id": ["primary"]}, "calendar_id"),
    ],
)
def test_a_faulty_body_is_422_and_registers_nothing(
    api: Clients, body: dict[str, Any], field: str
) -> None:
    answer = api("admin").post(URL, body)

    assert answer.status_code == 422
    assert answer.json()["details"][0]["field"] == field
    assert not MirroredCalendar.objects.exists()


@pytest.mark.parametrize("role", ["sales", "", None])
def test_the_registry_is_for_managers(api: Clients, role: str | None) -> None:
    calendar, client = CalendarFactory(), api(role)
    expected = 401 if role is None else 403

    assert client.get(URL).status_code == expected
    assert client.post(URL, {"calendar_id": "primary"}).status_code == expected
    assert client.patch(f"{URL}/{calendar.pk}", {"visibility": "busy"}).status_code == expected
    assert client.delete(f"{URL}/{calendar.pk}").status_code == expected
    assert client.post(f"{URL}/{calendar.pk}/sync").status_code == expected
    assert MirroredCalendar.objects.count() == 1


def test_a_calendar_says_how_fresh_it_is_and_through_which_channel(
    mirror: Mirror, api: Clients
) -> None:
    mirror.synced()
    CalendarSyncState.objects.update(channel_id="c1", state="open", expiration=at(7))

    (row,) = api("admin").get(URL).json()["data"]

    assert row["state"] == "ok"
    assert row["lag_s"] < 60
    assert row["channel"] == {
        "channel_id": "c1",
        "expiration": "2026-12-07T13:00:00Z",
        "opened_at": None,
        "last_message_at": None,
        "renew_at": None,
    }
    assert row["time_zone"] == "America/Sao_Paulo"


def test_what_is_old_is_stale_and_what_was_given_up_is_an_error(api: Clients) -> None:
    stale = CalendarFactory(state="ok", as_of="2026-01-01T00:00:00Z")
    dead = CalendarFactory(state="ok", dead_at="2026-01-01T00:00:00Z", last_error="no answer")
    client = api("admin")

    assert client.get(f"{URL}/{stale.pk}").json()["state"] == "stale"
    answer = client.get(f"{URL}/{dead.pk}").json()
    assert (answer["state"], answer["last_error"]) == ("error", "no answer")


def test_an_etag_outlives_the_seconds(mirror: Mirror, api: Clients, clock: Any) -> None:
    mirror.synced()
    client = api("admin")
    tag = client.get(f"{URL}/{mirror.calendar.pk}")["ETag"]
    clock.shift(60)

    address = f"{URL}/{mirror.calendar.pk}"
    assert client.get(address, HTTP_IF_NONE_MATCH=tag).status_code == 304
    changed = client.patch(address, {"visibility": "busy"}, HTTP_IF_MATCH=tag)
    assert (changed.status_code, changed.json()["visibility"]) == (200, "busy")
    assert client.patch(address, {"visibility": "full"}, HTTP_IF_MATCH=tag).status_code == 412


def test_whose_and_which_calendar_it_is_cannot_be_changed(api: Clients) -> None:
    calendar = CalendarFactory()

    answer = api("admin").patch(f"{URL}/{calendar.pk}", {"calendar_id": "other"})

    assert answer.status_code == 422
    calendar.refresh_from_db()
    assert calendar.calendar_id != "other"


def test_removing_and_syncing_by_the_api(api: Clients) -> None:
    calendar, client = CalendarFactory(), api("admin")
    SyncStateFactory(mirrored_calendar=calendar)

    assert client.post(f"{URL}/{calendar.pk}/sync/").status_code == 202
    calendar.refresh_from_db()
    assert calendar.requested == 1
    assert client.delete(f"{URL}/{calendar.pk}").status_code == 204
    for method in (client.get, client.delete):
        assert method(f"{URL}/{calendar.pk}").status_code == 404
    assert client.post(f"{URL}/{calendar.pk}/sync").status_code == 404


def test_listing_calendars_takes_the_same_queries_for_many(
    api: Clients, django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        SyncStateFactory()
    client = api("admin")

    with django_assert_max_num_queries(5):
        assert len(client.get(URL).json()["data"]) == 10


# --- Commands ------------------------------------------------------------------------------------
def run(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    call_command(*args, "--json")
    return dict(json.loads(capsys.readouterr().out))


def test_add_calendar_registers_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    dry = run(capsys, "add_calendar", "primary", "--dry-run")
    assert dry["created"] is None
    assert not MirroredCalendar.objects.exists()

    assert run(capsys, "add_calendar", "primary", "--visibility", "busy")["created"] is True
    assert run(capsys, "add_calendar", "primary")["created"] is False
    assert MirroredCalendar.objects.get().visibility == "busy"


def test_add_calendar_refuses_a_subject_that_is_nobody() -> None:
    with pytest.raises(CommandError) as failure:
        call_command("add_calendar", "primary", "--subject", "nobody")
    assert failure.value.returncode == 2


def test_sync_calendars_registers_the_default_and_syncs_it_here_and_now(
    mirror: Mirror, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror.calendar.delete()
    fill(mirror, 3)

    report = run(capsys, "sync_calendars")

    (calendar,) = report["calendars"]
    assert (calendar["state"], calendar["events"], calendar["error"]) == ("ok", 3, "")
    assert shown() == ["m0", "m1", "m2"]


def test_sync_calendars_takes_the_named_ones_and_everything_when_asked(
    mirror: Mirror, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    mirror.synced()
    other.synced()
    lists = mirror.google.google.requests.count("calendar.calendars.get")

    report = run(capsys, "sync_calendars", "--calendar", "bob@pipedesk.example", "--full")
    assert [row["id"] for row in report["calendars"]] == [other.calendar.pk]
    assert mirror.google.google.requests.count("calendar.calendars.get") == lists + 1
    report = run(capsys, "sync_calendars", "--calendar", str(mirror.calendar.pk))
    assert [row["id"] for row in report["calendars"]] == [mirror.calendar.pk]

    with pytest.raises(CommandError) as failure:
        call_command("sync_calendars", "--calendar", "unknown")
    assert failure.value.returncode == 2


def test_sync_calendars_goes_on_after_a_failure_and_says_so(
    mirror: Mirror, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    fill(other, 1)
    mirror.google.google.faults.plan(
        {"method": "list", "kind": "status", "status": 403, "reason": "forbidden"}
    )

    with pytest.raises(CommandError) as failure:
        call_command("sync_calendars", "--json")

    assert failure.value.returncode == 3
    report = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in report["calendars"]] == ["error", "ok"]
    assert shown() == ["m0"]
