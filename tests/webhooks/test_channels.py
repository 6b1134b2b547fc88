"""Opening, renewing and stopping channels, at the sandbox and over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from gcalendar.models import CalendarEvent, CalendarSyncState, MirroredCalendar
from gcalendar.registry import register, remove
from gcalendar.tasks import poll_calendars
from gdrive.feed import followed
from gdrive.models import DriveSyncState, DriveWebhookChannel
from pipedesk.core.exceptions import Conflict
from pipedesk.google.channels import ChannelState
from pipedesk.google.errors import GoogleError, InvalidRequest, NotFound, TemporaryError
from pipedesk.sandbox.server import SandboxServer
from tests.factories.webhooks import CalendarChannelFactory, DriveChannelFactory
from tests.processes import wait_for
from webhooks import channels, tasks
from webhooks.channels import due, ensure, stop, strays, tidy
from webhooks.kinds import CALENDAR, DRIVE, Kind
from webhooks.models import ChannelStop, Receipt

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = "http://127.0.0.1:9"
START = datetime(2027, 1, 12, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def push_on(settings: Settings) -> None:
    settings.WEBHOOK_BASE_URL = NOWHERE


@pytest.fixture
def calendar() -> MirroredCalendar:
    return MirroredCalendar.objects.create(calendar_id="primary", subject="ana@pipedesk.example")


@pytest.fixture
def drive() -> DriveSyncState:
    return DriveSyncState.objects.create(drive_id="")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time that can be moved."""
    with time_machine.travel(datetime.now(UTC)) as traveller:
        yield traveller


@pytest.fixture(params=["calendar", "drive"])
def watched(request: pytest.FixtureRequest) -> tuple[Kind, Any]:
    kind = CALENDAR if request.param == "calendar" else DRIVE
    return kind, request.getfixturevalue(request.param)


def at_google(google: SandboxServer, channel_id: str) -> dict[str, Any]:
    row = google.google.channels.get(channel_id)
    assert row is not None
    return row


def run_stops() -> None:
    for pk in ChannelStop.objects.values_list("pk", flat=True):
        tasks.stop_channel(pk)


def test_a_channel_is_open_here_and_at_google(
    google: SandboxServer, watched: tuple[Kind, Any]
) -> None:
    kind, target = watched
    channel, is_new = ensure(kind, target.pk)

    assert is_new
    stored = kind.channels.objects.get(pk=channel.pk)
    row = at_google(google, stored.channel_id)
    assert stored.state == ChannelState.OPEN
    assert stored.active
    assert stored.resource_id == row["resource_id"]
    assert int(kind.expiry(stored).timestamp() * 1000) == row["expiration"]
    assert row["address"] == NOWHERE + kind.path


def test_only_the_tokens_hash_is_here(google: SandboxServer, watched: tuple[Kind, Any]) -> None:
    kind, target = watched
    channel, _ = ensure(kind, target.pk)

    token = at_google(google, channel.channel_id)["token"]
    stored = kind.channels.objects.values().get(pk=channel.pk)
    assert len(token) >= 43  # 256 bits in base64
    assert stored["token_hash"] == channels.token_digest(token)
    assert token not in str(stored)
    other, _ = ensure(kind, target.pk, renew=True)
    assert at_google(google, other.channel_id)["token"] != token


def test_a_live_channel_is_given_back(google: SandboxServer, watched: tuple[Kind, Any]) -> None:
    kind, target = watched
    first, _ = ensure(kind, target.pk)
    again, is_new = ensure(kind, target.pk)

    assert again.pk == first.pk
    assert not is_new
    assert not due(kind).filter(pk=target.pk).exists()


def test_d36_a_channel_a_day_before_its_end_is_replaced_and_stopped_afterwards(
    google: SandboxServer, watched: tuple[Kind, Any]
) -> None:
    kind, target = watched
    old, _ = ensure(kind, target.pk)
    ends = timezone.now() + timedelta(hours=23)
    kind.channels.objects.filter(pk=old.pk).update(renew_at=None, **{kind.expiry_field: ends})

    tasks.renew_channels()
    assert (kind.number, target.pk) in [message.task["args"] for message in OrmQ.objects.all()]
    tasks.renew_channel(kind.number, target.pk)

    new = kind.channels_of(target.pk).get(active=True)
    old.refresh_from_db()
    assert new.channel_id != old.channel_id
    assert (old.active, old.state) == (False, ChannelState.STOPPED)
    assert at_google(google, old.channel_id)["live"]
    run_stops()
    assert not at_google(google, old.channel_id)["live"]
    assert at_google(google, new.channel_id)["live"]
    assert not ChannelStop.objects.exists()


