"""The buttons on a folder tree's page: each difference has its remedy; asking changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from gdrive.models import DriveFolder, DriveFolderNode, DriveFolderTree
from pipedesk.sandbox.people import DrivePeople
from tests.browsing import staff_of, superuser
from tests.factories.crm import LeadFactory
from tests.gdrive.test_check_drive import GROWN, check, lead, one_folder, spoil
from tests.gdrive.test_commands import run
from tests.gdrive.test_provisioning import work_off

__all__ = ["lead", "one_folder"]

pytestmark = pytest.mark.django_db(transaction=True)

VERBS = ("again", "restore", "recreate", "keep", "take_back", "adopt")
CONFIRMED = {"_form_submitted": "on"}


def address(tree: DriveFolderTree, verb: str) -> str:
    return reverse(f"admin:gdrive_drivefoldertree_{verb}", args=(tree.pk,))


def buttons(browser: Any, tree: DriveFolderTree) -> set[str]:
    page = reverse("admin:gdrive_drivefoldertree_change", args=(tree.pk,))
    text = browser.get(page).content.decode()
    return {verb for verb in VERBS if address(tree, verb) in text}


@pytest.mark.parametrize(
    ("what", "verbs", "pressed", "grown"),
    [
        ("trashed", {"restore"}, "restore", GROWN),
        ("gone", {"recreate"}, "recreate", GROWN),
        ("stuck", {"again"}, "again", GROWN),
        ("renamed", {"keep", "take_back"}, "take_back", GROWN),
        ("moved", {"keep", "take_back"}, "take_back", {**GROWN, "Elsewhere": {}}),
        (
            "renamed",
            {"keep", "take_back"},
            "keep",
            {"Leads": {"Lead - ACME": {"Mine": {}, "plan.txt": None}}},
        ),
        (
            "moved",
            {"keep", "take_back"},
            "keep",
            {"Leads": {"Lead - ACME": {"plan.txt": None}}, "Elsewhere": {"01. Dados": {}}},
        ),
    ],
)
def test_each_difference_has_its_button_and_then_none_is_left(
    lead: Any,
    drive: DrivePeople,
    what: str,
    verbs: set[str],
    pressed: str,
    grown: dict[str, Any],
) -> None:
    spoil(drive, what)
    run("sync_drive")
    tree, boss = DriveFolderTree.objects.get(), superuser()
    before = drive.tree()
    assert buttons(boss, tree) == verbs

    boss.get(address(tree, pressed))
    work_off()
    assert drive.tree() == before
    assert buttons(boss, tree) == verbs

    assert boss.post(address(tree, pressed), CONFIRMED).status_code == 200
    work_off()
    run("sync_drive")
    assert drive.tree() == grown
    assert buttons(boss, tree) == set()
    assert check()[0] == 0


def test_a_tree_as_it_should_be_has_no_button(lead: Any) -> None:
    assert buttons(superuser(), DriveFolderTree.objects.get()) == set()


def test_a_folder_is_adopted_from_the_page(drive: DrivePeople) -> None:
    row = LeadFactory(title="ACME")
    tree, old, boss = DriveFolderTree.objects.get(), drive.create_folder("Old"), superuser()
    assert buttons(boss, tree) == {"adopt"}

    wrong = boss.post(address(tree, "adopt"), {**CONFIRMED, "folder_url": "https://x.example"})
    assert wrong.status_code == 200
    assert not DriveFolderNode.objects.exists()
    boss.post(address(tree, "adopt"), {**CONFIRMED, "folder_url": old})
    work_off()

    assert DriveFolder.objects.get(entity_id=str(row.pk)).folder_id == old
    assert drive.tree()["Old"] == {"01. Dados": {}}


def test_managers_mend_and_the_sales_team_does_not(lead: Any, drive: DrivePeople) -> None:
    spoil(drive, "trashed")
    run("sync_drive")
    tree = DriveFolderTree.objects.get()

    assert buttons(staff_of("manager"), tree) == {"restore"}
    assert staff_of("sales").post(address(tree, "restore"), CONFIRMED).status_code == 403
    assert not DriveFolderNode.objects.exclude(remedy="").exists()
