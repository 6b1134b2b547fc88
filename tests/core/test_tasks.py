"""The sweep over every kind of work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from pipedesk.core.tasks import sweep
from tests.factories.gcalendar import CalendarFactory
from webhooks.models import ChannelStop

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_row_somebody_holds_locked_hinders_no_other(is_postgres: bool) -> None:
    if not is_postgres:
        pytest.skip("SQLite locks no rows")
    long_ago = timezone.now() - timedelta(hours=1)
    held = CalendarFactory(requested=1, queued_at=long_ago)
    stop = ChannelStop.objects.create(kind=2, channel_id="c", resource_id="r", requested=1)
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM calendars WHERE id = %s FOR UPDATE", [held.pk])
        assert sweep() == 1
    finally:
        other.rollback()
        other.close()

    stop.refresh_from_db()
    assert stop.queued_at is not None
    assert sweep() == 1  # the other one, now