def test_d36_the_renewal_job_is_scheduled(settings: Settings) -> None:
    assert ("webhooks.tasks.renew_channels", 5) in settings.SCHEDULES.values()


def test_the_cursor_moves_to_the_new_channel(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    polled = CalendarSyncState.objects.create(
        mirrored_calendar=calendar, sync_token="cursor", query_fingerprint="print"
    )
    first, _ = ensure(CALENDAR, calendar.pk)
    second, _ = ensure(CALENDAR, calendar.pk, renew=True)

    assert not CalendarSyncState.objects.filter(pk=polled.pk).exists()
    assert first.sync_token == "cursor"
    active = CalendarSyncState.objects.active().get(mirrored_calendar=calendar)
    assert active.pk == second.pk
    assert (active.sync_token, active.query_fingerprint) == ("cursor", "print")


def test_d37_no_channel_id_is_used_twice(google: SandboxServer, watched: tuple[Kind, Any]) -> None:
    kind, target = watched
    ids = [ensure(kind, target.pk, renew=True)[0].channel_id for _ in range(4)]

    assert len(set(ids)) == 4
    assert kind.channels_of(target.pk).filter(active=True).count() == 1


def test_d38_one_watch_that_fails_hinders_no_other(google: SandboxServer) -> None:
    calendars = [
        MirroredCalendar.objects.create(calendar_id=calendar_id, subject="ana@pipedesk.example")
        for calendar_id in ("primary", "missing@group.calendar.google.com")
    ]
    followed()
    OrmQ.objects.all().delete()
    tasks.renew_channels()
    assert OrmQ.objects.count() == 3  # the followed drive, too
    for row in calendars[::-1]:
        tasks.renew_channel(CALENDAR.number, row.pk)

    assert CalendarSyncState.objects.get(state=ChannelState.OPEN).mirrored_calendar == calendars[0]
    failed = CalendarSyncState.objects.get(state=ChannelState.FAILED)
    assert failed.mirrored_calendar == calendars[1]
    assert "404" in failed.failure


@pytest.mark.parametrize(("status", "reason"), [(404, "notFound"), (403, "forbidden")])
def test_d39_a_refused_watch_is_closed_and_not_asked_for_every_minute(
    status: int, reason: str, google: SandboxServer, calendar: MirroredCalendar
) -> None:
    google.google.faults.plan({"method": "watch", "kind": "status", "status": status,
                               "reason": reason, "times": 9})  # fmt: skip
    with pytest.raises(GoogleError):
        ensure(CALENDAR, calendar.pk)

    failed = CalendarSyncState.objects.get()
    assert (failed.state, failed.active) == (ChannelState.FAILED, False)
    assert not due(CALENDAR).exists()
    CalendarSyncState.objects.update(renew_at=timezone.now() - timedelta(seconds=1))
    assert due(CALENDAR).exists()


def test_f19_a_calendar_that_is_gone_is_not_watched_until_it_is_back(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    old, _ = ensure(CALENDAR, calendar.pk)
    google.google.faults.plan({"method": "events.list", "kind": "status", "status": 404,
                               "reason": "notFound", "times": 99})  # fmt: skip
    MirroredCalendar.objects.request(calendar.pk)
    run_queue()
    calls = watch_calls(google)
    ends = timezone.now() - timedelta(seconds=1)
    CalendarSyncState.objects.filter(pk=old.pk).update(expiration=ends, renew_at=ends)

    for _round in range(3):
        tasks.renew_channels()
        run_queue()
    old.refresh_from_db()
    assert old.state == ChannelState.EXPIRED
    assert watch_calls(google) == calls

    google.google.faults.clear()
    MirroredCalendar.objects.request(calendar.pk)
    run_queue()
    tasks.renew_channels()
    run_queue()
    assert CalendarSyncState.objects.active().get().state == ChannelState.OPEN


def run_queue() -> None:
    """A worker does what waits for one."""
    while message := OrmQ.objects.order_by("pk").first():
        import_string(message.task["func"])(*message.task["args"])
        OrmQ.objects.filter(pk=message.pk).delete()


def watch_calls(google: SandboxServer) -> int:
    return int(google.google.requests.count("calendar.events.watch"))


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "reset_before"}])
def test_f42_a_watch_that_fails_leaves_the_old_channel_in_use(
    google: SandboxServer,
    watched: tuple[Kind, Any],
    fault: dict[str, Any],
) -> None:
    kind, target = watched
    old, _ = ensure(kind, target.pk)
    before = kind.channels.objects.values().get(pk=old.pk)
    google.google.faults.plan({"method": "watch", "times": 3, **fault})
    with pytest.raises(TemporaryError):
        ensure(kind, target.pk, renew=True)

    failed = kind.channels.objects.exclude(pk=old.pk).get()
    assert (failed.state, failed.active) == (ChannelState.FAILED, False)
    assert failed.failure != ""
    google.google.faults.clear()
    assert kind.channels.objects.values().get(pk=old.pk) == before
    assert at_google(google, old.channel_id)["live"]
    assert not ChannelStop.objects.exists()
    new, _ = ensure(kind, target.pk, renew=True)
    assert new.active


