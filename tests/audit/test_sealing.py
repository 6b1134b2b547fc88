"""Whoever changes the history in the database is found out."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from pipedesk.audit import sealing, tasks
from pipedesk.audit.models import AuditLog, AuditSeal

pytestmark = pytest.mark.django_db

SETTLED = sealing.SETTLED + timedelta(seconds=1)


def entry(age: timedelta = SETTLED, **values: Any) -> AuditLog:
    """An entry of so long ago."""
    return AuditLog.objects.create(
        **{
            "action": "update",
            "entity_type": "lead",
            "entity_id": "1",
            "changes": [{"field": "legal_name", "old": None, "new": "Aurora é 1.5"}],
            "created_at": timezone.now() - age,
            **values,
        }
    )


def entries(count: int) -> list[AuditLog]:
    return [entry(SETTLED + timedelta(seconds=count - number)) for number in range(count)]


@contextmanager
def behind_the_products_back() -> Iterator[Any]:
    """A cursor that may do what the triggers forbid."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            for table in ("audit_logs", "audit_seals"):
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_append_only")
        yield cursor
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = origin")


def tamper(statement: str, *values: Any) -> None:
    with behind_the_products_back() as cursor:
        cursor.execute(statement, values)


def fault() -> str:
    found = sealing.verify().fault
    assert found is not None
    return found.text


def test_an_untouched_history_verifies_and_grows() -> None:
    first = entries(3)
    assert tasks.seal() == 3
    assert tasks.seal() == 0
    head = sealing.verify().head
    second = entries(2)
    assert sealing.seal() == 2

    found = sealing.verify(anchor=head)

    assert (found.sealed, found.fault, found.anchored) == (5, None, True)
    sealed = AuditSeal.objects.values_list("position", "entry_id")
    assert list(sealed) == list(enumerate([one.pk for one in (*first, *second)], start=1))


def test_what_may_have_elder_siblings_under_way_waits() -> None:
    young = entry(timedelta(seconds=5))
    old = entry()
    assert sealing.seal() == 1
    assert AuditSeal.objects.get().entry_id == old.pk
    assert sealing.verify().fault is None
    assert young.pk < old.pk


def test_one_that_was_committed_late_gets_the_next_place() -> None:
    seen = entry(timedelta(minutes=5))
    sealing.seal()
    late = entry(timedelta(minutes=40))
    assert sealing.seal() == 1
    assert list(AuditSeal.objects.values_list("entry_id", flat=True)) == [seen.pk, late.pk]
    assert sealing.verify().fault is None


@pytest.mark.parametrize(
    "change",
    [
        "action = 'create'",
        "entity_id = '2'",
        "user_id = 'somebody'",
        "request_id = 'r'",
        "changes = '[]'",
        "created_at = '2020-01-01 00:00:00+00:00'",
    ],
)
def test_a_changed_entry_is_named(change: str) -> None:
    changed = entries(4)[2]
    sealing.seal()
    tamper(f"UPDATE audit_logs SET {change} WHERE id = %s", changed.pk)  # noqa: S608
    assert fault() == f"Entry {changed.pk}, sealed at position 3, was changed."


def test_a_removed_entry_is_named() -> None:
    gone, later = entries(3)[1:]
    sealing.seal()
    tamper("DELETE FROM audit_logs WHERE id = %s", gone.pk)
    tamper("DELETE FROM audit_logs WHERE id = %s", later.pk)
    assert fault() == f"Entry {gone.pk}, sealed at position 2, is gone."


def test_an_entry_removed_with_its_seal_leaves_a_gap() -> None:
    gone = entries(3)[1]
    sealing.seal()
    tamper("DELETE FROM audit_logs WHERE id = %s", gone.pk)
    tamper("DELETE FROM audit_seals WHERE entry_id = %s", gone.pk)
    assert fault() == "The seal at position 2 is gone."


def test_closing_the_gap_breaks_the_chain() -> None:
    gone, after = entries(3)[1:]
    sealing.seal()
    tamper("DELETE FROM audit_logs WHERE id = %s", gone.pk)
    tamper("DELETE FROM audit_seals WHERE entry_id = %s", gone.pk)
    tamper("UPDATE audit_seals SET position = 2 WHERE entry_id = %s", after.pk)
    assert fault() == f"Entry {after.pk}, sealed at position 2, was changed."


