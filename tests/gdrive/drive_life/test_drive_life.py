"""People edit Drive at random while the product works, fails and dies: the mirror ends as Drive is.

`DRIVE_LIFE_RUNS` is the number of lives: 500 new ones before a release, else always the same few.
`DRIVE_LIFE_SHRINK=0` shows a failure as found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from pytest_django.fixtures import Settings

from gdrive.models import DriveSyncState
from tests.gdrive.drive_life.api import PeopleAtTheApi
from tests.gdrive.drive_life.crm import PeopleAtTheDesk
from tests.gdrive.drive_life.life import fatal, numbers
from tests.gdrive.drive_life.people import PeopleInDrive
from tests.living import busy_sandbox, live

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


class DriveLife(PeopleInDrive, PeopleAtTheDesk, PeopleAtTheApi):
    """Everybody, the workers, and what goes wrong."""

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
    def catch_up(self) -> None:
        """A quiet minute: what people did is mirrored, and every worker has had its turn."""
        self.poll()
        for number in range(len(self.desk.behind())):
            self.desk.work(number, 0)

    @rule()
    def push(self) -> None:
        """A message arrives; most are lost."""
        for state in DriveSyncState.objects.all():
            DriveSyncState.objects.request(state.pk, last_notification={"channel_id": "c"})

    @rule()
    def poll(self) -> None:
        """The clock asks."""
        self.desk.poll()

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
    """A sandbox, and the patience of a test."""
    with busy_sandbox(settings, monkeypatch) as server:
        DriveLife.sandbox = server
        yield


@pytest.mark.django_db
@pytest.mark.timeout(14_400)
# The dead close no files.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_mirror_and_the_trees_end_as_drive_is(busy_google: None) -> None:
    live(DriveLife, "DRIVE_LIFE")
