"""Checks values against the schemas of a discovery document.

https://developers.google.com/discovery/v1/type-format
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from pipedesk.sandbox.clock import parse_rfc3339
from pipedesk.sandbox.errors import Json

_INTEGER = re.compile(r"-?\d{1,20}\Z")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "any": lambda _value: True,
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_int,
    "number": lambda value: _is_int(value) or isinstance(value, float),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def _parses(parse: Callable[[str], object]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return check


_FORMATS: dict[str, Callable[[Any], bool]] = {
    "int64": lambda value: bool(_INTEGER.match(str(value))),
    "uint64": lambda value: bool(_INTEGER.match(str(value))),
    "int32": lambda value: -(2**31) <= int(value) < 2**31,
    "date": _parses(date.fromisoformat),
    "date-time": _parses(parse_rfc3339),
    "google-datetime": _parses(parse_rfc3339),
}


class Schemas:
    """The named schemas of one API."""

    def __init__(self, schemas: dict[str, Json]) -> None:
        self._schemas = schemas

    def resolve(self, schema: Json) -> Json:
        """Follow a ``$ref``."""
        reference = schema.get("$ref")
        return self._schemas[reference] if reference else schema

    def faults(self, name: str, value: Any) -> list[str]:
        """What is wrong with a value, as sentences with a path; empty when it fits.

        An unknown property is a fault; a null is not (patch bodies clear with it).
        """
        return list(self._check(self._schemas[name], value, name))

    def _check(self, schema: Json, value: Any, path: str) -> Iterator[str]:
        schema = self.resolve(schema)
        kind = schema.get("type", "any")
        if not _TYPES[kind](value):
            yield f"{path} must be of type {kind}"
            return
        check = _FORMATS.get(schema.get("format", ""))
        if check is not None and not check(value):
            yield f"{path} does not have the format {schema['format']}"
        if kind == "array":
            for number, member in enumerate(value):
                yield from self._check(schema["items"], member, f"{path}[{number}]")
        elif kind == "object":
            yield from self._check_properties(schema, value, path)

    def _check_properties(self, schema: Json, value: Json, path: str) -> Iterator[str]:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for name, member in value.items():
            expected = properties.get(name, others)
            if expected is None:
                yield f"{path}.{name} is unknown"
            elif member is not None:
                yield from self._check(expected, member, f"{path}.{name}")
