"""Permissions of files: given, changed and taken one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from crm.models import Lead
from gdrive import permission_client, sharing
from gdrive.belonging import home_of
from gdrive.models import DriveFile, DriveFileAct
from gdrive.tasks import settle_file_act
from pipedesk.audit.models import AuditLog
from pipedesk.core.tasks import sweep
from pipedesk.sandbox.server import SandboxServer
from tests.dying import let_leases_end
from tests.factories.crm import LeadFactory
from tests.gdrive.desk import Desk, log
from tests.gdrive.dying import Steps
from tests.gdrive.following import follow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("impatient")]

Api = Callable[..., Any]
ANA, BOB = "ana@acme.example", "bob@acme.example"


def to(email: str, role: str = "reader", kind: str = "user", **more: Any) -> dict[str, Any]:
    return {"type": kind, "role": role, "emailAddress": email, **more}


def give(client: Any, desk: Desk, body: Any) -> Any:
    return client.post(desk.address(desk.file, "permissions"), body)


def shown(client: Any, desk: Desk) -> list[dict[str, Any]]:
    answer = client.get(desk.address(desk.file, "permissions"))
    assert answer.status_code == 200, answer.content
    return list(answer.json()["permissions"])


def in_drive(desk: Desk) -> dict[str, str]:
    """Role by address, without the owner's."""
    given = desk.drive.file(desk.file)["permissions"]
    names = ("emailAddress", "domain", "type")
    named = {next(each[name] for name in names if name in each): each["role"] for each in given}
    return {name: role for name, role in named.items() if role != "owner"}


# --- What people do ---------------------------------------------------------------------------


def test_permissions_are_given_listed_changed_and_taken(api: Api, desk: Desk) -> None:
    client = api("manager")

    given = give(client, desk, to("Ana@ACME.example"))

    assert given.status_code == 201, given.content
    permission = given.json()
    assert permission == {
        "id": permission["id"],
        "role": "reader",
        "type": "user",
        "emailAddress": ANA,
        "domain": None,
    }
    assert [each["role"] for each in shown(client, desk)] == ["owner", "reader"]
    one = desk.address(desk.file, f"permissions/{permission['id']}")
    assert client.get(one).json() == permission
    assert client.put(one, {"role": "writer"}).json() == {**permission, "role": "writer"}
    assert in_drive(desk) == {ANA: "writer"}
    assert client.delete(one).status_code == 204
    assert in_drive(desk) == {}
    assert [client.get(one).status_code, client.delete(one).status_code] == [404, 404]
    assert not DriveFileAct.objects.exists()


def test_giving_twice_is_one_permission_with_the_later_role(api: Api, desk: Desk) -> None:
    client = api("manager")
    answers = [give(client, desk, to(ANA, role)) for role in ("reader", "reader", "writer")]

    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert in_drive(desk) == {ANA: "writer"}
    assert AuditLog.objects.filter(action="file_shared").count() == 2


def test_the_history_and_the_log_tell_who_shared_what(api: Api, desk: Desk) -> None:
    client = api("manager")
    permission = give(client, desk, to(ANA)).json()
    client.delete(desk.address(desk.file, f"permissions/{permission['id']}"))

    entries = AuditLog.objects.filter(entity_type="lead", entity_id=str(desk.lead.pk))
    shared, unshared = entries.filter(user_id=str(client.user.pk)).order_by("pk")
    assert (shared.action, unshared.action) == ("file_shared", "file_unshared")
    assert shared.changes[1] == {"field": "permission", "old": None, "new": f"{ANA} reader"}
    assert log() == [(desk.file, "shared"), (desk.file, "unshared")]
    titles = client.get(f"/api/timeline/lead/{desk.lead.pk}").json()
    assert "Shared in Drive: offer.pdf" in str(titles)
    follow()
    assert log() == [(desk.file, "shared"), (desk.file, "unshared")]


