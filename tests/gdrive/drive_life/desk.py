"""The product's side of a life: its workers, its API, and the dust that settles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework.test import APIClient

from gdrive import entities, layout
from gdrive.models import (
    DriveFile,
    DriveFolder,
    DriveFolderNode,
    DriveFolderTree,
    DriveSyncState,
)
from gdrive.tasks import poll_drives
from pipedesk.accounts import tokens
from pipedesk.core.work import Work
from pipedesk.sandbox.google import Google
from tests.factories.accounts import UserFactory
from tests.gdrive.drive_life.plain_drive import PlainDrive, PlainFile
from tests.gdrive.dying import Steps, let_leases_end

ROUNDS = 40


class Desk:
    """Everything that works on folders and files, and people at the API."""

    def __init__(self, google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
        self.google = google
        self.steps = Steps(monkeypatch)
        self.works: list[type[Work]] = [
            model for model in apps.get_app_config("gdrive").get_models() if issubclass(model, Work)
        ]
        user = UserFactory(role="manager")
        self.client = APIClient()
        token = tokens.issue(user, timedelta(days=1))
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def plain(self) -> PlainDrive:
        """Drive as it is now."""
        return PlainDrive(self.google)

    def ask(self, method: str, address: str, body: Any = None, *, fatal: int = 0) -> Any:
        """One request, during which the process may die; None when it did."""
        answers: list[Any] = []
        kind = "multipart" if method == "upload" else "json"
        call = getattr(self.client, "post" if method == "upload" else method)
        self.steps.run(lambda: answers.append(call(address, body, format=kind)), fatal)
        if not answers:
            return None
        code = answers[0].status_code
        assert code < 500 or code == 503, (method, address, body, answers[0].content)
        return answers[0].json() if code in {200, 201, 202} else None

    def behind(self) -> list[tuple[type[Work], int]]:
        """Rows with work to do."""
        return [
            (model, pk)
            for model in self.works
            for pk in model.objects.behind().order_by("pk").values_list("pk", flat=True)
        ]

    def work(self, number: int, fatal: int) -> None:
        """A worker takes one of the rows with work, and dies at a step or lives."""
        rows = self.behind()
        if rows:
            model, pk = rows[number % len(rows)]
            self.steps.run(lambda: import_string(model.task)(pk), fatal)

    def settle(self) -> None:
        """What hours do: leases end, faults pass, everything is tried again and looked at."""
        self.google.faults.clear()
        for model in self.works:
            model.objects.revive()
        for number in range(ROUNDS):
            let_leases_end(*self.works)
            if number in {0, 1, 3}:
                DriveSyncState.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
                poll_drives()
            rows = self.behind()
            if not rows and number > 3:
                return
            for model, pk in rows:
                model.objects.filter(pk=pk).update(next_attempt_at=None)
                import_string(model.task)(pk)
        raise AssertionError("it never settles: " + str(self.behind()))

    def check(self) -> None:
        """The mirror is what Drive is, and every record has its one tree."""
        plain = self.plain()
        assert plain.twins() == []
        roots = DriveFolder.objects.alive().values_list("folder_id", flat=True)
        shown = {
            row.file_id: PlainFile(
                row.name,
                row.parent_folder_id or "",
                row.trashed_at is not None,
                None if row.size is None else str(row.size),
                row.drive_id,
            )
            for row in DriveFile.objects.in_reach()
        }
        wanted = plain.below(roots)
        assert shown == wanted, differences(shown, wanted)
        for entity_type in entities.READERS:
            for entity_id in entities.all_ids(entity_type):
                self.check_tree(plain, entity_type, entity_id)
        for state in DriveSyncState.objects.all():
            assert (state.dead_at, state.last_error) == (None, "")

    def check_tree(self, plain: PlainDrive, entity_type: str, entity_id: str) -> None:
        """One tree, every folder of it made once; what was never made had no place any more."""
        tree = DriveFolderTree.objects.of(entity_type, entity_id).get()
        nodes = list(DriveFolderNode.objects.filter(tree=tree))
        for node in nodes:
            assert node.google_id in plain.ever or self.has_no_place(plain, node), node.name
        if tree.dead_at is None:
            assert (tree.state, nodes != []) == (DriveFolderTree.State.READY, True)
        else:
            # A reason for people to read, and not the name of a failure nobody foresaw.
            assert " " in tree.last_error, (str(tree), tree.last_error)
            assert self.may_be_given_up(plain), (str(tree), tree.last_error)
        roots = [node.google_id for node in nodes if node.path_key == layout.ROOT_KEY]
        folders = DriveFolder.objects.alive().of(entity_type, entity_id)
        made = [google_id for google_id in roots if google_id in plain.ever]
        if tree.dead_at and any(plain.was_deleted(google_id) for google_id in made):
            return  # deleted before the worker that made it wrote it down, which then died
        assert list(folders.values_list("folder_id", flat=True)) == made

    def has_no_place(self, plain: PlainDrive, node: DriveFolderNode) -> bool:
        """Whether somebody deleted a folder above the one that was to be made."""
        above = node.parent
        while above is not None and not plain.was_deleted(above.google_id):
            above = above.parent
        return above is not None

    def may_be_given_up(self, plain: PlainDrive) -> bool:
        """Whether a person deleted a folder of ours, or threw one away."""
        ours = DriveFolderNode.objects.values_list("google_id", flat=True)
        trashed = any(row["trashed"] for row in plain.rows.values())
        return trashed or any(plain.was_deleted(google_id) for google_id in ours)


def differences(shown: dict[str, PlainFile], wanted: dict[str, PlainFile]) -> dict[str, Any]:
    """What the mirror shows and what Drive has, where they differ."""
    return {
        key: {"mirror": shown.get(key), "drive": wanted.get(key)}
        for key in shown.keys() | wanted.keys()
        if shown.get(key) != wanted.get(key)
    }
