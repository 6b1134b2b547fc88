"""Calendars, channels and meetings in the admin: to look at."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from gcalendar.models import CalendarSyncState, MirroredCalendar
from tests.browsing import staff_of, superuser
from tests.factories.gcalendar import AppearanceFactory, CalendarFactory, EventFactory
from tests.factories.webhooks import CalendarChannelFactory

pytestmark = pytest.mark.django_db

CALENDARS = reverse("admin:gcalendar_mirroredcalendar_changelist")
State = MirroredCalendar.State


def act(browser: Any, action: str, *calendars: MirroredCalendar) -> Any:
    marked = {"action": action, "_selected_action": [calendar.pk for calendar in calendars]}
    return browser.post(CALENDARS, marked)


def test_sync_now_asks_a_worker() -> None:
    calendar = CalendarFactory()

    act(staff_of("manager"), "run_again", calendar)

    calendar.refresh_from_db()
    assert calendar.requested == 1
    assert OrmQ.objects.count() == 1


def test_sync_now_starts_what_was_given_up_afresh_and_leaves_disabled_ones() -> None:
    dead = CalendarFactory(dead_at=timezone.now(), attempts=5, requested=1)
    off = CalendarFactory(state=State.DISABLED)

    act(superuser(), "run_again", dead, off)

    dead.refresh_from_db()
    off.refresh_from_db()
    assert (dead.dead_at, dead.attempts) == (None, 0)
    assert (off.requested, off.state) == (0, State.DISABLED)


def test_a_calendar_is_disabled_and_followed_again() -> None:
    calendar = CalendarFactory(state=State.OK)
    manager = staff_of("manager")

    act(manager, "disable", calendar)
    calendar.refresh_from_db()
    assert calendar.state == State.DISABLED

    act(manager, "enable", calendar)
    calendar.refresh_from_db()
    assert (calendar.state, calendar.requested) == (State.PENDING, 1)


def test_the_sales_team_sees_neither_calendars_nor_other_peoples_meetings() -> None:
    sales = staff_of("sales")
    event = EventFactory()

    assert sales.get(CALENDARS).status_code == 403
    page = reverse("admin:gcalendar_calendarevent_change", args=(event.pk,))
    assert sales.get(page).status_code == 403


def test_a_fault_is_shown_with_its_remedy() -> None:
    CalendarFactory(state=State.ERROR, remedy="Share the calendar with Ana")

    assert b"Share the calendar with Ana" in superuser().get(CALENDARS).content


def test_channels_show_neither_tokens_nor_hashes_nor_cursors() -> None:
    channel = CalendarChannelFactory(token_hash="canary-hash" * 5, sync_token="canary-cursor")
    boss = superuser()

    pages = [
        reverse("admin:gcalendar_calendarsyncstate_changelist"),
        reverse("admin:gcalendar_calendarsyncstate_change", args=(channel.pk,)),
        reverse("admin:gcalendar_mirroredcalendar_change", args=(channel.mirrored_calendar_id,)),
        reverse("admin:gcalendar_calendarsyncstate_history", args=(channel.pk,)),
    ]
    for page in pages:
        answer = boss.get(page)
        assert answer.status_code == 200
        assert b"canary" not in answer.content
    refused = boss.post(pages[1], {"sync_token": "mine"})
    assert refused.status_code == 403
    assert CalendarSyncState.objects.get().sync_token == "canary-cursor"


def test_a_private_meeting_shows_its_times_only() -> None:
    event = EventFactory(
        summary="canary-title",
        description="canary-text",
        private=True,
        attendees=[{"email": "canary@x.example"}],
    )
    boss = superuser()

    for page in (
        reverse("admin:gcalendar_calendarevent_changelist"),
        reverse("admin:gcalendar_calendarevent_change", args=(event.pk,)),
    ):
        answer = boss.get(page)
        assert answer.status_code == 200
        assert b"canary" not in answer.content
        assert b"Busy" in answer.content


def test_a_meeting_shows_guests_and_where_it_is_seen() -> None:
    appearance = AppearanceFactory(event__attendees=[{"email": "bia@x.example"}, {}])

    page = reverse("admin:gcalendar_calendarevent_change", args=(appearance.event_id,))
    text = superuser().get(page).content.decode()

    assert "bia@x.example" in text
    assert appearance.calendar_id in text
