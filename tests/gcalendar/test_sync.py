"""Full and incremental syncs against the sandbox, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import cycle
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from gcalendar import client
from gcalendar import mirror as storing
from gcalendar.models import (
    CalendarEvent,
    CalendarSyncState,
    EventAppearance,
    EventAttendee,
    EventOccurrence,
    MirroredCalendar,
)
from gcalendar.sync import forget_cursor, sync
from pipedesk.core.performing import perform
from pipedesk.core.work import MAX_ATTEMPTS, claim
from pipedesk.google.service import close_services
from tests.factories.gcalendar import AppearanceFactory
from tests.gcalendar.conftest import Mirror, at, edited, fill, rows, shown, writes

TITLES = ("long " * 13_000, "Réunião 🎉👩‍👩‍👧 ﷽", "\u202eשלום עולם\u202c", "\ufeff\u200b\u2028")
LIST = r"calendar\.events\.list"
Answers = Any


def test_created_moved_and_cancelled_events_are_followed(mirror: Mirror) -> None:
    made = fill(mirror, 3)
    mirror.synced()
    assert shown() == ["m0", "m1", "m2"]
    assert mirror.calendar.google_id == "ana@pipedesk.example"
    assert mirror.calendar.access_role == "owner"

    mirror.people.move_event(made[0]["id"], at(5), at(5, 14))
    mirror.people.cancel_event(made[1]["id"])
    mirror.people.create_event("m3", at(2))
    mirror.synced()

    assert shown() == ["m2", "m3", "m0"]


# --- Tokens and full sync ---------------------------------------------------------------------
def test_d1_f8_a_dead_token_leads_to_a_full_sync_and_to_no_empty_success(
    mirror: Mirror,
) -> None:
    fill(mirror, 2)
    mirror.synced()
    mirror.google.google.expire_tokens()
    mirror.people.create_event("new", at(9))
    before, asked = mirror.token, mirror.lists()

    mirror.synced()

    assert shown() == ["m0", "m1", "new"]
    assert mirror.token != before
    assert mirror.lists() - asked == 2  # the refused one, and everything: in one job


def test_d2_f11_events_deleted_while_the_token_was_dead_are_cancelled_without_a_tombstone(
    mirror: Mirror,
) -> None:
    made = fill(mirror, 3)
    mirror.synced()
    mirror.google.google.expire_tokens()
    mirror.people.cancel_event(made[1]["id"])

    mirror.synced()

    assert shown() == ["m0", "m2"]
    assert CalendarEvent.objects.get(google_event_id=made[1]["id"]).summary == "m1"


def spied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many items each write to the mirror is of."""
    genuine, counts = storing.store, []

    def store(calendar: MirroredCalendar, items: list[Any], *rest: Any) -> Any:
        counts.append(len(items))
        return genuine(calendar, items, *rest)

    monkeypatch.setattr(storing, "store", store)
    return counts


@pytest.mark.usefixtures("small_pages")
def test_d3_f9_a_410_on_page_three_restarts_in_full_without_duplicates(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 1)
    mirror.synced()
    fill(mirror, 8)
    mirror.google.google.faults.plan(
        {"method": LIST, "kind": "status", "status": 410, "reason": "fullSyncRequired", "skip": 2}
    )
    stored, asked = spied(monkeypatch), mirror.lists()

    mirror.synced()

    assert len(shown()) == CalendarEvent.objects.count() == 9
    # Of the delta two pages came, and were thrown away; then everything, once.
    assert mirror.lists() - asked == 3 + 5
    assert stored == [9]


@pytest.mark.usefixtures("small_pages")
def test_d4_a_crash_after_page_two_of_five_keeps_the_old_token(mirror: Mirror) -> None:
    fill(mirror, 1)
    mirror.synced()
    before, token = rows(), mirror.token
    fill(mirror, 10)
    mirror.google.google.faults.plan(
        {"method": LIST, "kind": "status", "status": 503, "skip": 2, "times": 3}
    )

    mirror.sync()
    assert mirror.calendar.last_error != ""
    assert (rows(), mirror.token) == (before, token)
    mirror.synced()

    assert len(shown()) == 11


