"""People edit Drive at random while the product works, fails and dies: the mirror ends as Drive is.

`DRIVE_LIFE_RUNS` is the number of lives: 500 new ones before a release, else always the same few.
`DRIVE_LIFE_SHRINK=0` shows a failure as found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django.fixtures import Settings

from gdrive import client
from gdrive.default_templates import ensure_templates
from gdrive.models import DriveFolder, DriveStructureNode, DriveSyncState
from gdrive.tasks import poll_drives
from pipedesk.google import service
from pipedesk.google.service import close_services
from pipedesk.sandbox.errors import GoogleError
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.gdrive.drive_life.desk import Desk

RUNS = int(os.environ.get("DRIVE_LIFE_RUNS", "20"))
STEPS = int(os.environ.get("DRIVE_LIFE_STEPS", "30"))
SHRINK = os.environ.get("DRIVE_LIFE_SHRINK", "1") == "1"
PHASES = [phase for phase in Phase if SHRINK or phase is not Phase.shrink]

numbers = st.integers(0, 40)
kinds = st.sampled_from(["lead", "lead", "company", "deal", "contact"])
names = st.sampled_from(["Alfa", "Beta", "A'c\\d", "Ação 😀", "x" * 90])
# The step at which a process dies; mostly it lives.
fatal = st.one_of(st.just(0), st.just(0), st.integers(1, 40))
faults = st.sampled_from(
    [
        {"kind": "reset_after_commit", "times": 1},
        {"kind": "reset_after_commit", "times": 4},
        {"kind": "reset_before", "times": 2},
        {"kind": "status", "status": 503, "times": 3},
        {"kind": "status", "status": 500, "times": 1},
        {"kind": "status", "status": 429, "reason": "rateLimitExceeded", "times": 3},
        {"kind": "truncated", "times": 3},
        {"kind": "timeout_after_commit", "seconds": 0.5, "times": 1},
    ]
)
methods = st.sampled_from(["", r"files\.create", r"files\.update", "changes", r"files\.(get|list)"])
ADDRESSES = {"lead": "leads", "company": "companies", "deal": "deals", "contact": "contacts"}
NAMED = {"lead": "legal_name", "company": "name", "deal": "title", "contact": "name"}


class DriveLife(RuleBasedStateMachine):
    """Some records, their folders, and everybody who works with them."""

    sandbox: ClassVar[SandboxServer]

    def __init__(self) -> None:
        super().__init__()
        self.monkeypatch = pytest.MonkeyPatch()
        self.transaction = transaction.atomic()
        self.transaction._from_testcase = True
        self.transaction.__enter__()
        self.sandbox.google.reset()
        self.people = DrivePeople(self.sandbox.google)
        self.records: list[tuple[str, str]] = []
        self.count = 0

    @initialize(size=st.sampled_from([2, 5, 1000]), departed=st.booleans())
    def furnish(self, size: int, departed: bool) -> None:
        """Three records with their folders, and a shared drive of somebody else's."""
        self.monkeypatch.setattr(client, "MAX_PAGE_SIZE", size)
        self.sandbox.google.changes.shows_departed = departed
        ensure_templates()
        DriveStructureNode.objects.filter(children__isnull=True).exclude(order=1).delete()
        self.desk = Desk(self.sandbox.google, self.monkeypatch)
        bob = self.people.as_user("bob@pipedesk.example")
        bob.admit(bob.create_drive("Sales"), self.people.user)
        self.create("company", "Alfa", 0)
        self.create("lead", "Beta", 0)
        self.create("lead", "Gama", 0)
        self.desk.settle()

    def teardown(self) -> None:
        """Let the dust settle and look; then forget this life."""
        try:
            if sys.exc_info()[0] is None:
                self.desk.settle()
                self.desk.check()
        finally:
            self.monkeypatch.undo()
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    # --- People in Drive ----------------------------------------------------------------------

    def _try(self, deed: Callable[[], object]) -> None:
        """What Drive refuses (a folder into itself) is no deed."""
        with suppress(GoogleError):
            deed()

    def _any(self, number: int) -> str | None:
        files = self.desk.plain().movable()
        return files[number % len(files)] if files else None

    def _folder(self, number: int) -> str:
        folders = self.desk.plain().folders()
        return folders[number % len(folders)]

    def _name(self, name: str) -> str:
        self.count += 1
        return f"{name} {self.count}"

    @rule(folder=numbers, name=names)
    def people_create_folder(self, folder: int, name: str) -> None:
        """A new folder anywhere."""
        self._try(lambda: self.people.create_folder(self._name(name), self._folder(folder)))

    @rule(folder=numbers, name=names, size=st.sampled_from([0, 1, 5000]))
    def people_drop_file(self, folder: int, name: str, size: int) -> None:
        """A new file anywhere."""
        content = b"x" * size
        self._try(lambda: self.people.drop_file(self._folder(folder), self._name(name), content))

    @rule(number=numbers, name=names)
    def people_rename(self, number: int, name: str) -> None:
        """Another name."""
        if file_id := self._any(number):
            self._try(lambda: self.people.rename(file_id, self._name(name)))

    @rule(number=numbers, folder=numbers)
    def people_move(self, number: int, folder: int) -> None:
        """Anything anywhere, other drives included."""
        if file_id := self._any(number):
            self._try(lambda: self.people.move(file_id, self._folder(folder)))

    @rule(number=numbers)
    def people_trash(self, number: int) -> None:
        """Into the trash."""
        if file_id := self._any(number):
            self._try(lambda: self.people.trash(file_id))

    @rule(number=numbers)
    def people_restore(self, number: int) -> None:
        """Out of the trash, the one that was put there."""
        plain = self.desk.plain()
        trashed = [key for key in plain.movable() if plain.rows[key]["trashed"]]
        if trashed:
            self._try(lambda: self.people.restore(trashed[number % len(trashed)]))

    @rule(number=numbers)
    def people_delete(self, number: int) -> None:
        """For good, with everything below; no place of many records, which ends the play."""
        plain = self.desk.plain()
        places = {
            key
            for key, row in plain.rows.items()
            if (marks := row["body"].get("appProperties")) and "entity_id" not in marks
        }
        around = {each for place in places for each in plain.way_up(place)}
        files = [key for key in plain.movable() if key not in around]
        if files:
            self._try(lambda: self.people.delete(files[number % len(files)]))

    @rule(number=numbers)
    def people_wrap(self, number: int) -> None:
        """A foreign folder around a record's own one."""
        roots = DriveFolder.objects.order_by("pk").values_list("folder_id", flat=True)
        there = [root for root in roots if root in self.desk.plain().rows]
        if there:
            root = there[number % len(there)]
            wrap = self.people.create_folder(self._name("Wrap"), self.desk.plain().parent(root))
            self._try(lambda: self.people.move(root, wrap))

    # --- The CRM ------------------------------------------------------------------------------

    def _record(self, number: int, *wanted: str) -> tuple[str, str] | None:
        fitting = [each for each in self.records if not wanted or each[0] in wanted]
        return fitting[number % len(fitting)] if fitting else None

    @rule(kind=kinds, name=names, company=numbers)
    def create(self, kind: str, name: str, company: int) -> None:
        """A new record."""
        body: dict[str, Any] = {NAMED[kind]: name}
        above = self._record(company, "company")
        if kind == "deal" and above and company % 2:
            body["company_id"] = above[1]
        answer = self.desk.ask("post", f"/api/{ADDRESSES[kind]}", body)
        if answer is not None:  # the company may have been deleted
            self.records.append((kind, answer["id"]))

    @rule(number=numbers, name=names)
    def rename(self, number: int, name: str) -> None:
        """Another name for a record."""
        if record := self._record(number):
            kind, pk = record
            self.desk.ask("patch", f"/api/{ADDRESSES[kind]}/{pk}", {NAMED[kind]: name})

    @rule(number=numbers, company=numbers, with_deal=st.booleans())
    def qualify(self, number: int, company: int, with_deal: bool) -> None:
        """A lead became a company's, perhaps with a deal."""
        lead, target = self._record(number, "lead"), self._record(company, "company")
        if lead and target:
            body: dict[str, Any] = {"company_id": target[1]}
            if with_deal:
                body["new_deal"] = {"title": "Deal"}
            answer = self.desk.ask("post", f"/api/leads/{lead[1]}/qualify", body)
            if answer and answer.get("deal"):
                self.records.append(("deal", answer["deal"]["id"]))

    @rule(number=numbers)
    def unqualify(self, number: int) -> None:
        """It was a lead after all."""
        if lead := self._record(number, "lead"):
            self.desk.ask("post", f"/api/leads/{lead[1]}/unqualify")

    @rule(number=numbers, other=numbers, kind=st.sampled_from(["lead", "company", "contact"]))
    def merge(self, number: int, other: int, kind: str) -> None:
        """Two that were one."""
        kept, gone = self._record(number, kind), self._record(other, kind)
        if kept and gone and kept != gone:
            address = f"/api/{ADDRESSES[kind]}/{kept[1]}/merge"
            self.desk.ask("post", address, {"other_id": gone[1]})

    @rule(number=numbers, verb=st.sampled_from(["unmerge", "restore", "delete", "restore"]))
    def delete_and_back(self, number: int, verb: str) -> None:
        """Hidden, shown again, taken apart again."""
        if record := self._record(number):
            address = f"/api/{ADDRESSES[record[0]]}/{record[1]}"
            if verb == "delete":
                self.desk.ask("delete", address)
            else:
                self.desk.ask("post", f"{address}/{verb}")

    # --- Files through the API ----------------------------------------------------------------

    def _shown(self, number: int, which: int) -> tuple[str, list[dict[str, Any]]] | None:
        """A record's address and what its folder shows."""
        record = self._record(number)
        if record is None:
            return None
        address = f"/api/drive/{record[0]}/{record[1]}"
        answer = self.desk.ask("get", f"{address}?include_deleted=true")
        files = answer["files"] if answer else []
        return address, files[which % len(files) :] + files[: which % len(files)] if files else []

    @rule(number=numbers, which=numbers, name=names, fatal=fatal)
    def api_rename(self, number: int, which: int, name: str, fatal: int) -> None:
        """PUT …/rename."""
        if (shown := self._shown(number, which)) and shown[1]:
            address = f"{shown[0]}/files/{shown[1][0]['id']}/rename"
            self.desk.ask("put", address, {"name": name}, fatal=fatal)

    @rule(number=numbers, which=numbers, fatal=fatal)
    def api_move(self, number: int, which: int, fatal: int) -> None:
        """PUT …/move into a neighbouring folder."""
        if (shown := self._shown(number, which)) and shown[1]:
            folders = [each["id"] for each in shown[1][1:] if each["type"] == "folder"]
            if folders:
                address = f"{shown[0]}/files/{shown[1][0]['id']}/move"
                body = {"destination_parent_id": folders[0]}
                self.desk.ask("put", address, body, fatal=fatal)

    @rule(number=numbers, which=numbers, verb=st.sampled_from(["delete", "restore"]), fatal=fatal)
    def api_delete_and_restore(self, number: int, which: int, verb: str, fatal: int) -> None:
        """DELETE and POST …/restore."""
        if (shown := self._shown(number, which)) and shown[1]:
            file = shown[1][0]
            address = f"{shown[0]}/{file['type']}s/{file['id']}"
            if verb == "delete":
                self.desk.ask("delete", address, fatal=fatal)
            else:
                self.desk.ask("post", f"{address}/restore", fatal=fatal)

    @rule(number=numbers, name=names, fatal=fatal)
    def api_create(self, number: int, name: str, fatal: int) -> None:
        """POST …/folder."""
        if record := self._record(number):
            address = f"/api/drive/{record[0]}/{record[1]}/folder"
            self.desk.ask("post", address, {"name": self._name(name)}, fatal=fatal)

    @rule(number=numbers, name=names, fatal=fatal)
    def api_upload(self, number: int, name: str, fatal: int) -> None:
        """POST …/upload."""
        if record := self._record(number):
            address = f"/api/drive/{record[0]}/{record[1]}/upload"
            file = SimpleUploadedFile(f"{self._name('f')}.txt", b"content", "text/plain")
            self.desk.ask("upload", address, {"file": file}, fatal=fatal)

    @rule(number=numbers, which=numbers, role=st.sampled_from(["reader", "writer"]), fatal=fatal)
    def api_share(self, number: int, which: int, role: str, fatal: int) -> None:
        """POST …/permissions."""
        if (shown := self._shown(number, which)) and shown[1]:
            address = f"{shown[0]}/files/{shown[1][0]['id']}/permissions"
            body = {"type": "user", "role": role, "emailAddress": "bob@pipedesk.example"}
            self.desk.ask("post", address, body, fatal=fatal)

    @rule(number=numbers, verb=st.sampled_from(["provision", "repair"]))
    def api_ask(self, number: int, verb: str) -> None:
        """POST …/provision and …/repair."""
        if record := self._record(number):
            self.desk.ask("post", f"/api/drive/{record[0]}/{record[1]}/{verb}")

    # --- Workers, and what goes wrong ---------------------------------------------------------

    @rule(number=numbers, fatal=fatal)
    def work(self, number: int, fatal: int) -> None:
        """A worker does something, to its end or its death."""
        self.desk.work(number, fatal)

    @rule(number=numbers, fatal=fatal)
    def work_more(self, number: int, fatal: int) -> None:
        """Workers have most of the day."""
        for each in range(3):
            self.desk.work(number + each, fatal if each == 2 else 0)

    @rule()
    def push(self) -> None:
        """A message arrives; most are lost."""
        for state in DriveSyncState.objects.all():
            DriveSyncState.objects.request(state.pk, last_notification={"channel_id": "c"})

    @rule()
    def poll(self) -> None:
        """The clock asks."""
        DriveSyncState.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
        poll_drives()

    @rule()
    def forget_cursor(self) -> None:
        """Google refuses a page token."""
        DriveSyncState.objects.exclude(page_token=None).update(page_token="nonsense")

    @rule(fault=faults, method=methods)
    def fail(self, fault: dict[str, Any], method: str) -> None:
        """Google answers badly, or its answer is lost."""
        self.sandbox.google.faults.plan({**fault, "method": method})

    @rule()
    @precondition(lambda self: self.count > 5)
    def look(self) -> None:
        """The dust settles in the middle of it all, too."""
        self.desk.settle()
        self.desk.check()


@pytest.fixture
def busy_google(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One sandbox for all lives, and a client that does not wait for it."""
    close_services()
    with SandboxServer() as server:
        settings.GOOGLE_API_ROOT_URL = server.root_url
        settings.API_THROTTLE_USER = "1000000/min"
        monkeypatch.setattr(service, "sleep", lambda _seconds: None)
        monkeypatch.setattr(service, "READ_TIMEOUT_S", 0.4)
        DriveLife.sandbox = server
        yield
    close_services()


@pytest.mark.django_db
@pytest.mark.timeout(14_400)
# The dead close no files.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_mirror_and_the_trees_end_as_drive_is(busy_google: None) -> None:
    run_state_machine_as_test(
        DriveLife,
        settings=settings(
            max_examples=RUNS,
            derandomize="DRIVE_LIFE_RUNS" not in os.environ,
            phases=PHASES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
