"""The lock of whoever adds meetings to the mirror."""

from __future__ import annotations

from django.db import connection

MEETINGS_LOCK = 0x6D656574  # any number, the same in every process


def one_creator_at_a_time() -> None:
    """Two calendars that bring one new meeting at once must not both create it.

    Held until the end of the transaction. SQLite's writers take turns anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '25s'")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MEETINGS_LOCK])
