"""The admin's first page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from gcalendar.models import MirroredCalendar
from gdrive.models import DriveFolderTree
from pipedesk.core.models import Heartbeat
from tests.browsing import staff_of, staff_with, superuser
from tests.factories.crm import LeadFactory
from tests.factories.gcalendar import CalendarFactory
from tests.factories.webhooks import DriveStateFactory

pytestmark = pytest.mark.django_db

HOME = reverse("admin:index")


def numbers(browser: Any) -> dict[str, int]:
    return {str(n.label): n.value for n in browser.get(HOME).context["numbers"]}


def panels(browser: Any) -> dict[str, Any]:
    return {str(panel.title): panel for panel in browser.get(HOME).context["panels"]}


def test_it_counts_open_hot_own_and_unowned_leads_and_leads_to_them() -> None:
    manager = staff_of("manager")
    LeadFactory(priority_score=90, owner=manager.user)
    LeadFactory(priority_score=10)
    LeadFactory(deleted=True)
    LeadFactory(qualified=True)

    assert numbers(manager) == {"open leads": 2, "hot": 1, "yours": 1, "without owner": 1}
    for number in manager.get(HOME).context["numbers"]:
        shown = manager.get(number.url).context["cl"].result_list
        assert len(shown) == number.value


def test_calendars_in_trouble_come_first_with_what_to_do() -> None:
    CalendarFactory(state=MirroredCalendar.State.OK, as_of=timezone.now())
    CalendarFactory(state=MirroredCalendar.State.ERROR, remedy="Share it with Ana")

    first, second = panels(superuser())["Calendars"].rows

    assert (first.level, first.remedy) == ("bad", "Share it with Ana")
    assert (second.level, second.remedy) == ("good", "")
    assert second.second.endswith("as of: just now")


def test_dead_work_is_named_with_a_link_to_it() -> None:
    DriveFolderTree.objects.create(
        entity_type="lead", entity_id="1", requested=1, dead_at=timezone.now()
    )
    boss = superuser()

    row = panels(boss)["Drive"].rows[0]

    assert (row.text, row.level) == ("1 folder tree failed", "bad")
    assert len(boss.get(row.url).context["cl"].result_list) == 1


def test_it_says_whether_the_workers_live() -> None:
    boss = superuser()
    assert panels(boss)["Queue"].rows[0].level == "bad"

    Heartbeat.objects.update_or_create(name="queue", defaults={"beat_at": timezone.now()})

    assert panels(boss)["Queue"].rows[0].level == "good"


def test_each_sees_only_what_they_may() -> None:
    assert set(panels(staff_of("sales"))) == {"Hottest leads"}
    assert panels(staff_with("view_tag")) == {}


def test_it_takes_few_queries_however_much_there_is(django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        LeadFactory(priority_score=80)
        CalendarFactory()
    boss = superuser()
    boss.get(HOME)

    with django_assert_max_num_queries(16):
        boss.get(HOME)


def test_what_is_far_behind_is_stale_and_not_up_to_date() -> None:
    long_ago = timezone.now() - timedelta(days=1)
    calendar = CalendarFactory(state="ok", as_of=long_ago)
    DriveStateFactory(as_of=long_ago)
    manager = staff_of("manager")

    page = manager.get(reverse("admin:index")).content.decode()

    assert page.count("Stale") == 2
    assert "Up to date" not in page
    page = manager.get(
        reverse("admin:gcalendar_mirroredcalendar_change", args=(calendar.pk,))
    ).content.decode()
    assert "Stale" in page
