"""Each row of the customer's schema document against the database that migrations made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection

DOCUMENT = Path(__file__).parent / "data" / "database-schema.md"

# The document's types, as the two databases call them.
TYPES = {
    "Integer": {"postgresql": {"integer"}, "sqlite": {"integer"}},
    "String": {"postgresql": {"character varying", "text"}, "sqlite": {"varchar", "text"}},
    "Text": {"postgresql": {"text"}, "sqlite": {"text"}},
    "Boolean": {"postgresql": {"boolean"}, "sqlite": {"bool"}},
    "DateTime(TZ)": {"postgresql": {"timestamp with time zone"}, "sqlite": {"datetime"}},
}
# Where docs/adr/0002-schema.md decides on another type than the document's.
DECIDED_TYPES = {
    ("drive_files", "size"): {"postgresql": {"bigint"}, "sqlite": {"bigint"}},
    ("calendar_events", "attendees"): {"postgresql": {"jsonb"}, "sqlite": {"text"}},
}
CRM_TABLES = {
    "companies", "users", "contacts", "lead_contacts", "leads", "master_deals", "tags",
    "lead_tags", "lead_statuses", "lead_origins", "lead_activity_stats",
}  # fmt: skip
UUID_TYPES = {"postgresql": {"uuid"}, "sqlite": {"char"}}
RECOMMENDED = {
    "calendar_sync_states": ["expiration", "active"],
    "calendar_events": ["status", "start_time", "end_time"],
    "leads": ["updated_at", "last_interaction_at"],
    "drive_files": ["parent_folder_id"],
}


@dataclass(frozen=True)
class Row:
    """One row of one of the document's tables."""

    table: str
    column: str
    type: str
    constraints: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"

    def says(self, word: str) -> bool:
        return re.search(rf"(?<![A-Z]){word}(?![A-Z])", self.constraints) is not None


@dataclass(frozen=True)
class Column:
    """A column as the database describes it."""

    type: str
    nullable: bool
    default: str | None


def rows_of_document() -> list[Row]:
    rows: list[Row] = []
    table = ""
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if named := re.match(r"\*\*Table Name\*\*: `(\w+)`", line):
            table = named[1]
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not (table and line.startswith("|") and len(cells) == 4):
            continue
        if cells[0] == "Column" or set(cells[0]) <= {"-"}:
            continue
        aliased = re.match(r"\w+ \(→ (\w+)\)", cells[0])
        rows.append(Row(table, aliased[1] if aliased else cells[0], cells[1], cells[2]))
    return rows


ROWS = rows_of_document()


def columns_of(table: str) -> dict[str, Column]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT column_name, data_type, is_nullable = 'YES', column_default"
                " FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name = %s",
                [table],
            )
            return {name: Column(kind, null, default) for name, kind, null, default in cursor}
        cursor.execute(f'PRAGMA table_info("{table}")')
        return {
            name: Column(re.sub(r"\(.*", "", kind.lower()).split()[0], not notnull, default)
            for _, name, kind, notnull, default, _ in cursor
        }


def constraints_of(table: str) -> dict[str, dict[str, object]]:
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, table)


def indexes_led_by(table: str, column: str) -> list[str]:
    return [
        name
        for name, found in constraints_of(table).items()
        if (found["index"] or found["unique"] or found["primary_key"])
        and list(found["columns"] or [])[:1] == [column]
    ]


def expected_types(row: Row) -> set[str]:
    vendor = connection.vendor
    if (row.table, row.column) in DECIDED_TYPES:
        return DECIDED_TYPES[row.table, row.column][vendor]
    is_key = row.column == "id" or "FK(" in row.constraints
    if row.type == "String" and row.table in CRM_TABLES and is_key:
        return UUID_TYPES[vendor]
    return TYPES[row.type][vendor]


def test_the_whole_document_is_read() -> None:
    assert len({row.table for row in ROWS}) == 20
    assert len(ROWS) > 130


@pytest.mark.django_db
@pytest.mark.parametrize("row", ROWS, ids=str)
class TestEachColumn:
    def test_exists_with_its_type(self, row: Row) -> None:
        assert columns_of(row.table)[row.column].type in expected_types(row)

    def test_has_its_nullability(self, row: Row) -> None:
        nullable = columns_of(row.table)[row.column].nullable
        if row.says("NULLABLE") or (row.says("NULL") and not row.says("NOT NULL")):
            assert nullable
        elif row.says("NOT NULL") or row.says("PRIMARY KEY") or row.says("PK"):
            assert not nullable

    def test_has_its_default_in_the_database(self, row: Row) -> None:
        default = columns_of(row.table)[row.column].default
        if row.says("SERVER_DEFAULT") and "created" in row.column:
            # What SERVER_DEFAULT now() is called: strftime on SQLite, else one of the others.
            assert re.search(
                r"'now'|statement_timestamp\(\)|\bnow\(\)", str(default), re.IGNORECASE
            )
        elif row.says("SERVER_DEFAULT"):
            assert default is not None
        elif named := re.search(r"DEFAULT ([^\s,]+)", row.constraints):
            value = named[1].strip("'").lower()
            same = {"true": {"true", "1"}, "false": {"false", "0"}}.get(value, {value})
            found = re.sub(r"::.*", "", str(default)).strip("'").lower()
            assert found in same

    def test_has_its_indexes(self, row: Row) -> None:
        found = constraints_of(row.table)
        if row.says("UNIQUE"):
            assert any(c["unique"] and c["columns"] == [row.column] for c in found.values())
        if row.says("INDEX") or row.says("UNIQUE") or "FK(" in row.constraints:
            assert indexes_led_by(row.table, row.column)

    def test_has_its_foreign_key(self, row: Row) -> None:
        found = constraints_of(row.table)
        if target := re.search(r"FK\((\w+)\.(\w+)\)", row.constraints):
            assert any(
                c["columns"] == [row.column] and c["foreign_key"] == (target[1], target[2])
                for c in found.values()
            )


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["lead_tags", "lead_contacts"])
def test_junction_tables_have_composite_primary_keys(table: str) -> None:
    keys = [set(c["columns"]) for c in constraints_of(table).values() if c["primary_key"]]

    assert keys == [{"lead_id", "tag_id" if table == "lead_tags" else "contact_id"}]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "column"), [(t, c) for t, columns in RECOMMENDED.items() for c in columns]
)
def test_recommended_and_planned_indexes_exist_by_name(table: str, column: str) -> None:
    found = constraints_of(table)[f"idx_{table}_{column}"]

    assert found["index"]
    assert found["columns"] == [column]


@pytest.mark.django_db
def test_every_foreign_key_leads_an_index() -> None:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    missing = [
        f"{table}.{found['columns'][0]}"
        for table in tables
        if not table.startswith(("django_", "auth_", "axes_", "users_"))
        for found in constraints_of(table).values()
        if found["foreign_key"] and not indexes_led_by(table, found["columns"][0])
    ]

    assert missing == []
