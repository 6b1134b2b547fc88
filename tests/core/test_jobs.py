"""What the queue tells about itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from gdrive.models import DriveSyncState
from pipedesk.core.jobs import waiting_since

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_of_a_queue_nobody_serves_any_more_hides_no_lost_one() -> None:
    """The queue's name was changed: what was left under the old one waits for ever."""
    long_ago = timezone.now() - timedelta(days=3)
    OrmQ.objects.create(key="its-former-name", payload="", lock=long_ago)
    row = DriveSyncState.objects.create(
        requested=1, queued_at=timezone.now() - timedelta(minutes=2)
    )

    assert waiting_since() is None
    assert DriveSyncState.objects.rewake() == 1
    row.refresh_from_db()
    assert row.queued_at is not None
