"""What Google refuses, and answers that are none: waited for, tried again or told to people."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from time import monotonic
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import OrmQ

from gcalendar.models import EventAppearance, MirroredCalendar
from gcalendar.sync import forget_cursor
from gcalendar.tasks import poll_calendars, sync_calendar
from pipedesk.core.tasks import sweep
from tests.gcalendar.conftest import Mirror, fill, shown
from webhooks.status import status

LIST = r"calendar\.events\.list"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of Google is not repeated on the spot: what is left is the job's own back-off."""
    monkeypatch.setattr("pipedesk.google.service.PATIENCE_S", 0)


def refuse(mirror: Mirror, code: int, reason: str = "", **fault: Any) -> None:
    """Let Google answer each list call so."""
    planned = {"kind": "status", "status": code, "reason": reason, "times": 99, **fault}
    mirror.google.google.faults.plan({"method": LIST, **planned})


def wait_s() -> float:
    """Seconds until the next attempt, by the clock that decides: the database's."""
    [(next_attempt_at, now)] = MirroredCalendar.objects.values_list("next_attempt_at", Now())
    return float((next_attempt_at - now).total_seconds())


def as_time_passes(mirror: Mirror) -> None:
    """Whatever looks for work does so, a minute before the hour is over, and workers work."""
    MirroredCalendar.objects.update(next_poll_at=F("next_poll_at") - timedelta(minutes=40))
    poll_calendars()
    sweep(0)
    for _message in range(OrmQ.objects.count()):
        sync_calendar(mirror.calendar.pk)


@pytest.mark.parametrize(
    ("code", "reason", "word"),
    [(403, "forbidden", "share"), (404, "notFound", "calendar"), (401, "authError", "credential")],
)
def test_f16_f18_f19_a_refusal_is_told_with_its_remedy_and_keeps_the_data(
    mirror: Mirror, caplog: pytest.LogCaptureFixture, code: int, reason: str, word: str
) -> None:
    fill(mirror, 2)
    token = mirror.synced() and mirror.token
    refuse(mirror, code, reason)
    OrmQ.objects.all().delete()

    mirror.sync()
    asked = mirror.lists()
    assert mirror.calendar.state == "error"
    assert word in mirror.calendar.remedy
    assert mirror.calendar.applied == mirror.calendar.requested
    assert mirror.calendar.dead_at is None
    assert (shown(), mirror.token) == (["m0", "m1"], token)
    as_time_passes(mirror)
    assert mirror.lists() == asked  # no storm

    # Who is to mend it is told: in the log of errors, and on the page of the whole.
    [alarm] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert alarm.getMessage().startswith(f"calendar {mirror.calendar.pk}: Google ")
    [told] = status(timezone.now())["calendars"]
    assert (told["state"], told["remedy"]) == ("error", mirror.calendar.remedy)
    assert str(token) not in caplog.text

    mirror.google.google.faults.clear()
    mirror.synced()
    assert mirror.calendar.remedy == ""


def test_d35_f13_a_rate_limit_is_obeyed_and_is_no_failed_attempt(mirror: Mirror) -> None:
    refuse(mirror, 429, "rateLimitExceeded", retry_after="70")

    calendar = mirror.sync()

    assert 68 < wait_s() <= 70 * 1.25
    assert calendar.attempts == 0
    assert mirror.lists() == 1


def test_f13_a_short_rate_limit_is_waited_for_and_holds_no_worker_for_long(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[float] = []
    count = mirror.google.google.requests.add

    def noted(method: str) -> None:
        count(method)
        if method == "calendar.events.list":
            called.append(monotonic())

    monkeypatch.setattr(mirror.google.google.requests, "add", noted)
    refuse(mirror, 429, "rateLimitExceeded", retry_after="7")
    started = monotonic()

    mirror.sync()
    left_s = wait_s()
    assert monotonic() - started < 20
    assert all(later - before >= 7 for before, later in pairwise(called))
    assert 6.5 < left_s <= 7 * 1.25
    asked = len(called)
    sync_calendar(mirror.calendar.pk)
    assert len(called) == asked


@pytest.mark.usefixtures("impatient")
def test_f20_five_bad_answers_in_a_row_wait_longer_each_and_the_sixth_is_the_mirror(
    mirror: Mirror,
) -> None:
    fill(mirror, 2)
    mirror.synced()
    fill(mirror, 1)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    for attempt, code in enumerate((500, 502, 503, 504, 500), start=1):
        refuse(mirror, code, "backendError", times=1)
        sync_calendar(mirror.calendar.pk)
        left_s = wait_s()
        sync_calendar(mirror.calendar.pk)  # a wake-up too early
        mirror.calendar.refresh_from_db()
        assert (mirror.calendar.attempts, mirror.calendar.dead_at) == (attempt, None)
        assert str(code) in mirror.calendar.last_error
        step_s = 60 * 2 ** (attempt - 1)
        assert 0.75 * step_s - 1 < left_s <= 1.25 * step_s
        assert shown() == ["m0", "m1"]
        MirroredCalendar.objects.update(next_attempt_at=None)

    sync_calendar(mirror.calendar.pk)

    mirror.calendar.refresh_from_db()
    assert mirror.calendar.applied == mirror.calendar.requested
    assert (mirror.calendar.attempts, mirror.calendar.last_error) == (0, "")
    assert sorted(map(str, shown())) == ["m0", "m0", "m1"]
    assert EventAppearance.objects.count() == len(mirror.people.events())


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["truncated", "malformed", "reset_before"])
def test_f21_f22_f23_a_broken_answer_is_no_empty_calendar(mirror: Mirror, kind: str) -> None:
    fill(mirror, 2)
    mirror.synced()
    forget_cursor(mirror.calendar)
    mirror.google.google.faults.plan({"method": LIST, "kind": kind, "times": 9})

    mirror.sync()
    assert mirror.calendar.last_error != ""
    assert mirror.calendar.next_attempt_at is not None
    assert shown() == ["m0", "m1"]

    mirror.google.google.faults.clear()
    mirror.synced()
