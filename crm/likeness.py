"""When two names, phones or addresses are the same: pure, and alike on both databases.

PostgreSQL has the keys as functions from a migration (with indexes on them), SQLite from here.
"""

from __future__ import annotations

import re
from typing import Any, Final

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, FloatField, Func, TextField

from crm.folding import fold

# What a name may end in without being another company. Folded, without punctuation.
LEGAL_FORMS: Final = (
    "ltda", "limitada", "sa", "s a", "ss", "s s", "me", "epp", "eireli", "mei", "slu", "cia",
    "e cia", "inc", "llc", "llp", "ltd", "limited", "gmbh", "ag", "corp", "corporation", "co",
    "plc", "bv", "srl", "sarl",
)  # fmt: skip
# ASCII signs that are neither letter nor digit; other alphabets stay as they are.
PUNCTUATION: Final = r"[\s!-/:-@\[-`{-~]+"
FORMS_AT_THE_END: Final = f"( ({'|'.join(LEGAL_FORMS)}))+$"
# The country's and the long-distance prefix, before area code and number.
BRAZILIAN_PHONE: Final = r"^0*(55)?0*([1-9][0-9]{9,10})$"
SHORTEST_PHONE: Final = 8
# From here on two names are alike enough to be worth a look.
THRESHOLD: Final = 0.6


class NameKey(Func):
    """`name_key` in the database."""

    function = "pipedesk_name_key"
    arity = 1
    output_field = TextField()


class PhoneKey(Func):
    """`phone_key` in the database."""

    function = "pipedesk_phone_key"
    arity = 1
    output_field = TextField()


class Likeness(Func):
    """`similarity` in the database."""

    function = "similarity"
    arity = 2
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """By our own function."""
        return self.as_sql(compiler, connection, function="pipedesk_similarity", **context)


class IsAlike(Func):
    """Whether two keys are at least THRESHOLD alike, by the trigram index."""

    arity = 2
    output_field = BooleanField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """By the operator the index knows; it compares with the session's threshold."""
        template = "(%(expressions)s)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" %% ", **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """By our own function, row by row."""
        template = f"(pipedesk_similarity(%(expressions)s) >= {THRESHOLD})"
        return self.as_sql(compiler, connection, template=template, **context)


def use_threshold() -> None:
    """Let this transaction's `IsAlike` mean THRESHOLD."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            name = "pg_trgm.similarity_threshold"
            cursor.execute("SELECT set_config(%s, %s, true)", [name, str(THRESHOLD)])


def name_key(name: str | None) -> str | None:
    """The name in lower case, without accents, punctuation and legal forms at its end."""
    if name is None:
        return None
    words = re.sub(PUNCTUATION, " ", fold(name) or "").strip(" ")
    return re.sub(FORMS_AT_THE_END, "", words)


def phone_key(phone: str | None) -> str | None:
    """The digits of a phone, without the prefixes of country and long distance."""
    if phone is None:
        return None
    digits = re.sub("[^0-9]", "", phone)
    return re.sub(BRAZILIAN_PHONE, r"\2", digits).lstrip("0")


def similarity(one: str, other: str) -> float:
    """How alike two keys are, 0 to 1, as PostgreSQL's pg_trgm counts."""
    mine, theirs = _trigrams(one), _trigrams(other)
    shared = len(mine & theirs)
    return shared / (len(mine) + len(theirs) - shared) if shared else 0.0


def _trigrams(text: str) -> set[str]:
    words = (f"  {word} " for word in re.findall(r"\w+", text))
    return {word[start : start + 3] for word in words for start in range(len(word) - 2)}


def teach_sqlite(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    """Give a new SQLite connection the functions that PostgreSQL has from a migration."""
    if connection.vendor == "sqlite":
        create = connection.connection.create_function
        create("pipedesk_name_key", 1, name_key, deterministic=True)
        create("pipedesk_phone_key", 1, phone_key, deterministic=True)
        create("pipedesk_similarity", 2, _stored_similarity, deterministic=True)


def _stored_similarity(one: str | None, other: str | None) -> float | None:
    return None if one is None or other is None else similarity(one, other)
