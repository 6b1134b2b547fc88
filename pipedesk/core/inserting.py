"""Many new rows at once, for less than `bulk_create` takes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models.options import Options

from pipedesk.core.chunks import CHUNK

# https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL = "\\N"


def insert(rows: Sequence[models.Model]) -> None:
    """Add rows of one table, which get their primary keys; `bulk_create` where there is no COPY.

    For tables that a sync fills. Like there nothing is sent, and neither `save` nor the fields'
    `pre_save` is called. Raises IntegrityError.
    """
    if not rows:
        return
    table = type(rows[0])
    if connection.vendor != "postgresql":
        table._base_manager.bulk_create(rows, batch_size=CHUNK)  # noqa: SLF001  (Django's documented attribute)
        return
    meta = table._meta  # noqa: SLF001  (as above)
    _number(meta, [row for row in rows if row.pk is None])
    fields = [field for field in meta.concrete_fields if not field.generated]
    columns = [(field.attname, _written(field)) for field in fields]
    lines = io.StringIO()
    for row in rows:
        values = row.__dict__
        lines.write("\t".join([write(values[name]) for name, write in columns]))
        lines.write("\n")
    lines.seek(0)
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    _copy(f"COPY {connection.ops.quote_name(meta.db_table)} ({names}) FROM STDIN", lines)
    for row in rows:
        state = row._state  # noqa: SLF001  (as above)
        state.adding, state.db = False, connection.alias


def _number(meta: Options[Any], rows: Sequence[models.Model]) -> None:
    """Draw the numbers that the database would give the rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [meta.db_table, meta.pk.column, len(rows)],
        )
        for row, [number] in zip(rows, cursor.fetchall(), strict=True):
            row.pk = number


def _copy(statement: str, lines: io.StringIO) -> None:
    connection.validate_no_broken_transaction()
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.cursor.copy_expert(statement, lines)


def _written(field: models.Field[Any, Any]) -> Callable[[Any], str]:
    if isinstance(field, models.JSONField):
        return _json
    return _text


def _json(value: Any) -> str:
    return NULL if value is None else json.dumps(value).translate(ESCAPES)


def _text(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, str):
        return value.translate(ESCAPES)
    if isinstance(value, date):  # a datetime, too
        return value.isoformat()
    if isinstance(value, int | UUID):  # a boolean, too
        return str(value)
    msg = f"a {type(value).__name__} cannot be written"
    raise TypeError(msg)