def test_d5_a_delta_of_one_leaves_the_fifty_others(mirror: Mirror) -> None:
    made = fill(mirror, 50)
    mirror.synced()
    mirror.people.change_event(made[7]["id"], summary="changed")

    mirror.synced()

    assert len(shown()) == 50
    assert "changed" in shown()


def test_d6_two_people_mirroring_one_calendar_have_a_token_each(mirror: Mirror) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    shared = mirror.people.create_calendar("Team")
    with mirror.google.google.store.transaction():
        mirror.google.google.calendars.subscribe("bob@pipedesk.example", {"id": shared})
    for one in (mirror, other):
        one.calendar.calendar_id = shared
        one.calendar.save()
    mirror.people.create_event("Team day", at(1), calendar_id=shared)

    for one in (mirror, other, mirror, other):
        one.synced()

    assert mirror.token != other.token
    assert shown() == ["Team day"]
    assert EventAppearance.objects.count() == 2
    # One calendar call and one full list for each; then a delta for each.
    assert mirror.google.google.requests.count("calendar.calendars.get") == 2


def test_f10_a_410_again_in_the_full_sync_is_no_loop(mirror: Mirror) -> None:
    fill(mirror, 2)
    mirror.synced()
    asked = mirror.lists()
    mirror.google.google.faults.plan(
        {"method": LIST, "kind": "status", "status": 410, "reason": "fullSyncRequired",
         "times": 99}
    )  # fmt: skip

    mirror.sync()

    assert mirror.lists() - asked <= 3
    assert mirror.calendar.next_attempt_at is not None
    assert mirror.calendar.applied < mirror.calendar.requested
    assert shown() == ["m0", "m1"]
    mirror.google.google.faults.clear()
    mirror.synced()
    assert shown() == ["m0", "m1"]


def test_d7_forgetting_the_cursor_clears_it_before_the_full_sync(mirror: Mirror) -> None:
    fill(mirror, 2)
    mirror.synced()
    forget_cursor(mirror.calendar)
    assert mirror.token is None

    mirror.synced()

    assert shown() == ["m0", "m1"]


def test_d8_d13_another_query_never_uses_the_token_of_the_old_one(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 2)
    mirror.synced()
    calls: list[Any] = []
    edited(monkeypatch, lambda page: calls.append(page.get("items")))

    mirror.synced()
    monkeypatch.setattr(client, "EVENTS_QUERY", {"singleEvents": False, "maxResults": 100})
    mirror.synced()

    assert [len(items) for items in calls] == [0, 2]


def test_d9_f24_a_list_without_any_token_is_an_error_and_the_old_token_stays(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 1)
    mirror.synced()
    before, token = rows(), mirror.token
    fill(mirror, 1)
    edited(monkeypatch, lambda page: page.pop("nextSyncToken", None) and None)

    mirror.sync()

    assert "without a sync token" in mirror.calendar.last_error
    assert (rows(), mirror.token) == (before, token)


def test_d10_f27_an_empty_page_with_a_next_page_is_no_end(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 2)
    genuine = client.list_events

    def answer(*args: Any, page_token: str | None = None, **kwargs: Any) -> dict[str, Any]:
        if page_token is None:
            return {"items": [], "nextPageToken": "more"}
        return genuine(*args, **kwargs)

    monkeypatch.setattr(client, "list_events", answer)
    mirror.synced()

    assert shown() == ["m0", "m1"]


def repeated(pages: int) -> Any:
    """A list without end: its pages come round and round."""
    names = cycle(range(pages))

    def answer(*_args: Any, **_options: Any) -> dict[str, Any]:
        number = next(names)
        start = {"dateTime": at(1 + number).isoformat()}
        item = {"id": f"page{number}", "etag": '"1"', "status": "confirmed", "start": start}
        return {"items": [item], "nextPageToken": f"token{number}"}

    return answer


