"""The buttons of folder templates, and the pages of plans."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from gdrive import plan_commands, templating
from gdrive.models import (
    DriveFile,
    DriveFolderNode,
    DriveFolderTree,
    DriveStructureTemplate,
    DriveTemplatePlan,
)
from tests.browsing import staff_of, superuser
from tests.factories.crm import LeadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

KIND = "admin:gdrive_drivestructuretemplate"
CONFIRMED = {"_form_submitted": "on"}


@pytest.fixture
def template() -> DriveStructureTemplate:
    return DriveStructureTemplate.objects.get(entity_type="lead")


def verb(name: str, *args: Any) -> str:
    return reverse(f"{KIND}_{name}", args=args)


def grown(title: str) -> DriveFolderTree:
    """A lead with nothing but its own folder."""
    lead = LeadFactory(title=title)
    tree = DriveFolderTree.objects.get(entity_id=str(lead.pk))
    root = DriveFolderNode.objects.create(
        tree=tree, path_key="root", google_id=f"r{tree.pk}", name=f"Lead - {title}", state="created"
    )
    DriveFile.objects.create(file_id=root.google_id, name=root.name)
    return tree


def test_the_page_shows_what_each_placeholder_means(template: DriveStructureTemplate) -> None:
    page = superuser().get(reverse(f"{KIND}_change", args=(template.pk,))).content.decode()

    assert "{{trade_name}}" in page
    assert "Trade name of the lead" in page
    assert "shows as “—”" in page


def test_a_preview_shows_names_of_a_record(template: DriveStructureTemplate) -> None:
    templating.change(template, {"nodes": [{"name": "In {{city}}"}]}, None)
    lead = LeadFactory(title="Aurora <b>", address_city="Recife")
    sales = staff_of("sales")

    longest = sales.get(verb("look", template.pk)).content.decode()
    named = sales.get(verb("look", template.pk), {"entity_id": str(lead.pk)}).content.decode()
    nobody = sales.get(verb("look", template.pk), {"entity_id": "x"})

    assert "In Recife" in longest
    assert "Aurora &lt;b&gt;" in named
    assert "There is no such record." in nobody.content.decode()


def test_history_and_going_back(template: DriveStructureTemplate) -> None:
    boss, first = superuser(), template.nodes.first()
    templating.change(template, {"nodes": [{"name": "Only"}]}, boss.user)

    page = boss.get(verb("kept_versions", template.pk)).content.decode()
    answer = boss.post(verb("restore_version", template.pk), {**CONFIRMED, "version": 1})
    boss.post(verb("restore_version", template.pk), {**CONFIRMED, "version": 77})

    assert first is not None
    assert "Only" in page
    assert first.name.split(" ")[0] in page
    assert "HX-Redirect" in answer
    template.refresh_from_db()
    assert (template.version, template.nodes.count()) == (3, 6)


def test_a_copy_an_export_and_an_import(template: DriveStructureTemplate) -> None:
    boss = superuser()

    boss.post(verb("clone", template.pk), {**CONFIRMED, "name": "Ours"})
    taken = boss.post(verb("clone", template.pk), {**CONFIRMED, "name": "Ours"})
    exported = boss.get(verb("export", template.pk))
    document = {**exported.json(), "name": "Theirs"}
    boss.post(verb("import_document"), {**CONFIRMED, "document": json.dumps(document)})
    wrong = boss.post(
        verb("import_document"), {**CONFIRMED, "document": json.dumps({**document, "nodes": 1})}
    )
    broken = boss.post(verb("import_document"), {**CONFIRMED, "document": "{"})

    assert "There is a template of this name." in taken.content.decode()
    assert exported["Content-Disposition"].startswith("attachment")
    copies = DriveStructureTemplate.objects.filter(name__in=["Ours", "Theirs"])
    assert {(copy.active, copy.nodes.count()) for copy in copies} == {(False, 6)}
    assert copies.count() == 2
    assert "name" in wrong.content.decode()
    assert "This is no JSON." in broken.content.decode()


def test_a_plan_is_drawn_shown_applied_and_stopped(template: DriveStructureTemplate) -> None:
    grown("Aurora")
    manager = staff_of("manager")

    drawn = manager.post(verb("draw_plan", template.pk), CONFIRMED)
    plan = DriveTemplatePlan.objects.get()
    page = reverse("admin:gdrive_drivetemplateplan_change", args=(plan.pk,))
    shown = manager.get(page).content.decode()
    manager.post(reverse("admin:gdrive_drivetemplateplan_apply_plan", args=(plan.pk,)), CONFIRMED)
    plan.refresh_from_db()
    applying = plan.state
    manager.post(reverse("admin:gdrive_drivetemplateplan_cancel_plan", args=(plan.pk,)), CONFIRMED)
    again = reverse("admin:gdrive_drivetemplateplan_apply_plan", args=(plan.pk,))
    over = manager.post(again, CONFIRMED)

    assert drawn["HX-Redirect"] == page
    assert "Lead - Aurora" in shown
    assert "new in the template" in shown
    assert "0 of 6 folders" in shown
    assert applying == "applying"
    plan.refresh_from_db()
    assert plan.state == "cancelled"
    assert over.status_code == 403
    assert manager.get(reverse("admin:gdrive_drivetemplateplan_changelist")).status_code == 200


@pytest.mark.parametrize("name", ["draw_plan", "clone", "restore_version"])
def test_the_sales_team_looks_and_changes_nothing(
    template: DriveStructureTemplate, name: str
) -> None:
    sales = staff_of("sales")
    plan = plan_commands.draw(template, None)

    assert sales.post(verb(name, template.pk), {"version": 1}).status_code == 403
    assert sales.post(verb("import_document"), {**CONFIRMED, "document": "{}"}).status_code == 403
    page = reverse("admin:gdrive_drivetemplateplan_change", args=(plan.pk,))
    assert sales.get(page).status_code == 200
    for button in ("apply_plan", "cancel_plan"):
        address = reverse(f"admin:gdrive_drivetemplateplan_{button}", args=(plan.pk,))
        assert sales.post(address).status_code == 403
    assert DriveStructureTemplate.objects.count() == 4


def test_a_plan_page_takes_the_same_queries_whatever_it_holds(
    template: DriveStructureTemplate, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        grown(f"L{number}")
    plan, boss = plan_commands.draw(template, None), superuser()
    page = reverse("admin:gdrive_drivetemplateplan_change", args=(plan.pk,))
    boss.get(page)

    with django_assert_max_num_queries(14):
        boss.get(page)
