"""The queue in the admin, and what holds for every page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from django_q.signing import SignedPackage
from django_q.tasks import async_task
from picklefield.fields import PickledObject, dbsafe_encode
from pytest_django import Settings
from rest_framework.test import APIClient

from pipedesk.core.pruning import prune
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


@pytest.fixture
def bombs(tmp_path: Path) -> Path:
    """A pickle that leaves this file when it is opened, in every column that is one."""
    lit = tmp_path / "lit"
    bomb = Bomb(lit)
    # As the field would write it, which itself makes a copy first: that would set it off.
    charge = PickledObject(dbsafe_encode(bomb, copy=False))
    for number, success in enumerate((True, False)):
        Task.objects.create(
            id=f"{number}" * 32, name="n", func="f", started=timezone.now(), success=success,
            stopped=timezone.now(), args=charge, kwargs=charge, result=charge,
        )  # fmt: skip
    for lock in (timezone.now(), timezone.now() + timedelta(minutes=5)):
        OrmQ.objects.create(key=Conf.PREFIX, payload=SignedPackage.dumps(bomb), lock=lock)
    Schedule.objects.create(name="x", func="f", args="(1", kwargs="{", task="0" * 32)
    assert not lit.exists()
    return lit


def test_the_bombs_are_live(bombs: Path) -> None:
    for column in ("args", "kwargs", "result"):
        Task.objects.filter(success=True).values_list(column).first()
        assert bombs.exists()
        bombs.unlink()
    assert OrmQ.objects.earliest("pk").task is None  # what `touch` returns
    assert bombs.exists()


def test_no_page_unpickles(bombs: Path, settings: Settings, api: Callable[..., APIClient]) -> None:
    settings.METRICS_TOKEN = "only-for-tests-metrics"
    browser, before = superuser(), [model.objects.count() for model in QUEUE]
    for model in QUEUE:
        row = model.objects.only("pk").first()
        listed, page = address(model, "changelist"), address(model, "change", row.pk)
        for seen in (
            listed, f"{listed}?q=n", f"{listed}?e=1", f"{listed}?all=", f"{listed}?o=1.-2",
            f"{listed}?args=x", page, f"{page}?_popup=1", address(model, "history", row.pk),
        ):  # fmt: skip
            assert browser.get(seen).status_code in (200, 302), seen
        for closed in (address(model, "delete", row.pk), address(model, "add")):
            assert browser.get(closed).status_code == 403, closed
            assert browser.post(closed, {"post": "yes"}).status_code == 403, closed
        assert browser.post(page, {"name": "m"}).status_code == 403
        for action in ("delete_selected", "resubmit_task", ""):
            chosen = {"action": action, "_selected_action": [row.pk], "post": "yes"}
            browser.post(listed, chosen)
    boss, token = api("admin"), {"Authorization": f"Bearer {settings.METRICS_TOKEN}"}
    for seen in (reverse("admin:index"), reverse("admin:app_list", args=("django_q",))):
        assert browser.get(seen).status_code == 200
    assert boss.get("/api/status").status_code == 200
    assert Client().get("/metrics", headers=token).status_code == 200
    assert Client().get("/readyz").status_code == 503

    assert not bombs.exists()
    assert [model.objects.count() for model in QUEUE] == before


def test_what_is_old_is_dropped_unopened(bombs: Path) -> None:
    Task.objects.update(stopped=timezone.now() - timedelta(days=40))
    prune()

    assert not Task.objects.exists()
    assert not bombs.exists()


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
