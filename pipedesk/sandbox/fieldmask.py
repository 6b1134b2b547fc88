"""The ``fields`` parameter: partial answers.

https://developers.google.com/workspace/drive/api/guides/performance#partial-response
"""

import re
from typing import Any

from pipedesk.sandbox.errors import GoogleError, Json, invalid_parameter
from pipedesk.sandbox.schema import Schemas

Mask = dict[str, Any]
"""Wanted names, each with the mask below it; an empty mask wants everything."""

_TOKEN = re.compile(r"[\w.-]+|[*(),/]")


def parse(text: str) -> Mask:
    """Read ``a,b/c,d(e,f/g),*``. Raises GoogleError 400 when it is malformed."""
    tokens = _TOKEN.findall(text)
    if not tokens or "".join(tokens) != re.sub(r"\s+", "", text):
        raise _malformed(text)
    tokens.append("")
    mask, end = _parse_list(tokens, 0, text)
    if tokens[end] != "":
        raise _malformed(text)
    return mask


def _malformed(text: str) -> GoogleError:
    return invalid_parameter("fields", f"Invalid field selection {text}")


def _parse_list(tokens: list[str], start: int, text: str) -> tuple[Mask, int]:
    mask: Mask = {}
    at = start
    while True:
        at = _parse_path(tokens, at, mask, text)
        if tokens[at] != ",":
            return mask, at
        at += 1


def _parse_path(tokens: list[str], at: int, mask: Mask, text: str) -> int:
    name = tokens[at]
    if name in {"", "(", ")", ",", "/"}:
        raise _malformed(text)
    below: Mask = mask.setdefault(name, {})
    following = tokens[at + 1]
    if following == "/":
        return _parse_path(tokens, at + 2, below, text)
    if following == "(":
        inner, end = _parse_list(tokens, at + 2, text)
        if tokens[end] != ")":
            raise _malformed(text)
        below.update(inner)
        return end + 1
    return at + 1


def check(mask: Mask, schemas: Schemas, schema: Json) -> None:
    """Raise GoogleError 400 when the mask names a field the schema does not have."""
    schema = schemas.resolve(schema)
    while schema.get("type") == "array":
        schema = schemas.resolve(schema["items"])
    properties = schema.get("properties", {})
    for name, below in mask.items():
        child = properties.get(name, schema.get("additionalProperties"))
        if name == "*":
            continue
        if child is None:
            raise _malformed(name)
        if below:
            check(below, schemas, child)


def apply(mask: Mask, value: Any) -> Any:
    """The part of a value the mask wants."""
    if not mask:
        return value
    if isinstance(value, list):
        return [apply(mask, member) for member in value]
    if not isinstance(value, dict):
        return value
    rest: Mask = mask.get("*", {})
    return {
        name: apply(mask.get(name, rest), member)
        for name, member in value.items()
        if name in mask or "*" in mask
    }
