"""Plans: what a template would change in the folders records have. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from crm.models import Lead
from gdrive import planning, templating, versions
from gdrive.models import (
    DriveFile,
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureTemplate,
    DriveSyncState,
    DriveTemplatePlan,
)
from gdrive.tasks import provision_tree, sync_drive, work_on_plan
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.factories.crm import CompanyFactory, LeadFactory

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[..., Any]
FolderId = Callable[[str, object], str]
ADDRESS = "/api/drive/templates"


@pytest.fixture
def template(drive: DrivePeople) -> DriveStructureTemplate:
    """Two folders for leads, one of them with a folder inside."""
    template = DriveStructureTemplate.objects.get(entity_type="lead")
    template.nodes.all().delete()
    outer = template.nodes.create(name="01. Outer", order=1)
    template.nodes.create(name="Inner {{city}}", order=1, parent=outer)
    template.nodes.create(name="02. Second", order=2)
    return template


def grow() -> None:
    """What the workers do with every tree that was asked for."""
    for pk in DriveFolderTree.objects.behind().values_list("pk", flat=True):
        provision_tree(pk)


def follow() -> None:
    """Let the mirror see what people did."""
    for state in DriveSyncState.objects.all():
        DriveSyncState.objects.request(state.pk)
        sync_drive(state.pk)


def edit(template: DriveStructureTemplate, *nodes: dict[str, Any]) -> None:
    template.refresh_from_db()
    templating.change(template, {"nodes": list(nodes)}, None)


def node(name: str, new: str = "", inside: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """A folder of the template that is there, under another name perhaps."""
    [row] = DriveStructureTemplate.objects.active_for("lead").get().nodes.filter(name=name)
    return {"id": row.pk, "name": new or name, "children": list(inside)}


def items(plan: DriveTemplatePlan) -> list[tuple[str, ...]]:
    rows = plan.items.order_by("pk")
    return [(row.action, row.from_text, row.to_text, row.reason) for row in rows]


def test_nothing_to_do_is_an_empty_plan(template: DriveStructureTemplate) -> None:
    LeadFactory(title="A")
    grow()

    plan = planning.draw(template, None)

    assert (plan.state, plan.records, plan.totals) == ("planned", 1, {"unchanged": 3})
    assert items(plan) == []


def test_folders_are_known_by_identity_whatever_they_are_called(
    template: DriveStructureTemplate, drive: DrivePeople, sandbox: SandboxServer
) -> None:
    LeadFactory(title="A", address_city="Recife")
    grow()
    before, calls = drive.tree(), sandbox.google.requests.as_json()
    edit(
        template,
        node("02. Second", inside=(node("Inner {{city}}", "Within {{city}} {{year}}"),)),
        {"name": "03. Third", "children": [{"name": "Deep"}]},
    )

    plan = planning.draw(template, None)

    year = DriveFolderTree.objects.get().created_at.year
    assert items(plan) == [
        ("create", "", "03. Third", "new"),
        ("move", "01. Outer", "02. Second", "changed"),
        ("rename", "Inner Recife", f"Within Recife {year}", "changed"),
        ("create", "", "Deep", "new"),
        ("skip", "01. Outer", "", "left"),
    ]
    assert plan.totals == {"create": 2, "move": 1, "rename": 1, "skip": 1, "unchanged": 1}
    assert drive.tree() == before
    assert sandbox.google.requests.as_json() == calls


def test_what_people_did_is_left_alone_with_the_reason(
    template: DriveStructureTemplate, drive: DrivePeople, folder_id: FolderId
) -> None:
    leads = [LeadFactory(title=name) for name in "ABCDEF"]
    grow()

    def folder(lead: Lead, name: str) -> str:
        rows = DriveFolderNode.objects.filter(tree__entity_id=str(lead.pk), name=name)
        return rows.get().google_id

    drive.rename(folder(leads[0], "02. Second"), "Mine")
    drive.trash(folder(leads[1], "02. Second"))
    drive.delete(folder(leads[2], "02. Second"))
    drive.move(folder(leads[3], "02. Second"), folder(leads[3], "01. Outer"))
    drive.trash(folder_id("lead", leads[4].pk))
    Lead.objects.filter(pk=leads[5].pk).update(deleted_at=timezone.now())
    follow()
    outer = node("01. Outer", inside=(node("Inner {{city}}"), node("02. Second", "2")))
    edit(template, outer)

    plan = planning.draw(template, None)

    found = {name: [] for name in "ABCDEF"}
    for row in plan.items.select_related("tree").order_by("pk"):
        [lead] = [lead for lead in leads if str(lead.pk) == row.tree.entity_id]
        found[lead.title].append((row.action, row.reason))
    assert found == {
        "A": [("move", "changed"), ("skip", "renamed_by_person")],
        "B": [("skip", "trashed")],
        "C": [("skip", "gone")],
        "D": [("skip", "moved_by_person"), ("rename", "changed")],
        "E": [("skip", "trashed")],
        "F": [("skip", "record_gone")],
    }


def test_a_company_keeps_the_places_of_its_leads(
    template: DriveStructureTemplate, drive: DrivePeople
) -> None:
    company = CompanyFactory(name="ACME")
    LeadFactory(title="A", qualified_company=company)
    grow()
    grow()
    mine = DriveStructureTemplate.objects.get(entity_type="company")
    nodes = versions.nested(mine.nodes.all())
    [leads] = [one for one in nodes if one["name"] == "01. Leads"]

    same = templating.clone(mine)
    plan = planning.draw(same, None)
    templating.change(mine, {"nodes": [{**leads, "name": "Prospects"}]}, None)
    renamed = planning.draw(mine, None)

    assert {row.action for row in plan.items.all()} == {"link"}
    assert ("rename", "01. Leads", "Prospects", "changed") in items(renamed)
    assert {one[0] for one in items(renamed)} == {"rename", "skip"}


def test_a_folder_of_a_person_is_taken_over_in_place_of_a_twin(
    template: DriveStructureTemplate, drive: DrivePeople, folder_id: FolderId
) -> None:
    lead = LeadFactory(title="A")
    grow()
    drive.create_folder("03. Third", folder_id("lead", lead.pk))
    follow()
    edit(template, node("01. Outer"), {"name": "03. Third"})

    plan = planning.draw(template, None)

    assert ("adopt", "", "03. Third", "same_name") in items(plan)


def test_a_pattern_that_makes_the_same_name_is_noted_only(template: DriveStructureTemplate) -> None:
    LeadFactory(title="A")
    grow()
    edit(
        template,
        node("01. Outer", inside=(node("Inner {{city}}"),)),
        node("02. Second", "02. Second"),
    )
    row = template.nodes.get(name="02. Second")
    DriveFolderNode.objects.filter(template_node=row).update(pattern="02. {{entity_name}}")

    assert items(planning.draw(template, None)) == [
        ("link", "02. Second", "02. Second", "same_place")
    ]


# --- Through the API -----------------------------------------------------------------------------


def test_a_plan_is_answered_with_totals_and_pages_of_reasons(
    api: Api, template: DriveStructureTemplate, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    leads = [LeadFactory(title=f"L{number}") for number in range(3)]
    grow()
    edit(template, node("01. Outer", "01. Outside"), node("02. Second"))
    manager = api("manager")

    answer = manager.post(f"{ADDRESS}/{template.pk}/plan")
    one = manager.post(f"{ADDRESS}/{template.pk}/plan", {"entity_ids": [str(leads[1].pk)]})

    assert answer.status_code == 201
    plan = answer.json()
    assert (plan["state"], plan["records"], plan["to_do"]) == ("planned", 3, 3)
    assert plan["totals"]["rename"] == 3
    assert plan["totals"]["skip"] == 3
    first = plan["items"][0]
    assert (first["record"], first["from"], first["to"]) == (
        "Lead - L0",
        "01. Outer",
        "01. Outside",
    )
    assert (first["message"], first["state"]) == ("changed in the template", "pending")
    assert {item["entity_id"] for item in one.json()["items"]} == {str(leads[1].pk)}
    sales = api("sales")
    with django_assert_num_queries(4):
        listed = sales.get(
            f"{ADDRESS}/plans/{plan['id']}/items", {"action": "skip", "page_size": 2}
        )
    assert listed.json()["pagination"]["total"] == 3
    assert [row["reason"] for row in listed.json()["data"]] == ["left", "left"]
    assert manager.get(f"{ADDRESS}/plans/{plan['id']}").json()["totals"] == plan["totals"]
    found = manager.get(f"{ADDRESS}/plans", {"template_id": template.pk, "state": "planned"})
    assert {row["id"] for row in found.json()["data"]} == {plan["id"], one.json()["id"]}


def test_who_may_plan_apply_and_cancel(api: Api, template: DriveStructureTemplate) -> None:
    page = f"{ADDRESS}/{template.pk}"
    plan = api("admin").post(f"{page}/plan").json()

    for role, code in (("sales", 403), (None, 401), ("", 403)):
        assert api(role).post(f"{page}/plan").status_code == code
        assert api(role).post(f"{page}/apply", {"plan_id": plan["id"]}).status_code == code
        assert api(role).post(f"{ADDRESS}/plans/{plan['id']}/cancel").status_code == code
    assert api("sales").get(f"{ADDRESS}/plans/{plan['id']}").status_code == 200
    assert api("manager").post(f"{ADDRESS}/plans").status_code == 405


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"entity_ids": []}, 422),
        ({"entity_ids": ["x"]}, 422),
        ({"entity_ids": None}, 422),
        ({"entity": []}, 422),
    ],
)
def test_a_bad_question_makes_no_plan(
    api: Api, template: DriveStructureTemplate, body: dict[str, Any], code: int
) -> None:
    assert api("manager").post(f"{ADDRESS}/{template.pk}/plan", body).status_code == code
    assert not DriveTemplatePlan.objects.exists()


def test_many_records_are_compared_by_a_job_in_pieces_of_bounded_work(
    api: Api,
    template: DriveStructureTemplate,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Any,
) -> None:
    trees = []
    for _number in range(25):
        lead = LeadFactory()
        tree = DriveFolderTree.objects.get(entity_id=str(lead.pk))
        root = DriveFolderNode.objects.create(
            tree=tree, path_key="root", google_id=f"r{tree.pk}", name="R", state="created"
        )
        DriveFile.objects.create(file_id=root.google_id, name="R")
        trees.append(tree)
    monkeypatch.setattr(planning, "TREES_AT_ONCE", 10)

    manager = api("manager")
    with django_assert_max_num_queries(24):
        answer = manager.post(f"{ADDRESS}/{template.pk}/plan")

    assert (answer.status_code, answer.json()["state"]) == (202, "planning")
    assert answer.json()["records"] == 10
    again = api("manager").post(f"{ADDRESS}/{template.pk}/apply", {"plan_id": answer.json()["id"]})
    assert again.status_code == 409
    work_on_plan(answer.json()["id"])
    plan = DriveTemplatePlan.objects.get()
    assert (plan.state, plan.records, plan.totals["create"]) == ("planned", 25, 75)
    assert plan.requested == plan.applied
    assert plan.items.values("tree", "path_key").distinct().count() == 75
    plan.place = 0
    with django_assert_max_num_queries(10):
        planning.compare_more(plan)


# --- Previews ------------------------------------------------------------------------------------


def test_a_preview_shows_names_and_what_is_wrong_with_them(
    api: Api, template: DriveStructureTemplate
) -> None:
    LeadFactory(title="L" * 240, trade_name="T" * 40, address_city="Recife")
    poor = LeadFactory(title="P", trade_name=None, address_city="", owner=None)
    nodes = [
        {"name": "{{lead_name}} {{trade_name}}"},
        {"name": "In {{city}}"},
        {"name": "In {{state}}"},
        {"name": "{{trade_name}}", "children": [{"name": "{{year}}"}]},
    ]
    sales, page = api("sales"), f"{ADDRESS}/{template.pk}/preview"

    longest = sales.post(page, {"nodes": nodes, "sample": "longest"}).json()
    emptiest = sales.post(page, {"nodes": nodes, "sample": "emptiest"}).json()
    stored = sales.get(page, {"entity_id": str(poor.pk)}).json()

    assert longest["entity"]["name"] == "L" * 240
    [first, *_] = longest["root"]["children"]
    assert [flag["code"] for flag in first["flags"]] == ["cut"]
    assert len(first["name"]) == 255
    assert emptiest["entity"]["entity_id"] == str(poor.pk)
    assert emptiest["flags"] == {"missing": 4, "twins": 2}
    assert stored["root"]["name"] == "Lead - P"
    inner = stored["root"]["children"][0]["children"][0]
    assert (inner["name"], inner["pattern"]) == ("Inner —", "Inner {{city}}")
    assert inner["flags"] == [{"code": "missing", "message": "no value: city"}]


def test_a_preview_without_any_record_shows_examples(
    api: Api, template: DriveStructureTemplate
) -> None:
    answer = api("sales").get(f"{ADDRESS}/{template.pk}/preview", {"sample": "emptiest"})

    assert answer.json()["entity"] is None
    assert answer.json()["root"]["name"] == "Lead - Aurora Incorporadora Ltda."


def test_a_preview_asked_wrongly(api: Api, template: DriveStructureTemplate) -> None:
    page, client = f"{ADDRESS}/{template.pk}/preview", api("manager")
    nobody = "00000000-0000-4000-8000-000000000000"

    assert client.get(page, {"entity_id": nobody}).status_code == 404
    assert client.get(page, {"sample": "best"}).status_code == 400
    assert client.get(page, {"sample": "longest", "entity_id": nobody}).status_code == 400
    assert client.post(page, {"sample": "longest", "entity_id": nobody}).status_code == 422
    assert client.post(page, {"nodes": [{"name": "{{x"}]}).status_code == 422
    assert api(None).get(page).status_code == 401
