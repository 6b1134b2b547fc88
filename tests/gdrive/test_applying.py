"""Applying a plan: exactly what it says, once, whoever dies or edits meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from crm.models import Lead
from gdrive import plan_commands, plan_work, planning, templating
from gdrive.models import (
    DriveFile,
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureTemplate,
    DriveTemplatePlan,
)
from gdrive.tasks import provision_tree, work_on_plan
from pipedesk.core.work import borrow
from pipedesk.google.service import close_services
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import LeadFactory
from tests.gdrive.dying import Steps
from tests.gdrive.test_plans import edit, follow, grow, node, template

__all__ = ["template"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

Api = Callable[..., Any]
FolderId = Callable[[str, object], str]
ADDRESS = "/api/drive/templates"


def change_all(template: DriveStructureTemplate) -> None:
    """A rename, a move, a new folder with one inside, and one that is no longer there."""
    edit(
        template,
        node("02. Second", "02. Two", inside=(node("Inner {{city}}"),)),
        {"name": "03. Third", "children": [{"name": "Deep"}]},
    )


CHANGED = {"01. Outer": {}, "02. Two": {"Inner —": {}}, "03. Third": {"Deep": {}}}


def planned(template: DriveStructureTemplate) -> DriveTemplatePlan:
    template.refresh_from_db()
    return planning.draw(template, None)


def run(plan: DriveTemplatePlan) -> DriveTemplatePlan:
    plan_commands.apply(plan.template, plan.pk, 20)  # type: ignore[arg-type]
    work_on_plan(plan.pk)
    plan.refresh_from_db()
    return plan


def test_the_plan_is_done_in_drive_journal_and_mirror(
    template: DriveStructureTemplate, drive: DrivePeople
) -> None:
    lead = LeadFactory(title="A", address_city="")
    grow()
    change_all(template)

    plan = run(planned(template))

    assert (plan.state, plan.done, plan.failed, plan.skipped) == ("done", 4, 0, 0)
    assert drive.tree()["Leads"] == {"Lead - A": CHANGED}
    nodes = DriveFolderNode.objects.filter(tree__isnull=False)
    assert set(DriveFile.objects.values_list("file_id", "name")) == set(
        nodes.values_list("google_id", "name")
    )
    tree = DriveFolderTree.objects.get()
    assert (tree.template_version, tree.lease_until) == (template.version, None)
    Lead.objects.get(pk=lead.pk).save()
    again = planned(template)
    assert again.to_do == 0
    assert {item.reason for item in again.items.all()} == {"left"}


def test_new_records_and_old_ones_look_alike(
    template: DriveStructureTemplate, drive: DrivePeople
) -> None:
    LeadFactory(title="Old")
    grow()
    edit(template, node("01. Outer", "01. {{lead_name}}"), node("02. Second"), {"name": "New"})
    run(planned(template))
    LeadFactory(title="Young")
    grow()

    leads = drive.tree()["Leads"]
    assert leads["Lead - Old"] == {"01. Old": {"Inner —": {}}, "02. Second": {}, "New": {}}
    assert leads["Lead - Young"] == {"01. Young": {}, "02. Second": {}, "New": {}}


def test_a_second_apply_does_nothing(
    api: Api, template: DriveStructureTemplate, drive: DrivePeople, sandbox: SandboxServer
) -> None:
    LeadFactory(title="A")
    grow()
    change_all(template)
    manager, page = api("manager"), f"{ADDRESS}/{template.pk}"
    plan = manager.post(f"{page}/plan").json()

    first = manager.post(f"{page}/apply", {"plan_id": plan["id"]})
    work_on_plan(plan["id"])
    calls = sandbox.google.requests.as_json()
    second = manager.post(f"{page}/apply", {"plan_id": plan["id"]})
    work_on_plan(plan["id"])

    assert (first.status_code, first.json()["state"]) == (202, "applying")
    assert (second.status_code, second.json()["state"]) == (202, "done")
    assert sandbox.google.requests.as_json() == calls
    assert drive.tree()["Leads"]["Lead - A"] == CHANGED


def test_a_version_is_planned_and_applied_in_one_go(
    api: Api, template: DriveStructureTemplate, drive: DrivePeople
) -> None:
    LeadFactory(title="A")
    grow()
    change_all(template)
    page = f"{ADDRESS}/{template.pk}/apply"
    template.refresh_from_db()

    old = api("manager").post(page, {"version": template.version - 1})
    answer = api("manager").post(page, {"version": template.version})
    work_on_plan(answer.json()["job_id"])

    assert old.status_code == 409
    assert answer.status_code == 202
    assert drive.tree()["Leads"]["Lead - A"] == CHANGED


@pytest.mark.parametrize(
    "body", [{}, {"plan_id": 1, "version": 1}, {"plan_id": "1"}, {"plan_id": 0}, {"plan": 1}]
)
def test_an_apply_asked_wrongly_is_refused(
    api: Api, template: DriveStructureTemplate, body: dict[str, Any]
) -> None:
    assert api("manager").post(f"{ADDRESS}/{template.pk}/apply", body).status_code == 422
    other = api("manager").post(f"{ADDRESS}/{template.pk}/apply", {"plan_id": 2_000_000_000})
    assert other.status_code == 404


def test_only_the_active_template_and_its_present_version_are_applied(
    api: Api, template: DriveStructureTemplate
) -> None:
    copy, old = templating.clone(template), planned(template)
    change_all(template)
    manager = api("manager")

    inactive = manager.post(f"{ADDRESS}/{copy.pk}/apply", {"plan_id": planned(copy).pk})
    outdated = manager.post(f"{ADDRESS}/{template.pk}/apply", {"plan_id": old.pk})

    assert (inactive.status_code, outdated.status_code) == (409, 409)


def test_what_changed_since_the_plan_is_left_and_reported(
    template: DriveStructureTemplate, drive: DrivePeople
) -> None:
    leads = [LeadFactory(title=name) for name in ("A", "B", "C", "D")]
    grow()
    edit(template, node("01. Outer", "01. {{lead_name}}"), node("02. Second", "02. Two"))
    plan = planned(template)

    def folder(number: int, name: str) -> str:
        rows = DriveFolderNode.objects.filter(tree__entity_id=str(leads[number].pk), name=name)
        return rows.get().google_id

    leads[0].title = "A2"
    leads[0].save()
    drive.rename(folder(1, "02. Second"), "Mine")
    drive.trash(folder(2, "02. Second"))
    Lead.objects.filter(pk=leads[3].pk).update(deleted_at="2026-01-01T00:00:00Z")
    run(plan)

    assert (plan.state, plan.done, plan.skipped, plan.failed) == ("done", 3, 5, 0)
    errors = {
        (row.record_name, row.to_text): row.error
        for row in plan_commands.items_of(plan).filter(action="rename").exclude(error="")
    }
    assert errors == {
        ("Lead - A", "01. A"): "changed since the plan",
        ("Lead - B", "02. Two"): "left: a person renamed it",
        ("Lead - C", "02. Two"): "left: in the trash",
        ("Lead - D", "01. D"): "changed since the plan",
        ("Lead - D", "02. Two"): "changed since the plan",
    }
    assert set(drive.tree()["Leads"]["Lead - B"]) == {"01. B", "Mine"}


def test_an_edit_of_the_template_ends_the_plan_at_once(
    template: DriveStructureTemplate, drive: DrivePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("A", "B"):
        LeadFactory(title=name)
    grow()
    edit(template, node("01. Outer", "01. Outside"), node("02. Second"))
    plan = planned(template)
    real = plan_work.folder_changes.change

    def change_and_edit(*args: Any) -> None:
        real(*args)
        edit(template, node("02. Second"), {"name": "x"})

    monkeypatch.setattr(plan_work.folder_changes, "change", change_and_edit)
    run(plan)

    assert (plan.state, plan.done, plan.skipped) == ("done", 1, 1)
    assert [set(tree) for tree in drive.tree()["Leads"].values()] == [
        {"01. Outside", "02. Second"},
        {"01. Outer", "02. Second"},
    ]


def test_it_stops_at_the_error_budget_and_goes_on_when_asked_again(
    template: DriveStructureTemplate,
    drive: DrivePeople,
    sandbox: SandboxServer,
) -> None:
    for number in range(5):
        LeadFactory(title=f"L{number}")
    grow()
    edit(template, node("01. Outer", inside=(node("Inner {{city}}"),)), {"name": "New"})
    plan = planned(template)
    refusal = {"method": "drive.files.create", "kind": "status", "status": 403}
    sandbox.google.faults.plan({**refusal, "reason": "insufficientFilePermissions", "times": 3})

    plan_commands.apply(template, plan.pk, 2)
    work_on_plan(plan.pk)

    plan.refresh_from_db()
    assert (plan.state, plan.failed, plan.done) == ("stopped", 2, 0)
    errors = list(plan.items.filter(state="failed").values_list("error", flat=True))
    assert ["must be an editor" in text for text in errors] == [True, True]
    plan_commands.apply(template, plan.pk, 2)
    work_on_plan(plan.pk)
    plan.refresh_from_db()
    assert (plan.state, plan.failed, plan.done) == ("done", 1, 4)
    assert sum("New" in tree for tree in drive.tree()["Leads"].values()) == 4


def test_google_out_of_order_is_waited_for_and_costs_no_budget(
    template: DriveStructureTemplate, drive: DrivePeople, sandbox: SandboxServer
) -> None:
    LeadFactory(title="A")
    grow()
    change_all(template)
    sandbox.google.faults.plan(
        {"method": "drive.files.create", "kind": "status", "status": 503, "times": 12}
    )

    plan = run(planned(template))

    assert (plan.state, plan.failed) == ("applying", 0)
    assert plan.next_attempt_at is not None
    sandbox.google.faults.clear()
    DriveTemplatePlan.objects.update(next_attempt_at=None)
    work_on_plan(plan.pk)
    plan.refresh_from_db()
    assert plan.state == "done"
    assert drive.tree()["Leads"]["Lead - A"] == CHANGED


def test_a_plan_is_cancelled_before_its_next_folder(
    api: Api,
    template: DriveStructureTemplate,
    drive: DrivePeople,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        LeadFactory(title=f"L{number}")
    grow()
    edit(template, node("01. Outer", "01. Outside"), node("02. Second"))
    plan, manager = planned(template), api("manager")
    page, codes = f"{ADDRESS}/plans/{plan.pk}/cancel", []
    real = plan_work.folder_changes.change

    def change_and_cancel(*args: Any) -> None:
        real(*args)
        codes.append(manager.post(page).status_code)

    monkeypatch.setattr(plan_work.folder_changes, "change", change_and_cancel)
    run(plan)

    assert codes == [200]
    assert (plan.state, plan.done) == ("cancelled", 1)
    assert plan.requested == plan.applied
    assert manager.post(page).status_code == 409
    again = manager.post(f"{ADDRESS}/{template.pk}/apply", {"plan_id": plan.pk})
    assert again.status_code == 409


def test_a_tree_in_other_hands_is_waited_for(
    template: DriveStructureTemplate, drive: DrivePeople
) -> None:
    busy, free = LeadFactory(title="A"), LeadFactory(title="B")
    grow()
    change_all(template)
    tree = DriveFolderTree.objects.get(entity_id=str(busy.pk))
    lease = borrow(DriveFolderTree, tree.pk)
    assert lease is not None
    assert borrow(DriveFolderTree, tree.pk) is None

    plan = run(planned(template))

    assert (plan.state, plan.done) == ("applying", 4)
    assert drive.tree()["Leads"]["Lead - B"] == CHANGED
    assert free.pk
    lease.release()
    DriveTemplatePlan.objects.update(next_attempt_at=None)
    work_on_plan(plan.pk)
    plan.refresh_from_db()
    assert (plan.state, plan.done) == ("done", 8)


def test_applying_while_a_lead_is_renamed_ends_with_both(
    template: DriveStructureTemplate, drive: DrivePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = LeadFactory(title="A")
    grow()
    edit(template, node("01. Outer", "01. {{lead_name}}"), node("02. Second"))
    plan = planned(template)
    real = plan_work.folder_changes.change

    def rename_and_change(*args: Any) -> None:
        real(*args)
        lead.title = "B"
        lead.save()
        grow()  # finds the tree in our hands

    monkeypatch.setattr(plan_work.folder_changes, "change", rename_and_change)
    run(plan)
    assert list(drive.tree()["Leads"]) == ["Lead - A"]
    assert DriveFolderTree.objects.behind().exists()
    grow()

    assert plan.state == "done"
    assert drive.tree()["Leads"] == {"Lead - B": {"01. B": {"Inner —": {}}, "02. Second": {}}}


def test_two_workers_and_the_trees_own_jobs_at_once_make_one_of_each(
    template: DriveStructureTemplate, drive: DrivePeople
) -> None:
    leads = [LeadFactory(title=f"L{number}") for number in range(6)]
    grow()
    change_all(template)
    plans = [planned(template), planned(template)]
    for plan in plans:
        plan_commands.apply(template, plan.pk, 20)
    trees = list(DriveFolderTree.objects.values_list("pk", flat=True))
    barrier = threading.Barrier(5)

    def call(do: Callable[[], None]) -> None:
        try:
            barrier.wait()
            do()
        finally:
            close_services()
            connection.close()

    def provision() -> None:
        for pk in trees:
            DriveFolderTree.objects.request(pk)
            provision_tree(pk)

    jobs = [lambda pk=plan.pk: work_on_plan(pk) for plan in plans for _ in range(2)]
    threads = [threading.Thread(target=call, args=(job,)) for job in [*jobs, provision]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    DriveTemplatePlan.objects.update(next_attempt_at=None)
    for plan in plans:
        work_on_plan(plan.pk)
        plan.refresh_from_db()

    assert [plan.state for plan in plans] == ["done", "done"]
    assert [plan.failed for plan in plans] == [0, 0]
    assert drive.tree()["Leads"] == {f"Lead - {lead.title}": CHANGED for lead in leads}


def test_fifty_records(
    template: DriveStructureTemplate, drive: DrivePeople, settings: Settings
) -> None:
    leads = [LeadFactory(title=f"L{number:02}") for number in range(50)]
    grow()
    change_all(template)

    plan = run(planned(template))

    assert (plan.state, plan.records, plan.done) == ("done", 50, 200)
    assert drive.tree()["Leads"] == {f"Lead - {lead.title}": CHANGED for lead in leads}


# --- Death ---------------------------------------------------------------------------------------


def test_planning_survives_death_at_every_step(
    template: DriveStructureTemplate, drive: DrivePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        LeadFactory(title=f"L{number}")
    grow()
    change_all(template)
    monkeypatch.setattr(planning, "TREES_AT_ONCE", 1)
    steps = Steps(monkeypatch)
    fatal, survived = 0, False
    while not survived:
        plan = planned(template)
        fatal += 1

        survived = steps.run(lambda pk=plan.pk: work_on_plan(pk), fatal)
        let_leases_end(DriveTemplatePlan)
        DriveTemplatePlan.objects.update(next_attempt_at=None)
        work_on_plan(plan.pk)

        plan.refresh_from_db()
        assert (plan.state, plan.records, plan.to_do) == ("planned", 3, 12), fatal
        assert plan.items.count() == sum(plan.totals.values()) - plan.totals["unchanged"]
    assert fatal > 5


# --- Repair --------------------------------------------------------------------------------------


def test_repair_makes_what_is_missing_and_leaves_what_people_did(
    api: Api, template: DriveStructureTemplate, drive: DrivePeople, folder_id: FolderId
) -> None:
    lead, other = LeadFactory(title="A"), LeadFactory(title="B")
    grow()

    def folder(name: str) -> str:
        rows = DriveFolderNode.objects.filter(tree__entity_id=str(lead.pk), name=name)
        return rows.get().google_id

    drive.delete(folder("01. Outer"))
    drive.trash(folder("02. Second"))
    follow()
    edit(
        template,
        node("01. Outer", inside=(node("Inner {{city}}"),)),
        node("02. Second"),
        {"name": "03. Third"},
    )

    answer = api("manager").post(f"/api/drive/lead/{lead.pk}/repair")
    work_on_plan(answer.json()["job_id"])

    assert answer.status_code == 202
    plan = DriveTemplatePlan.objects.get()
    assert (plan.state, plan.done, plan.is_repair) == ("done", 3, True)
    assert [item.reason for item in plan.items.filter(action="skip")] == ["trashed"]
    tree = drive.tree()["Leads"]
    assert tree["Lead - A"] == {"01. Outer": {"Inner —": {}}, "03. Third": {}}
    assert "03. Third" not in tree["Lead - B"]
    assert other.pk
    again = api("manager").post(f"/api/drive/lead/{lead.pk}/repair")
    work_on_plan(again.json()["job_id"])
    assert drive.tree()["Leads"] == tree


def test_repair_of_a_record_without_folders_asks_for_them(
    api: Api, template: DriveStructureTemplate, drive: DrivePeople
) -> None:
    lead = LeadFactory(title="A")
    DriveFolderTree.objects.all().delete()

    answer = api("manager").post(f"/api/drive/lead/{lead.pk}/repair")
    work_on_plan(answer.json()["job_id"])
    grow()

    assert (answer.status_code, answer.json()["to_do"]) == (202, 0)
    assert list(drive.tree()["Leads"]) == ["Lead - A"]


def test_who_may_repair(api: Api, template: DriveStructureTemplate) -> None:
    sales = api("sales")
    own, foreign = LeadFactory(owner=sales.user), LeadFactory(owner=api("sales").user)

    assert sales.post(f"/api/drive/lead/{own.pk}/repair").status_code == 202
    assert sales.post(f"/api/drive/lead/{foreign.pk}/repair").status_code == 403
    assert api(None).post(f"/api/drive/lead/{own.pk}/repair").status_code == 401
    nobody = "00000000-0000-4000-8000-000000000000"
    assert api("admin").post(f"/api/drive/lead/{nobody}/repair").status_code == 404


def test_a_folder_that_only_left_the_record_is_not_made_twice(
    template: DriveStructureTemplate, drive: DrivePeople
) -> None:
    lead = LeadFactory(title="A")
    grow()
    second = DriveFolderNode.objects.get(name="02. Second")
    drive.move(second.google_id, drive.create_folder("Elsewhere"))
    follow()

    plan = plan_commands.repair("lead", str(lead.pk), None)
    work_on_plan(plan.pk)

    plan.refresh_from_db()
    assert (plan.state, plan.skipped) == ("done", 1)
    assert list(drive.tree()["Elsewhere"]) == ["02. Second"]
    assert "02. Second" not in drive.tree()["Leads"]["Lead - A"]