def test_d47_a_calendar_that_refuses_push_is_only_polled_and_says_why(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    google.google.faults.plan({"method": "watch", "kind": "status", "status": 400,
                               "reason": "pushNotSupportedForRequestedResource"})  # fmt: skip
    with pytest.raises(InvalidRequest):
        ensure(CALENDAR, calendar.pk)

    failed = CalendarSyncState.objects.get()
    assert "pushNotSupportedForRequestedResource" in failed.failure
    assert failed.renew_at > timezone.now() + timedelta(days=6)
    assert not due(CALENDAR).exists()


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_d48_the_asked_expiration_is_right_in_every_zone(
    zone: str, google: SandboxServer, calendar: MirroredCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        channel, _ = ensure(CALENDAR, calendar.pk)
        ends = at_google(google, channel.channel_id)["expiration"] / 1000
    finally:
        monkeypatch.undo()
        time.tzset()

    assert abs(ends - time.time() - 7 * 86_400) < 60


def test_d49_a_watch_that_names_no_end_is_taken_for_an_hour(
    google: SandboxServer, drive: DriveSyncState, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = DRIVE.watch

    def silent(target: DriveSyncState, channel: dict[str, str]) -> dict[str, Any]:
        answer = watch(target, channel)
        del answer["expiration"]
        return answer

    monkeypatch.setattr(DRIVE, "watch", silent)
    channel, _ = ensure(DRIVE, drive.pk)

    life = channel.expires_at - channel.opened_at
    assert life == timedelta(hours=1)
    assert life * 0.5 <= channel.renew_at - channel.opened_at <= life * 0.75


def test_renewals_are_spread_over_half_to_three_quarters_of_the_life(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    shares = set()
    for _ in range(5):
        channel, _new = ensure(CALENDAR, calendar.pk, renew=True)
        share = (channel.renew_at - channel.opened_at) / (channel.expiration - channel.opened_at)
        assert 0.5 <= share <= 0.75
        shares.add(round(share, 4))
    assert len(shares) > 1


def test_f43_what_a_process_that_died_before_the_answer_left_is_named_by_google_and_stopped(
    google: SandboxServer,
    receiver: LiveServer,
    calendar: MirroredCalendar,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(channels, "_activate", die)
        with pytest.raises(KeyboardInterrupt):
            ensure(CALENDAR, calendar.pk)
    lost = CalendarSyncState.objects.get()
    assert not due(CALENDAR).exists()
    row = at_google(google, lost.channel_id)
    wait_for(lambda: Receipt.objects.exists(), 10, "the sync message is here")
    lost.refresh_from_db()
    assert (lost.state, lost.resource_id) == (ChannelState.PENDING, row["resource_id"])

    CalendarSyncState.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    assert due(CALENDAR).exists()
    assert len(tidy(CALENDAR)) == 1
    run_stops()
    assert not at_google(google, lost.channel_id)["live"]
    lost.refresh_from_db()
    assert lost.state == ChannelState.STOPPED


def test_a_lost_answer_leads_to_another_id_and_a_stop_once_the_resource_is_known(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    google.google.faults.plan({"method": "watch", "kind": "reset_after_commit"})
    with pytest.raises(GoogleError):
        ensure(CALENDAR, calendar.pk)
    lost = CalendarSyncState.objects.get()
    assert lost.state == ChannelState.FAILED
    assert not strays(CALENDAR).exists()

    CalendarSyncState.objects.update(resource_id=at_google(google, lost.channel_id)["resource_id"])
    assert list(strays(CALENDAR)) == [lost]
    time.sleep(0.01)
    assert due(CALENDAR).exists()
    new, _ = ensure(CALENDAR, calendar.pk)
    assert new.channel_id != lost.channel_id


def test_two_at_once_open_one_channel(google: SandboxServer, calendar: MirroredCalendar) -> None:
    CalendarChannelFactory(mirrored_calendar=calendar, pending=True)

    with pytest.raises(Conflict):
        ensure(CALENDAR, calendar.pk)
    tasks.renew_channel(CALENDAR.number, calendar.pk)
    assert CalendarSyncState.objects.count() == 1


def test_without_an_address_google_can_reach_nothing_is_opened(
    settings: Settings, calendar: MirroredCalendar, drive: DriveSyncState
) -> None:
    settings.WEBHOOK_BASE_URL = ""
    tasks.renew_channels()
    tasks.renew_channel(CALENDAR.number, calendar.pk)
    with pytest.raises(Conflict):
        ensure(CALENDAR, calendar.pk)

    assert not OrmQ.objects.exists()
    assert not CalendarSyncState.objects.exists()


def test_f44_a_channel_that_expired_is_marked_and_opened_anew(
    google: SandboxServer, watched: tuple[Kind, Any]
) -> None:
    kind, target = watched
    old, _ = ensure(kind, target.pk)
    kind.channels.objects.update(**{kind.expiry_field: timezone.now() - timedelta(minutes=1)})
    tidy(kind)
    old.refresh_from_db()
    assert old.state == ChannelState.EXPIRED

    tasks.renew_channel(kind.number, target.pk)
    assert kind.channels_of(target.pk).get(active=True).state == ChannelState.OPEN
    assert not ChannelStop.objects.exists()


def test_f44_what_no_channel_told_is_found_by_the_poll_within_15_minutes(
    google: SandboxServer, calendar: MirroredCalendar, settings: Settings
) -> None:
    ensure(CALENDAR, calendar.pk)
    MirroredCalendar.objects.request(calendar.pk)
    run_queue()
    ended = timezone.now() - timedelta(minutes=1)
    CalendarSyncState.objects.update(expiration=ended, renew_at=ended)
    google.calendar.create_event("Visit", START, START + timedelta(hours=1))
    poll_calendars()
    assert not OrmQ.objects.exists()  # nobody tells, and it is not due

    with time_machine.travel(timezone.now() + timedelta(minutes=15), tick=True):
        poll_calendars()
    tasks.renew_channels()
    run_queue()

    assert CalendarEvent.objects.get().summary == "Visit"
    assert CalendarSyncState.objects.active().get().state == ChannelState.OPEN


def test_a_stopped_calendar_channel_leaves_its_cursor_to_a_row_without_channel(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    channel, _ = ensure(CALENDAR, calendar.pk)
    CalendarSyncState.objects.update(sync_token="cursor")
    stop(CALENDAR, channel)
    run_stops()

    active = CalendarSyncState.objects.active().get()
    assert (active.channel_id, active.sync_token) == (None, "cursor")
    assert not at_google(google, channel.channel_id)["live"]


def test_a_stop_google_does_not_take_is_tried_again(
    google: SandboxServer, drive: DriveSyncState
) -> None:
    channel, _ = ensure(DRIVE, drive.pk)
    row = stop(DRIVE, channel)
    assert row is not None
    google.google.faults.plan({"method": "stop", "kind": "status", "status": 503, "times": 9})
    tasks.stop_channel(row.pk)
    row.refresh_from_db()
    assert row.attempts == 1
    assert row.next_attempt_at is not None

    google.google.faults.clear()
    ChannelStop.objects.update(next_attempt_at=None)
    tasks.stop_channel(row.pk)
    assert not ChannelStop.objects.exists()
    assert not at_google(google, channel.channel_id)["live"]


def test_a_stop_of_what_is_gone_is_done(google: SandboxServer) -> None:
    row = stop(DRIVE, DriveChannelFactory())
    assert row is not None
    tasks.stop_channel(row.pk)

    assert not ChannelStop.objects.exists()


def test_a_calendar_on_the_registry_gets_its_channel_and_loses_it_when_taken_off(
    google: SandboxServer,
) -> None:
    calendar, _ = register("primary")
    tasks.renew_channel(CALENDAR.number, calendar.pk)
    channel = CalendarSyncState.objects.get(state=ChannelState.OPEN)
    assert OrmQ.objects.count() == 2  # the first sync, and the channel

    remove(calendar)
    assert not CalendarSyncState.objects.exists()
    run_stops()
    assert not at_google(google, channel.channel_id)["live"]


def test_a_calendar_taken_off_during_the_watch_call_leaves_no_channel(
    google: SandboxServer, calendar: MirroredCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = CALENDAR.watch
    opened: list[str] = []

    def slow(target: MirroredCalendar, channel: dict[str, str]) -> dict[str, Any]:
        answer = watch(target, channel)
        opened.append(channel["id"])
        remove(calendar)
        return answer

    monkeypatch.setattr(CALENDAR, "watch", slow)
    with pytest.raises(Conflict):
        ensure(CALENDAR, calendar.pk)
    run_stops()
    assert not at_google(google, opened[0])["live"]


def test_channels_of_a_disabled_calendar_are_strays(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    ensure(CALENDAR, calendar.pk)
    MirroredCalendar.objects.update(state=MirroredCalendar.State.DISABLED)

    assert strays(CALENDAR).count() == 1
    assert not due(CALENDAR).exists()


@pytest.fixture
def receiver(live_server: LiveServer, settings: Settings) -> LiveServer:
    """The product on a port, as Google sees it."""
    settings.WEBHOOK_BASE_URL = live_server.url
    return live_server


def test_d40_the_sync_message_may_come_before_the_answer(
    google: SandboxServer,
    receiver: LiveServer,
    watched: tuple[Kind, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, target = watched
    watch = kind.watch

    def slow(row: Any, channel: dict[str, str]) -> dict[str, Any]:
        answer = watch(row, channel)
        wait_for(lambda: Receipt.objects.exists(), 10, "the sync message is here")
        return answer

    monkeypatch.setattr(kind, "watch", slow)
    channel, _ = ensure(kind, target.pk)

    channel.refresh_from_db()
    assert Receipt.objects.get().resource_state == "sync"
    assert channel.last_message_number == 1
    assert channel.state == ChannelState.OPEN
    target.refresh_from_db()
    assert target.requested == 0


def test_a_change_in_google_leads_to_a_receipt_and_one_wake_up(
    google: SandboxServer, receiver: LiveServer, calendar: MirroredCalendar
) -> None:
    channel, _ = ensure(CALENDAR, calendar.pk)
    wait_for(lambda: Receipt.objects.count() == 1, 10, "the sync message is here")
    start = datetime(2027, 1, 12, 10, tzinfo=UTC)
    google.calendar.create_event("Visit", start, start + timedelta(hours=1))
    wait_for(lambda: Receipt.objects.count() == 2, 10, "the push is here")

    calendar.refresh_from_db()
    assert calendar.requested == 1
    assert OrmQ.objects.count() == 1
    assert Receipt.objects.first().channel_id == channel.channel_id


def test_f45_during_the_overlap_both_channels_are_heard_and_two_syncs_are_enough(
    google: SandboxServer, receiver: LiveServer, calendar: MirroredCalendar
) -> None:
    MirroredCalendar.objects.request(calendar.pk)
    run_queue()
    ensure(CALENDAR, calendar.pk)
    ensure(CALENDAR, calendar.pk, renew=True)
    wait_for(lambda: Receipt.objects.count() == 2, 10, "both say sync")
    google.calendar.create_event("Visit", START, START + timedelta(hours=1))
    wait_for(lambda: Receipt.objects.count() == 4, 10, "both push")

    calendar.refresh_from_db()
    assert calendar.requested == 1 + 2
    assert CalendarSyncState.objects.filter(active=True).count() == 1
    lists = google.google.requests.count("calendar.events.list")
    run_queue()  # the sync, and the stop of the old channel
    assert google.google.requests.count("calendar.events.list") - lists <= 2
    calendar.refresh_from_db()
    assert calendar.applied == calendar.requested
    assert [event.summary for event in CalendarEvent.objects.all()] == ["Visit"]


def test_f45_during_the_overlap_both_channels_of_a_drive_are_heard(
    google: SandboxServer, receiver: LiveServer, drive: DriveSyncState
) -> None:
    ensure(DRIVE, drive.pk)
    ensure(DRIVE, drive.pk, renew=True)
    wait_for(lambda: Receipt.objects.count() == 2, 10, "both say sync")
    google.drive.drop_file("root", "offer.pdf", b"x")
    wait_for(lambda: Receipt.objects.count() == 4, 10, "both push")

    drive.refresh_from_db()
    assert drive.requested == 2
    assert OrmQ.objects.filter(lock__isnull=False).count() == 2  # one sync, one stop
    assert DriveWebhookChannel.objects.filter(active=True).count() == 1
    lists = google.google.requests.count("drive.changes.list")
    run_queue()
    assert google.google.requests.count("drive.changes.list") - lists <= 2
    drive.refresh_from_db()
    assert drive.applied == drive.requested


def test_not_found_is_what_the_sandbox_says_of_a_missing_calendar(google: SandboxServer) -> None:
    missing = MirroredCalendar.objects.create(calendar_id="no@x.example", subject="ana@x.example")
    with pytest.raises(NotFound):
        ensure(CALENDAR, missing.pk)


def test_an_old_refusal_does_not_hold_the_renewal_of_a_channel_opened_since(
    google: SandboxServer, watched: tuple[Kind, Any]
) -> None:
    kind, target = watched
    google.google.faults.plan({"method": "watch", "kind": "status", "status": 403,
                               "reason": "forbidden"})  # fmt: skip
    with pytest.raises(GoogleError):
        ensure(kind, target.pk)
    channel, _ = ensure(kind, target.pk)  # somebody shared it, and asked again by hand
    assert not due(kind).filter(pk=target.pk).exists()
    kind.rows().filter(pk=channel.pk).update(renew_at=timezone.now() - timedelta(seconds=1))

    assert due(kind).filter(pk=target.pk).exists()


def test_what_is_taken_off_before_its_channel_is_asked_for_is_a_conflict(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    pk = calendar.pk
    remove(calendar)

    with pytest.raises(Conflict):
        ensure(CALENDAR, pk)
    tasks.renew_channel(CALENDAR.number, pk)


def test_a_channel_of_what_is_gone_is_nothing_to_stop(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    channel, _ = ensure(CALENDAR, calendar.pk)
    remove(calendar)

    assert stop(CALENDAR, channel) is None


def test_a_process_that_slept_through_its_watch_call_opens_nothing_that_was_stopped(
    google: SandboxServer, watched: tuple[Kind, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, target = watched
    watch = kind.watch

    def slow(row: Any, channel: dict[str, str]) -> dict[str, Any]:
        answer = watch(row, channel)
        kind.rows().update(created_at=timezone.now() - timedelta(minutes=6))
        tidy(kind)
        return answer

    monkeypatch.setattr(kind, "watch", slow)
    with pytest.raises(Conflict):
        ensure(kind, target.pk)
    run_stops()

    slept = kind.rows().get(channel_id__isnull=False)
    assert (slept.state, slept.active) == (ChannelState.STOPPED, False)
    assert not at_google(google, slept.channel_id)["live"]
    assert due(kind).filter(pk=target.pk).exists()


def hear(kind: Kind, channel: Any, after: timedelta) -> None:
    """A message that came so long after the channel was stopped, or ended."""
    channel.refresh_from_db()
    ended_at = channel.stop_asked_at or kind.expiry(channel) or channel.created_at
    kind.rows().filter(pk=channel.pk).update(
        last_message_at=ended_at + after, resource_id=channel.resource_id or "told-by-the-message"
    )


def test_f47_a_stopped_channel_that_google_still_feeds_is_stopped_again_once_an_hour(
    google: SandboxServer, watched: tuple[Kind, Any], clock: Any
) -> None:
    kind, target = watched
    channel, _ = ensure(kind, target.pk)
    stop(kind, channel)
    run_stops()
    assert not strays(kind).exists()

    hear(kind, channel, timedelta(minutes=5))
    clock.shift(timedelta(minutes=50))
    assert tidy(kind) == []
    clock.shift(timedelta(minutes=11))
    assert [row.channel_id for row in tidy(kind)] == [channel.channel_id]
    assert tidy(kind) == []
    run_stops()
    clock.shift(timedelta(hours=3))
    assert tidy(kind) == []  # it is silent now

    hear(kind, channel, timedelta(minutes=1))
    assert len(tidy(kind)) == 1


def test_f43_a_lost_channel_that_speaks_after_it_was_given_up_is_stopped(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    lost = CalendarChannelFactory(
        mirrored_calendar=calendar,
        pending=True,
        created_at=timezone.now() - timedelta(minutes=6),
    )
    assert tidy(CALENDAR) == []  # nobody knows its resource
    assert not strays(CALENDAR).exists()

    hear(CALENDAR, lost, timedelta(minutes=7))
    assert [row.channel_id for row in tidy(CALENDAR)] == [lost.channel_id]
    assert tidy(CALENDAR) == []


def test_an_expired_channel_that_is_still_fed_is_stopped(
    google: SandboxServer, calendar: MirroredCalendar
) -> None:
    ended = timezone.now() - timedelta(minutes=1)
    channel = CalendarChannelFactory(mirrored_calendar=calendar, expiration=ended)
    assert tidy(CALENDAR) == []

    hear(CALENDAR, channel, timedelta(seconds=30))
    assert [row.channel_id for row in tidy(CALENDAR)] == [channel.channel_id]


def test_many_renewals_at_once_open_one_channel_more(
    google: SandboxServer, watched: tuple[Kind, Any]
) -> None:
    kind, target = watched
    old, _ = ensure(kind, target.pk)
    gate = threading.Barrier(6)

    def renew() -> str:
        gate.wait()
        try:
            return str(ensure(kind, target.pk, renew=True)[0].channel_id)
        except Conflict:
            return ""
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        opened = {job.result() for job in [threads.submit(renew) for _ in range(6)]} - {""}
    run_stops()

    assert opened
    at_work = kind.channels_of(target.pk).get(active=True)
    assert at_work.channel_id in opened
    assert not kind.channels_of(target.pk).filter(state=ChannelState.PENDING).exists()
    live_ones = [one for one in (*opened, old.channel_id) if at_google(google, one)["live"]]
    assert live_ones == [at_work.channel_id]


DYING = ("_request", "_activate", "_replace", "stop_at_google")


@pytest.mark.parametrize("step", DYING)
def test_a_renewal_that_dies_anywhere_leaves_one_channel_in_use_and_no_stray(
    step: str,
    google: SandboxServer,
    receiver: LiveServer,
    watched: tuple[Kind, Any],
    monkeypatch: pytest.MonkeyPatch,
    clock: Any,
) -> None:
    kind, target = watched
    old, _ = ensure(kind, target.pk)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(channels, step, die)
    with pytest.raises(KeyboardInterrupt):
        ensure(kind, target.pk, renew=True)
    monkeypatch.undo()
    old.refresh_from_db()
    assert (old.active, old.state) == (True, ChannelState.OPEN)
    assert at_google(google, old.channel_id)["live"]
    google.google.pusher.wait_until_idle()  # the handshake told the resource

    clock.shift(timedelta(minutes=6))
    tidy(kind)
    run_stops()
    new, _ = ensure(kind, target.pk, renew=True)
    run_stops()

    rows = kind.channels_of(target.pk)
    assert rows.get(active=True).pk == new.pk
    stored = [google.google.channels.get(row.channel_id) for row in rows]
    assert [row["id"] for row in stored if row and row["live"]] == [new.channel_id]


def test_without_a_key_the_row_says_so_and_google_is_not_asked_for_all_the_time(
    watched: tuple[Kind, Any], settings: Settings
) -> None:
    kind, target = watched
    settings.GOOGLE_API_ROOT_URL = "https://www.googleapis.com/"
    settings.GOOGLE_SERVICE_ACCOUNT_JSON = ""

    tasks.renew_channel(kind.number, target.pk)

    failed = kind.rows().get()
    assert failed.state == ChannelState.FAILED
    assert "GOOGLE_SERVICE_ACCOUNT_JSON is not set" in failed.failure
    assert not due(kind).filter(pk=target.pk).exists()
    assert failed.renew_at < timezone.now() + timedelta(hours=2)
