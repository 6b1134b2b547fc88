"""Words in meetings: title, description and place, without case, accents and punctuation.

PostgreSQL has an index of words (a migration's `pipedesk_event_words`), and finds words that begin
as those asked for; SQLite looks for them anywhere in the texts.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, Value

from crm.folding import containing, fold

FIELDS = ("summary", "description", "location")
# Kinds of characters between words: punctuation, symbols, separators, controls.
BETWEEN = frozenset("PSZC")


class _HasWords(Func):
    """Whether an event's three texts have all words of a tsquery; in the index's own words."""

    arity = 4
    output_field = BooleanField()

    def as_sql(self, compiler: Any, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        """`function(a, b, c) @@ query`."""
        parts = [compiler.compile(one) for one in self.get_source_expressions()]
        *texts, query = (sql for sql, _params in parts)
        words = f"pipedesk_event_words({', '.join(texts)})"
        sql = f"({words} @@ to_tsquery('pg_catalog.simple'::regconfig, {query}))"
        return sql, [param for _sql, params in parts for param in params]


def mentioning(text: str, prefix: str = "") -> Q:
    """Events with all words of the text, in any order; a text without a word finds nothing.

    `prefix` leads from the row that is filtered to the event, such as `event__`.
    """
    words = _words(text)
    if not words:
        return Q(pk__in=[])
    fields = [f"{prefix}{name}" for name in FIELDS]
    if connection.vendor != "postgresql":
        found = Q()
        for word in words:
            found &= containing(word, *fields)
        return found
    query = " & ".join(f"'{word}':*" for word in words)
    return Q(_HasWords(*(F(name) for name in fields), Value(query)))


def _words(text: str) -> list[str]:
    signs = (" " if unicodedata.category(sign)[0] in BETWEEN else sign for sign in fold(text) or "")
    return "".join(signs).split()
