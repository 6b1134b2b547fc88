"""Section D of design/google.md, tests 50 to 53: one tree, whatever happens beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from rest_framework.test import APIClient

from gdrive.models import DriveFile, DriveFolder, DriveFolderNode, DriveFolderTree
from gdrive.tasks import provision_tree
from pipedesk.google.service import close_services
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.factories.crm import CompanyFactory, LeadFactory
from tests.gdrive.test_provisioning import all_ready, default_tree, work_off

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[..., APIClient]


def at_once(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in so many threads, each with its own connections, started together."""
    barrier = threading.Barrier(count)
    faults: list[Exception] = []

    def run(number: int) -> None:
        try:
            barrier.wait()
            work(number)
        except Exception as fault:  # noqa: BLE001  (shown by the assertion below)
            faults.append(fault)
        finally:
            close_services()
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_d50_two_workers_ensuring_one_folder_tree_make_one_tree(
    drive: DrivePeople, sandbox: SandboxServer
) -> None:
    """50. Two leads of a new company: both jobs make the company's folders at the same time."""
    company = CompanyFactory(name="ACME")
    trees = [
        DriveFolderTree.objects.of(
            "lead", LeadFactory(title=f"L{n}", qualified_company=company).pk
        ).get()
        for n in range(2)
    ]

    at_once(2, lambda n: provision_tree(trees[n].pk))
    work_off()

    wanted = default_tree("company")
    wanted["01. Leads"] = {f"Lead - L{n}": default_tree("lead") for n in range(2)}
    assert drive.tree() == {"Companies": {"ACME": wanted}}
    assert all_ready()


def test_fifty_requests_and_lost_answers_make_one_tree(
    api: Api, drive: DrivePeople, sandbox: SandboxServer
) -> None:
    """50. Every fifth folder is created although the answer gets lost, whoever asks."""
    lead = LeadFactory(title="ACME")
    client = api("manager")
    token = client._credentials["HTTP_AUTHORIZATION"]  # type: ignore[attr-defined]
    for skip in range(0, 40, 5):
        sandbox.google.faults.plan(
            {"method": "drive.files.create", "kind": "reset_after_commit", "skip": skip}
        )
    answers: list[tuple[int, int]] = []

    def call(_number: int) -> None:
        caller = APIClient()
        caller.credentials(HTTP_AUTHORIZATION=token)
        answer = caller.post(f"/api/drive/lead/{lead.pk}/provision")
        answers.append((answer.status_code, answer.json()["job_id"]))
        provision_tree(answer.json()["job_id"])

    at_once(50, call)
    work_off()

    tree = DriveFolderTree.objects.get()
    assert set(answers) == {(202, tree.pk)}
    assert drive.tree() == {"Leads": {"Lead - ACME": default_tree("lead")}}
    assert DriveFolder.objects.count() == 1
    assert all_ready()


@pytest.mark.parametrize(("status", "reason"), [(403, "forbidden"), (500, "backendError")])
def test_d51_when_every_listing_fails_no_tree_is_doubled(
    drive: DrivePeople, sandbox: SandboxServer, status: int, reason: str
) -> None:
    """51. What a listing does not show is not taken for absent: growing asks for none."""
    lead = LeadFactory(title="ACME")
    work_off()
    sandbox.google.faults.plan(
        {
            "method": "drive.files.list",
            "kind": "status",
            "status": status,
            "reason": reason,
            "times": 99,
        }
    )

    DriveFolderTree.objects.request(DriveFolderTree.objects.of("lead", lead.pk).get().pk)
    work_off()
    LeadFactory(title="Other")
    work_off()

    assert drive.tree() == {
        "Leads": {f"Lead - {name}": default_tree("lead") for name in ("ACME", "Other")}
    }


def test_d52_when_search_lags_behind_creation_nothing_is_doubled(
    drive: DrivePeople, sandbox: SandboxServer
) -> None:
    """52. The ids are from our database: not one search is made, also by the second worker."""
    sandbox.google.faults.plan(
        {"method": "drive.files.create", "kind": "reset_after_commit", "skip": 3, "times": 3}
    )
    LeadFactory(title="ACME")

    work_off()
    DriveFolderTree.objects.update(next_attempt_at=None)
    work_off()

    assert drive.tree() == {"Leads": {"Lead - ACME": default_tree("lead")}}
    assert "drive.files.list" not in sandbox.google.requests.as_json()


def test_d53_folders_of_people_with_the_same_name_stay_untouched_and_ours_is_known_by_id(
    drive: DrivePeople, sandbox: SandboxServer
) -> None:
    """53. Before us, and beside ours afterwards; a rename changes ours only."""
    place = drive.create_folder("Leads")
    theirs = drive.create_folder("Lead - ACME", place)
    drive.drop_file(theirs, "theirs.txt", b"1")
    lead = LeadFactory(title="ACME")

    work_off()
    ours = DriveFolder.objects.get().folder_id
    [our_place] = DriveFolderNode.objects.filter(tree=None)
    twin = drive.create_folder("Lead - ACME", our_place.google_id)
    lead.title = "ACME 2"
    lead.save()
    work_off()

    assert drive.file(ours)["name"] == "Lead - ACME 2"
    assert [drive.file(each)["name"] for each in (theirs, twin)] == ["Lead - ACME"] * 2
    assert [child["name"] for child in drive.children(theirs)] == ["theirs.txt"]
    assert drive.children(twin) == []
    assert set(DriveFile.objects.values_list("parent_folder_id", flat=True)) == {
        our_place.google_id,
        ours,
    }
    assert drive.file(ours)["appProperties"]["entity_id"] == str(lead.pk)
