"""The disk of the database is full: what cannot be kept is not acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django_q.models import OrmQ

from gcalendar.models import CalendarSyncState, MirroredCalendar
from pipedesk.core.performing import perform
from pipedesk.core.work import Lease
from tests.factories.webhooks import CalendarChannelFactory, message
from webhooks.models import Receipt

pytestmark = pytest.mark.django_db(transaction=True)

CALENDAR = "/webhooks/google-calendar"
MANY = 400
# PostgreSQL's own error, at the moment at which a full disk is noticed last: the commit.
NO_SPACE = """
CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE CONSTRAINT TRIGGER no_space AFTER INSERT OR UPDATE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no_space();
"""


@contextmanager
def full_disk(table: str) -> Iterator[None]:
    """No transaction that needs room for a row of `table` can be committed."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(NO_SPACE.format(table=table))
            undo = "DROP FUNCTION no_space CASCADE"
        else:
            cursor.execute("PRAGMA max_page_count")
            [most] = cursor.fetchone()
            cursor.execute("PRAGMA page_count")
            cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
            undo = f"PRAGMA max_page_count = {most}"
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(undo)


def push(channel: CalendarSyncState, number: int) -> int:
    """Google's message of that number; the status it is answered with."""
    headers = message(channel, Message_Number=str(number), Resource_URI="https://x/" + "u" * 1900)
    return Client().post(CALENDAR, headers=headers).status_code


def test_f60_what_a_full_disk_cannot_keep_is_asked_for_again_and_taken_when_there_is_room() -> None:
    channel = CalendarChannelFactory()
    with full_disk(Receipt._meta.db_table):
        # SQLite still fills the pages it has.
        codes = [push(channel, number) for number in range(1, MANY)]
        refused = [number for number, code in enumerate(codes, start=1) if code != 200]
        kept = set(Receipt.objects.values_list("message_number", flat=True))

    assert refused
    assert set(codes) <= {200, 503}
    assert kept == set(range(1, MANY)) - set(refused)
    calendar = MirroredCalendar.objects.get()
    assert calendar.requested == len(kept)
    assert OrmQ.objects.count() == bool(kept)

    assert {push(channel, number) for number in refused} == {200}
    calendar.refresh_from_db()
    assert calendar.requested == Receipt.objects.count() == MANY - 1


def test_f60_work_that_a_full_disk_cannot_keep_is_done_when_there_is_room(
    is_postgres: bool,
) -> None:
    if not is_postgres:
        pytest.skip("SQLite overwrites the row's page: it needs no room")
    calendar: Any = CalendarChannelFactory().mirrored_calendar
    MirroredCalendar.objects.request(calendar.pk)
    with full_disk(MirroredCalendar._meta.db_table), pytest.raises(OperationalError):
        perform(MirroredCalendar, calendar.pk, Lease.complete)

    calendar.refresh_from_db()
    assert (calendar.requested, calendar.applied, calendar.attempts) == (1, 0, 0)
    assert perform(MirroredCalendar, calendar.pk, Lease.complete)
