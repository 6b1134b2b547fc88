"""How views are described in the OpenAPI document: by what they declare, not by hand."""

from __future__ import annotations

import copy
from http import HTTPStatus
from typing import Any

from django.utils import translation
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, get_doc, get_view_model
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import ModelSerializer

from pipedesk.core.query import Parameter
from pipedesk.core.schema_answers import (
    ETAG,
    FAILURES,
    GUIDE,
    NAMES,
    REPLAYED,
    SCHEMAS,
    Schema,
    closed,
    failure_response,
    failures_of,
    ref,
    request_header,
)
from pipedesk.core.schema_examples import example_of
from pipedesk.core.schema_members import add_aliases, as_stored

ROW_ACTIONS = ("retrieve", "create", "partial_update")
PLAIN_ACTIONS = {
    "list": "List {many}",
    "retrieve": "Get one {one}",
    "create": "Add one {one}",
    "partial_update": "Change one {one}",
    "destroy": "Remove one {one}",
}
JSON = "application/json"


class _Pages:
    """What the generator asks of a paginator."""

    def __init__(self, described: ContractSchema) -> None:
        self.described = described

    def get_schema_operation_parameters(self, view: Any) -> list[Any]:
        """None: views declare these like all others."""
        return []

    def get_paginated_response_schema(self, rows: Schema) -> Schema:
        """The contract's list answer around the rows."""
        rows = {**rows, "items": self.described.or_sparse(rows["items"])}
        more: dict[str, Schema] = getattr(self.described.view, "page_members", {})
        return closed({"data": rows, "pagination": ref("Pagination"), **more}, "One page.")