def test_an_entry_slipped_into_the_past_is_named() -> None:
    entries(2)
    sealing.seal()
    forged = entry(timedelta(days=3))
    assert sealing.seal() == 0
    assert fault() == f"Entry {forged.pk} was never sealed: it was slipped in later."


def test_a_cut_tail_is_seen_by_the_anchor_alone() -> None:
    kept, *cut = entries(3)
    sealing.seal()
    anchor = sealing.log_anchor()
    for one in cut:
        tamper("DELETE FROM audit_logs WHERE id = %s", one.pk)
        tamper("DELETE FROM audit_seals WHERE entry_id = %s", one.pk)
    entry()
    sealing.seal()

    assert sealing.verify().fault is None
    found = sealing.verify(anchor)
    assert found.fault is not None
    assert "cut off" in found.fault.text
    assert AuditSeal.objects.filter(entry_id=kept.pk).exists()


def test_without_the_key_nobody_mends_the_chain(settings: Settings) -> None:
    entries(2)
    sealing.seal()
    assert sealing.verify().fault is None
    settings.AUDIT_SEAL_KEY = "another key"
    assert "was changed" in fault()


def test_the_anchor_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    entries(2)
    sealing.seal()
    caplog.set_level(logging.INFO, logger="pipedesk.audit.sealing")
    tasks.log_anchor()
    last = sealing.head()
    assert last is not None
    assert f"audit anchor {last.hash} at position 2" in caplog.text


def test_a_backlog_is_sealed_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 3)
    made = [entry(timedelta(hours=5 * (9 - number))) for number in range(8)]
    assert sealing.seal(slice_s=0) == 3
    assert sealing.seal() == 5
    assert list(AuditSeal.objects.values_list("entry_id", flat=True)) == [one.pk for one in made]
    assert sealing.verify().sealed == 8


def test_seals_are_as_append_only_as_entries(is_postgres: bool) -> None:
    entry()
    sealing.seal()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditSeal.objects.update(hash="x")
    if is_postgres:
        with pytest.raises(IntegrityError), transaction.atomic():
            AuditSeal.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_two_sealers_and_two_writers_at_once_make_one_chain() -> None:
    entries(30)
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def at_once(work: Callable[[], object]) -> None:
        try:
            start.wait(timeout=20)
            for _ in range(5):
                work()
        except BaseException as failure:  # noqa: BLE001  (told to the test below)
            failures.append(failure)
        finally:
            connection.close()

    works = [sealing.seal, sealing.seal, entry, entry]
    threads = [threading.Thread(target=at_once, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    sealing.seal()

    assert failures == []
    assert sealing.verify() == sealing.Finding(40, sealing.verify().head, None, True)


@pytest.mark.django_db(transaction=True)
def test_a_writer_never_waits_for_the_sealer(is_postgres: bool) -> None:
    if not is_postgres:
        pytest.skip("SQLite has one writer at a time, whatever it writes")
    entries(2)
    done: list[int] = []

    def write() -> None:
        try:
            done.append(entry().pk)
        finally:
            connection.close()

    with transaction.atomic():
        sealing.seal()  # and the transaction stays open, its lock held
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(timeout=10)
        assert done
    assert sealing.seal() == 1


# --- The command ------------------------------------------------------------------------------


def run(*arguments: str) -> Any:
    out = StringIO()
    call_command("verify_audit", "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())


def test_the_command_says_the_head() -> None:
    entries(2)
    sealing.seal()
    last = sealing.head()
    assert last is not None
    report = run("--anchor", last.hash)
    assert report == {"ok": True, "sealed": 2, "head": last.hash, "faults": []}


def test_the_command_names_the_fault_and_fails() -> None:
    gone = entries(2)[0]
    sealing.seal()
    tamper("DELETE FROM audit_logs WHERE id = %s", gone.pk)
    with pytest.raises(CommandError, match=f"Entry {gone.pk}, sealed at position 1, is gone") as no:
        call_command("verify_audit")
    assert no.value.returncode == 1


def test_an_anchor_is_a_hash() -> None:
    with pytest.raises(CommandError, match="64 hexadecimal"):
        call_command("verify_audit", "--anchor", "latest")
