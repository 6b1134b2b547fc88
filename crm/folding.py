"""Text without case and accents, alike on both databases.

PostgreSQL has the function from a migration (with trigram indexes on it), SQLite from here.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, Q, TextField, Value
from django.db.models.lookups import Contains

# Letters that Unicode does not take apart, as PostgreSQL's unaccent writes them.
LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "þ": "th"}
)


def fold(text: str | None) -> str | None:
    """The text in lower case, without accents."""
    if text is None:
        return None
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).translate(LETTERS)


class Fold(Func):
    """`fold` in the database."""

    function = "pipedesk_fold"
    arity = 1
    output_field = TextField()


def containing(text: str, *fields: str) -> Q:
    """Rows where one of the fields contains the text; `%` and `_` are ordinary characters."""
    condition = Q()
    for field in fields:
        condition |= Q(Contains(Fold(F(field)), Fold(Value(text))))
    return condition


def teach_sqlite(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    """Give a new SQLite connection the function that PostgreSQL has from a migration."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("pipedesk_fold", 1, fold, deterministic=True)
