"""What every page of rows a job works on offers: the reason, and "run again"."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from crm.models import PriorityFormula
from gcalendar.models import MirroredCalendar
from gdrive.models import DriveFileAct, DriveFolderTree, DriveSyncState, DriveTemplatePlan
from pipedesk.core.tasks import work_models
from pipedesk.core.work import Work
from tests.browsing import staff_of, superuser
from webhooks.models import ChannelStop

pytestmark = pytest.mark.django_db

REASON = "Google refuses: share it with Ana"
ROWS: dict[type[Work], dict[str, Any]] = {
    ChannelStop: {"kind": 1, "channel_id": "c", "resource_id": "r"},
    DriveFileAct: {"file_id": "f", "verb": "trash", "entity_type": "lead", "entity_id": "1"},
    DriveFolderTree: {"entity_type": "lead", "entity_id": "1"},
    DriveSyncState: {},
    DriveTemplatePlan: {"entity_type": "lead", "version": 1, "template_name": "Leads"},
    MirroredCalendar: {},
    PriorityFormula: {},
}


def given_up(model: type[Work]) -> Any:
    """A row that was given up for a reason."""
    row: Any = model._default_manager.create(**ROWS[model])
    model._default_manager.filter(pk=row.pk).update(
        requested=1, attempts=6, dead_at=timezone.now(), queued_at=None, last_error=REASON
    )
    OrmQ.objects.all().delete()
    return row


def address(row: Work, page: str, *arguments: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=arguments)


def start_again(browser: Any, row: Any) -> Any:
    """Press "run again" where the page has it: on the list, or above the one form."""
    if isinstance(row, PriorityFormula):
        return browser.post(address(row, "again", row.pk), {"_form_submitted": "on"})
    return browser.post(
        address(row, "changelist"), {"action": "run_again", "_selected_action": [row.pk]}
    )


@pytest.mark.parametrize("model", work_models(), ids=lambda model: model.__name__)
def test_what_was_given_up_says_why_and_is_run_again(model: type[Work]) -> None:
    row, boss = given_up(model), superuser()
    assert admin.site.is_registered(model)
    page = boss.get(address(row, "change", row.pk)).content.decode()
    assert REASON in page

    answer = start_again(boss, row)

    assert answer.status_code in (200, 302)
    row.refresh_from_db()
    assert (row.dead_at, row.attempts, row.next_attempt_at) == (None, 0, None)
    assert row.requested == 2
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize("model", work_models(), ids=lambda model: model.__name__)
def test_the_sales_team_starts_no_job(model: type[Work]) -> None:
    row = given_up(model)

    start_again(staff_of("sales"), row)

    row.refresh_from_db()
    assert row.dead_at is not None
    assert not OrmQ.objects.exists()


def test_what_waits_for_its_next_try_is_run_at_once() -> None:
    later = timezone.now() + timedelta(minutes=16)
    row = DriveSyncState.objects.create(requested=1, attempts=5, next_attempt_at=later)

    start_again(superuser(), row)

    row.refresh_from_db()
    assert row.next_attempt_at is None
    assert OrmQ.objects.count() == 1
