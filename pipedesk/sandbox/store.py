"""The sandbox's memory: tables of JSON rows, indexes over them, transactions with a journal."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from pipedesk.sandbox.errors import Json
from pipedesk.sandbox.journal import Journal, Operation


class Follower(Protocol):
    """Something kept in step with a table."""

    def changed(self, key: str, old: Json | None, new: Json | None) -> None:
        """A row was put (``old`` None: it is new) or deleted (``new`` None)."""

    def clear(self) -> None:
        """The table was emptied."""


class Table:
    """Rows by key, in order of creation. A row is never changed in place, only replaced."""

    def __init__(self, store: "Store", name: str) -> None:
        self._store = store
        self._rows: dict[str, Json] = {}
        self._followers: list[Follower] = []
        self.name = name

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def get(self, key: str) -> Json | None:
        """The row, or None."""
        return self._rows.get(key)

    def values(self) -> Iterable[Json]:
        """Every row. Prefer an index where there is one."""
        return self._rows.values()

    def put(self, key: str, row: Json) -> None:
        """Add or replace a row; only inside a transaction."""
        self._store.record(["put", self.name, key, row], self._rows.get(key))
        self.apply(key, row)

    def delete(self, key: str) -> None:
        """Remove a row; only inside a transaction."""
        self._store.record(["delete", self.name, key], self._rows.get(key))
        self.apply(key, None)

    def apply(self, key: str, row: Json | None) -> None:
        """Change memory and followers without recording: for replay and undo."""
        old = self._rows.get(key)
        if row is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = row
        for follower in self._followers:
            follower.changed(key, old, row)

    def follow(self, follower: Follower) -> None:
        """Keep a follower in step from now on."""
        self._followers.append(follower)

    def clear(self) -> None:
        """Empty the table and its followers."""
        self._rows.clear()
        for follower in self._followers:
            follower.clear()


class Index:
    """Keys of rows under the values a function finds in each row."""

    def __init__(self, table: Table, values_of: Callable[[Json], Iterable[str]]) -> None:
        self._values_of = values_of
        self._keys: dict[str, dict[str, None]] = {}
        table.follow(self)

    def keys(self, value: str) -> list[str]:
        """Keys of the rows that have this value, oldest entry first."""
        return list(self._keys.get(value, ()))

    def count(self, value: str) -> int:
        """How many rows have this value."""
        return len(self._keys.get(value, ()))

    def changed(self, key: str, old: Json | None, new: Json | None) -> None:
        before = set(self._values_of(old)) if old is not None else set()
        after = set(self._values_of(new)) if new is not None else set()
        for value in before - after:
            keys = self._keys[value]
            keys.pop(key, None)
            if not keys:
                del self._keys[value]
        for value in after - before:
            self._keys.setdefault(value, {})[key] = None

    def clear(self) -> None:
        self._keys.clear()


class Feed:
    """Rows by the position of their last change, per log.

    A row stands once in its log: a later change takes its older entry away, which is how both
    ``events.list`` with a sync token and ``changes.list`` behave. ``place_of`` answers
    ``(log, position)``, or None for a row that is in no log.
    """

    def __init__(self, table: Table, place_of: Callable[[Json], tuple[str, int] | None]) -> None:
        self._place_of = place_of
        self._logs: dict[str, list[tuple[int, str]]] = {}
        self._stale: dict[str, int] = {}
        self._places: dict[str, tuple[str, int]] = {}
        table.follow(self)

    def since(self, log: str, position: int) -> Iterator[tuple[int, str]]:
        """``(position, key)`` of what changed after a position, oldest first."""
        entries = self._logs.get(log, [])
        for number in range(bisect_right(entries, (position, "\U0010ffff")), len(entries)):
            entry = entries[number]
            if self._places.get(entry[1]) == (log, entry[0]):
                yield entry

    def last(self, log: str) -> int:
        """The position of the newest change; 0 for an empty log."""
        entries = self._logs.get(log)
        return entries[-1][0] if entries else 0

    def changed(self, key: str, old: Json | None, new: Json | None) -> None:
        place = self._place_of(new) if new is not None else None
        before = self._places.get(key)
        if place == before:
            return
        if before is not None:
            del self._places[key]
            self._compact(before[0])
        if place is not None:
            self._places[key] = place
            entries = self._logs.setdefault(place[0], [])
            entry = (place[1], key)
            found = bisect_left(entries, entry)  # an undone write finds its old entry still there
            if found == len(entries) or entries[found] != entry:
                insort(entries, entry)

    def _compact(self, log: str) -> None:
        """Drop the entries taken away by later changes, once they are most of a log."""
        stale = self._stale[log] = self._stale.get(log, 0) + 1
        entries = self._logs[log]
        if stale > 1000 and stale > len(entries) // 2:
            self._logs[log] = [
                entry
                for entry in entries
                if self._places.get(entry[1]) == (log, entry[0]) or entry == entries[-1]
            ]
            self._stale[log] = 0

    def clear(self) -> None:
        self._logs.clear()
        self._stale.clear()
        self._places.clear()


class Store:
    """All tables behind one lock.

    ``with store.transaction():`` makes its writes all or nothing, journals them at its end and then
    tells the listeners what was announced meanwhile.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._tables: dict[str, Table] = {}
        self._operations: list[Operation] = []
        self._undo: list[tuple[str, str, Json | None]] = []
        self._announced: dict[Any, None] = {}
        self._listeners: list[Callable[[list[Any]], None]] = []
        self._journal = journal
        self._position = 0

    def table(self, name: str) -> Table:
        """Declare a table."""
        return self._tables.setdefault(name, Table(self, name))

    def load(self) -> None:
        """Replay the journal, once every table and index is declared."""
        if self._journal is None:
            return
        for position, operations in self._journal.replay():
            self._position = max(self._position, position)
            for operation in operations:
                row = operation[3] if operation[0] == "put" else None
                self.table(operation[1]).apply(operation[2], row)

    @property
    def position(self) -> int:
        """The number given out last: another one means that something changed."""
        return self._position

    def next_position(self) -> int:
        """A number larger than every one before, also across restarts."""
        self._position += 1
        return self._position

    def announce(self, happening: Any) -> None:
        """Tell the listeners of this (hashable) happening once the transaction is committed."""
        self._announced[happening] = None

    def listen(self, listener: Callable[[list[Any]], None]) -> None:
        """Hear of happenings after their commit."""
        self._listeners.append(listener)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock; write all or nothing. Nested ones belong to the outermost."""
        with self._lock:
            self._depth += 1
            try:
                yield
            except BaseException:
                if self._depth == 1:
                    self._roll_back()
                raise
            else:
                if self._depth == 1:
                    self._commit()
            finally:
                self._depth -= 1

    def record(self, operation: Operation, old: Json | None) -> None:
        """Remember a write for the journal and for undoing it."""
        if not self._depth:
            raise RuntimeError("The sandbox's store is only written inside a transaction.")
        self._operations.append(operation)
        self._undo.append((operation[1], operation[2], old))

    def clear(self) -> None:
        """Forget every row; positions go on growing."""
        with self._lock:
            for table in self._tables.values():
                table.clear()
            if self._journal is not None:
                self._journal.clear()

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()

    def _commit(self) -> None:
        if self._operations and self._journal is not None:
            self._journal.append(self._position, self._operations)
        announced = list(self._announced)
        self._forget()
        if announced:
            for listener in self._listeners:
                listener(announced)

    def _roll_back(self) -> None:
        for name, key, old in reversed(self._undo):
            self._tables[name].apply(key, old)
        self._forget()

    def _forget(self) -> None:
        self._operations = []
        self._undo = []
        self._announced = {}
