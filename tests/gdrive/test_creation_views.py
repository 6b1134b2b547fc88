"""Folders made in the API, each exactly once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from crm.models import Lead
from gdrive import client as drive_client
from gdrive.models import (
    DriveChangeLog,
    DriveCreation,
    DriveFile,
    DriveFolderTree,
    DriveSyncState,
)
from gdrive.tasks import provision_tree, sync_drive
from pipedesk.core.models import StoredAnswer
from pipedesk.core.pruning import prune
from pipedesk.google import service
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.dying import Died
from tests.factories.accounts import UserFactory
from tests.factories.crm import CompanyFactory, LeadFactory
from tests.gdrive.dying import Steps

pytestmark = pytest.mark.django_db

Api = Callable[..., Any]
Provision = Callable[[str, object], DriveFolderTree]
FolderId = Callable[[str, object], str]
KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


@pytest.fixture
def lead(provision: Provision) -> Lead:
    """A lead whose folder exists."""
    lead: Lead = LeadFactory(title="ACME")
    provision("lead", lead.pk)
    return lead


@pytest.fixture
def root_id(lead: Lead, folder_id: FolderId) -> str:
    return folder_id("lead", lead.pk)


def address(lead: Lead) -> str:
    return f"/api/drive/lead/{lead.pk}/folder"


def follow() -> None:
    """What the poll does."""
    state = DriveSyncState.objects.get()
    DriveSyncState.objects.request(state.pk)
    sync_drive(state.pk)


def everything(drive: DrivePeople) -> Any:
    """What a refused call must leave as it is."""
    files = DriveFile.objects.order_by("pk").values_list()
    return drive.tree(), list(files), DriveChangeLog.objects.count()


def own(lead: Lead, drive: DrivePeople) -> dict[str, Any]:
    """Names in the lead's folder beside those of its template."""
    inside = drive.tree()["Leads"][f"Lead - {lead.title}"]
    return {name: below for name, below in inside.items() if not name[:2].isdigit()}


def test_a_folder_is_made_in_the_entity_s_own(
    api: Api, lead: Lead, root_id: str, drive: DrivePeople
) -> None:
    answer = api("manager").post(address(lead), {"name": "Visitas"})

    assert answer.status_code == 201
    item = answer.json()
    assert (item["name"], item["type"], item["parents"]) == ("Visitas", "folder", [root_id])
    assert own(lead, drive) == {"Visitas": {}}
    assert drive.file(item["id"])["appProperties"] == {
        "entity_type": "lead", "entity_id": str(lead.pk),
    }  # fmt: skip
    listed = api("sales").get(f"/api/drive/lead/{lead.pk}").json()["files"]
    assert item in listed


def test_a_folder_is_made_inside_another(api: Api, lead: Lead, drive: DrivePeople) -> None:
    client = api("manager")
    outer = client.post(address(lead), {"name": "Outer"}).json()

    inner = client.post(address(lead) + "/", {"name": "Inner", "parentId": outer["id"]}).json()

    assert inner["parents"] == [outer["id"]]
    assert own(lead, drive) == {"Outer": {"Inner": {}}}


def test_the_body_may_name_the_entity(api: Api, lead: Lead, drive: DrivePeople) -> None:
    client = api("manager")
    for number, (kind, pk, name) in enumerate(
        (("entityType", "entityId", "folderName"), ("entity_type", "entity_id", "name"))
    ):
        body = {kind: "lead", pk: str(lead.pk), name: f"F{number}"}
        assert client.post("/api/drive/folders", body).status_code == 201

    assert own(lead, drive) == {"F0": {}, "F1": {}}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ('it\'s \\ "x"', 'it\'s \\ "x"'),
        ("🚀 Plano / 2026", "🚀 Plano / 2026"),
        ("  a\r\nb\t ", "a b"),
        ("\u202egpj.exe", "gpj.exe"),
        ("../../etc", "../../etc"),
        ("x" * 255, "x" * 255),
        ("CON", "CON"),
    ],
)
def test_names_are_made_safe(
    api: Api, lead: Lead, drive: DrivePeople, typed: str, kept: str
) -> None:
    answer = api("manager").post(address(lead), {"name": typed})

    assert answer.status_code == 201
    assert answer.json()["name"] == kept
    assert own(lead, drive) == {kept: {}}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": " \t\u202e"}, {"name": "a\x00b"}, {"name": None}, {"name": 7},
        {"name": "a", "parent": "x"}, {"name": "a", "parent_id": 7}, {"name": "a" * 300},
    ],
)  # fmt: skip
def test_a_body_that_breaks_a_rule_is_422_and_changes_nothing(
    api: Api, lead: Lead, drive: DrivePeople, body: dict[str, Any]
) -> None:
    before = everything(drive)

    assert api("manager").post(address(lead), body).status_code == 422
    assert everything(drive) == before


