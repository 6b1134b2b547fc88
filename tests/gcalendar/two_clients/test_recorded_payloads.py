"""Items in the shapes real incremental lists had, replayed: two clients end with the same events.

Each file of `payloads/` is a shape: steps of a person, the items of the list that follows, and how
many occurrences there are afterwards. gcal-sync and our mirror read the same running sandbox.
"""

from __future__ import annotations

from typing import Any

import pytest
from gcal_sync.exceptions import CalendarParseException
from gcal_sync.model import EventStatusEnum

from gcalendar.models import CalendarEvent
from gcalendar.sync import forget_cursor
from pipedesk.sandbox.server import SandboxServer
from tests.gcalendar.conftest import Mirror
from tests.gcalendar.two_clients.comparing import (
    SHAPES,
    SINCE,
    UNTIL,
    check,
    our_events,
    our_occurrences,
    steps_of,
)
from tests.gcalendar.two_clients.other_client import OtherClient


@pytest.mark.parametrize("shape", SHAPES)
def test_both_clients_end_with_the_same_events(
    shape: str, mirror: Mirror, other: OtherClient, google: SandboxServer
) -> None:
    counts: dict[str, int] = {}
    steps = steps_of(shape)
    for step in steps:
        mirror.people.replay(step["items"])
        mirror.synced()
        other.sync()
        counts[step["action"]] = check(other)

    assert counts == {step["action"]: step["occurrences"] for step in steps}

    google.google.expire_tokens()
    mirror.synced()
    other.sync()
    assert check(other) == steps[-1]["occurrences"]

    CalendarEvent.objects.all().delete()
    forget_cursor(mirror.calendar)
    mirror.synced()
    assert check(other) == steps[-1]["occurrences"]


def one_event(mirror: Mirror, other: OtherClient, **fields: Any) -> dict[str, Any]:
    """Replayed alone and read by both; what the other client made of it."""
    mirror.people.replay([{"id": "event000001", "status": "confirmed", **fields}])
    mirror.synced()
    other.sync()
    return other.events()["event000001"]


def test_gcal_sync_gives_an_event_without_length_half_an_hour(
    mirror: Mirror, other: OtherClient
) -> None:
    noon = {"dateTime": "2025-04-02T12:00:00Z"}

    read = one_event(mirror, other, start=noon, end=noon)

    assert read["end"] == "2025-04-02T12:30:00+00:00"
    assert our_events()["event000001"]["end"] == "2025-04-02T12:00:00+00:00"


def test_gcal_sync_measures_lengths_on_the_wall_where_clocks_change(
    mirror: Mirror, other: OtherClient
) -> None:
    """RFC 5545, 3.8.5.3: the same exact duration applies to every member of the set."""
    zone = "Europe/Berlin"
    one_event(
        mirror, other,
        start={"dateTime": "2025-03-29T01:30:00+01:00", "timeZone": zone},
        end={"dateTime": "2025-03-29T03:30:00+01:00", "timeZone": zone},
        recurrence=["RRULE:FREQ=DAILY;COUNT=2"],
    )  # fmt: skip

    [(*_, theirs)] = other.occurrences(SINCE, UNTIL) - our_occurrences()
    [(*_, ours)] = our_occurrences() - other.occurrences(SINCE, UNTIL)

    assert (ours, theirs) == ("2025-03-30T02:30:00+00:00", "2025-03-30T01:30:00+00:00")


def test_gcal_sync_goes_on_showing_the_exceptions_of_a_deleted_series(
    mirror: Mirror, other: OtherClient
) -> None:
    for step in steps_of("series"):
        mirror.people.replay(step["items"])
        mirror.synced()
        other.sync()

    left = [e for e in other.stored() if e.status != EventStatusEnum.CANCELLED]

    assert [event.summary for event in left] == ["Stand-up"]
    assert our_events() == {}


def test_gcal_sync_leaves_out_the_start_of_a_series_of_dates_alone(
    mirror: Mirror, other: OtherClient
) -> None:
    start = {"dateTime": "2025-04-02T12:00:00Z", "timeZone": "UTC"}
    end = {"dateTime": "2025-04-02T13:00:00Z", "timeZone": "UTC"}
    one_event(mirror, other, start=start, end=end, recurrence=["RDATE:20250409T120000Z"])

    [event] = other.live()

    assert [at.isoformat() for at in event.rrule] == ["2025-04-09T12:00:00+00:00"]
    assert len(our_occurrences()) == 2


def test_gcal_sync_reads_nothing_any_more_because_of_one_unreadable_rule(
    mirror: Mirror, other: OtherClient
) -> None:
    noon = {"dateTime": "2025-04-02T12:00:00Z", "timeZone": "UTC"}
    with pytest.raises(CalendarParseException):
        one_event(mirror, other, start=noon, end=noon, recurrence=["RRULE:FREQ=SOMETIMES"])

    assert CalendarEvent.objects.get().parse_error.startswith("recurrence:")
