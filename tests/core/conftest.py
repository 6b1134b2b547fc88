"""A row of work, and the least a job does with it."""

from __future__ import annotations

import pytest
from django.db import transaction

from gdrive.models import DriveSyncState
from pipedesk.core.work import Lease


@pytest.fixture
def row() -> DriveSyncState:
    """Nothing is asked for yet."""
    return DriveSyncState.objects.create()


def finish(lease: Lease) -> None:
    """All that was seen is done."""
    with transaction.atomic():
        lease.complete()