@pytest.mark.parametrize("events_in_a_slice", [1, 5000])
@pytest.mark.parametrize("pages", [1, 2, 3])
def test_f25_pages_that_come_round_are_an_error_and_an_alarm_and_not_an_endless_loop(
    mirror: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    pages: int,
    events_in_a_slice: int,
) -> None:
    monkeypatch.setattr(client, "list_events", repeated(pages))
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", events_in_a_slice)

    for _attempt in range(MAX_ATTEMPTS):
        assert mirror.calendar.dead_at is None
        mirror.sync()
        assert "same page" in mirror.calendar.last_error
        assert mirror.token is None

    assert mirror.calendar.dead_at is not None
    assert f"gave up MirroredCalendar {mirror.calendar.pk}" in caplog.text


def test_f26_an_empty_page_token_is_the_end(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 2)
    edited(monkeypatch, lambda page: {**page, "nextPageToken": ""})

    mirror.synced()

    assert shown() == ["m0", "m1"]


def test_d11_f12_a_full_list_that_is_suddenly_empty_must_be_confirmed(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 50)
    mirror.synced()
    forget_cursor(mirror.calendar)
    with monkeypatch.context() as patched:
        edited(patched, lambda page: {**page, "items": []})
        mirror.sync()
        assert len(shown()) == 50
        assert "50 of 50" in mirror.calendar.last_error
        assert mirror.calendar.next_attempt_at is not None
        assert mirror.calendar.attempts == 0

    # Google had a bad moment: nothing happened.
    mirror.synced()
    assert len(shown()) == 50

    forget_cursor(mirror.calendar)
    edited(monkeypatch, lambda page: {**page, "items": []})
    mirror.sync()
    assert len(shown()) == 50
    mirror.synced()
    assert shown() == []


# --- Recurring, cancelled, time -------------------------------------------------------------
def test_d14_f31_a_bare_tombstone_cancels_its_row_and_wipes_nothing(mirror: Mirror) -> None:
    made = mirror.people.create_event(
        "Visit", at(1), location="Site", attendees=[{"email": "a@b.c"}]
    )
    mirror.synced()
    mirror.people.cancel_event(made["id"])

    mirror.synced()

    event = CalendarEvent.objects.get()
    assert event.status == "cancelled"
    assert (event.summary, event.location, event.start_time) == ("Visit", "Site", at(1))
    assert EventAttendee.objects.get().email == "a@b.c"


def test_a_tombstone_of_what_was_never_here_is_no_row(mirror: Mirror) -> None:
    mirror.synced()
    made = fill(mirror, 1)
    mirror.people.cancel_event(made[0]["id"])

    mirror.synced()

    assert not CalendarEvent.objects.exists()


def test_d26_f30_the_last_of_two_versions_in_one_list_wins(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 1)

    def twice(page: dict[str, Any]) -> dict[str, Any]:
        (item,) = page["items"]
        return {**page, "items": [item, {**item, "summary": "later", "etag": '"later"'}]}

    edited(monkeypatch, twice)
    mirror.synced()

    assert shown() == ["later"]


@pytest.mark.parametrize("stale", [{"summary": "older"}, {"status": "cancelled"}])
def test_f32_an_older_version_never_replaces_a_newer_one(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, stale: dict[str, str]
) -> None:
    made = fill(mirror, 1)
    mirror.synced()
    mirror.people.change_event(made[0]["id"], summary="newer")
    mirror.synced()
    before = rows()

    edited(monkeypatch, lambda page: {**page, "items": [{**made[0], **stale}]})
    mirror.synced()

    assert shown() == ["newer"]
    assert rows() == before


def test_d25_lists_are_never_asked_for_single_events(mirror: Mirror) -> None:
    assert client.EVENTS_QUERY == {"singleEvents": False, "maxResults": 2500}
    mirror.people.create_event("Daily", at(1), time_zone="UTC", recurrence=["RRULE:FREQ=DAILY"])

    mirror.synced()

    assert CalendarEvent.objects.count() == 1


