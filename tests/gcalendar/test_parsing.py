"""Google's event JSON, the strange ones included."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcalendar.parsing import parse_event, parse_events

SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def timed(**fields: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "etag": '"1"',
        "status": "confirmed",
        "start": {"dateTime": "2026-12-01T10:00:00-03:00"},
        "end": {"dateTime": "2026-12-01T11:00:00-03:00"},
        **fields,
    }


def test_a_timed_event_becomes_instants() -> None:
    event = parse_event(timed(summary="Visit"))

    assert event.start is not None
    assert event.end is not None
    assert event.start.at == datetime(2026, 12, 1, 13, tzinfo=UTC)
    assert event.end.at == datetime(2026, 12, 1, 14, tzinfo=UTC)
    assert (event.summary, event.all_day, event.error) == ("Visit", False, "")


def test_an_all_day_event_keeps_googles_dates_and_is_midnight_in_the_calendars_zone() -> None:
    event = parse_event(timed(start={"date": "2026-12-28"}, end={"date": "2026-12-29"}), SAO_PAULO)

    assert event.start is not None
    assert event.end is not None
    assert event.all_day
    assert (event.start.on, event.end.on) == (date(2026, 12, 28), date(2026, 12, 29))
    assert event.start.at == datetime(2026, 12, 28, 3, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "America", "\x00", 7])
def test_f34_an_unknown_zone_falls_back_to_the_calendars(name: Any) -> None:
    start = {"dateTime": "2026-12-01T10:00:00", "timeZone": name}

    event = parse_event(timed(start=start), SAO_PAULO)

    assert event.start is not None
    assert event.start.at == datetime(2026, 12, 1, 13, tzinfo=UTC)
    assert event.start.zone == "America/Sao_Paulo"


def test_an_offset_decides_the_instant_and_the_zone_is_kept_for_the_rules() -> None:
    start = {"dateTime": "2026-12-01T10:00:00+01:00", "timeZone": "Europe/Berlin"}

    event = parse_event(timed(start=start), SAO_PAULO)

    assert event.start is not None
    assert event.start.at == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert event.start.zone == "Europe/Berlin"


def test_a_tombstone_of_nothing_but_an_id_is_no_error() -> None:
    event = parse_event({"id": "e1", "status": "cancelled"})

    assert event.stub
    assert event.cancelled
    assert event.error == ""


def test_a_cancelled_exception_knows_its_series_and_its_original_start() -> None:
    event = parse_event(
        {
            "id": "m_20250325T130000Z",
            "status": "cancelled",
            "recurringEventId": "m",
            "originalStartTime": {"dateTime": "2025-03-25T10:00:00-03:00"},
        }
    )

    assert event.recurring_event_id == "m"
    assert event.original_start == datetime(2025, 3, 25, 13, tzinfo=UTC)


def test_an_all_day_exception_is_the_same_occurrence_in_every_zone() -> None:
    item = {
        "id": "m_20250325",
        "status": "cancelled",
        "recurringEventId": "m",
        "originalStartTime": {"date": "2025-03-25"},
    }

    assert parse_event(item, SAO_PAULO).original_start == parse_event(item, UTC).original_start


def test_a_live_event_without_a_start_is_kept_raw_and_the_others_go_on() -> None:
    broken = {"id": "e2", "etag": '"2"', "status": "confirmed", "summary": "?"}

    first, second, third = parse_events([timed(), broken, timed(id="e3")])

    assert (first.error, third.error) == ("", "")
    assert "no start" in second.error
    assert second.raw == broken
    assert second.etag == '"2"'


def test_nul_and_lone_surrogates_are_cleaned() -> None:
    event = parse_event(
        timed(summary="a\x00b\ud800c 🎉", attendees=[{"email": "A@x.ex", "displayName": "\x00"}])
    )

    assert event.summary == "ab?c 🎉"
    assert event.attendees == ({"email": "a@x.ex", "displayName": None},)


def test_f35_what_we_do_not_know_is_kept_as_google_sent_it() -> None:
    assert parse_event(timed(colorId="3")).raw is None
    assert parse_event(timed(holograms=["\x00x"])).raw == timed(holograms=["x"])


def test_a_status_of_googles_future_counts_as_an_event() -> None:
    assert parse_event(timed(status="pencilled")).status == "confirmed"


def test_an_end_before_the_start_and_a_missing_end_are_the_start() -> None:
    early = parse_event(timed(end={"dateTime": "2026-12-01T09:00:00-03:00"}))
    missing = parse_event({name: value for name, value in timed().items() if name != "end"})

    for event in (early, missing):
        assert event.end == event.start


@pytest.mark.parametrize("visibility", ["private", "confidential"])
def test_private_events_are_marked(visibility: str) -> None:
    assert parse_event(timed(visibility=visibility)).private
    assert not parse_event(timed(visibility="public")).private


def test_the_meet_link_is_found_wherever_google_put_it() -> None:
    entry = {"entryPointType": "video", "uri": "https://meet.google.com/abc"}
    pending = {"createRequest": {"status": {"statusCode": "pending"}}}

    assert parse_event(timed(conferenceData={"entryPoints": [entry]})).meet_link == entry["uri"]
    assert parse_event(timed(hangoutLink="https://x")).meet_link == "https://x"
    assert parse_event(timed(conferenceData=pending)).meet_link is None


def test_keys_of_absurd_length_are_hashed_and_stay_distinct() -> None:
    one, two = (parse_event(timed(iCalUID="x" * 5000 + end)).ical_uid for end in "ab")

    assert one is not None
    assert len(one) < 100
    assert one != two


def test_items_without_an_id_are_left_out() -> None:
    assert parse_events([{"status": "confirmed"}, {"id": ""}, "nonsense", None, timed()]) == [
        parse_event(timed())
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["etag", "status", "summary", "start", "end", "recurrence", "originalStartTime", "organizer",
     "attendees", "updated", "visibility", "conferenceData", "iCalUID", "recurringEventId"]
)  # fmt: skip
TIMES = st.fixed_dictionaries(
    {}, optional={"date": st.text(max_size=12), "dateTime": st.text(max_size=25), "timeZone": JSON}
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(FIELDS, JSON | TIMES))
def test_nothing_google_might_send_raises(fields: dict[str, Any]) -> None:
    (event,) = parse_events([{"id": "e", **fields}])

    assert event.google_event_id == "e"
    assert event.error or event.cancelled or event.start is not None
