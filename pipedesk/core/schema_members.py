"""Members of the objects that the OpenAPI document describes."""

from __future__ import annotations

from typing import Any

from pipedesk.core.schema_answers import Schema


def as_stored(member: Schema) -> None:
    """Rows may hold an empty text, or an address from before there was a rule for it."""
    kinds = member.get("oneOf", ())
    if {"type": "string", "maxLength": 0} in kinds:
        del member["oneOf"]
        member |= {key: value for key, value in kinds[0].items() if key != "minLength"}
    if member.get("format") in ("email", "uri"):
        del member["format"]


def add_aliases(schema: Schema, aliases: Any) -> None:
    """Accept older names of members; where one is required, exactly one of its names is."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    either: dict[str, list[str]] = {}
    for alias, name in aliases.items():
        if name not in properties:
            continue
        member = {key: value for key, value in properties[name].items() if key != "description"}
        properties[alias] = {**member, "deprecated": True, "x-alias-of": name}
        if name in required:
            either.setdefault(name, [name]).append(alias)
    if either:
        schema["required"] = [name for name in required if name not in either]
        choices = [{"oneOf": [{"required": [name]} for name in names]} for names in either.values()]
        schema |= choices[0] if len(choices) == 1 else {"allOf": choices}
    if not schema.get("required", True):
        del schema["required"]
