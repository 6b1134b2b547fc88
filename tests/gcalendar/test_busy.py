"""Who is busy when: as Google says it, from the mirror alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils.dateparse import parse_datetime
from rest_framework.test import APIClient

from gcalendar.archive import put_away
from gcalendar.models import ArchivedAppearance, CalendarEventArchive, MirroredCalendar
from gcalendar.spans import Span, merged, within
from pipedesk.sandbox.calendar.freebusy import busy_periods
from pipedesk.sandbox.server import SandboxServer
from tests.factories.gcalendar import AppearanceFactory
from tests.gcalendar.conftest import Mirror, at

URL = "/api/calendar/freebusy"
ANA, BIA = "ana@pipedesk.example", "bia@pipedesk.example"
SINCE, UNTIL = datetime(2026, 11, 25, tzinfo=UTC), datetime(2027, 1, 10, tzinfo=UTC)
Clients = Callable[..., APIClient]


def ask(client: APIClient, *emails: str, since: datetime = SINCE, until: datetime = UNTIL) -> Any:
    query = {"emails": ",".join(emails), "timeMin": since.isoformat(), "timeMax": until.isoformat()}
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def read(blocks: Any) -> list[Span]:
    spans = []
    for block in blocks:
        start, end = parse_datetime(block["start"]), parse_datetime(block["end"])
        assert start
        assert end
        spans.append((start.astimezone(UTC), end.astimezone(UTC)))
    return spans


def busy(client: APIClient, email: str = ANA, **window: datetime) -> list[Span]:
    """The blocks of one person."""
    diary = ask(client, email, **window)["calendars"][email]
    assert diary["errors"] == []
    return read(diary["busy"])


def googles(google: SandboxServer, email: str) -> list[Span]:
    """What Google answers to the same question, merged and cut as ours is."""
    calendar = google.google.calendars.stored(email)
    assert calendar
    with google.google.store.transaction():
        periods = busy_periods(google.google.events, calendar, SINCE, UNTIL)
    return within(merged(read(periods)), SINCE, UNTIL)


def test_blocks_are_merged_and_cut_to_the_range(mirror: Mirror, api: Clients) -> None:
    mirror.people.create_event("a", at(1, 9), at(1, 11))
    mirror.people.create_event("b", at(1, 10), at(1, 12))
    mirror.people.create_event("touches", at(1, 12), at(1, 13))
    mirror.people.create_event("apart", at(1, 15), at(1, 16))
    mirror.people.create_event("long", at(2, 0), at(9, 0))
    mirror.synced()

    found = busy(api("sales"), since=at(1, 0), until=at(3, 0))
    assert found == [(at(1, 9), at(1, 13)), (at(1, 15), at(1, 16)), (at(2, 0), at(3, 0))]


def test_it_says_as_of_when_and_nothing_but_times(mirror: Mirror, api: Clients) -> None:
    mirror.people.create_event("Secret", at(1), visibility="private", location="canary")
    calendar = mirror.synced()

    answer = api("sales").get(
        URL, {"emails": ANA.title(), "timeMin": SINCE.isoformat(), "timeMax": UNTIL.isoformat()}
    )

    (diary,) = answer.json()["calendars"].values()
    assert diary["busy"] == [{"start": "2026-12-01T13:00:00Z", "end": "2026-12-01T14:00:00Z"}]
    assert parse_datetime(diary["as_of"]) == calendar.as_of
    assert diary["time_zone"] == calendar.time_zone
    assert "Secret" not in answer.content.decode()
    assert "canary" not in answer.content.decode()


def test_what_takes_no_time_is_free(mirror: Mirror, api: Clients) -> None:
    mirror.people.create_event("free", at(1), transparency="transparent")
    mirror.people.create_event("moment", at(2), at(2))
    gone = mirror.people.create_event("cancelled", at(3))
    mirror.people.create_event(
        "declined", at(4), attendees=[{"email": ANA, "responseStatus": "declined"}]
    )
    mirror.people.create_event("tentative", at(5), status="tentative")
    mirror.synced()
    mirror.people.cancel_event(gone["id"])
    mirror.synced()

    assert busy(api("sales")) == [(at(5), at(5, 14))]


def test_an_answer_given_later_counts(mirror: Mirror, api: Clients) -> None:
    made = mirror.people.create_event(
        "Visit", at(4), attendees=[{"email": ANA, "responseStatus": "needsAction"}]
    )
    mirror.synced()
    assert busy(api("sales")) == [(at(4), at(4, 14))]
    mirror.people.change_event(made["id"], attendees=[{"email": ANA, "responseStatus": "declined"}])
    mirror.synced()
    assert busy(api("sales")) == []


def test_a_day_without_hours_is_a_day_of_the_persons_own_clock(
    mirror: Mirror, api: Clients
) -> None:
    mirror.people.create_event("Holiday", date(2026, 12, 28), date(2026, 12, 30))
    mirror.synced()
    client = api("sales")
    assert busy(client) == [(at(28, 3), at(30, 3))]

    # The words are Bia's, who lives elsewhere; the day is Ana's.
    MirroredCalendar.objects.update(time_zone="Pacific/Kiritimati")
    assert busy(client) == [(at(27, 10), at(29, 10))]
    MirroredCalendar.objects.update(time_zone="Pacific/Pago_Pago")
    assert busy(client, since=at(30, 10)) == [(at(30, 10), at(30, 11))]


def test_a_series_is_busy_at_its_times_and_where_one_was_moved(
    mirror: Mirror, google: SandboxServer, api: Clients
) -> None:
    made = mirror.people.create_event(
        "Daily", at(1), time_zone="America/New_York", recurrence=["RRULE:FREQ=DAILY;COUNT=5"]
    )
    mirror.people.move_event(f"{made['id']}_20261202T130000Z", at(2, 20), at(2, 21))
    mirror.people.cancel_event(f"{made['id']}_20261203T130000Z")
    mirror.synced()

    found = busy(api("sales"))
    assert found == [(at(d, h), at(d, h + 1)) for d, h in ((1, 13), (2, 20), (4, 13), (5, 13))]
    assert found == googles(google, ANA)


@pytest.fixture
def both(mirror: Mirror, google: SandboxServer) -> tuple[Mirror, Mirror]:
    """Ana's calendar and Bia's, both mirrored."""
    return mirror, Mirror(google, BIA)


def test_each_guests_own_calendar_says_whether_it_takes_time(
    both: tuple[Mirror, Mirror], google: SandboxServer, api: Clients
) -> None:
    ana, bia = both
    ana.people.create_event("Visit", at(1), iCalUID="u@x", id="a" * 20)
    copy = bia.people.create_event("Visit", at(1), iCalUID="u@x", id="b" * 20)
    ana.synced()
    bia.synced()
    client = api("sales")
    assert busy(client, BIA) == busy(client, ANA) == [(at(1), at(1, 14))]

    bia.people.change_event(copy["id"], transparency="transparent")
    bia.synced()
    assert busy(client, BIA) == [] == googles(google, BIA)
    assert busy(client, ANA) == [(at(1), at(1, 14))] == googles(google, ANA)


def test_a_day_somebody_cancels_for_himself_is_free_for_him_alone(
    both: tuple[Mirror, Mirror], google: SandboxServer, api: Clients
) -> None:
    rule = ["RRULE:FREQ=DAILY;COUNT=3"]
    for one, letter in zip(both, "ab", strict=True):
        one.people.create_event(
            "Daily", at(1), time_zone="UTC", recurrence=rule, iCalUID="s@x", id=letter * 20
        )
    both[1].people.cancel_event(f"{'b' * 20}_20261202T130000Z")
    for one in both:
        one.synced()
    client = api("sales")

    days = [(at(day), at(day, 14)) for day in (1, 2, 3)]
    assert busy(client, ANA) == days == googles(google, ANA)
    assert busy(client, BIA) == [days[0], days[2]] == googles(google, BIA)


def test_an_invitation_counts_before_the_own_calendar_shows_it_and_not_after_it_was_dropped(
    both: tuple[Mirror, Mirror], api: Clients
) -> None:
    ana, bia = both
    guests = [{"email": BIA}, {"email": "caio@customer.example"}]
    ana.people.create_event("Visit", at(1), iCalUID="u@x", id="a" * 20, attendees=guests)
    ana.people.create_event(
        "Declined", at(2), attendees=[{"email": BIA, "responseStatus": "declined"}]
    )
    ana.people.create_event("Free", at(3), attendees=guests, transparency="transparent")
    bia.synced()
    ana.synced()
    client = api("sales")
    assert busy(client, BIA) == [(at(1), at(1, 14))]

    bia.people.create_event("Visit", at(1), iCalUID="u@x", id="b" * 20, attendees=guests)
    bia.synced()
    assert busy(client, BIA) == [(at(1), at(1, 14))]
    bia.people.cancel_event("b" * 20)
    bia.synced()
    assert busy(client, BIA) == []


def test_a_calendar_that_shows_times_only_counts(mirror: Mirror, api: Clients) -> None:
    MirroredCalendar.objects.update(visibility="busy")
    mirror.people.create_event("Visit", at(1))
    mirror.people.create_event("free", at(2), transparency="transparent")
    mirror.synced()
    assert busy(api("sales")) == [(at(1), at(1, 14))]


def test_what_is_archived_was_busy_all_the_same(mirror: Mirror, api: Clients) -> None:
    day = datetime(2026, 3, 2, 13, tzinfo=UTC)
    mirror.people.create_event("Old", day)
    mirror.people.create_event("Old and free", day + timedelta(1), transparency="transparent")
    mirror.synced()
    assert list(put_away(timedelta(days=100))) == [2]
    assert CalendarEventArchive.objects.count() == 2

    window = {"since": day - timedelta(days=3), "until": day + timedelta(days=3)}
    assert busy(api("sales"), **window) == [(day, day + timedelta(hours=1))]


def test_whom_nobody_mirrors_is_not_found_and_who_was_not_read_yet_is_not_free(
    mirror: Mirror, google: SandboxServer, api: Clients
) -> None:
    mirror.people.create_event("Visit", at(1), attendees=[{"email": "caio@customer.example"}])
    mirror.synced()
    Mirror(google, BIA)
    MirroredCalendar.objects.create(calendar_id="off@x.example", state="disabled")

    found = ask(api("sales"), "caio@customer.example", BIA, "off@x.example", ANA)["calendars"]

    def nothing(reason: str) -> Any:
        errors = [{"domain": "global", "reason": reason}]
        return {"as_of": None, "time_zone": None, "busy": [], "errors": errors}

    assert found["caio@customer.example"] == found["off@x.example"] == nothing("notFound")
    assert found[BIA] == nothing("notSynced")
    assert len(found[ANA]["busy"]) == 1
    assert list(found) == ["caio@customer.example", BIA, "off@x.example", ANA]


def test_a_calendar_read_as_somebody_is_not_theirs(
    mirror: Mirror, google: SandboxServer, api: Clients
) -> None:
    team = mirror.people.create_calendar("Team")
    mirror.people.create_event("Party", at(1), calendar_id=team)
    mirror.synced()
    Mirror(google, ANA, team).synced()

    assert busy(api("sales"), ANA) == []
    assert busy(api("sales"), team) == [(at(1), at(1, 14))]


def test_of_two_mirrors_of_a_calendar_the_fresher_one_speaks(
    mirror: Mirror, google: SandboxServer, api: Clients
) -> None:
    made = mirror.people.create_event("Visit", at(1))
    other = Mirror(google, ANA, ANA)
    other.synced()
    mirror.synced()
    mirror.people.cancel_event(made["id"])
    fresh = mirror.synced()

    diary = ask(api("sales"), ANA)["calendars"][ANA]
    assert diary["busy"] == []
    assert parse_datetime(diary["as_of"]) == fresh.as_of


GOOD = {"emails": ANA, "timeMin": SINCE.isoformat(), "timeMax": UNTIL.isoformat()}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"emails": ""}, "emails"),
        ({"emails": "ana"}, "emails"),
        ({"emails": "ana@x@y"}, "emails"),
        ({"emails": "a b@x.example"}, "emails"),
        ({"emails": f"{'a' * 300}@x.example"}, "emails"),
        ({"emails": ",".join(f"a{n}@x.example" for n in range(51))}, "emails"),
        ({"timeMin": ""}, "timeMin"),
        ({"timeMax": ""}, "timeMax"),
        ({"timeMax": SINCE.isoformat()}, "timeMax"),
        ({"timeMax": (SINCE + timedelta(days=62, seconds=1)).isoformat()}, "timeMax"),
        ({"timeMin": "2020-01-01T00:00:00Z", "timeMax": "2020-01-02T00:00:00Z"}, "timeMin"),
        ({"timeMin": "2030-01-01T00:00:00Z", "timeMax": "2030-01-02T00:00:00Z"}, "timeMin"),
        ({"timeMin": "2026-11-25"}, "timeMin"),
        ({"calendarId": "primary"}, "calendarId"),
    ],
)
@pytest.mark.usefixtures("clock")
def test_a_faulty_question_is_named(api: Clients, query: dict[str, str], named: str) -> None:
    answer = api("sales").get(URL, {**GOOD, **query})
    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == named


@pytest.mark.usefixtures("clock")
def test_snake_case_says_the_same_and_fifty_may_be_asked_for(api: Clients) -> None:
    emails = ",".join(f"A{n}@X.example" for n in range(50))
    query = {"emails": emails, "time_min": GOOD["timeMin"], "time_max": GOOD["timeMax"]}
    answer = api("sales").get(URL, query)
    assert answer.status_code == 200
    assert list(answer.json()["calendars"]) == emails.lower().split(",")


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403), ("sales", 200)])
@pytest.mark.usefixtures("clock")
def test_who_may_ask(api: Clients, role: str | None, status: int) -> None:
    assert api(role).get(URL, GOOD).status_code == status


ZONES = ("America/Sao_Paulo", "America/New_York", "Asia/Kathmandu", "UTC")
RULES = ("FREQ=DAILY;COUNT=6", "FREQ=WEEKLY;COUNT=4", "FREQ=DAILY;INTERVAL=3")


def live_a_little(mirror: Mirror, chance: Random) -> None:
    """Somebody adds, changes, moves and cancels meetings, single ones and days of series."""
    start = datetime(2026, 12, chance.randint(1, 20), chance.randint(0, 23), tzinfo=UTC)
    fields: dict[str, Any] = {"transparency": chance.choice(["opaque", "opaque", "transparent"])}
    if chance.random() < 0.4:
        fields["recurrence"] = [f"RRULE:{chance.choice(RULES)}"]
    if chance.random() < 0.3:
        mirror.people.create_event("day", start.date(), **fields)
    else:
        end = start + timedelta(minutes=chance.choice([0, 30, 60, 3000]))
        mirror.people.create_event("time", start, end, time_zone=chance.choice(ZONES), **fields)
    event = chance.choice([e for e in mirror.people.events() if e["status"] != "cancelled"])
    if "recurrence" in event and "dateTime" in event["start"] and chance.random() < 0.7:
        calendar = mirror.google.google.calendars.get(mirror.people.user, "primary")
        days = mirror.google.google.events.instances(calendar, event)
        event = chance.choice([day for day in days[:6] if day["status"] != "cancelled"] or [event])
    match chance.choice(["cancel", "move", "free", "busy", "keep"]):
        case "cancel":
            mirror.people.cancel_event(event["id"])
        # Days that were moved out of a series that moves are nobody's: Google has its own rules.
        case "move" if "dateTime" in event["start"] and "recurrence" not in event:
            later = datetime.fromisoformat(event["start"]["dateTime"]) + timedelta(hours=5)
            mirror.people.move_event(event["id"], later, later + timedelta(hours=2))
        case "free":
            mirror.people.change_event(event["id"], transparency="transparent")
        case "busy":
            mirror.people.change_event(event["id"], transparency="opaque")


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_it_is_what_google_answers(
    mirror: Mirror, google: SandboxServer, api: Clients, seed: int
) -> None:
    chance, client = Random(seed), api("sales")
    for _round in range(4):
        for _step in range(5):
            live_a_little(mirror, chance)
        mirror.synced()
        assert busy(client) == googles(google, ANA)


@pytest.mark.django_db
def test_what_was_mirrored_before_copies_were_told_apart_is_free_where_the_meeting_is() -> None:
    migration = import_module("gcalendar.migrations.0008_free_in_one_calendar")
    free = AppearanceFactory(event__transparent=True)
    taken = AppearanceFactory()
    archived = ArchivedAppearance.objects.create(
        event=CalendarEventArchive.objects.create(id=7, google_event_id="old", transparent=True),
        mirrored_calendar=taken.mirrored_calendar,
        google_event_id="old",
    )

    migration.forwards(apps, SimpleNamespace(connection=connection))

    for row, expected in ((free, True), (taken, False), (archived, True)):
        row.refresh_from_db()
        assert row.transparent is expected
