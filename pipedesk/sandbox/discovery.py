"""The two APIs as their discovery documents describe them: methods, paths, parameters, schemas.

The documents are the ones shipped inside google-api-python-client, so the sandbox and the client
that talks to it agree on one description.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from googleapiclient.discovery_cache import get_static_doc

from pipedesk.sandbox.errors import GoogleError, Json, invalid_parameter, required
from pipedesk.sandbox.schema import Schemas

_TEMPLATE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Api:
    """One API."""

    name: str
    schemas: Schemas
    parameters: dict[str, Json]


@dataclass(frozen=True)
class Method:
    """One method of an API, for instance ``calendar.events.list``."""

    api: Api
    id: str
    verb: str
    path: str
    parameters: dict[str, Json]
    request: str | None
    response: str | None
    upload_paths: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """A method under one of its paths."""

    method: Method
    pattern: re.Pattern[str]
    is_upload: bool
    weight: int


def _methods_of(api: Api, resource: Json, base: str) -> list[Method]:
    methods = [
        Method(
            api=api,
            id=description["id"],
            verb=description["httpMethod"],
            path=base + description["path"],
            parameters={**api.parameters, **description.get("parameters", {})},
            request=description.get("request", {}).get("$ref"),
            response=description.get("response", {}).get("$ref"),
            upload_paths=tuple(
                protocol["path"]
                for protocol in description.get("mediaUpload", {}).get("protocols", {}).values()
            ),
        )
        for description in resource.get("methods", {}).values()
    ]
    for child in resource.get("resources", {}).values():
        methods += _methods_of(api, child, base)
    return methods


def _route(method: Method, path: str, *, is_upload: bool) -> Route:
    parts = _TEMPLATE.split(path)
    pattern = "".join(
        f"(?P<{part}>[^/]+?)" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )
    weight = sum(len(part) for part in parts[::2])
    return Route(method, re.compile(pattern + r"\Z"), is_upload, weight)


def _routes_of(method: Method) -> list[Route]:
    plain = _route(method, method.path, is_upload=False)
    return [plain, *(_route(method, path, is_upload=True) for path in method.upload_paths)]


@cache
def methods() -> dict[str, Method]:
    """Every method of both APIs by its id."""
    found: dict[str, Method] = {}
    for name in ("calendar", "drive"):
        document = json.loads(get_static_doc(name, "v3"))
        api = Api(name, Schemas(document["schemas"]), document["parameters"])
        for method in _methods_of(api, document, "/" + document["servicePath"]):
            found[method.id] = method
    return found


@cache
def _routes() -> dict[str, list[Route]]:
    by_verb: dict[str, list[Route]] = {}
    for method in methods().values():
        for route in _routes_of(method):
            by_verb.setdefault(route.method.verb, []).append(route)
    for routes in by_verb.values():
        routes.sort(key=lambda route: -route.weight)  # files/generateIds before files/{fileId}
    return by_verb


def find(verb: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route for a raw (still percent-encoded) path, and its decoded path parameters.

    Raises GoogleError 404 when neither API has such a method.
    """
    for route in _routes().get(verb, []):
        match = route.pattern.match(path)
        if match:
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    raise GoogleError(404, "notFound", f"The requested URL {verb} was not found on this server.")


def read_parameters(
    method: Method, path_values: dict[str, str], query: dict[str, list[str]]
) -> dict[str, Any]:
    """Query and path parameters with their types, defaults left out.

    Raises GoogleError 400 for an unknown parameter, a wrong type, a value out of range or a
    missing one.
    """
    texts = {**query, **{name: [value] for name, value in path_values.items()}}
    typed: dict[str, Any] = {}
    for name, values in texts.items():
        description = method.parameters.get(name)
        if description is None:
            raise invalid_parameter(name, f'Unknown name "{name}": Cannot bind query parameter.')
        converted = [_convert(name, description, value) for value in values]
        typed[name] = converted if description.get("repeated") else converted[-1]
    for name, description in method.parameters.items():
        if description.get("required") and name not in typed:
            raise required(name, f"Required parameter: {name}")
    return typed


def _convert(name: str, description: Json, text: str) -> Any:
    kind = description.get("type", "string")
    if kind == "boolean":
        if text.lower() not in {"true", "false"}:
            raise invalid_parameter(name, f"Invalid boolean value: '{text}'.")
        return text.lower() == "true"
    if kind in {"integer", "number"}:
        return _convert_number(name, description, text)
    if "enum" in description and text not in description["enum"]:
        allowed = ", ".join(description["enum"])
        raise invalid_parameter(name, f"Invalid string value: '{text}'. Allowed: [{allowed}]")
    if kind == "string" and description.get("format") in {"date-time", "date"}:
        _check_format(name, description["format"], text)
    return text


def _convert_number(name: str, description: Json, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise invalid_parameter(name, f"Invalid integer value: '{text}'.") from None
    low, high = int(description.get("minimum", -(2**31))), int(description.get("maximum", 2**31))
    if not low <= number <= high:
        raise invalid_parameter(
            name, f"Invalid value '{number}'. Values must be within the range: [{low}, {high}]"
        )
    return number


def _check_format(name: str, text_format: str, text: str) -> None:
    faults = Schemas({"value": {"type": "string", "format": text_format}}).faults("value", text)
    if faults:
        raise invalid_parameter(name, f"Invalid value '{text}'.")
