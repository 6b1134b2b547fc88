"""What every life has: a sandbox of its own, some records with folders, and an end to look at."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from gdrive import client
from gdrive.default_templates import ensure_templates
from gdrive.models import DriveStructureNode
from pipedesk.sandbox.people import DrivePeople
from tests.gdrive.drive_life.desk import DriveDesk
from tests.living import Living

numbers = st.integers(0, 40)
kinds = st.sampled_from(["lead", "lead", "company", "deal", "contact"])
names = st.sampled_from(["Alfa", "Beta", "A'c\\d", "Ação 😀", "x" * 90])
# The step at which a process dies; mostly it lives.
fatal = st.one_of(st.just(0), st.just(0), st.integers(1, 40))
ADDRESSES = {"lead": "leads", "company": "companies", "deal": "deals", "contact": "contacts"}
NAMED = {"lead": "legal_name", "company": "name", "deal": "title", "contact": "name"}


class Life(Living):
    """Some records, their folders, and room for everybody who works with them."""

    def __init__(self) -> None:
        super().__init__()
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
        self.desk = DriveDesk(self.sandbox.google, self.monkeypatch)
        bob = self.people.as_user("bob@pipedesk.example")
        self.shared_drive = bob.create_drive("Sales")
        bob.admit(self.shared_drive, self.people.user)
        self.add("company", {"name": "Alfa"})
        self.add("lead", {"legal_name": "Beta"})
        self.add("lead", {"legal_name": "Gama"})
        self.desk.settle()

    def add(self, kind: str, body: dict[str, Any]) -> None:
        """A new record. Refused: the company may have been deleted."""
        answer = self.desk.ask("post", f"/api/{ADDRESSES[kind]}", body)
        if answer is not None:
            self.records.append((kind, answer["id"]))

    def record(self, number: int, *wanted: str) -> tuple[str, str] | None:
        """One of the records, of these kinds."""
        fitting = [each for each in self.records if not wanted or each[0] in wanted]
        return fitting[number % len(fitting)] if fitting else None

    def new_name(self, name: str) -> str:
        """A name nobody had before."""
        self.count += 1
        return f"{name} {self.count}"
