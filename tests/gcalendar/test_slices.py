"""A full sync in slices: it keeps its place, and hides nothing before its end."""

from __future__ import annotations

import pytest

from gcalendar.models import CalendarEvent, EventAppearance, MirroredCalendar
from gcalendar.sync import forget_cursor, sync
from pipedesk.core.work import claim
from tests.gcalendar.conftest import Mirror, at, edited, fill


@pytest.mark.usefixtures("small_pages")
def test_a_huge_full_sync_keeps_its_place_and_hides_nothing_before_its_end(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(mirror, 10)
    mirror.synced()
    forget_cursor(mirror.calendar)
    mirror.people.cancel_event(made[0]["id"])
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", 2)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    asked = mirror.lists()

    for slices in range(1, 5):
        lease = claim(MirroredCalendar, mirror.calendar.pk)
        assert lease is not None
        sync(lease)
        lease.release()
        mirror.calendar.refresh_from_db()
        assert mirror.lists() - asked == slices
        if slices < 5 and mirror.calendar.full_sync_page_token:
            assert CalendarEvent.objects.not_cancelled().count() == 10
            assert mirror.calendar.attempts == 0
    mirror.synced()

    assert CalendarEvent.objects.not_cancelled().count() == 9


@pytest.mark.usefixtures("small_pages")
def test_a_place_that_expired_starts_the_full_sync_anew(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(mirror, 6)
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", 2)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    lease = claim(MirroredCalendar, mirror.calendar.pk)
    assert lease is not None
    sync(lease)
    lease.release(full_sync_page_token="expired")
    # Seen by the first slice, gone before the second: only a new generation notices.
    mirror.people.cancel_event(made[0]["id"])

    mirror.synced()

    assert CalendarEvent.objects.not_cancelled().count() == 5


@pytest.mark.usefixtures("small_pages")
def test_what_earlier_slices_wrote_is_not_read_again(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(mirror, 6)
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", 2)

    mirror.synced()

    assert not EventAppearance.objects.filter(etag=None).exists()


@pytest.mark.usefixtures("small_pages")
def test_a_zone_that_moves_between_slices_starts_the_full_sync_anew(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (26, 27, 28):
        mirror.people.create_event("Holiday", at(day).date())
    monkeypatch.setattr("gcalendar.sync.SLICE_EVENTS", 2)
    MirroredCalendar.objects.request(mirror.calendar.pk)
    lease = claim(MirroredCalendar, mirror.calendar.pk)
    assert lease is not None
    sync(lease)
    lease.release()
    edited(monkeypatch, lambda page: {**page, "timeZone": "Asia/Tokyo"})

    mirror.synced()

    starts = CalendarEvent.objects.order_by("start_time").values_list("start_time", flat=True)
    assert list(starts) == [at(day - 1, 15) for day in (26, 27, 28)]
