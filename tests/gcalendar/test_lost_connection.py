"""The database server goes away in the middle of a page: rolled back, and done again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import psycopg2
import pytest
from django.db import Error as DatabaseFailure
from django.db import close_old_connections, connection

from gcalendar import client
from gcalendar import mirror as storing
from gcalendar.models import CalendarEvent, MirroredCalendar
from gcalendar.tasks import sync_calendar
from pipedesk.core.tasks import sweep
from tests.dying import let_leases_end
from tests.gcalendar.conftest import Mirror, at, fill, shown
from tests.processes import database_url

CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def cut_all_connections() -> None:
    """What a restart of the server does to everybody at work, this test included."""
    with closing(psycopg2.connect(database_url())) as other, other.cursor() as cursor:
        cursor.execute(CUT)


def cutting(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same call, at whose end the server goes away: once."""
    calls: list[int] = []

    def cutting_call(*args: Any, **options: Any) -> Any:
        answer = call(*args, **options)
        if not calls:
            calls.append(1)
            cut_all_connections()
        return answer

    return cutting_call


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("module", "name"),
    [(storing, "store"), (client, "list_events")],
    ids=["rows written, not committed", "between two pages"],
)
def test_f58_a_server_restarted_in_the_middle_of_a_page_is_no_loss(
    mirror: Mirror, is_postgres: bool, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    if not is_postgres:
        pytest.skip("SQLite has no server")
    made = fill(mirror, 3)
    mirror.synced()
    cursor, before = mirror.token, shown()
    mirror.people.cancel_event(made[0]["id"])
    mirror.people.create_event("New", at(9))
    mirror.people.change_event(made[2]["id"], summary="Renamed")
    MirroredCalendar.objects.request(mirror.calendar.pk)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, cutting(getattr(module, name)))
        with suppress(DatabaseFailure):  # or it was noted for another try
            sync_calendar(mirror.calendar.pk)
    close_old_connections()  # as a worker does before its next job

    assert (mirror.token, shown()) == (cursor, before)
    row = MirroredCalendar.objects.get()
    assert (row.requested - row.applied, row.attempts) == (1, 1)
    let_leases_end(MirroredCalendar)
    MirroredCalendar.objects.update(next_attempt_at=None)
    assert sweep() == 1
    sync_calendar(mirror.calendar.pk)
    assert sorted(map(str, shown())) == ["New", "Renamed", "m1"]
    assert mirror.token != cursor
    row.refresh_from_db()
    assert (row.applied, row.last_error) == (row.requested, "")
    assert CalendarEvent.objects.count() == 4
    assert connection.is_usable()
