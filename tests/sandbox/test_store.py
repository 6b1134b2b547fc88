"""Tables, indexes, feeds, transactions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipedesk.sandbox.store import Feed, Index, Store, Table


def make() -> tuple[Store, Table, Index, Feed]:
    store = Store()
    table = store.table("rows")
    index = Index(table, lambda row: row["tags"])
    feed = Feed(table, lambda row: (row["log"], row["position"]) if row["position"] else None)
    return store, table, index, feed


def abandon() -> None:
    raise LookupError


def row(position: int, log: str = "log", tags: tuple[str, ...] = ()) -> dict[str, object]:
    return {"position": position, "log": log, "tags": list(tags)}


def test_an_index_follows_its_table() -> None:
    store, table, index, _ = make()
    with store.transaction():
        table.put("a", row(1, tags=("x", "y")))
        table.put("b", row(2, tags=("x",)))
        table.put("a", row(3, tags=("y",)))
        table.delete("b")
    assert (index.keys("x"), index.keys("y"), index.count("x")) == ([], ["a"], 0)


def test_a_row_stands_once_in_its_feed_and_can_leave_it() -> None:
    store, table, _, feed = make()
    with store.transaction():
        table.put("a", row(1))
        table.put("b", row(2))
        table.put("a", row(3))
        assert list(feed.since("log", 0)) == [(2, "b"), (3, "a")]
        assert list(feed.since("log", 2)) == [(3, "a")]
        table.put("b", row(0))
    assert list(feed.since("log", 0)) == [(3, "a")]
    assert (feed.last("log"), feed.last("other")) == (3, 0)


def test_a_long_feed_forgets_what_was_overwritten() -> None:
    store, table, _, feed = make()
    with store.transaction():
        for position in range(1, 5001):
            table.put(f"k{position % 3}", row(position))
    assert [key for _, key in feed.since("log", 0)] == ["k0", "k1", "k2"]
    assert feed.last("log") == 5000


def test_a_failed_transaction_leaves_no_trace() -> None:
    store, table, index, feed = make()
    heard: list[object] = []
    store.listen(heard.extend)
    with store.transaction():
        table.put("a", row(1, tags=("x",)))
        store.announce("first")

    def fail() -> None:
        with store.transaction():
            table.put("a", row(2, tags=("y",)))
            table.put("b", row(3))
            store.announce("second")
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert table.get("a") == row(1, tags=("x",))
    assert "b" not in table
    assert (index.keys("x"), index.keys("y")) == (["a"], [])
    assert list(feed.since("log", 0)) == [(1, "a")]
    assert heard == ["first"]


def test_writing_outside_a_transaction_is_a_mistake() -> None:
    _, table, _, _ = make()
    with pytest.raises(RuntimeError):
        table.put("a", row(1))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["one", "two"]), st.booleans())))
def test_a_feed_equals_the_last_changes_in_order(changes: list[tuple[str, str, bool]]) -> None:
    store, table, _, feed = make()
    expected: dict[str, tuple[str, int]] = {}
    for position, (key, log, is_kept) in enumerate(changes, start=1):
        try:
            with store.transaction():
                table.put(key, row(position, log))
                if not is_kept:
                    abandon()
        except LookupError:
            continue
        expected[key] = (log, position)
    for log in ("one", "two"):
        placed = sorted((at, key) for key, (where, at) in expected.items() if where == log)
        assert list(feed.since(log, 0)) == placed
