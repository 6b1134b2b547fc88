"""What people see of the channels: the first page of the admin and the lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from pytest_django import Settings

from gcalendar.models import CalendarSyncState
from pipedesk.google.channels import ChannelState
from tests.browsing import staff_of
from tests.factories.webhooks import CalendarChannelFactory, CalendarFactory, DriveChannelFactory

pytestmark = pytest.mark.django_db

INDEX = reverse("admin:index")
CALENDAR_LIST = reverse("admin:gcalendar_calendarsyncstate_changelist")
DRIVE_LIST = reverse("admin:gdrive_drivewebhookchannel_changelist")


@pytest.fixture(autouse=True)
def noon(settings: Settings) -> Any:
    settings.WEBHOOK_BASE_URL = "https://crm.example.com"
    with time_machine.travel(datetime(2027, 1, 12, 12, tzinfo=UTC), tick=False):
        yield


def ages(**changes: Any) -> dict[str, Any]:
    """Opened two days ago, heard three minutes ago, to be renewed in two days."""
    now = datetime.now(UTC)
    return {
        "opened_at": now - timedelta(days=2),
        "last_message_at": now - timedelta(minutes=3),
        "renew_at": now + timedelta(days=2, minutes=1),
        **changes,
    }


def shown(url: str, language: str = "en", role: str = "manager") -> str:
    """The page's text, with plain blanks."""
    answer = staff_of(role).get(url, headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.content.decode().replace("\xa0", " ")


def test_the_first_page_tells_each_channels_age_last_message_and_renewal() -> None:
    CalendarChannelFactory(**ages())
    DriveChannelFactory(**ages(last_message_at=None))

    page = shown(INDEX)

    assert "opened 2 days ago · last message 3 minutes ago · renewal in 2 days" in page
    assert "opened 2 days ago · no message yet · renewal in 2 days" in page
    page = shown(INDEX, "pt-br")
    assert "Canais de push" in page
    assert "aberto há 2 dias · última mensagem há 3 minutos · renovação em 2 dias" in page


def test_what_is_wrong_comes_first_with_the_reason_and_what_to_do() -> None:
    CalendarChannelFactory(**ages())
    refused = CalendarFactory(summary="Refused")
    CalendarChannelFactory(
        mirrored_calendar=refused,
        state=ChannelState.FAILED,
        active=False,
        failure="403 forbidden",
        renew_at=datetime.now(UTC) + timedelta(hours=20, minutes=1),
        opened_at=None,
    )
    CalendarFactory(summary="Nobody asked yet")

    page = shown(INDEX)

    assert "403 forbidden — It is polled meanwhile." in page
    assert "asked again in 20 hours" in page
    assert page.index("Refused") < page.index("opened 2 days ago")
    assert "Missing" in page


def test_where_google_offers_no_push_nobody_has_to_do_anything() -> None:
    CalendarChannelFactory(
        state=ChannelState.FAILED,
        active=False,
        opened_at=None,
        failure="400 pushNotSupportedForRequestedResource",
    )

    page = shown(INDEX)

    assert "pushNotSupportedForRequestedResource" in page
    assert "manage.py renew_channels" not in page


def test_without_push_everything_is_polled(settings: Settings) -> None:
    settings.WEBHOOK_BASE_URL = ""
    CalendarFactory()

    assert "Polling" in shown(INDEX)


@pytest.mark.parametrize(("url", "made"), [(CALENDAR_LIST, True), (DRIVE_LIST, False)])
def test_the_lists_tell_the_same_in_words(url: str, made: bool) -> None:
    (CalendarChannelFactory if made else DriveChannelFactory)(**ages())

    page = shown(url)
    assert all(word in page for word in ("2 days ago", "3 minutes ago", "in 2 days"))
    page = shown(url, "pt-br")
    assert all(word in page for word in ("há 2 dias", "há 3 minutos", "em 2 dias"))
    assert "Próxima renovação" in page


def test_a_row_without_a_channel_is_a_calendar_that_is_polled() -> None:
    CalendarChannelFactory(polled=True, state=ChannelState.PENDING, opened_at=None, renew_at=None)

    page = shown(CALENDAR_LIST)
    assert "Polling" in page
    assert "Pending</" not in page


def test_a_page_of_one_row_shows_words_and_no_pairs() -> None:
    channel: CalendarSyncState = CalendarChannelFactory(**ages())
    for url in (
        reverse("admin:gcalendar_mirroredcalendar_change", args=(channel.mirrored_calendar_id,)),
        reverse("admin:gcalendar_calendarsyncstate_change", args=(channel.pk,)),
    ):
        page = shown(url)
        assert "(&#x27;" not in page
        assert "3 minutes ago" in page or "Jan. 12, 2027" in page


def test_a_renewal_that_is_due_comes_any_moment() -> None:
    CalendarChannelFactory(**ages(renew_at=datetime.now(UTC) - timedelta(minutes=1)))

    assert "renewal any moment" in shown(INDEX)
