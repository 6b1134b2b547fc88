"""Drive's answers."""

from __future__ import annotations

from datetime import UTC, datetime

from gdrive.parsing import Change, parse_changes, parse_file


def test_a_file_is_read_with_numbers_from_text() -> None:
    file = parse_file(
        {
            "id": "f1",
            "name": "a.pdf",
            "mimeType": "application/pdf",
            "parents": ["p1"],
            "size": "9007199254740993",
            "version": "12",
            "modifiedTime": "2026-03-01T10:00:00.123Z",
        }
    )

    assert (file.size, file.version, file.parent_id) == (9007199254740993, 12, "p1")
    assert file.modified_at == datetime(2026, 3, 1, 10, 0, 0, 123000, tzinfo=UTC)
    assert not file.is_folder
    assert not file.trashed


def test_nothing_but_the_id_is_needed_and_nonsense_is_no_value() -> None:
    file = parse_file({"id": "f1", "size": "many", "createdTime": "2026-13-01T00:00:00Z"})

    assert (file.size, file.created_at, file.parent_id, file.name) == (None, None, "", "")


def test_text_no_database_takes_is_cleaned() -> None:
    assert parse_file({"id": "f1", "name": "a\x00b\ud800"}).name == "ab?"


def test_the_last_entry_about_a_file_counts_and_drives_are_passed_over() -> None:
    changes = parse_changes(
        [
            {"fileId": "a", "file": {"id": "a", "name": "old"}},
            {"changeType": "drive", "driveId": "d"},
            {"fileId": "b", "removed": True},
            {"fileId": "a", "file": {"id": "a", "name": "new"}},
        ]
    )

    assert [change.file_id for change in changes] == ["b", "a"]
    assert changes[0] == Change("b", None)
    assert changes[1].file is not None
    assert changes[1].file.name == "new"
