"""The OpenAPI document in the words of one kind of client."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

ALIAS = "x-alias-of"


def in_own_names(document: dict[str, Any]) -> dict[str, Any]:
    """The document for clients that know no older names: each thing has one."""
    plain = copy.deepcopy(document)
    for schema in plain["components"]["schemas"].values():
        _drop_aliases(schema)
    for operation in operations(plain):
        operation["parameters"] = [
            one for one in operation.get("parameters", ()) if ALIAS not in one
        ]
    return plain


def in_older_names(document: dict[str, Any]) -> dict[str, Any]:
    """The document for clients that know nothing else: the last alias of each thing."""
    older = copy.deepcopy(document)
    for schema in older["components"]["schemas"].values():
        _use_aliases(schema)
    for operation in operations(older):
        parameters = operation.get("parameters", ())
        alias_of = {one[ALIAS]: one for one in parameters if ALIAS in one}
        operation["parameters"] = [
            alias_of.get(one["name"], one) for one in parameters if ALIAS not in one
        ]
    return older


def in_whole_rows(document: dict[str, Any]) -> dict[str, Any]:
    """The document for clients that never ask for some fields only: rows have all of theirs."""
    whole = copy.deepcopy(document)
    for operation in operations(whole):
        operation["parameters"] = [
            one for one in operation.get("parameters", ()) if one["name"] not in ("fields", "omit")
        ]
    _choose_whole(whole)
    schemas = whole["components"]["schemas"]
    for name in [name for name in schemas if name.startswith("Sparse")]:
        del schemas[name]
    return whole


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation."""
    for methods in document["paths"].values():
        yield from methods.values()


def _aliases(schema: dict[str, Any]) -> dict[str, str]:
    members = schema.get("properties", {})
    return {name: member[ALIAS] for name, member in members.items() if ALIAS in member}


def _drop_aliases(schema: dict[str, Any]) -> None:
    aliases = _aliases(schema)
    required = _take_choices(schema)
    for alias in aliases:
        del schema["properties"][alias]
    _require(schema, [name for name in required if name not in aliases])


def _use_aliases(schema: dict[str, Any]) -> None:
    aliases = _aliases(schema)
    required = _take_choices(schema)
    last = {name: alias for alias, name in aliases.items()}
    for name in [*last, *(alias for alias in aliases if alias not in last.values())]:
        del schema["properties"][name]
    _require(schema, [last[name] for name in required if name in last])


def _take_choices(schema: dict[str, Any]) -> list[str]:
    """Remove what says that one of several names is required; all those names."""
    if not _aliases(schema):
        return []
    groups = [one["oneOf"] for one in (*schema.pop("allOf", ()), schema) if "oneOf" in one]
    schema.pop("oneOf", None)
    return [name for group in groups for one in group for name in one["required"]]


def _require(schema: dict[str, Any], names: list[str]) -> None:
    if names:
        schema["required"] = [*schema.get("required", ()), *names]


def _choose_whole(node: Any) -> None:
    if isinstance(node, list):
        for one in node:
            _choose_whole(one)
    elif isinstance(node, dict):
        choices = node.get("anyOf", ())
        if len(choices) == 2 and "/Sparse" in choices[1].get("$ref", ""):
            del node["anyOf"]
            node |= choices[0]
        for one in node.values():
            _choose_whole(one)
