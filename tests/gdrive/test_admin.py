"""Drive's admin pages: templates to edit, the rest to look at."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from gdrive.models import (
    DriveChangeLog,
    DriveFile,
    DriveFolder,
    DriveFolderTree,
    DriveStructureNode,
    DriveStructureTemplate,
    DriveSyncState,
)
from tests.browsing import staff_of, superuser
from tests.factories.crm import LeadFactory
from tests.factories.webhooks import DriveChannelFactory

pytestmark = pytest.mark.django_db

TREES = reverse("admin:gdrive_drivefoldertree_changelist")


@pytest.fixture
def template() -> DriveStructureTemplate:
    """Two folders, one of them with a folder inside."""
    DriveStructureTemplate.objects.all().delete()
    template = DriveStructureTemplate.objects.create(name="Leads", entity_type="lead")
    outer = template.nodes.create(name="01. Outer", order=1)
    template.nodes.create(name="01.01 Inner", order=1, parent=outer)
    template.nodes.create(name="02. Second", order=2)
    return template


def page_of(template: DriveStructureTemplate) -> str:
    return reverse("admin:gdrive_drivestructuretemplate_change", args=(template.pk,))


def rows_of(template: DriveStructureTemplate) -> list[dict[str, Any]]:
    """The form's rows as the browser got them: each folder below the one it lies in."""
    formset = superuser().get(page_of(template)).context["inline_admin_formsets"][0].formset
    return [
        {
            "id": row.instance.pk,
            "name": row.instance.name,
            "parent": row.instance.parent_id or "",
            "order": row.instance.order,
        }
        for row in formset.initial_forms
    ]


