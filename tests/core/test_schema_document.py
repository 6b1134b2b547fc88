"""The OpenAPI document: without a warning, valid, and nothing left for a client to guess."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator, FormatChecker

METHODS_WITH_BODY = ("post", "put", "patch")


def generated() -> dict[str, Any]:
    """The document as `manage.py spectacular` writes it; a warning is an error."""
    written = StringIO()
    call_command(
        "spectacular", "--validate", "--fail-on-warn", format="openapi-json", stdout=written
    )
    return dict(json.loads(written.getvalue()))


DOCUMENT = generated()
OPERATIONS = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        kind, name = node["$ref"].split("/")[-2:]
        node = DOCUMENT["components"][kind][name]
    return node


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, body in (
        ("request", operation.get("requestBody", {})),
        *operation["responses"].items(),
    ):
        for media, content in resolved(body).get("content", {}).items():
            yield f"{name} {media}", content


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    validate_schema(DOCUMENT)


@pytest.mark.django_db
def test_what_is_served_is_what_is_generated(client: Client) -> None:
    assert client.get("/api/schema/").json() == DOCUMENT


@pytest.mark.django_db
def test_yaml_is_there_for_whoever_asks(client: Client) -> None:
    answer = client.get("/api/schema", headers={"accept": "application/yaml"})

    assert answer.content.startswith(b"openapi: 3.1")


def test_operation_ids_are_one_of_a_kind_and_readable() -> None:
    names = [
        operation["operationId"]
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
    ]

    assert len(names) == len(set(names))
    assert {"leads_list", "leads_retrieve", "leads_qualify", "leads_sales_view"} <= set(names)
    assert all(name.replace("_", "a").isalnum() and name == name.lower() for name in names)


def test_an_operation_says_what_it_does_and_who_may_call() -> None:
    for method, path, operation in OPERATIONS:
        words = ("summary", "description", "tags", "operationId")
        assert all(operation.get(word) for word in words), (method, path)
        assert {"bearer": []} in operation["security"], (method, path)


def test_an_operation_names_every_error_it_can_answer() -> None:
    for method, path, operation in OPERATIONS:
        answers = set(operation["responses"])
        expected = {"400", "401", "403", "406", "429", "503"}
        expected |= {"404"} if "{" in path else set()
        expected |= {"409"} if method != "get" else set()
        expected |= {"413", "415", "422"} if method in METHODS_WITH_BODY else set()

        assert expected <= answers, operation["operationId"]
        assert "default" not in answers, operation["operationId"]
        for code in answers:
            if code >= "400":
                answer = resolved(operation["responses"][code])
                problem = answer["content"]["application/problem+json"]
                assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert problem["example"]["status"] == int(code)
                assert ("Retry-After" in answer.get("headers", {})) == (code in ("429", "503"))


def test_every_body_has_an_example_that_fits_its_schema() -> None:
    for _method, _path, operation in OPERATIONS:
        for name, content in bodies(operation):
            examples = [one["value"] for one in content.get("examples", {}).values()]
            examples += [content["example"]] if "example" in content else []
            assert examples, (operation["operationId"], name)
            schema = {**content["schema"], "components": DOCUMENT["components"]}
            for example in examples:
                Draft202012Validator(schema, format_checker=FormatChecker()).validate(example)


def test_parameters_say_what_they_take() -> None:
    for _method, _path, operation in OPERATIONS:
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            assert schema.get("type") in ("string", "integer", "boolean", "array"), parameter
            if parameter["in"] == "path" and schema["type"] == "string":
                assert schema.keys() & {"format", "enum", "pattern"}, parameter
            if schema["type"] == "integer":
                assert {"minimum", "maximum"} <= schema.keys(), parameter
            if parameter["name"] in ("fields", "omit"):
                assert len(schema["items"]["enum"]) > 1


def test_objects_have_no_members_nobody_declared() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert "additionalProperties" in schema, name


def test_reading_one_row_knows_entity_tags() -> None:
    reading, changing = (DOCUMENT["paths"]["/api/leads/{id}"][one] for one in ("get", "patch"))

    assert reading["responses"]["200"]["headers"]["ETag"]["required"]
    assert "ETag" in reading["responses"]["304"]["headers"]
    assert "If-None-Match" in {one["name"] for one in reading["parameters"]}
    assert "If-Match" in {one["name"] for one in changing["parameters"]}
    assert "412" in changing["responses"]


def test_a_new_row_names_its_address_and_may_be_made_with_a_key() -> None:
    making = DOCUMENT["paths"]["/api/leads"]["post"]

    assert {"ETag", "Location", "Idempotency-Replayed"} <= making["responses"]["201"][
        "headers"
    ].keys()
    assert "Idempotency-Key" in {one["name"] for one in making["parameters"]}


def test_a_page_is_numbered_or_has_cursors() -> None:
    reading = DOCUMENT["paths"]["/api/leads"]["get"]
    page = resolved(reading["responses"]["200"]["content"]["application/json"]["schema"])

    assert page["required"] == ["data", "pagination"]
    numbered, keyset = resolved(page["properties"]["pagination"])["oneOf"]
    assert resolved(numbered)["required"] == ["total", "page", "per_page"]
    assert resolved(keyset)["required"] == ["next_cursor", "previous_cursor", "per_page"]


def test_older_names_are_told_apart_from_the_names() -> None:
    body = DOCUMENT["components"]["schemas"]["LeadRequest"]
    names = {one["name"]: one for one in DOCUMENT["paths"]["/api/leads"]["get"]["parameters"]}

    assert body["properties"]["title"]["x-alias-of"] == "legal_name"
    assert body["oneOf"] == [{"required": ["legal_name"]}, {"required": ["title"]}]
    assert names["pageSize"]["x-alias-of"] == "page_size"
    assert names["pageSize"]["deprecated"]
    assert "x-alias-of" not in names["page_size"]
