"""Series as a mirror sees them: masters, exceptions, splits, deletions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from gcalendar import client
from gcalendar.models import CalendarEvent, EventOccurrence, RecurrenceRule
from gcalendar.sync import forget_cursor
from tests.gcalendar.conftest import Mirror, at, fill

SAO_PAULO = "America/Sao_Paulo"


def daily(mirror: Mirror, *rules: str, **fields: Any) -> dict[str, Any]:
    """A daily series from 1 December, 10:00 in São Paulo."""
    lines = list(rules) or ["RRULE:FREQ=DAILY;COUNT=5"]
    return mirror.people.create_event(
        "Daily", at(1), time_zone=SAO_PAULO, recurrence=lines, **fields
    )


def instance(master: dict[str, Any], day: int) -> str:
    return f"{master['id']}_202612{day:02}T130000Z"


def slots() -> list[str]:
    """Day and hour (UTC) of everything that takes place."""
    found = EventOccurrence.objects.taking_place().order_by("start_time")
    return [f"{start:%d %H}" for start in found.values_list("start_time", flat=True)]


def resync(mirror: Mirror) -> None:
    """A delta, then everything: both must agree."""
    mirror.synced()
    before = slots()
    forget_cursor(mirror.calendar)
    mirror.synced()
    assert slots() == before


def test_a_series_is_one_row_with_its_rules_and_its_occurrences(mirror: Mirror) -> None:
    daily(mirror)
    mirror.synced()

    event = CalendarEvent.objects.get()
    assert event.recurrence == ["RRULE:FREQ=DAILY;COUNT=5"]
    assert [rule.rule for rule in RecurrenceRule.objects.all()] == event.recurrence
    assert slots() == ["01 13", "02 13", "03 13", "04 13", "05 13"]


def test_d19_a_moved_instance_shows_once_and_its_slot_is_free(mirror: Mirror) -> None:
    master = daily(mirror)
    mirror.synced()
    mirror.people.move_event(instance(master, 3), at(3, 18), at(3, 19))

    resync(mirror)

    assert slots() == ["01 13", "02 13", "03 18", "04 13", "05 13"]
    exception = CalendarEvent.objects.get(recurring_event_id=master["id"])
    assert exception.series is not None
    assert exception.series.google_event_id == master["id"]


def test_d24_every_occurrence_ends_by_its_own_length_and_in_its_own_zone(
    mirror: Mirror, api: Callable[..., Any]
) -> None:
    master = daily(mirror, "RRULE:FREQ=DAILY;COUNT=3")
    mirror.people.change_event(
        instance(master, 2),
        start={"dateTime": "2026-12-02T21:00:00+09:00", "timeZone": "Asia/Tokyo"},
        end={"dateTime": "2026-12-02T23:30:00+09:00", "timeZone": "Asia/Tokyo"},
    )
    mirror.people.change_event(master["id"], end={"dateTime": "2026-12-01T11:45:00-03:00"})
    resync(mirror)

    answer = api("admin").get(
        "/api/calendar/events",
        {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-09T00:00:00Z"},
    )

    found = [
        (row["start_time"], row["end_time"], row["time_zone"]) for row in answer.json()["data"]
    ]
    assert found == [
        ("2026-12-01T13:00:00Z", "2026-12-01T14:45:00Z", SAO_PAULO),
        ("2026-12-02T12:00:00Z", "2026-12-02T14:30:00Z", "Asia/Tokyo"),
        ("2026-12-03T13:00:00Z", "2026-12-03T14:45:00Z", SAO_PAULO),
    ]


def test_d17_a_cancelled_instance_stays_hidden_through_later_syncs(mirror: Mirror) -> None:
    master = daily(mirror)
    mirror.synced()
    mirror.people.cancel_event(instance(master, 2))
    resync(mirror)
    mirror.people.change_event(master["id"], summary="Renamed")
    resync(mirror)

    assert slots() == ["01 13", "03 13", "04 13", "05 13"]


def test_d15_a_cancelled_master_takes_its_exceptions_and_occurrences_with_it(
    mirror: Mirror,
) -> None:
    master = daily(mirror)
    mirror.people.move_event(instance(master, 3), at(3, 18), at(3, 19))
    mirror.synced()
    mirror.people.cancel_event(master["id"])

    resync(mirror)

    assert slots() == []
    assert not CalendarEvent.objects.not_cancelled().exists()


def test_a_series_deleted_while_the_token_was_dead_disappears_too(mirror: Mirror) -> None:
    master = daily(mirror)
    mirror.people.move_event(instance(master, 3), at(3, 18), at(3, 19))
    mirror.synced()
    mirror.google.google.expire_tokens()
    mirror.people.cancel_event(master["id"])

    mirror.synced()

    assert slots() == []


def test_d18_this_and_following_splits_the_series_without_doubling_a_day(mirror: Mirror) -> None:
    master = daily(mirror, "RRULE:FREQ=DAILY;COUNT=6")
    mirror.people.move_event(instance(master, 2), at(2, 18), at(2, 19))
    mirror.synced()
    rule = "RRULE:FREQ=DAILY;UNTIL=20261204T025959Z"  # 23:59:59 of the 3rd in São Paulo
    mirror.people.change_event(master["id"], recurrence=[rule])
    split = f"{master['id']}_R20261204T130000"
    mirror.people.create_event(
        "Later", at(4, 15), time_zone=SAO_PAULO, recurrence=["RRULE:FREQ=DAILY;COUNT=3"],
        iCalUID=f"{split}@google.com",
    )  # fmt: skip

    resync(mirror)

    assert slots() == ["01 13", "02 18", "03 13", "04 15", "05 15", "06 15"]


def test_d16_a_tombstone_without_its_series_is_matched_by_its_id(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = daily(mirror)
    mirror.people.move_event(instance(master, 5), at(5, 18), at(5, 19))
    mirror.synced()
    genuine = client.list_events

    def bare(*args: Any, **kwargs: Any) -> dict[str, Any]:
        page = genuine(*args, **kwargs)
        return {**page, "items": [{"id": instance(master, 5), "status": "cancelled"}]}

    monkeypatch.setattr(client, "list_events", bare)
    mirror.synced()

    assert slots() == ["01 13", "02 13", "03 13", "04 13"]


def test_a_moved_series_moves_all_its_days(mirror: Mirror) -> None:
    master = daily(mirror, "RRULE:FREQ=DAILY;COUNT=3")
    mirror.synced()
    mirror.people.move_event(master["id"], at(1, 15), at(1, 16))
    # People at the web page keep the zone.
    zone = {"timeZone": SAO_PAULO}
    mirror.people.change_event(master["id"], start=zone, end=zone)

    resync(mirror)

    assert slots() == ["01 15", "02 15", "03 15"]


def test_f33_a_series_that_moves_after_one_of_its_days_was_cancelled_is_as_google_has_it(
    mirror: Mirror,
) -> None:
    master = daily(mirror)
    mirror.people.cancel_event(instance(master, 2))
    resync(mirror)
    assert "02 13" not in slots()
    mirror.people.move_event(master["id"], at(1, 15), at(1, 16))

    resync(mirror)

    google = mirror.google.google
    with google.store.transaction():
        calendar = google.calendars.stored("ana@pipedesk.example")
        moved = google.events.find("ana@pipedesk.example", master["id"])
        days = google.events.instances(calendar, moved)
    assert slots() == sorted(
        datetime.fromisoformat(day["start"]["dateTime"]).astimezone(UTC).strftime("%d %H")
        for day in days
        if day["status"] != "cancelled"
    )


def test_an_exception_that_google_takes_back_gives_its_slot_back(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = daily(mirror)
    mirror.people.move_event(instance(master, 3), at(3, 18), at(3, 19))
    mirror.synced()
    forget_cursor(mirror.calendar)
    genuine = client.list_events

    def without(*args: Any, **kwargs: Any) -> dict[str, Any]:
        page = genuine(*args, **kwargs)
        items = [item for item in page["items"] if "recurringEventId" not in item]
        return {**page, "items": items}

    monkeypatch.setattr(client, "list_events", without)
    mirror.synced()

    assert slots() == ["01 13", "02 13", "03 13", "04 13", "05 13"]


def test_an_exception_may_come_before_its_series(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = daily(mirror)
    mirror.people.move_event(instance(master, 3), at(3, 18), at(3, 19))
    genuine = client.list_events

    def reversed_pages(*args: Any, **kwargs: Any) -> dict[str, Any]:
        page = genuine(*args, **kwargs)
        return {**page, "items": page["items"][::-1]}

    monkeypatch.setattr(client, "list_events", reversed_pages)
    monkeypatch.setattr("gcalendar.client.EVENTS_QUERY", {"singleEvents": False, "maxResults": 1})
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", 1)
    resync(mirror)

    assert slots() == ["01 13", "02 13", "03 18", "04 13", "05 13"]


def test_d21_named_dates_only_and_unreadable_rules_stop_nobody(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily(mirror, "RDATE;TZID=America/Sao_Paulo:20261210T100000")
    broken = daily(mirror)
    fill(mirror, 1)
    genuine = client.list_events

    def garbled(*args: Any, **kwargs: Any) -> dict[str, Any]:
        page = genuine(*args, **kwargs)
        for item in page["items"]:
            if item["id"] == broken["id"]:
                item["recurrence"] = ["RRULE:FREQ=FORTNIGHTLY"]
        return page

    monkeypatch.setattr(client, "list_events", garbled)
    mirror.synced()

    assert slots() == ["01 13", "01 13", "01 13", "10 13"]
    event = CalendarEvent.objects.get(google_event_id=broken["id"])
    assert event.parse_error.startswith("recurrence:")
    assert event.recurrence == ["RRULE:FREQ=FORTNIGHTLY"]

    monkeypatch.undo()
    mirror.people.change_event(broken["id"], summary="Readable now")
    mirror.synced()
    event.refresh_from_db()
    assert event.parse_error == ""
    assert len(slots()) == 8


def test_d20_a_weekly_series_keeps_its_local_hour_across_a_change_of_the_clocks(
    mirror: Mirror,
) -> None:
    mirror.people.create_event(
        "Standup", datetime(2027, 3, 22, 8, tzinfo=UTC), time_zone="Europe/Berlin",
        recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"],
    )  # fmt: skip
    mirror.synced()

    assert slots() == ["22 08", "29 07"]


def test_an_all_day_series_is_on_its_days_only(mirror: Mirror) -> None:
    mirror.people.create_event("Fair", date(2026, 12, 28), recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    mirror.synced()

    days = EventOccurrence.objects.order_by("start_time").values_list("start_date", "end_date")
    assert list(days) == [
        (date(2026, 12, 28), date(2026, 12, 29)),
        (date(2026, 12, 29), date(2026, 12, 30)),
    ]


def test_a_series_on_two_calendars_is_one_and_so_are_its_exceptions(mirror: Mirror) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    hers = daily(mirror, iCalUID="s@x", id="a" * 20)
    his = daily(other, iCalUID="s@x", id="b" * 20)
    for one, master in ((mirror, hers), (other, his)):
        one.people.move_event(instance(master, 2), at(2, 18), at(2, 19))
        one.people.cancel_event(instance(master, 4))

    mirror.synced()
    other.synced()

    assert CalendarEvent.objects.count() == 3
    assert slots() == ["01 13", "02 18", "03 13", "05 13"]


def test_a_guest_who_drops_one_day_of_a_series_hides_it_for_nobody_else(mirror: Mirror) -> None:
    other = Mirror(mirror.google, "bob@pipedesk.example")
    daily(mirror, iCalUID="s@x", id="a" * 20)
    his = daily(other, iCalUID="s@x", id="b" * 20)
    mirror.synced()
    other.synced()
    other.people.cancel_event(instance(his, 2))

    other.synced()

    assert slots() == ["01 13", "02 13", "03 13", "04 13", "05 13"]
