"""Jobs; each takes primary keys."""

from __future__ import annotations

from django.utils import timezone

from gdrive import feed, provisioning, sync
from gdrive.models import DriveFolderTree, DriveSyncState
from pipedesk.core.polling import next_poll_at
from pipedesk.core.work import perform


def provision_tree(pk: int) -> None:
    """Grow, rename or move one folder tree."""
    perform(DriveFolderTree, pk, provisioning.provision)


def sync_drive(pk: int) -> None:
    """Follow the changes of one drive."""
    perform(DriveSyncState, pk, sync.follow)


def poll_drives() -> None:
    """Ask for a sync of every drive that was not looked at within its interval."""
    feed.followed()
    now = timezone.now()
    for state in DriveSyncState.objects.due(now):
        state_row = DriveSyncState.objects.filter(pk=state.pk, next_poll_at=state.next_poll_at)
        if state_row.update(next_poll_at=next_poll_at(now)):
            DriveSyncState.objects.request(state.pk)