def test_f36_one_event_nobody_can_read_stops_none_of_the_others(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(mirror, 3 + len(TITLES))

    def poison(page: dict[str, Any]) -> None:
        page["items"][1] |= {"start": {"dateTime": "soon"}, "summary": "\x00\ud800" * 9}
        page["items"][2] |= {"location": "a\x00b\udfff", "holograms": [float("inf")]}
        for number, title in enumerate(TITLES, start=3):
            page["items"][number]["summary"] = title

    with monkeypatch.context() as patched:
        edited(patched, poison)
        mirror.synced()

    broken = CalendarEvent.objects.get(google_event_id=made[1]["id"])
    assert broken.parse_error != ""
    assert broken.raw["start"] == {"dateTime": "soon"}
    assert CalendarEvent.objects.get(google_event_id=made[2]["id"]).location == "ab?"
    kept = CalendarEvent.objects.filter(parse_error="").values_list("summary", flat=True)
    assert sorted(map(str, kept)) == sorted(["m0", "m2", *TITLES])
    assert CalendarEvent.objects.count() == len(made)
    fill(mirror, 1)
    mirror.synced()  # nor does it stop what comes later
    assert CalendarEvent.objects.count() == len(made) + 1


def test_a_reading_error_of_a_known_event_keeps_what_was_known(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(mirror, 1)
    mirror.synced()
    mirror.people.change_event(made[0]["id"], summary="second")
    with monkeypatch.context() as patched:
        edited(patched, lambda page: page["items"][0].update(start={"date": "x"}))
        mirror.synced()
    event = CalendarEvent.objects.get()
    assert (event.summary, event.start_time) == ("m0", at(1))
    assert event.parse_error != ""

    mirror.people.change_event(made[0]["id"], summary="third")
    mirror.synced()
    event.refresh_from_db()
    assert (event.summary, event.parse_error, event.raw) == ("third", "", None)


# --- Once, twice, two at once -----------------------------------------------------------------
def test_a_second_sync_writes_no_row(mirror: Mirror) -> None:
    fill(mirror, 5)
    mirror.people.create_event("Weekly", at(1), time_zone="UTC", recurrence=["RRULE:FREQ=WEEKLY"])
    mirror.synced()
    before, stamps = rows(), writes()

    mirror.synced()
    assert (rows(), writes()) == (before, stamps)
    forget_cursor(mirror.calendar)
    mirror.synced()
    assert (rows(), writes()) == (before, stamps)


def test_a_reminder_changes_the_etag_and_not_the_meeting(mirror: Mirror) -> None:
    made = fill(mirror, 1)
    mirror.synced()
    stamp = CalendarEvent.objects.get().updated_at
    mirror.people.change_event(made[0]["id"], reminders={"useDefault": False, "overrides": []})

    mirror.synced()

    assert CalendarEvent.objects.get().updated_at == stamp


def test_a_worker_that_lost_its_lease_writes_nothing(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 2)
    mirror.synced()
    fill(mirror, 2)
    before, token = rows(), mirror.token

    def overtaken(page: dict[str, Any]) -> None:
        row = MirroredCalendar.objects.filter(pk=mirror.calendar.pk)
        row.update(lease_until=None)
        assert claim(MirroredCalendar, mirror.calendar.pk) is not None

    with monkeypatch.context() as patched:
        edited(patched, overtaken)
        mirror.sync()
    assert (rows(), mirror.token) == (before, token)

    MirroredCalendar.objects.update(lease_until=None)
    mirror.synced()
    assert len(shown()) == 4


def test_a_request_during_the_sync_leads_to_one_more(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 1)
    asked: list[Any] = []

    def push(page: dict[str, Any]) -> None:
        asked.append(page)
        if len(asked) == 1:
            fill(mirror, 1)
            MirroredCalendar.objects.request(mirror.calendar.pk)

    edited(monkeypatch, push)
    mirror.synced()

    assert len(asked) == 2
    assert len(shown()) == 2


def test_a_disabled_calendar_asks_google_nothing(mirror: Mirror) -> None:
    mirror.calendar.state = MirroredCalendar.State.DISABLED
    mirror.calendar.save()

    mirror.sync()

    assert mirror.lists() == 0
    assert mirror.calendar.applied == mirror.calendar.requested


def test_switching_off_during_a_sync_holds(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    off = MirroredCalendar.State.DISABLED
    edited(monkeypatch, lambda page: MirroredCalendar.objects.update(state=off) and None)

    assert mirror.sync().state == off


def test_the_cursor_stays_when_the_channel_changes_hands_meanwhile(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 1)

    def renewal(page: dict[str, Any]) -> None:
        old = CalendarSyncState.objects.active().get()
        CalendarSyncState.objects.filter(pk=old.pk).update(active=False)
        CalendarSyncState.objects.create(
            mirrored_calendar=mirror.calendar, channel_id="new", sync_token=old.sync_token
        )

    with monkeypatch.context() as patched:
        edited(patched, renewal)
        mirror.synced()

    assert mirror.token is not None
    assert CalendarSyncState.objects.active().get().channel_id == "new"


# --- One meeting on two calendars ---------------------------------------------------------
@pytest.mark.parametrize("same_id", [True, False])
def test_d27_one_meeting_on_two_calendars_is_one_row_with_two_appearances(
    mirror: Mirror, same_id: bool
) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    hers = mirror.people.create_event("Together", at(1), iCalUID="u1@x", id="a" * 20)
    his_id = hers["id"] if same_id else "b" * 20
    other.people.create_event("Together", at(1), iCalUID="u1@x", id=his_id)

    mirror.synced()
    other.synced()
    event = CalendarEvent.objects.get()
    assert event.calendar_id == "ana@pipedesk.example"
    assert event.appearances.count() == 2

    # A guest who removes it removes an appearance, and cancels nothing.
    other.people.cancel_event(his_id)
    other.synced()
    assert shown() == ["Together"]
    assert event.appearances.live().count() == 1

    mirror.people.cancel_event(hers["id"])
    mirror.synced()
    assert shown() == []


def test_two_workers_that_bring_the_same_meetings_at_once_store_each_once(mirror: Mirror) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    for number in range(20):
        for one, key in ((mirror, "a"), (other, "b")):
            start = at(1) + timedelta(hours=number)
            identity = {"iCalUID": f"u{number}@x", "id": f"{key * 20}{number}"}
            one.people.create_event(f"m{number}", start, **identity)

    def work(one: Mirror) -> None:
        try:
            one.synced()
        finally:
            close_services()
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(work, (mirror, other)))

    assert CalendarEvent.objects.count() == 20
    assert EventAppearance.objects.count() == 40


def test_f49_of_two_workers_on_one_calendar_one_syncs_and_the_other_leaves(mirror: Mirror) -> None:
    fill(mirror, 5)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    before = MirroredCalendar.objects.get().lease_gen
    mirror.google.google.faults.latency_s = 0.5
    both = Barrier(2)

    def work(_number: int) -> bool:
        try:
            both.wait()
            return perform(MirroredCalendar, mirror.calendar.pk, sync)
        finally:
            close_services()
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        assert sorted(workers.map(work, range(2))) == [False, True]

    row = MirroredCalendar.objects.get()
    assert (row.applied, row.lease_gen) == (row.requested, before + 1)
    assert mirror.lists() == 1
    assert len(shown()) == 5


def test_neither_copy_of_a_meeting_overwrites_the_other(mirror: Mirror) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    hers = mirror.people.create_event("Hers", at(1), iCalUID="u1@x", id="a" * 20)
    his = other.people.create_event("His", at(1), iCalUID="u1@x", id="b" * 20)
    mirror.synced()
    other.synced()
    assert shown() == ["Hers"]
    before = writes()
    for one in (mirror, other):
        forget_cursor(one.calendar)
        one.synced()
    assert writes() == before

    # Who drops the meeting no longer speaks for it.
    mirror.people.cancel_event(hers["id"])
    mirror.synced()
    other.people.change_event(his["id"], summary="His now")
    other.synced()
    assert shown() == ["His now"]
    assert CalendarEvent.objects.get().google_event_id == hers["id"]


def test_equal_ids_of_different_meetings_are_two_rows(mirror: Mirror) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    mirror.people.create_event("One", at(1), iCalUID="one@x", id="a" * 20)
    other.people.create_event("Two", at(2), iCalUID="two@x", id="a" * 20)

    mirror.synced()
    other.synced()

    assert shown() == ["One", "Two"]


def test_a_calendar_that_shows_times_only_neither_stores_nor_hides_details(mirror: Mirror) -> None:
    busy = Mirror(mirror.google, "bob@pipedesk.example")
    busy.calendar.visibility = "busy"
    busy.calendar.save()
    details = {"location": "here", "attendees": [{"email": "a@b.c"}], "description": "d"}
    busy.people.create_event("Secret", at(1), iCalUID="u1@x", id="a" * 20, **details)
    busy.synced()
    event = CalendarEvent.objects.get()
    assert [event.summary, event.location, event.attendees, event.description, event.raw] == [
        None, None, None, None, None,
    ]  # fmt: skip
    assert not EventAttendee.objects.exists()

    mirror.people.create_event("Open", at(1), iCalUID="u1@x", id="b" * 20, **details)
    mirror.synced()
    assert shown() == ["Open"]
    busy.people.change_event("a" * 20, summary="Secret again")
    busy.synced()
    assert shown() == ["Open"]


def test_details_come_and_go_with_our_access(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.people.create_event("Visit", at(1))
    role = ["owner"]
    edited(monkeypatch, lambda page: {**page, "accessRole": role[0]})
    for role[0], title in (("owner", "Visit"), ("freeBusyReader", None), ("reader", "Visit")):
        mirror.synced()
        assert shown() == [title]


def test_all_day_events_follow_the_calendars_zone(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.people.create_event("Holiday", at(28).date())
    mirror.synced()
    assert CalendarEvent.objects.get().start_time == at(28, 3)

    edited(monkeypatch, lambda page: {**page, "timeZone": "Asia/Tokyo"})
    mirror.synced()
    event = CalendarEvent.objects.get()
    assert (event.start_time, event.start_date) == (at(27, 15), at(28).date())


def test_f34_a_meeting_becomes_all_day_and_timed_again(mirror: Mirror) -> None:
    [made] = fill(mirror, 1)
    mirror.synced()
    none = {"dateTime": None, "timeZone": None}
    mirror.people.change_event(
        made["id"], start={"date": "2026-12-05", **none}, end={"date": "2026-12-07", **none}
    )

    mirror.synced()
    event = CalendarEvent.objects.get()
    assert (event.all_day, event.start_date, event.end_date) == (
        True, at(5).date(), at(7).date(),
    )  # fmt: skip
    assert (event.start_time, event.end_time) == (at(5, 3), at(7, 3))  # in the calendar's zone
    slots = EventOccurrence.objects.values_list("start_time", "start_date")
    assert list(slots) == [(event.start_time, event.start_date)]

    mirror.people.change_event(
        made["id"],
        start={"date": None, "dateTime": "2026-12-08T09:30:00-03:00"},
        end={"date": None, "dateTime": "2026-12-08T10:00:00-03:00"},
    )
    mirror.synced()
    event.refresh_from_db()
    assert (event.all_day, event.start_date, event.end_date) == (False, None, None)
    assert event.start_time == at(8, 12) + timedelta(minutes=30)
    assert event.end_time == at(8, 13)
    assert list(slots.all()) == [(event.start_time, None)]


def test_other_calendars_and_their_rows_are_not_touched_by_a_sweep(mirror: Mirror) -> None:
    AppearanceFactory(event__summary="elsewhere")
    fill(mirror, 1)
    mirror.synced()
    forget_cursor(mirror.calendar)

    mirror.synced()

    assert "elsewhere" in shown()