def sent(
    template: DriveStructureTemplate, rows: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    fields = {"name": template.name, "active": "on", **more}
    fields |= {
        "nodes-TOTAL_FORMS": len(rows),
        "nodes-INITIAL_FORMS": sum("id" in row for row in rows),
    }
    for n, row in enumerate(rows):
        for name, value in {"template": template.pk, "order": 0, "parent": "", **row}.items():
            fields[f"nodes-{n}-{name}"] = value
    return fields


def save(template: DriveStructureTemplate, rows: list[dict[str, Any]]) -> Any:
    return superuser().post(page_of(template), sent(template, rows))


def test_folders_are_shown_each_below_the_one_it_lies_in(template: DriveStructureTemplate) -> None:
    assert [row["name"] for row in rows_of(template)] == ["01. Outer", "01.01 Inner", "02. Second"]
    text = superuser().get(page_of(template)).content.decode()
    assert text.count('<ul class="pd-tree">') == 2


def test_a_folder_is_renamed_and_another_added_at_the_end(template: DriveStructureTemplate) -> None:
    rows = rows_of(template)
    rows[2]["name"] = "02. Correspondence {{year}}"

    answer = save(template, [*rows, {"name": "03. Third"}])

    assert answer.status_code == 302
    assert list(template.nodes.filter(parent=None).values_list("name", flat=True)) == [
        "01. Outer",
        "02. Correspondence {{year}}",
        "03. Third",
    ]
    template.refresh_from_db()
    assert template.version == 2
    assert template.edited_at is not None


def test_saving_without_a_change_makes_no_new_version(template: DriveStructureTemplate) -> None:
    save(template, rows_of(template))

    template.refresh_from_db()
    assert (template.version, template.edited_at) == (1, None)


@pytest.mark.parametrize(
    ("name", "help_text"),
    [
        ("{{lead_nam}}", "Did you mean “lead_name”?"),
        ("{{ deal_name }}", "There is no placeholder “deal_name” here."),
        ("Of {{zzzzqqq}}", "There is no placeholder “zzzzqqq” here."),
    ],
)
def test_a_wrong_placeholder_is_refused_with_the_nearest_name(
    template: DriveStructureTemplate, name: str, help_text: str
) -> None:
    answer = save(template, [*rows_of(template), {"name": name}])

    assert answer.status_code == 200
    assert help_text in answer.content.decode()
    assert template.nodes.count() == 3


def test_no_folder_lies_inside_itself(template: DriveStructureTemplate) -> None:
    rows = rows_of(template)
    rows[0]["parent"] = rows[1]["id"]

    answer = save(template, rows)

    assert "would lie inside itself" in answer.content.decode()
    assert template.nodes.filter(parent=None).count() == 2


def test_a_folder_that_holds_others_does_not_take_them_along_unseen(
    template: DriveStructureTemplate,
) -> None:
    rows = rows_of(template)
    rows[0]["DELETE"] = "on"

    refused = save(template, rows)
    rows[1]["DELETE"] = "on"
    done = save(template, rows)

    assert "is being removed" in refused.content.decode()
    assert done.status_code == 302
    assert [node.name for node in template.nodes.all()] == ["02. Second"]


def test_two_folders_of_one_place_have_different_names(template: DriveStructureTemplate) -> None:
    answer = save(template, [*rows_of(template), {"name": "02. SECOND"}])

    assert "have the same name" in answer.content.decode()


def test_a_folder_of_another_template_is_no_place(template: DriveStructureTemplate) -> None:
    other = DriveStructureTemplate.objects.create(name="Deals", entity_type="deal")
    foreign = DriveStructureNode.objects.create(template=other, name="Foreign")

    answer = save(template, [*rows_of(template), {"name": "New", "parent": foreign.pk}])

    assert answer.status_code == 200
    assert template.nodes.count() == 3


def test_making_a_template_the_active_one_retires_the_other(
    template: DriveStructureTemplate,
) -> None:
    answer = superuser().post(
        reverse("admin:gdrive_drivestructuretemplate_add"),
        {
            "name": "Another",
            "entity_type": "lead",
            "active": "on",
            "nodes-TOTAL_FORMS": 1,
            "nodes-INITIAL_FORMS": 0,
            "nodes-0-name": "01. Only",
            "nodes-0-order": 0,
        },
    )

    assert answer.status_code == 302
    active = DriveStructureTemplate.objects.active_for("lead").get()
    assert [node.name for node in active.nodes.all()] == ["01. Only"]


def test_the_active_template_is_neither_switched_off_nor_deleted(
    template: DriveStructureTemplate,
) -> None:
    boss = superuser()
    off = {name: value for name, value in sent(template, []).items() if name != "active"}

    refused = boss.post(page_of(template), off)
    gone = boss.post(
        reverse("admin:gdrive_drivestructuretemplate_delete", args=(template.pk,)), {"post": "yes"}
    )
    boss.post(
        reverse("admin:gdrive_drivestructuretemplate_changelist"),
        {"action": "delete_selected", "_selected_action": [template.pk], "post": "yes"},
    )

    assert "make another one active" in str(refused.context["errors"])
    assert gone.status_code == 403
    template.refresh_from_db()
    assert template.active


@pytest.mark.parametrize("folders", [1, 30])
def test_the_form_takes_the_same_number_of_queries_whatever_the_folders(
    template: DriveStructureTemplate, folders: int, django_assert_max_num_queries: Any
) -> None:
    for n in range(folders):
        template.nodes.create(name=f"Folder {n}", order=n)
    boss = superuser()
    boss.get(page_of(template))

    with django_assert_max_num_queries(9):
        boss.get(page_of(template))


def test_the_sales_team_reads_templates_only(template: DriveStructureTemplate) -> None:
    sales = staff_of("sales")

    assert sales.get(page_of(template)).status_code == 200
    assert sales.post(page_of(template), sent(template, [])).status_code == 403


def tree(**state: Any) -> DriveFolderTree:
    values = {"entity_type": "lead", "entity_id": str(LeadFactory().pk), "requested": 1, **state}
    row, _created = DriveFolderTree.objects.update_or_create(
        entity_type=values.pop("entity_type"), entity_id=values.pop("entity_id"), defaults=values
    )
    return row


def test_a_tree_shows_its_state_its_error_and_the_way_to_drive() -> None:
    row = tree(dead_at=timezone.now(), last_error="No place to grow")
    DriveFolder.objects.create(
        entity_type="lead",
        entity_id=row.entity_id,
        folder_id="f1",
        folder_url="https://drive.google.com/f1",
    )

    text = superuser().get(TREES, {"work": "dead"}).content.decode()

    assert "No place to grow" in text
    assert 'href="https://drive.google.com/f1"' in text
    assert reverse("admin:crm_lead_change", args=(row.entity_id,)) in text


def test_run_again_revives_what_was_given_up_and_asks_for_the_rest() -> None:
    dead, done = tree(dead_at=timezone.now(), attempts=5), tree(applied=1)
    OrmQ.objects.all().delete()
    DriveFolderTree.objects.update(queued_at=None)

    staff_of("manager").post(TREES, {"action": "run_again", "_selected_action": [dead.pk, done.pk]})

    assert DriveFolderTree.objects.behind().count() == 2
    assert OrmQ.objects.count() == 2


def test_the_sales_team_neither_sees_nor_starts_this_work() -> None:
    sales = staff_of("sales")

    assert sales.get(TREES).status_code == 403


def test_a_channel_shows_neither_token_nor_hash() -> None:
    channel = DriveChannelFactory(token_hash="canary-hash" * 5)
    state = channel.sync_state
    DriveSyncState.objects.filter(pk=state.pk).update(
        page_token="canary-cursor", last_notification={"headers": "canary-header"}
    )
    boss = superuser()

    for name, pk in (("drivewebhookchannel", channel.pk), ("drivesyncstate", state.pk)):
        for page in (
            reverse(f"admin:gdrive_{name}_changelist"),
            reverse(f"admin:gdrive_{name}_change", args=(pk,)),
        ):
            answer = boss.get(page)
            assert answer.status_code == 200
            assert b"canary" not in answer.content


def test_changes_and_files_are_shown_and_never_edited() -> None:
    change = DriveChangeLog.objects.create(event_type="renamed", raw_headers="canary")
    file = DriveFile.objects.create(
        file_id="x", name="Matrícula.pdf", size=2048, web_view_link="javascript:alert(1)"
    )
    boss = superuser()

    for name, pk in (("drivechangelog", change.pk), ("drivefile", file.pk)):
        page = reverse(f"admin:gdrive_{name}_change", args=(pk,))
        answer = boss.get(page)
        assert answer.status_code == 200
        assert b"canary" not in answer.content
        assert b"javascript:alert" not in answer.content
        assert boss.post(page, {"name": "X"}).status_code == 403
        assert boss.get(reverse(f"admin:gdrive_{name}_add")).status_code == 403