def test_a_parent_that_will_not_do_is_named(
    api: Api, lead: Lead, root_id: str, drive: DrivePeople, provision: Provision,
    folder_id: FolderId,
) -> None:  # fmt: skip
    other = LeadFactory(title="Other")
    provision("lead", other.pk)
    trashed = drive.create_folder("trashed", root_id)
    below_trashed = drive.create_folder("below", trashed)
    file = drive.drop_file(root_id, "a.txt", b"x")
    away = drive.create_folder("away", root_id)
    follow()
    drive.trash(trashed)
    drive.move(away, "root")
    follow()
    before = everything(drive)

    wanted = {
        folder_id("lead", other.pk): 404, "nobody's": 404, away: 404, file: 422,
        trashed: 409, below_trashed: 409,
    }  # fmt: skip
    for parent_id, status in wanted.items():
        answer = api("manager").post(address(lead), {"name": "x", "parent_id": parent_id})
        assert answer.status_code == status, (parent_id, answer.content)
    assert everything(drive) == before


def test_a_folder_deleted_in_drive_and_not_yet_here_is_409(
    api: Api, lead: Lead, root_id: str, drive: DrivePeople
) -> None:
    parent_id = api("manager").post(address(lead), {"name": "x"}).json()["id"]
    drive.delete(parent_id)

    answer = api("manager").post(address(lead), {"name": "y", "parent_id": parent_id})

    assert answer.status_code == 409
    assert "gone" in answer.json()["message"]


def test_without_its_own_folder_nothing_is_made(api: Api, drive: DrivePeople) -> None:
    lead = LeadFactory()
    pending = api("manager").post(address(lead), {"name": "x"})
    DriveFolderTree.objects.all().delete()
    without = api("manager").post(address(lead), {"name": "x"})

    assert (pending.status_code, without.status_code) == (409, 409)
    assert "being made" in pending.json()["message"]
    assert "provision" in without.json()["message"]
    assert drive.tree() == {}


