"""How views are described in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
CURSOR = {"type": ["string", "null"]}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `error` and `message` repeat `detail` for older clients.",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": NUMBER,
        "detail": TEXT,
        "error": TEXT,
        "code": TEXT,
        "message": TEXT,
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": TEXT, "code": TEXT, "message": TEXT},
                "required": ["field", "code", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "error", "code", "message", "details"],
}
PAGINATION = {
    "type": "object",
    "description": "Numbered pages have `total` and `page`; cursors `next_` and `previous_cursor`.",
    "properties": {
        "total": NUMBER,
        "total_is_capped": {"type": "boolean"},
        "page": NUMBER,
        "per_page": NUMBER,
        "next_cursor": CURSOR,
        "previous_cursor": CURSOR,
    },
    "required": ["per_page"],
}


IF_MATCH = {"If-Match": "The ETag of the row as it was seen; 412 where it changed since."}
HEADERS = {
    "POST": {"Idempotency-Key": "Done once per key within 24 hours, and answered alike."},
    "PATCH": IF_MATCH,
    "DELETE": IF_MATCH,
}


class _Pages:
    """What the generator asks of a paginator."""

    def get_schema_operation_parameters(self, view: Any) -> list[Any]:
        """None: views declare these like all others."""
        return []

    def get_paginated_response_schema(self, rows: dict[str, Any]) -> dict[str, Any]:
        """The contract's list answer around the rows."""
        return {
            "type": "object",
            "properties": {"data": rows, "pagination": {"$ref": "#/components/schemas/Pagination"}},
            "required": ["data", "pagination"],
        }


class ContractSchema(AutoSchema):
    """Describes views by what they declare: parameters and pages."""

    def get_override_parameters(self) -> list[Any]:
        """The declared parameters of the query string."""
        declared = getattr(self.view, "declared_parameters", None)
        if declared is None:
            return []
        headers = [
            OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description)
            for name, description in HEADERS.get(self.method, {}).items()
        ]
        return headers + [
            OpenApiParameter(
                name,
                dict(parameter.schema),
                description=parameter.description,
                explode=False if parameter.many else None,
            )
            for parameter in declared()
            for name in parameter.names
        ]

    def _get_paginator(self) -> _Pages:
        return _Pages()


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Bearer tokens, as the document's security schemes name them."""

    target_class = "pipedesk.accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """HTTP bearer with a JWT."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def add_problems(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Give every operation the error answer (a hook of the generator)."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Problem": PROBLEM, "Pagination": PAGINATION}
    answer = {
        "description": "Anything else",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            operation.setdefault("responses", {})["default"] = answer
    return result
