"""Jobs; each takes primary keys."""

from __future__ import annotations

from gdrive import provisioning
from gdrive.models import DriveFolderTree
from pipedesk.core.work import perform


def provision_tree(pk: int) -> None:
    """Grow one folder tree."""
    perform(DriveFolderTree, pk, provisioning.provision)
