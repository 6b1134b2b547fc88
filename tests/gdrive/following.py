"""What the worker does when somebody asks to look at Drive."""

from __future__ import annotations

from gdrive import feed
from gdrive.models import DriveSyncState
from gdrive.tasks import sync_drive


def follow() -> None:
    """Bring the mirror up to date."""
    state = feed.followed()
    DriveSyncState.objects.request(state.pk)
    sync_drive(state.pk)
    state.refresh_from_db()
    assert state.last_error == ""
