"""The queue in the admin, and what holds for every page."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from django_q.tasks import async_task

from tests.browsing import staff_of, staff_with, superuser
from tests.factories.crm import LeadFactory

pytestmark = pytest.mark.django_db

QUEUE = (Schedule, Success, Failure, OrmQ)
SCHEDULE = {
    "name": "evil", "func": "os.system", "args": "'touch /tmp/x'", "schedule_type": "O",
    "repeats": -1, "next_run_0": "2026-01-01", "next_run_1": "00:00:00",
}  # fmt: skip


class Bomb:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def address(model: Any, page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def test_nobody_adds_changes_or_deletes_in_the_queue() -> None:
    schedule = Schedule.objects.create(name="x", func="builtins.print")
    for browser in (superuser(), staff_with("view_schedule", "add_schedule", "change_schedule")):
        assert browser.post(address(Schedule, "add"), SCHEDULE).status_code == 403
        changed = browser.post(address(Schedule, "change", schedule.pk), SCHEDULE)
        assert changed.status_code == 403
        assert browser.post(address(Schedule, "delete", schedule.pk)).status_code == 403
    assert not Schedule.objects.filter(func="os.system").exists()
    schedule.refresh_from_db()
    assert schedule.func == "builtins.print"


@pytest.mark.parametrize("success", [True, False])
def test_no_page_unpickles(tmp_path: Path, success: bool) -> None:
    lit = tmp_path / "lit"
    bomb = Bomb(lit)
    assert pickle.dumps(bomb)
    task = Task.objects.create(
        id="0" * 32, name="n", func="f", started=timezone.now(), stopped=timezone.now(),
        success=success, args=(bomb,), kwargs={"a": bomb}, result=bomb,
    )  # fmt: skip
    lit.unlink(missing_ok=True)
    browser = superuser()

    model = Success if success else Failure
    for page in (address(model, "changelist"), address(model, "change", task.pk)):
        assert browser.get(page).status_code == 200
    answer = browser.post(
        address(model, "changelist"), {"action": "resubmit_task", "_selected_action": [task.pk]}
    )

    assert answer.status_code in (200, 302)
    assert not lit.exists()
    assert not OrmQ.objects.exists()


def test_what_waits_is_listed_and_stays_shut() -> None:
    async_task("pipedesk.core.tasks.beat", "canary-argument")
    browser = superuser()
    waiting = OrmQ.objects.get()

    for page in (address(OrmQ, "changelist"), address(OrmQ, "change", waiting.pk)):
        answer = browser.get(page)
        assert answer.status_code == 200
        assert waiting.payload not in answer.content.decode()
        assert b"canary" not in answer.content


def test_every_page_is_ours_and_names_its_fields() -> None:
    for model, page in admin.site._registry.items():
        assert page.__class__.__module__.startswith(
            ("pipedesk.", "crm.", "gdrive.", "gcalendar.", "webhooks.")
        ), model
        assert page.fields or page.fieldsets, model


@pytest.mark.parametrize("role", ["sales", "manager", "admin"])
def test_the_menu_leads_only_where_the_role_may_go(role: str) -> None:
    browser = staff_of(role)

    menu = browser.get(reverse("admin:index")).context["sidebar_navigation"]

    links = [item["link"] for group in menu for item in group["items"]]
    assert reverse("admin:crm_lead_changelist") in links
    assert {browser.get(link, follow=True).status_code for link in links} == {200}


def test_every_page_of_the_menu_has_a_place_there() -> None:
    menu = superuser().get(reverse("admin:index")).context["sidebar_navigation"]
    links = {item["link"] for group in menu for item in group["items"]}

    missing = {
        str(model) for model in admin.site._registry if address(model, "changelist") not in links
    }

    assert missing == {"<class 'axes.models.AccessFailureLog'>"}


def test_a_poisoned_name_is_text_on_every_page() -> None:
    browser = superuser()
    lead = LeadFactory(title='"><img src=x onerror=alert(1)>', trade_name="<b>bold</b>")

    for page in (
        reverse("admin:crm_lead_changelist"),
        reverse("admin:crm_lead_change", args=(lead.pk,)),
        reverse("admin:crm_lead_delete", args=(lead.pk,)),
        reverse("admin:audit_auditlog_changelist"),
    ):
        text = browser.get(page).content.decode()
        assert "<img src=x" not in text
        assert "<b>bold" not in text


def test_visitors_are_sent_to_the_log_in(client: Any) -> None:
    answer = client.get(reverse("admin:crm_lead_changelist"))

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))


def test_a_form_without_its_token_changes_nothing() -> None:
    lead = LeadFactory()
    browser = superuser()
    browser.handler.enforce_csrf_checks = True

    for page in ("change", "delete"):
        address_of = reverse(f"admin:crm_lead_{page}", args=(lead.pk,))
        assert browser.post(address_of, {"post": "yes"}).status_code == 403
    assert browser.post(reverse("admin:crm_lead_changelist"), {"action": "x"}).status_code == 403
    lead.refresh_from_db()
    assert lead.deleted_at is None


def test_the_admin_needs_no_other_host_and_its_policy_allows_none() -> None:
    policy = superuser().get(reverse("admin:index"))["Content-Security-Policy"]

    assert "http" not in policy
    assert "default-src 'self'" in policy
