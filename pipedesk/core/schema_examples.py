"""Examples of what the OpenAPI document describes, made from its schemas."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

MOMENT: Final = "2026-11-23T12:30:00Z"
# By the name of the member; what is not here follows from its type.
BY_NAME: Final[Mapping[str, Any]] = {
    "legal_name": "Alfa Empreendimentos Ltda.",
    "trade_name": "Alfa",
    "client_name": "Torre Alfa",
    "company_name": "Alfa Empreendimentos Ltda.",
    "name": "Ana Souza",
    "displayName": "Ana Souza",
    "email": "ana@pipedesk.example",
    "organizer_email": "ana@pipedesk.example",
    "emailAddress": "ana@pipedesk.example",
    "domain": "pipedesk.example",
    "phone": "+55 11 91234-5678",
    "address_city": "São Paulo",
    "address_state": "SP",
    "color": "#0d9488",
    "title": "Torre Alfa",
    "summary": "Visita ao terreno",
    "description": "Primeira conversa",
    "label": "Novo",
    "reason": "Sem verba neste ano",
    "priority_score": 85,
    "calendar_id": "primary",
    "time_zone": "America/Sao_Paulo",
    "mimeType": "application/pdf",
    "total_pages": 1,
    "total": 1,
    "page": 1,
    "per_page": 20,
    "page_size": 20,
    "status": "confirmed",
    "deleted_at": None,
    "disqualified_at": None,
    "disqualification_reason": None,
    "qualified_at": None,
    "qualified_company_id": None,
    "qualified_master_deal_id": None,
    "failure": None,
    "last_error": None,
    "next_cursor": None,
    "previous_cursor": None,
}
BY_FORMAT: Final[Mapping[str, Any]] = {
    "date-time": MOMENT,
    "date": MOMENT[:10],
    "email": "ana@pipedesk.example",
    "uri": "https://drive.google.com/drive/folders/0AExample",
    "binary": "",
}
MAX_DEPTH: Final = 8


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any], name: str = "") -> Any:
    """A value that fits the schema; `name` is the member it is for."""
    return _Examples(components).of(schema, name, 0)


class _Examples:
    def __init__(self, components: Mapping[str, Any]) -> None:
        self.components = components

    def of(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        """The example of a schema that stands at this depth."""
        schema = self._resolved(schema)
        for told in ("default", "const"):
            if told in schema:
                return schema[told]
        if schema.get("examples"):
            return schema["examples"][0]
        if "enum" in schema:
            return schema["enum"][0]
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        return _scalar(kind, schema, name)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follows references, and the first of several kinds; its siblings stay."""
        while True:
            if "$ref" in schema:
                schema = self.components[schema["$ref"].rpartition("/")[2]]
                continue
            choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
            # Kinds that only say what is required are not kinds of their own.
            if not choices or "properties" in schema:
                return schema
            rest = {key: value for key, value in schema.items() if key not in _COMBINING}
            schema = {**rest, **choices[0]}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        members = {
            name: self.of(member, name, depth + 1)
            for name, member in schema.get("properties", {}).items()
            # Of what is nested within itself, two levels tell all.
            if "x-alias-of" not in member and (name != "children" or depth <= 2)
        }
        extra = schema.get("additionalProperties")
        if not members and isinstance(extra, Mapping):
            return {"key": self.of(extra, "key", depth + 1)}
        return members

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        if depth >= MAX_DEPTH or schema.get("maxItems") == 0:
            return []
        return [self.of(schema.get("items", {}), name.removesuffix("s"), depth + 1)]


_COMBINING: Final = ("anyOf", "oneOf", "allOf")


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return str(kind if isinstance(kind, str) else kind[0])


def _scalar(kind: str, schema: Mapping[str, Any], name: str) -> Any:
    if name in BY_NAME and _fits(BY_NAME[name], schema):
        return BY_NAME[name]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in ("integer", "number"):
        return min(max(1, schema.get("minimum", 1)), schema.get("maximum", 1))
    if schema.get("format") == "uuid":
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    return name or "text"


_PLAIN: Final = {"boolean": False, "null": None}
_JSON_TYPES: Final = {str: "string", int: "integer", type(None): "null"}


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type", "string")
    fits_type = _JSON_TYPES[type(value)] in ([kinds] if isinstance(kinds, str) else kinds)
    return fits_type and (value is None or schema.get("format") in (None, "email"))
