"""What happens to folders and files: a tree grows, a template changes trees, a file comes in."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from django.core.files.uploadedfile import SimpleUploadedFile

from crm.models import Lead
from gdrive import client, feed, plan_commands, planning
from gdrive.default_templates import ensure_templates
from gdrive.models import (
    DriveChangeLog,
    DriveFolder,
    DriveFolderNode,
    DriveStructureNode,
    DriveStructureTemplate,
    DriveSyncState,
    DriveTemplatePlan,
)
from pipedesk.google import sending
from pipedesk.sandbox.people import DrivePeople
from tests.crashes.enumerator import Scenario
from tests.factories.crm import CompanyFactory, LeadFactory
from tests.gdrive.drive_life.desk import DriveDesk
from tests.gdrive.test_plans import edit, node
from tests.living import Desk

CONTENT = os.urandom(3 * 256 * 1024 + 1000)


class Drives(DriveDesk):
    """The comparison of the mirror with Drive, and people at the API."""

    def __init__(self, scenario: Scenario) -> None:
        Desk.__init__(self, scenario.world.google, scenario.world.process, "gdrive", "manager")


class DriveScenario(Scenario):
    """Small templates, and an account that is followed."""

    desk: Drives
    people: DrivePeople

    def furnish(self, size: int) -> None:
        """Nothing is made."""
        self.world.monkeypatch.setattr(client, "MAX_PAGE_SIZE", size)
        ensure_templates()
        self.people = DrivePeople(self.world.google)
        self.desk = Drives(self)
        template = DriveStructureTemplate.objects.get(entity_type="lead")
        DriveStructureNode.objects.all().delete()
        outer = template.nodes.create(name="01. Outer", order=1)
        template.nodes.create(name="Inner", order=1, parent=outer)
        template.nodes.create(name="02. Second", order=2)
        feed.follow_all()
        self.world.settle()

    def follow(self) -> None:
        """The clock asks every drive for its news."""
        for state in DriveSyncState.objects.all():
            DriveSyncState.objects.request(state.pk)

    def leads(self) -> dict[str, Any]:
        """The folders of leads without a company, as a person sees them."""
        found: dict[str, Any] = self.people.tree().get("Leads", {})
        return found

    def check(self) -> None:
        """The mirror is Drive, every folder is there once, no name is still being written."""
        self.desk.check()
        assert not DriveFolderNode.objects.exclude(writing_name="").exists()
        folders = [row.folder_id for row in DriveFolder.objects.alive()]
        assert len(folders) == len(set(folders))


class Tree(DriveScenario):
    """The folders of a new lead and its company."""

    name: ClassVar[str] = "folder tree"

    def furnish(self, size: int) -> None:
        """Both are there, their folders asked for."""
        super().furnish(size)
        LeadFactory(title="ACME", qualified_company=CompanyFactory(name="ACME SA"))

    def deed(self) -> None:
        """Workers make the folders, and read of them."""
        self.world.work()
        self.follow()
        self.world.work()

    def repeat(self) -> None:
        """The clock asks again."""
        self.world.settle()
        self.follow()

    def check(self) -> None:
        """Exactly these."""
        wanted = {"01. Outer": {"Inner": {}}, "02. Second": {}}
        found = self.people.tree()["Companies"]["ACME SA"]
        assert found == {"01. Leads": {"Lead - ACME": wanted}}, found
        super().check()


class Applying(DriveScenario):
    """A changed template is applied to a lead's folders: a new name, a new place, new folders."""

    name: ClassVar[str] = "template apply"
    plan: DriveTemplatePlan

    def furnish(self, size: int) -> None:
        """A plan is drawn."""
        super().furnish(size)
        LeadFactory(title="A")
        self.world.settle()
        template = DriveStructureTemplate.objects.get(entity_type="lead")
        edit(
            template,
            node("02. Second", "02. Two", inside=(node("Inner"),)),
            {"name": "03. Third", "children": [{"name": "Deep"}]},
        )
        template.refresh_from_db()
        self.plan = planning.draw(template, None)
        self.follow()
        self.world.settle()

    def deed(self) -> None:
        """Somebody applies it, workers work."""
        plan_commands.apply(self.plan.template, self.plan.pk, 20)
        self.world.work()
        self.follow()
        self.world.work()

    def repeat(self) -> None:
        """Who had no answer asks again; the clock asks."""
        plan_commands.apply(self.plan.template, self.plan.pk, 20)
        self.world.settle()
        self.follow()

    def check(self) -> None:
        """Done, once."""
        self.plan.refresh_from_db()
        plan = (self.plan.state, self.plan.done, self.plan.failed, self.plan.skipped)
        assert plan == ("done", 4, 0, 0), plan
        wanted = {"01. Outer": {}, "02. Two": {"Inner": {}}, "03. Third": {"Deep": {}}}
        assert self.leads() == {"Lead - A": wanted}, self.leads()
        super().check()


class Upload(DriveScenario):
    """A file comes in through the API, in pieces; without an answer the client sends it again."""

    name: ClassVar[str] = "file upload"
    lead: Lead

    def furnish(self, size: int) -> None:
        """A lead with folders. The piece grows with the page."""
        super().furnish(size)
        self.world.monkeypatch.setattr(sending, "CHUNK_BYTES", 256 * 1024 * min(size, 8))
        self.lead = LeadFactory(title="A")
        self.world.settle()

    def deed(self) -> None:
        """The request, and the sync that reads of it."""
        answer = self.desk.client.post(
            f"/api/drive/lead/{self.lead.pk}/upload",
            {"file": SimpleUploadedFile("offer.pdf", CONTENT, "application/pdf")},
            format="multipart",
            headers={"idempotency-key": "crash-1"},
        )
        self.world.follow_commits()
        assert answer.status_code == 201, answer.content
        self.follow()
        self.world.work()

    def repeat(self) -> None:
        """The client sends it again with its key."""
        self.deed()

    def check(self) -> None:
        """One file, whole, and logged once."""
        inside = self.leads()["Lead - A"]
        assert [name for name in inside if not name[:2].isdigit()] == ["offer.pdf"], inside
        [file_id] = [
            row["id"]
            for row in self.desk.plain().rows.values()
            if row["body"]["name"] == "offer.pdf"
        ]
        assert self.people.content(file_id) == CONTENT
        logged = DriveChangeLog.objects.filter(changed_resource_id=file_id)
        assert [row.event_type for row in logged] == ["created"]
        super().check()
