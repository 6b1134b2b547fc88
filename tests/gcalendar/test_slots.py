"""Suggested slots: never on busy time, never out of hours, and none is missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from gcalendar.models import MirroredCalendar
from gcalendar.slots import free_for_all, suggested
from gcalendar.spans import Span, common, merged, without
from gcalendar.working_hours import DAYS, WorkingHours
from pipedesk.sandbox.server import SandboxServer
from tests.factories.gcalendar import CalendarFactory
from tests.gcalendar.conftest import Mirror, at
from tests.gcalendar.test_busy import ANA, BIA
from tests.gcalendar.test_views import meeting

URL = "/api/calendar/slots"
MINUTE = timedelta(minutes=1)
Clients = Callable[..., APIClient]
# Clocks that change by an hour, by half of one, at midnight, and odd ones.
ZONES = [
    "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo",
    "America/Sao_Paulo", "America/Santiago", "Pacific/Apia", "UTC",
]  # fmt: skip
# Days around changes of some of these clocks in 2026, and an ordinary one.
STARTS = [
    datetime(2026, *day, tzinfo=UTC)
    for day in ((3, 7), (10, 31), (3, 28), (10, 24), (4, 3), (10, 2), (4, 23), (10, 29), (6, 10))
]
starts = st.builds(
    lambda day, minutes, seconds: day + timedelta(minutes=minutes, seconds=seconds),
    st.sampled_from(STARTS), st.integers(0, 1440), st.sampled_from([0, 0, 1, 59]),
)  # fmt: skip
lengths = st.integers(1, 3 * 1440)
hours = st.tuples(
    st.integers(0, 1439), st.integers(1, 1440), st.frozensets(st.sampled_from(DAYS), min_size=1)
).map(lambda t: WorkingHours(min(t[0], t[1] - 1), max(t[0] + 1, t[1]), t[2]))
blocks = st.lists(st.tuples(st.integers(-300, 3 * 1440), st.integers(0, 600)), max_size=8)


def works(zone: ZoneInfo, at: datetime, hours: WorkingHours) -> bool:
    """What the clock on the wall says."""
    wall = at.astimezone(zone)
    minute = wall.hour * 60 + wall.minute
    return DAYS[wall.weekday()] in hours.days and hours.opens <= minute < hours.closes


@settings(max_examples=150, deadline=None)
@given(
    since=starts,
    minutes=lengths,
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3),
    hours=hours,
    people=st.lists(blocks, max_size=3),
    length=st.sampled_from([5, 15, 30, 45, 60, 90, 480]),
    step=st.sampled_from([15, 30]),
)
def test_slots_are_those_a_search_minute_by_minute_finds(
    since: datetime,
    minutes: int,
    zones: list[str],
    hours: WorkingHours,
    people: list[list[tuple[int, int]]],
    length: int,
    step: int,
) -> None:
    until = since + minutes * MINUTE
    clocks = [ZoneInfo(name) for name in zones]
    busy = [
        merged((since + a * MINUTE, since + (a + b) * MINUTE) for a, b in some) for some in people
    ]
    free = free_for_all(since, until, busy, clocks, hours)
    found = suggested(free, length * MINUTE, step * MINUTE, 100_000)

    def good(minute: datetime) -> bool:
        inside = since <= minute and minute + MINUTE <= until
        taken = any(a < minute + MINUTE and b > minute for some in busy for a, b in some)
        return inside and not taken and all(works(zone, minute, hours) for zone in clocks)

    first = since.replace(minute=0, second=0) - timedelta(hours=1)
    goods = [good(first + number * MINUTE) for number in range(minutes + 240)]
    expected = [
        first + number * MINUTE
        for number in range(0, minutes + 120, step)
        if all(goods[number : number + length]) and len(goods[number : number + length]) == length
    ]
    assert [start for start, _end in found] == expected
    assert all(end - start == length * MINUTE for start, end in found)


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8).map(
    lambda pairs: merged((at(1) + a * MINUTE, at(1) + b * MINUTE) for a, b in pairs)
)


def minutes_of(some: list[Span]) -> set[int]:
    return {n for n in range(61) if any(a <= at(1) + n * MINUTE < b for a, b in some)}


@given(spans, spans)
def test_lists_of_spans_are_sets_of_moments(some: list[Span], others: list[Span]) -> None:
    assert minutes_of(common(some, others)) == minutes_of(some) & minutes_of(others)
    assert minutes_of(without(some, others)) == minutes_of(some) - minutes_of(others)
    for found in (common(some, others), without(some, others)):
        assert found == merged(found)


@pytest.mark.parametrize(
    ("since", "span"),
    [
        # The Sunday on which New York has one o'clock twice, and the one without two o'clock.
        ((11, 1), (datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2026, 11, 1, 8, tzinfo=UTC))),
        ((3, 8), (datetime(2026, 3, 8, 6, tzinfo=UTC), datetime(2026, 3, 8, 7, tzinfo=UTC))),
    ],
)
def test_hours_follow_the_wall_when_the_clock_changes(since: Any, span: Span) -> None:
    start = datetime(2026, *since, tzinfo=UTC)
    found = WorkingHours(60, 180, frozenset(DAYS)).spans(
        ZoneInfo("America/New_York"), start, start + timedelta(days=1)
    )
    assert found == [span]


# --- The API -------------------------------------------------------------------------------
WINDOW = {"timeMin": at(1, 0).isoformat(), "timeMax": at(2, 0).isoformat()}


def starts_of(client: APIClient, *emails: str, **query: Any) -> list[str]:
    """When the suggested slots of an hour begin, as hours and minutes in UTC."""
    asked = {"emails": ",".join(emails), "duration": 60, "limit": 200, **WINDOW, **query}
    answer = client.get(URL, asked)
    assert answer.status_code == 200, answer.json()
    return [slot["start"][11:16] for slot in answer.json()["slots"]]


@pytest.fixture
def both(mirror: Mirror, google: SandboxServer) -> tuple[Mirror, Mirror]:
    """Ana, in São Paulo, and Bia, in London for once; both are busy for a while."""
    bia = Mirror(google, BIA)
    mirror.people.create_event("lunch", at(1, 15), at(1, 16))
    bia.people.create_event("call", at(1, 13), at(1, 13) + timedelta(minutes=10))
    bia.people.create_event("free", at(1, 12), at(1, 17), transparency="transparent")
    for one in (mirror, bia):
        one.synced()
    MirroredCalendar.objects.filter(pk=bia.calendar.pk).update(time_zone="Europe/London")
    return mirror, bia


@pytest.mark.usefixtures("both")
def test_slots_lie_in_everybodys_hours_where_nobody_is_busy(api: Clients) -> None:
    client = api("sales")
    # Ana works from 12 to 21 in UTC, Bia from 9 to 18.
    assert starts_of(client, ANA, BIA) == [
        "12:00", "13:15", "13:30", "13:45", "14:00", "16:00", "16:15", "16:30", "16:45", "17:00",
    ]  # fmt: skip
    assert starts_of(client, ANA, BIA, step=30) == [
        "12:00", "13:30", "14:00", "16:00", "16:30", "17:00",
    ]  # fmt: skip
    assert starts_of(client, ANA, BIA, duration=180) == []
    assert starts_of(client, ANA, BIA, limit=2) == ["12:00", "13:15"]
    assert starts_of(client, BIA, step=30)[:2] == ["09:00", "09:30"]


@pytest.mark.usefixtures("both")
def test_hours_days_and_the_clock_may_be_said(api: Clients) -> None:
    client = api("sales")
    said = {"time_zone": "UTC", "working_hours": "16:00-17:30", "step": 30}
    assert starts_of(client, ANA, BIA, **said) == ["16:00", "16:30"]
    camel = {"timeZone": "Asia/Kathmandu", "workingHours": "22:00-24:00", "step": 30}
    assert starts_of(client, ANA, BIA, **camel) == ["16:30", "17:00"]
    # The first of December is a Tuesday.
    assert starts_of(client, ANA, working_days="mo,we,sa") == []
    assert starts_of(client, ANA, workingDays="tu", limit=1) == ["12:00"]


@pytest.mark.usefixtures("both")
def test_what_is_past_is_not_suggested(api: Clients, clock: Any) -> None:
    clock.move_to(at(1, 16) + timedelta(minutes=1))
    assert starts_of(api("sales"), ANA, BIA) == ["16:15", "16:30", "16:45", "17:00"]
    clock.move_to(at(2, 16))
    assert starts_of(api("sales"), ANA, BIA) == []


@pytest.mark.usefixtures("both")
def test_nothing_is_suggested_for_somebody_nobody_mirrors(api: Clients, google: Any) -> None:
    CalendarFactory(calendar_id="new@x.example")
    query = {**WINDOW, "duration": 30, "emails": f"{ANA},new@x.example,caio@x.example"}
    answer = api("sales").get(URL, query)
    assert answer.status_code == 400
    (detail,) = answer.json()["details"]
    assert detail["field"] == "emails"
    assert "new@x.example, caio@x.example" in answer.content.decode()


@pytest.mark.usefixtures("both")
def test_it_tells_the_age_of_the_oldest_mirror(api: Clients) -> None:
    old = at(1) - timedelta(days=40)
    MirroredCalendar.objects.filter(subject=BIA).update(as_of=old)
    query = {**WINDOW, "duration": 30, "emails": f"{ANA},{BIA}"}
    assert api("sales").get(URL, query).json()["as_of"] == "2026-10-22T13:00:00Z"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"duration": ""}, "duration"),
        ({"duration": "4"}, "duration"),
        ({"duration": "1441"}, "duration"),
        ({"step": "7"}, "step"),
        ({"limit": "0"}, "limit"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"working_hours": "9-18"}, "working_hours"),
        ({"working_hours": "18:00-09:00"}, "working_hours"),
        ({"working_hours": "09:00-24:01"}, "working_hours"),
        ({"workingHours": "٠٩:٠٠-١٨:٠٠"}, "workingHours"),
        ({"working_days": "monday"}, "working_days"),
        ({"timeMax": at(1, 0).isoformat()}, "timeMax"),
        ({"emails": "ana"}, "emails"),
    ],
)
@pytest.mark.usefixtures("both")
def test_a_faulty_question_is_named(api: Clients, query: dict[str, str], named: str) -> None:
    asked = {"emails": ANA, "duration": 30, **WINDOW, **query}
    answer = api("sales").get(URL, asked)
    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == named


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403), ("sales", 200)])
@pytest.mark.usefixtures("both")
def test_who_may_ask(api: Clients, role: str | None, status: int) -> None:
    asked = {"emails": ANA, "duration": 30, **WINDOW}
    assert api(role).get(URL, asked).status_code == status


@pytest.mark.django_db
def test_many_people_and_meetings_take_the_same_statements(
    api: Clients, django_assert_num_queries: Any
) -> None:
    client, now = api("sales"), timezone.now()
    addresses = [f"p{number}@pipedesk.example" for number in range(30)]
    for address in addresses:
        CalendarFactory(calendar_id=address, google_id=address, as_of=now)
        meeting(start_time=now + timedelta(days=1), attendees=[{"email": address}])
    window = {"timeMin": now + timedelta(hours=1), "timeMax": now + timedelta(days=20)}
    query = {name: moment.isoformat() for name, moment in window.items()}
    client.get("/api/me")

    # The caller with the role; the calendars, where to begin, what they show,
    # who is invited.
    with django_assert_num_queries(5):
        answer = client.get("/api/calendar/freebusy", {"emails": ",".join(addresses), **query})
    diaries = answer.json()["calendars"].values()
    assert [len(diary["busy"]) for diary in diaries] == [1] * 30
    with django_assert_num_queries(5):
        client.get(URL, {"emails": addresses[0], "duration": 30, **query})
    # And the archive.
    with django_assert_num_queries(8):
        query["timeMin"] = (now - timedelta(days=20)).isoformat()
        client.get("/api/calendar/freebusy", {"emails": addresses[0], **query})
