"""Query strings: what a view takes is declared once, for reading and for the OpenAPI schema.

Anything undeclared, repeated or malformed is a BadQuery (400) that names the parameter.
"""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from pipedesk.core.fields import read_moment
from pipedesk.core.parsers import POISON
from pipedesk.core.problems import BadQuery

MAX_LENGTH = 2000
MAX_VALUES = 200
# What every text is made of; half surrogates cannot even be sent.
WITHOUT_NUL = "^[^\\u0000]*$"


class BadValue(ValueError):
    """The value of a parameter is no good; `nearest` is a valid one that looks alike."""

    def __init__(self, message: str, nearest: str | None = None) -> None:
        super().__init__(message)
        self.nearest = nearest


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, other names it also answers to, and how a value is read.

    `many`: a comma-separated list; the values under all its names are united.
    """

    name: str
    read: Callable[[str], Any]
    aliases: tuple[str, ...] = ()
    many: bool = False
    keep_empty: bool = False
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})

    @property
    def names(self) -> tuple[str, ...]:
        """Every name this parameter answers to."""
        return (self.name, *self.aliases)


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The valid word that looks most like this one."""
    by_lower = {valid.lower(): valid for valid in words}
    found = difflib.get_close_matches(word.lower()[:100], by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None


def text(name: str, *aliases: str, max_length: int = 200, description: str = "") -> Parameter:
    """Free text."""

    def read(raw: str) -> str:
        if len(raw) > max_length:
            raise BadValue(_("Longer than %(limit)s characters.") % {"limit": max_length})
        return raw

    schema = {"type": "string", "maxLength": max_length, "pattern": WITHOUT_NUL}
    return Parameter(name, read, aliases, description=description, schema=schema)


def integer(
    name: str,
    *aliases: str,
    minimum: int = -(2**31),
    maximum: int = 2**31 - 1,
    description: str = "",
) -> Parameter:
    """A whole number within bounds, both inclusive."""

    def read(raw: str) -> int:
        digits = raw.removeprefix("-")
        whole = digits.isascii() and digits.isdigit() and len(digits) <= 19
        if not whole or not minimum <= int(raw) <= maximum:
            bounds = {"minimum": minimum, "maximum": maximum}
            raise BadValue(_("A whole number from %(minimum)s to %(maximum)s.") % bounds)
        return int(raw)

    schema = {"type": "integer", "minimum": minimum, "maximum": maximum}
    return Parameter(name, read, aliases, description=description, schema=schema)


def boolean(name: str, *aliases: str, description: str = "") -> Parameter:
    """`true` or `false`."""
    words = {"true": True, "1": True, "false": False, "0": False}

    def read(raw: str) -> bool:
        try:
            return words[raw.lower()]
        except KeyError:
            raise BadValue(_("Either true or false.")) from None

    return Parameter(name, read, aliases, description=description, schema={"type": "boolean"})


def _one_of(words: Collection[str]) -> Callable[[str], str]:
    def read(raw: str) -> str:
        if raw not in words:
            message = _("“%(value)s” is not one of: %(words)s.") % {
                "value": raw[:100],
                "words": ", ".join(words),
            }
            raise BadValue(message, nearest(raw, words))
        return raw

    return read


def choice(name: str, *aliases: str, words: Collection[str], description: str = "") -> Parameter:
    """One of a few words."""
    schema = {"type": "string", "enum": list(words)}
    return Parameter(name, _one_of(words), aliases, description=description, schema=schema)


def choices(name: str, *aliases: str, words: Collection[str], description: str = "") -> Parameter:
    """A comma-separated list of a few words."""
    schema = {"type": "array", "items": {"type": "string", "enum": list(words)}}
    return Parameter(name, _one_of(words), aliases, True, description=description, schema=schema)


def order(words: Collection[str], *, name: str = "order_by") -> Parameter:
    """One sort of a few; `-` before it reverses its natural order."""
    every = [sign + word for word in words for sign in ("", "-")]
    return choice(name, words=every, description="“-” reverses the natural order.")


def texts(name: str, *aliases: str, max_length: int = 200, description: str = "") -> Parameter:
    """A comma-separated list of texts, such as ids or codes that the view looks up."""
    one = text(name, max_length=max_length)
    schema = {"type": "array", "items": one.schema}
    return Parameter(name, one.read, aliases, True, description=description, schema=schema)


def _identifier(words: Collection[str]) -> Callable[[str], uuid.UUID | str]:
    def read(raw: str) -> uuid.UUID | str:
        if raw in words:
            return raw
        try:
            return uuid.UUID(raw)
        except ValueError:
            raise BadValue(_("“%(value)s” is no id.") % {"value": raw[:100]}) from None

    return read


def identifier(name: str, *aliases: str, description: str = "") -> Parameter:
    """One UUID."""
    schema = {"type": "string", "format": "uuid"}
    return Parameter(name, _identifier(()), aliases, description=description, schema=schema)


def identifiers(
    name: str, *aliases: str, words: Collection[str] = (), description: str = ""
) -> Parameter:
    """A comma-separated list of UUIDs; `words` (such as `me`) come out as they are."""
    one: dict[str, Any] = {"type": "string", "format": "uuid"}
    if words:
        one = {"anyOf": [one, {"type": "string", "enum": list(words)}]}
    schema = {"type": "array", "items": one}
    read = _identifier(words)
    return Parameter(name, read, aliases, True, description=description, schema=schema)


def moment(name: str, *aliases: str, description: str = "") -> Parameter:
    """A point in time, ISO 8601 with an offset."""
    schema = {"type": "string", "format": "date-time"}
    return Parameter(name, read_moment, aliases, description=description, schema=schema)


def read_query(query: QueryDict, declared: Iterable[Parameter]) -> dict[str, Any]:
    """The values by the parameters' own names; what was not sent is not in it.

    Raises BadQuery for whatever was not declared, repeated without being a list, or malformed.
    """
    by_name = {name: parameter for parameter in declared for name in parameter.names}
    values: dict[str, Any] = {}
    for name, raws in query.lists():
        parameter = by_name.get(name)
        if parameter is None:
            message = _("There is no parameter “%(name)s” here.") % {"name": name[:100]}
            raise BadQuery(name[:100], message, nearest(name, by_name))
        if not parameter.many and (len(raws) > 1 or parameter.name in values):
            raise BadQuery(name, _("“%(name)s” is given more than once.") % {"name": name})
        for raw in raws:
            _take(parameter, name, raw, values)
    return values


def _take(parameter: Parameter, name: str, raw: str, values: dict[str, Any]) -> None:
    """Read one raw value into `values`. Raises BadQuery."""
    if len(raw) > MAX_LENGTH * (10 if parameter.many else 1):
        raise BadQuery(name, _("“%(name)s” is too long.") % {"name": name})
    if POISON.search(raw):
        raise BadQuery(name, _("“%(name)s” has characters no text has.") % {"name": name})
    if not parameter.many:
        if raw or parameter.keep_empty:
            values[parameter.name] = _read(parameter, name, raw)
        return
    parts = [part.strip() for part in raw.split(",")] if raw else []
    if not all(parts):
        raise BadQuery(name, _("“%(name)s” has an empty value.") % {"name": name})
    read = [_read(parameter, name, part) for part in parts]
    united = list(dict.fromkeys([*values.get(parameter.name, []), *read]))
    if len(united) > MAX_VALUES:
        raise BadQuery(name, _("“%(name)s” has too many values.") % {"name": name})
    if united:
        values[parameter.name] = united


def _read(parameter: Parameter, name: str, raw: str) -> Any:
    try:
        return parameter.read(raw)
    except ValueError as fault:
        raise BadQuery(name, f"{name}: {fault}", getattr(fault, "nearest", None)) from None
