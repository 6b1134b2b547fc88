"""What a lead's history adds up to, at the boundaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm.activity import TICK, Activity, Logged

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LIMIT = NOW - 90 * DAY


def logged(kind: str, at: datetime, direction: str = "sent") -> Activity:
    return Activity(logged=[Logged(kind, direction, at)])


@pytest.mark.parametrize(
    ("kind", "direction", "points"),
    [
        ("email", "received", 3),
        ("email", "sent", 2),
        ("call", "sent", 2),
        ("call", "received", 2),
        ("meeting", "sent", 2),
        ("value_asset", "sent", 2),
        ("note", "sent", 0),
    ],
)
def test_each_kind_has_its_points_for_exactly_ninety_days(
    kind: str, direction: str, points: int
) -> None:
    assert logged(kind, NOW, direction).as_of(NOW)["engagement_score"] == points
    assert logged(kind, LIMIT, direction).as_of(NOW)["engagement_score"] == points
    assert logged(kind, LIMIT - TICK, direction).as_of(NOW)["engagement_score"] == 0


def test_a_meeting_that_begins_this_instant_is_held() -> None:
    begins = Activity(meetings=[NOW]).as_of(NOW)
    assert (begins["last_event_at"], begins["next_event_at"]) == (NOW, None)
    assert (begins["total_events"], begins["engagement_score"]) == (1, 2)

    ahead = Activity(meetings=[NOW + TICK]).as_of(NOW)
    assert (ahead["last_event_at"], ahead["next_event_at"]) == (None, NOW + TICK)
    assert (ahead["total_events"], ahead["engagement_score"]) == (0, 4)


def test_a_meeting_held_ninety_days_ago_counts_for_the_last_time() -> None:
    assert Activity(meetings=[LIMIT]).as_of(NOW)["engagement_score"] == 2
    old = Activity(meetings=[LIMIT - TICK]).as_of(NOW)
    assert (old["engagement_score"], old["total_events"]) == (0, 1)


def test_the_engagement_stops_at_a_hundred() -> None:
    many = Activity(meetings=[NOW + n * DAY for n in range(1, 40)])
    assert many.as_of(NOW)["engagement_score"] == 100


@pytest.mark.parametrize(
    "activity",
    [
        logged("call", NOW - DAY),
        logged("note", NOW - DAY),
        Activity(meetings=[NOW + DAY]),
        Activity(meetings=[NOW - DAY, NOW + 3 * DAY]),
        logged("call", NOW + DAY),
        Activity(logged=[Logged("email", "sent", LIMIT)], meetings=[NOW + DAY]),
    ],
    ids=["call", "note", "ahead", "both", "not yet", "aging and ahead"],
)
def test_until_the_due_moment_nothing_changes_and_then_something_does(activity: Activity) -> None:
    columns = activity.as_of(NOW)
    due = columns["stale_at"]
    if due is None:
        assert activity.as_of(NOW + 1000 * DAY) == columns
        return
    assert due > NOW
    assert activity.as_of(due - TICK) == columns
    assert activity.as_of(due) != columns


def test_the_latest_is_what_has_happened_not_what_is_planned() -> None:
    activity = Activity([Logged("call", "sent", NOW - 2 * DAY)], [NOW - DAY, NOW + DAY])
    assert activity.latest(NOW) == (NOW - DAY, "meeting")
    assert activity.latest(NOW - DAY - TICK) == (NOW - 2 * DAY, "call")
    assert Activity().latest(NOW) is None
