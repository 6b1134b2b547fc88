"""A Drive to work with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crm.models import Lead
from gdrive.default_templates import ensure_templates
from gdrive.models import DriveChangeLog, DriveFolder, DriveFolderTree
from gdrive.tasks import provision_tree
from pipedesk.sandbox.people import DrivePeople
from pipedesk.sandbox.server import SandboxServer
from tests.factories.crm import LeadFactory
from tests.gdrive.desk import Desk
from tests.gdrive.following import follow


@pytest.fixture
def templates(db: None) -> None:
    """The default templates; tests with real transactions start without them."""
    ensure_templates()


@pytest.fixture
def drive(google: SandboxServer, templates: None) -> DrivePeople:
    """Somebody at Drive's web page, in the account our product uses."""
    return google.drive


@pytest.fixture
def provision(drive: DrivePeople) -> Callable[[str, object], DriveFolderTree]:
    """Does what the worker would: the tree of this entity, until nothing is asked for."""

    def run(entity_type: str, entity_id: object) -> DriveFolderTree:
        tree = DriveFolderTree.objects.wanted(entity_type, entity_id)
        if tree.requested == tree.applied:
            DriveFolderTree.objects.request(tree.pk)
        provision_tree(tree.pk)
        tree.refresh_from_db()
        assert tree.last_error == ""
        return tree

    return run


@pytest.fixture
def folder_id() -> Callable[[str, object], str]:
    """The id of an entity's own folder."""
    return lambda entity_type, pk: DriveFolder.objects.of(entity_type, pk).get().folder_id


@pytest.fixture
def desk(
    drive: DrivePeople,
    provision: Callable[[str, object], DriveFolderTree],
    folder_id: Callable[[str, object], str],
) -> Desk:
    """A lead's folder with files and folders in it."""
    lead = LeadFactory(title="ACME")
    provision("lead", lead.pk)
    return Desk(drive, lead, folder_id("lead", lead.pk))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing call to Google is not tried again."""
    monkeypatch.setattr("pipedesk.google.service.PATIENCE_S", 0)


@pytest.fixture
def lead(provision: Callable[[str, object], DriveFolderTree]) -> Lead:
    """A lead with its folders, and a mirror that has seen them."""
    row: Lead = LeadFactory(title="ACME")
    provision("lead", row.pk)
    follow()
    DriveChangeLog.objects.all().delete()
    return row


@pytest.fixture
def root(lead: Lead, folder_id: Callable[[str, object], str]) -> str:
    """The lead's own folder."""
    return folder_id("lead", lead.pk)