def test_no_mail_is_sent_unless_asked_for(
    api: Api, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, execute = [], permission_client.execute

    def watching(request: Any) -> Any:
        sent.append("sendNotificationEmail=true" in request.uri)
        assert request.method == "GET" or "sendNotificationEmail" in request.uri
        return execute(request)

    monkeypatch.setattr(permission_client, "execute", watching)
    give(api("manager"), desk, to(ANA))
    assert not any(sent)
    give(api("manager"), desk, to(BOB, sendNotificationEmail=True))
    assert any(sent)


def test_the_owner_stays(api: Api, desk: Desk) -> None:
    client = api("admin")
    owner = shown(client, desk)[0]
    one = desk.address(desk.file, f"permissions/{owner['id']}")

    answers = [
        client.put(one, {"role": "reader"}),
        client.delete(one),
        give(client, desk, to(owner["emailAddress"])),
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert shown(client, desk) == [owner]


@pytest.mark.parametrize(
    "body",
    [{"type": "anyone", "role": "reader"}, {"type": "domain", "role": "reader", "domain": "a.eu"}],
)
def test_links_need_the_setting(
    api: Api, desk: Desk, settings: Settings, body: dict[str, str]
) -> None:
    client = api("admin")
    refused = give(client, desk, body)
    assert refused.status_code == 422
    assert refused.json()["details"][0]["code"] == "links_not_allowed"
    assert in_drive(desk) == {}

    settings.DRIVE_ALLOW_LINK_SHARING = True
    given = give(client, desk, body)
    assert given.status_code == 201, given.content
    settings.DRIVE_ALLOW_LINK_SHARING = False
    one = desk.address(desk.file, f"permissions/{given.json()['id']}")
    assert client.put(one, {"role": "writer"}).status_code == 422
    assert client.delete(one).status_code == 204  # less is always allowed


# --- One by one -------------------------------------------------------------------------------


def both(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Both at the same moment."""
    barrier, answers = threading.Barrier(2), []

    def run(deed: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            answers.append(deed())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


STALE = {"method": "permissions.create", "kind": "stale", "seconds": 0.5, "times": 2}


@pytest.mark.django_db(transaction=True)
def test_drive_keeps_only_the_last_of_two_changes_at_once(
    desk: Desk, google: SandboxServer
) -> None:
    """What Drive does with callers that do not wait for each other; see the next test."""
    google.google.faults.plan(STALE)

    def share(email: str) -> Any:
        return permission_client.create_permission(desk.file, "user", "reader", email, notify=False)

    both(lambda: share(ANA), lambda: share(BOB))

    assert len(in_drive(desk)) == 1


@pytest.mark.django_db(transaction=True)
def test_d59_two_permission_changes_on_one_file_are_serialized_and_both_effective(
    api: Api, desk: Desk, google: SandboxServer
) -> None:
    google.google.faults.plan(STALE)
    ana, bob = api("manager"), api("admin")

    answers = both(lambda: give(ana, desk, to(ANA)), lambda: give(bob, desk, to(BOB)))

    assert [answer.status_code for answer in answers] == [201, 201]
    assert in_drive(desk) == {ANA: "reader", BOB: "reader"}


# --- Answers that never came, and death -------------------------------------------------------


@pytest.mark.parametrize("kind", ["reset_before", "reset_after_commit"])
def test_without_an_answer_it_is_settled_by_what_drive_shows(
    api: Api, desk: Desk, google: SandboxServer, kind: str
) -> None:
    client = api("manager")
    google.google.faults.plan({"method": "permissions.create", "kind": kind, "times": 9})

    assert give(client, desk, to(ANA)).status_code == 503

    google.google.faults.clear()
    assert sweep() == 1
    settle_file_act(DriveFileAct.objects.get().pk)
    went_through = kind == "reset_after_commit"
    assert in_drive(desk) == ({ANA: "reader"} if went_through else {})
    entries = AuditLog.objects.filter(action="file_shared", user_id=str(client.user.pk))
    assert entries.count() == went_through
    assert not DriveFileAct.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
def test_every_change_survives_death_at_every_step(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Drive has is in the history, whoever died; and nothing else is."""
    steps = Steps(monkeypatch)
    home = home_of(desk.file)
    assert home
    work = sharing.Sharing(desk.row(desk.file), home, "ana")

    def pid() -> str:
        return sharing.listed(work.file)[-1].permission_id

    deeds = (
        (lambda: work.give(sharing.Wanted("user", "reader", ANA)), {}, {ANA: "reader"}),
        (lambda: work.change(pid(), "writer"), {ANA: "reader"}, {ANA: "writer"}),
        (lambda: work.take(pid()), {ANA: "writer"}, {}),
    )
    for deed, before, after in deeds:
        fatal, survived = 0, False
        while not survived:
            for each in sharing.listed(work.file)[1:]:
                permission_client.delete_permission(desk.file, each.permission_id)
            for email, role in before.items():
                desk.drive.share(desk.file, email, role)
            told = AuditLog.objects.count()
            fatal += 1

            survived = steps.run(deed, fatal)
            let_leases_end(DriveFileAct)
            sweep()
            for pk in list(DriveFileAct.objects.values_list("pk", flat=True)):
                settle_file_act(pk)

            now = in_drive(desk)
            assert now in (before, after)
            assert AuditLog.objects.count() - told == (now == after), f"died at step {fatal}"
            assert not DriveFileAct.objects.exists()
        assert in_drive(desk) == after
        assert fatal > 6


# --- Refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        to("no address"),
        to("a" * 250 + "@x.eu"),
        to(""),
        to(ANA, "owner"),
        to(ANA, "organizer"),
        to(ANA, kind="robot"),
        to(ANA, kind="anyone"),
        to(ANA, domain="x.eu"),
        {"type": "domain", "role": "reader", "domain": "x'; drop"},
        {"type": "user", "role": "reader"},
        {"type": "user", "role": ["reader"], "emailAddress": ANA},
        to(ANA, fileId="x"),
        to(ANA, sendNotificationEmail="yes"),
    ],
)
def test_bad_bodies_are_422_and_change_nothing(
    api: Api, desk: Desk, google: SandboxServer, body: Any
) -> None:
    before = desk.state()
    google.google.requests.clear()

    assert give(api("manager"), desk, body).status_code == 422
    assert google.google.requests.as_json() == {}
    assert desk.state() == before


def test_an_invalid_request_that_went_through_is_found_out(
    api: Api, desk: Desk, google: SandboxServer
) -> None:
    refusal = {
        "method": "permissions.create",
        "kind": "status",
        "status": 400,
        "reason": "invalidSharingRequest",
    }
    google.google.faults.plan(refusal)
    before = desk.state()
    refused = give(api("manager"), desk, to(ANA))
    assert refused.status_code == 422
    assert refused.json()["details"][0]["field"] == "emailAddress"
    assert desk.state() == before


def test_shared_but_the_mail_failed_is_shared(
    api: Api, desk: Desk, google: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = permission_client.create_permission

    def create_and_refuse(*args: Any, **kwargs: Any) -> Any:
        create(*args, **kwargs)
        google.google.faults.plan(
            {
                "method": "permissions.create",
                "kind": "status",
                "status": 400,
                "reason": "invalidSharingRequest",
            }
        )
        return create(*args, **kwargs)

    monkeypatch.setattr(permission_client, "create_permission", create_and_refuse)

    answer = give(api("manager"), desk, to(ANA))

    assert (answer.status_code, answer.json()["emailAddress"]) == (201, ANA)
    assert in_drive(desk) == {ANA: "reader"}


@pytest.mark.parametrize(
    ("fault", "status", "word"),
    [
        ({"status": 403, "reason": "insufficientFilePermissions"}, 409, "owner"),
        ({"status": 403, "reason": "domainPolicy"}, 409, "organisation"),
        ({"status": 401, "reason": "authError"}, 503, "Google"),
        ({"status": 403, "reason": "sharingRateLimitExceeded", "retry_after": "60"}, 503, "Google"),
    ],
)
def test_refusals_of_drive_are_clear(
    api: Api, desk: Desk, google: SandboxServer, fault: dict[str, Any], status: int, word: str
) -> None:
    """The credential may be revoked in the middle: the list was answered still."""
    drive = in_drive(desk)
    google.google.faults.plan(
        {"method": "permissions.create", "kind": "status", "times": 9, **fault}
    )

    answer = give(api("manager"), desk, to(ANA))

    assert answer.status_code == status
    assert word in answer.json()["message"]
    assert in_drive(desk) == drive
    assert log() == []


def test_files_that_are_not_there_or_deleted(
    api: Api, desk: Desk, provision: Any, folder_id: Any
) -> None:
    other = LeadFactory()
    provision("lead", other.pk)
    client = api("manager")

    for file_id in (folder_id("lead", other.pk), "nothing", "a'b", "x" * 200):
        address = desk.address(file_id, "permissions")
        assert client.get(address).status_code == 404, file_id
        assert client.post(address, to(ANA)).status_code == 404, file_id
        assert client.delete(f"{address}/1").status_code == 404, file_id
    DriveFile.objects.filter(file_id=desk.file).update(deleted_at=timezone.now())
    assert give(client, desk, to(ANA)).status_code == 409
    desk.drive.delete(desk.folder)
    gone = client.get(desk.address(desk.folder, "permissions"))
    assert gone.status_code == 404
    assert desk.row(desk.folder).unavailable_at is not None


# --- Who --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "own", "read", "write"),
    [
        (None, False, 401, 401),
        ("", False, 403, 403),
        ("sales", False, 200, 403),
        ("sales", True, 200, 200),
        ("manager", False, 200, 200),
        ("admin", False, 200, 200),
    ],
)
def test_roles(api: Api, desk: Desk, role: str | None, own: bool, read: int, write: int) -> None:
    desk.drive.share(desk.file, ANA, "reader")
    permission = sharing.listed(desk.row(desk.file))[-1]
    client = api(role)
    if own:
        Lead.objects.update(owner=client.user)
    every = desk.address(desk.file, "permissions")
    one = f"{every}/{permission.permission_id}"

    assert [client.get(every).status_code, client.get(one).status_code] == [read, read]
    assert client.put(one, {"role": "writer"}).status_code == write
    assert give(client, desk, to(ANA, "reader")).status_code == write
    assert client.delete(one).status_code == (204 if write == 200 else write)


def test_the_number_of_queries(
    api: Api, desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api("manager")

    # user with role; entity, its folder; path, row
    with django_assert_num_queries(5):
        shown(client, desk)
    # … home; begin, intend, name, and the end in one transaction
    with django_assert_num_queries(17):
        give(client, desk, to(ANA))