class ContractSchema(AutoSchema):
    """Describes views by what they declare: parameters, bodies, pages, roles, headers."""

    # --- The operation -----------------------------------------------------------------------

    def get_operation(self, *args: Any, **kwargs: Any) -> Schema | None:
        """The operation, with every answer it can give."""
        operation: Schema | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query" and parameter["name"] != "cursor":
                # Sent without a value is not sent.
                parameter["allowEmptyValue"] = True
        answers = operation["responses"]
        for code, answer in answers.items():
            answer["description"] = answer.get("description") or HTTPStatus(int(code)).phrase
            answer |= {"headers": headers} if (headers := self._headers(code)) else {}
            if code == "200" and "ETag" in headers and self._may_be_dry(operation):
                headers["ETag"] = ETAG
        if self._action == "retrieve":
            answers["304"] = {"description": "Not Modified", "headers": {"ETag": ETAG}}
            content = answers["200"]["content"][JSON]
            content["schema"] = self.or_sparse(content["schema"])
        told = getattr(self.view, "failures", {}).get(self._action, ())
        for code in (*failures_of(self.method, self.path, operation), *told):
            answers[str(code)] = ref(NAMES[code], "responses")
        operation["responses"] = dict(sorted(answers.items()))
        return operation

    @property
    def _action(self) -> str:
        """The viewset's action, or the method of a plain view."""
        return getattr(self.view, "action", None) or str(self.method).lower()

    @property
    def _is_row(self) -> bool:
        """Whether the view answers single rows with their entity tag."""
        return hasattr(self.view, "row_response")

    @staticmethod
    def _may_be_dry(operation: Schema) -> bool:
        """Whether its 200 may answer what would happen, and no row."""
        return any(parameter["name"] == "dry_run" for parameter in operation.get("parameters", ()))

    def _headers(self, code: str) -> dict[str, Schema]:
        headers: dict[str, Schema] = {}
        if self._is_row and self._action in ROW_ACTIONS:
            headers["ETag"] = {**ETAG, "required": True}
        if self._action == "create" and code == "201" and self._is_row:
            headers["Location"] = {
                "description": "The new row's address.",
                "schema": {"type": "string", "format": "uri-reference"},
                "required": True,
            }
        if self.method == "POST":
            headers["Idempotency-Replayed"] = REPLAYED
        return headers

    def get_operation_id(self) -> str:
        """`leads_list`, `leads_qualify`, `drive_provision`: the address, then what is done."""
        words = [word for word in self._tokenize_path() if word != "api"]
        action = self._action
        if hasattr(self.view, "action") and action not in PLAIN_ACTIONS:
            before_id = self.path.partition("{")[0].strip("/").split("/")[1:]
            words = [*(before_id if "{" in self.path else before_id[:-1]), action]
        elif action != "post":
            words.append("retrieve" if action == "get" else action)
        return "_".join(words).replace("-", "_")

    def get_summary(self) -> str:
        """What is done, in a line."""
        model = get_view_model(self.view, emit_warnings=False)  # type: ignore[no-untyped-call]
        if model is None or not self._inherits_action():
            return self._first_paragraph().partition(". ")[0].removesuffix(".")
        meta = model._meta  # noqa: SLF001  (documented by Django)
        with translation.override("en"):
            one, many = str(meta.verbose_name), str(meta.verbose_name_plural)
        return PLAIN_ACTIONS[self._action].format(one=one, many=many)

    def get_description(self) -> str:  # type: ignore[override]  # the generator asks so
        """All the docstring says."""
        return self._first_paragraph() if self._inherits_action() else self._doc()

    def _inherits_action(self) -> bool:
        """Whether this is what every record view does."""
        handler = getattr(self.view, self._action, None)
        return self._action in PLAIN_ACTIONS and handler.__module__.endswith("core.viewsets")

    def _doc(self) -> str:
        handler = getattr(self.view, self._action, None)
        return str(get_doc(handler) or get_doc(self.view.__class__))

    def _first_paragraph(self) -> str:
        return " ".join(self._doc().partition("\n\n")[0].split())

    # --- Parameters --------------------------------------------------------------------------

    def get_override_parameters(self) -> list[Any]:
        """The declared parameters of the query string, and the headers that matter."""
        declared = getattr(self.view, "declared_parameters", None)
        if declared is None:
            return []
        return [
            *(request_header(name) for name in self._request_headers()),
            *(self._described(one, name) for one in declared() for name in one.names),
        ]

    def _request_headers(self) -> list[str]:
        names = ["Idempotency-Key"] if self.method == "POST" else []
        if self._is_row and self._action == "retrieve":
            names.append("If-None-Match")
        changes_row = self.method in ("POST", "PUT", "PATCH", "DELETE") and "{" in self.path
        return [*names, "If-Match"] if self._is_row and changes_row else names

    def _described(self, parameter: Parameter, name: str) -> OpenApiParameter:
        schema = copy.deepcopy(dict(parameter.schema))
        if parameter.name in ("fields", "omit"):
            schema["items"] = {"type": "string", "enum": self._row_fields()}
        description = parameter.description
        if name != parameter.name:
            description = f"Another name of `{parameter.name}`."
        return OpenApiParameter(
            name,
            schema,
            description=description,
            deprecated=name != parameter.name,
            explode=False if parameter.many else None,
            extensions={} if name == parameter.name else {"x-alias-of": parameter.name},
        )

    def _row_fields(self) -> list[str]:
        """What the rows of the answer are made of."""
        serializer: Any = self.get_response_serializers()
        serializer = serializer() if isinstance(serializer, type) else serializer
        return list((getattr(serializer, "child", None) or serializer).fields)

    def _resolve_path_parameters(self, variables: list[str]) -> list[Schema]:
        parameters: list[Schema] = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            parameter.pop("description", None)
            if parameter["schema"].get("type") == "integer":
                parameter["schema"] |= {"minimum": 1, "maximum": 2**31 - 1}
            elif not parameter["schema"].keys() & {"format", "enum"}:
                parameter["schema"] |= {"pattern": "^[!-.0-~]{1,1024}$"}
        return parameters

    # --- Bodies ------------------------------------------------------------------------------

    def _map_serializer_field(self, field: Any, direction: str, *args: Any, **options: Any) -> Any:
        """The generator's schema of a field; anything at all is null, too."""
        schema = super()._map_serializer_field(field, direction, *args, **options)  # type: ignore[no-untyped-call]
        return {} if schema == {"oneOf": [{}, {"type": "null"}]} else schema

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Schema:
        """The generator's object, with what is always there, and what may not be."""
        schema: Schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        properties = schema.get("properties", {})
        for member in properties.values():
            # The admin's label, in the language of whoever asks.
            member.pop("title", None)
            member.pop("x-spec-enum-id", None)
        aliases = getattr(serializer, "aliases", {}) if direction == "request" else {}
        if direction == "response":
            for member in properties.values():
                member.pop("readOnly", None)
                as_stored(member)
            if isinstance(serializer, ModelSerializer):
                schema["required"] = list(properties)
        add_aliases(schema, aliases)
        schema["additionalProperties"] = False
        return schema

    def or_sparse(self, row: Schema) -> Schema:
        """The row, or as much of it as `fields` and `omit` leave."""
        asked: Any = getattr(self.view, "declared_parameters", tuple)()
        if "$ref" not in row or not any(one.name == "fields" for one in asked):
            return row
        whole = self.registry[row["$ref"].rpartition("/")[2], ResolvedComponent.SCHEMA]
        members = {**whole.schema, "description": f"Some of the fields of {whole.name}."}
        members.pop("required", None)
        sparse = ResolvedComponent(  # type: ignore[no-untyped-call]
            f"Sparse{whole.name}", ResolvedComponent.SCHEMA, members, object=f"Sparse{whole.name}"
        )
        self.registry.register_on_missing(sparse)
        return {"anyOf": [row, sparse.ref]}

    def _get_paginator(self) -> _Pages:
        return _Pages(self)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Bearer tokens, as the document's security schemes name them."""

    target_class = "pipedesk.accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """HTTP bearer with a JWT."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def finish(result: Schema, **kwargs: Any) -> Schema:
    """Shared components, and an example for every body (a hook of the generator)."""
    components = result.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= SCHEMAS
    components["schemas"] = dict(sorted(schemas.items()))
    components["responses"] = {NAMES[code]: failure_response(code) for code in FAILURES}
    result["info"]["description"] = str(result["info"]["description"]) + GUIDE
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for body in bodies:
                for content in body.get("content", {}).values():
                    if not content.keys() & {"example", "examples"}:
                        content["example"] = example_of(content["schema"], schemas)
    return result