@pytest.mark.parametrize("kind", ["timeout_after_commit", "reset_after_commit", "reset_before"])
def test_an_answer_lost_on_the_way_makes_no_second_folder(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople, kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("pipedesk.google.service.READ_TIMEOUT_S", 0.5)
    service.close_services()
    google.google.faults.plan({"method": "drive.files.create", "kind": kind, "seconds": 1.0})

    assert api("manager").post(address(lead), {"name": "x"}).status_code == 201
    assert own(lead, drive) == {"x": {}}


def test_google_away_is_503_and_the_key_finds_its_own_folder(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Created, and every later answer lost: the client is told 503, and comes again."""
    client = api("manager")
    for kind in ("malformed", "status"):
        google.google.faults.plan({"method": "drive.files.create", "kind": kind, "status": 503})
    execute = partial(service.execute, retries=0)
    monkeypatch.setattr("gdrive.client.execute", execute)

    lost = client.post(address(lead), {"name": "x"}, headers=KEY)
    away = client.post(address(lead), {"name": "x"}, headers=KEY)
    again = client.post(address(lead), {"name": "x"}, headers=KEY)
    replayed = client.post(address(lead), {"name": "x"}, headers=KEY)

    assert [lost.status_code, away.status_code, again.status_code] == [503, 503, 201]
    assert lost.json()["code"] == "google_unavailable"
    assert lost["Retry-After"]
    assert replayed.json() == again.json()
    assert replayed["Idempotency-Replayed"] == "true"
    assert own(lead, drive) == {"x": {}}


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_at_any_step_doubles_nothing(
    api: Api, lead: Lead, drive: DrivePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api("manager")
    steps = Steps(monkeypatch)
    fatal, lived = 0, False
    while not lived:
        fatal += 1
        headers, name = {"idempotency-key": f"k{fatal}"}, f"x{fatal}"

        def ask(name: str = name, headers: dict[str, str] = headers) -> Any:
            return client.post(address(lead), {"name": name}, headers=headers)

        lived = steps.run(ask, fatal)
        follow()
        # What the first request left behind ends after five minutes.
        StoredAnswer.objects.filter(answer__isnull=True).delete()
        answer = ask()
        follow()

        assert answer.status_code == 201, f"died at step {fatal}"
        assert own(lead, drive) == {f"x{number}": {} for number in range(1, fatal + 1)}
        log = DriveChangeLog.objects.filter(changed_resource_id=answer.json()["id"])
        assert [row.event_type for row in log] == ["created"], f"died at step {fatal}"
    assert fatal > 6


def test_the_key_with_another_body_is_422_also_after_a_death(
    api: Api, lead: Lead, drive: DrivePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api("manager")

    def die(*_args: Any, **_kwargs: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr("gdrive.client.execute", die)
        with pytest.raises(Died):
            client.post(address(lead), {"name": "x"}, headers=KEY)
    StoredAnswer.objects.all().delete()

    answer = client.post(address(lead), {"name": "y"}, headers=KEY)

    assert answer.status_code == 422
    assert answer.json()["details"][0]["code"] == "key_reused"
    assert own(lead, drive) == {}


def test_a_folder_deleted_for_good_meanwhile_is_made_anew(
    api: Api, lead: Lead, drive: DrivePeople
) -> None:
    client = api("manager")
    first = client.post(address(lead), {"name": "x"}, headers=KEY).json()["id"]
    StoredAnswer.objects.all().delete()
    drive.delete(first)

    assert client.post(address(lead), {"name": "x"}, headers=KEY).status_code == 503
    assert client.post(address(lead), {"name": "x"}, headers=KEY).status_code == 201
    assert own(lead, drive) == {"x": {}}


def test_d62_what_we_made_is_in_the_log_once_however_often_the_feed_tells(
    api: Api, lead: Lead, drive: DrivePeople
) -> None:
    item = api("manager").post(address(lead), {"name": "x"}).json()
    follow()
    follow()

    [entry] = DriveChangeLog.objects.filter(changed_resource_id=item["id"])
    assert entry.event_type == "created"


def test_d55_a_property_over_124_bytes_is_refused_before_the_call(google: SandboxServer) -> None:
    with pytest.raises(ValueError, match="124"):
        drive_client.create_folder("x", "n", "root", {"entity_id": "é" * 60})
    assert google.google.requests.count("drive.files.create") == 0


REFUSALS = (
    "storageQuotaExceeded", "numChildrenInNonRootLimitExceeded",
    "myDriveHierarchyDepthLimitExceeded", "activeItemCreationLimitExceeded",
    "insufficientFilePermissions", "domainPolicy", "appNotAuthorizedToFile",
)  # fmt: skip


@pytest.mark.parametrize("reason", REFUSALS)
def test_d61_a_refusal_for_good_is_told_plainly_and_not_tried_again(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople, reason: str
) -> None:
    before = everything(drive)
    google.google.requests.clear()
    google.google.faults.plan(
        {"method": "drive.files.create", "kind": "status", "status": 403, "reason": reason}
    )

    answer = api("manager").post(address(lead), {"name": "x"})

    assert answer.status_code == 409
    assert answer.json()["details"] == [{"field": "reason", "code": "conflict", "message": reason}]
    assert ":" in answer.json()["message"]  # what is wrong: what to do
    assert google.google.requests.count("drive.files.create") == 1
    assert everything(drive) == before


@pytest.mark.parametrize("reason", REFUSALS)
def test_d61_a_tree_that_is_refused_is_given_up_with_the_plain_message(
    google: SandboxServer, templates: None, reason: str
) -> None:
    google.google.faults.plan(
        {"method": "drive.files.create", "kind": "status", "status": 403, "reason": reason}
    )
    lead = LeadFactory()
    tree = DriveFolderTree.objects.of("lead", lead.pk).get()

    provision_tree(tree.pk)

    tree.refresh_from_db()
    assert tree.dead_at is not None
    assert "403" not in tree.last_error
    assert google.google.requests.count("drive.files.create") == 1


def test_a_revoked_credential_is_503_and_nothing_is_half_done(
    api: Api, lead: Lead, google: SandboxServer, drive: DrivePeople
) -> None:
    before = everything(drive)
    google.google.faults.plan(
        {"method": "drive.files.create", "kind": "status", "status": 401, "reason": "authError"}
    )

    answer = api("manager").post(address(lead), {"name": "x"})

    assert (answer.status_code, answer.json()["code"]) == (503, "google_unavailable")
    assert everything(drive) == before


def test_who_may_create(api: Api, lead: Lead, drive: DrivePeople) -> None:
    seller = api("sales")
    body = {"entity_type": "lead", "entity_id": str(lead.pk), "name": "x"}
    wanted = {
        api(None): 401, api(""): 403, api("sales"): 403, seller: 201, api("manager"): 201,
        api("admin"): 201,
    }  # fmt: skip
    Lead.objects.filter(pk=lead.pk).update(owner=seller.user)

    for client, status in wanted.items():
        assert client.post(address(lead), {"name": "x"}).status_code == status
        assert client.post("/api/drive/folders", body).status_code == status
    assert len(own(lead, drive)) == 6


@pytest.mark.parametrize("tail", ["folder", "upload"])
def test_an_unknown_entity_is_404(api: Api, drive: DrivePeople, tail: str) -> None:
    deleted = LeadFactory(deleted_at=timezone.now())
    for path in (f"lead/{deleted.pk}", "lead/no-uuid", "order/x"):
        answer = api("admin").post(f"/api/drive/{path}/{tail}", {"name": "x"})
        assert answer.status_code == 404
    body = {"entity_type": "lead", "entity_id": str(deleted.pk), "name": "x"}
    assert api("admin").post("/api/drive/folders", body).status_code == 404
    assert drive.tree() == {}


def test_the_number_of_queries(
    api: Api, lead: Lead, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api("manager")
    client.post(address(lead), {"name": "w"})  # the store of ids is full now

    # user with role; entity; its folder twice, the path, the parent, whose it is; an id; the feeds'
    # lock, is it news, the mirror, the log, the row; save-points
    with django_assert_num_queries(19):
        client.post(address(lead), {"name": "x"})


def test_work_that_outlives_its_key_is_answered_all_the_same(
    api: Api, lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five minutes a repeat takes the key's row away from who is still at work."""
    execute = drive_client.execute

    def slowly(request: Any) -> dict[str, Any]:
        StoredAnswer.objects.all().delete()
        return execute(request)

    monkeypatch.setattr("gdrive.client.execute", slowly)

    assert api("manager").post(address(lead), {"name": "x"}, headers=KEY).status_code == 201


def test_in_a_folder_of_another_record_its_own_rights_count(
    api: Api, provision: Provision, folder_id: FolderId, drive: DrivePeople
) -> None:
    """A lead's folder stands in its company's."""
    seller = api("sales")
    company = CompanyFactory(name="ACME SA")
    own_lead = LeadFactory(title="Mine", qualified_company=company, owner=seller.user)
    foreign = LeadFactory(title="Theirs", qualified_company=company, owner=UserFactory())
    for row in (own_lead, foreign):
        provision("lead", row.pk)
    provision("company", company.pk)
    follow()
    path = f"/api/drive/company/{company.pk}/folder"

    mine = seller.post(path, {"name": "x", "parent_id": folder_id("lead", own_lead.pk)})
    theirs = seller.post(path, {"name": "x", "parent_id": folder_id("lead", foreign.pk)})

    assert (mine.status_code, theirs.status_code) == (201, 403)
    assert drive.file(mine.json()["id"])["appProperties"] == {
        "entity_type": "lead", "entity_id": str(own_lead.pk),
    }  # fmt: skip


def test_ids_under_keys_are_dropped_when_the_keys_are_over(api: Api, lead: Lead) -> None:
    api("manager").post(address(lead), {"name": "x"}, headers=KEY)
    assert prune()["creations in Drive"] == 0

    DriveCreation.objects.update(created_at=timezone.now() - timedelta(days=3))

    assert prune()["creations in Drive"] == 1
    assert not DriveCreation.objects.exists()
