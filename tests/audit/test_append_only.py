"""The database refuses to change the history, whoever asks."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from pipedesk.audit.models import AuditLog
from pipedesk.audit.recording import record


@pytest.fixture
def entry(db: None) -> AuditLog:
    return record("update", "lead", "1", {"legal_name": ("A", "B")})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_logs SET action = 'x'",
        "UPDATE audit_logs SET user_id = NULL",
        "DELETE FROM audit_logs",
        "DELETE FROM audit_logs WHERE entity_id = '1'",
    ],
)
def test_neither_update_nor_delete_by_sql(
    entry: AuditLog, statement: str, is_postgres: bool
) -> None:
    if statement.startswith("DELETE") and not is_postgres:
        pytest.skip("Django empties SQLite's test database with DELETE")
    with (
        pytest.raises(IntegrityError, match="only ever added"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditLog.objects.get(pk=entry.pk).changes == entry.changes


def test_neither_by_the_model(entry: AuditLog, is_postgres: bool) -> None:
    entry.action = "nothing happened"
    with pytest.raises(IntegrityError), transaction.atomic():
        entry.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditLog.objects.update(user_id=None)
    if is_postgres:
        with pytest.raises(IntegrityError), transaction.atomic():
            entry.delete()
    assert AuditLog.objects.get().action == "update"


@pytest.mark.django_db(transaction=True)
def test_the_migration_goes_back_and_forth() -> None:
    record("update", "lead", "1", {})
    try:
        call_command("migrate", "audit", "0001", verbosity=0)
        assert AuditLog.objects.update(action="changed") == 1
    finally:
        call_command("migrate", verbosity=0)
    with pytest.raises(IntegrityError):
        AuditLog.objects.update(action="changed again")
