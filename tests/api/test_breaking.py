"""Changes of the API that would break its clients are found, others are let through."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.breaking import breaks
from tests.api.write import DOCUMENT, RELEASED, ROOT, as_text, generated

NOW = generated()
Change = Callable[[dict[str, Any]], None]


def schemas(document: dict[str, Any]) -> Any:
    return document["components"]["schemas"]


def leads(document: dict[str, Any], method: str = "get") -> Any:
    return document["paths"]["/api/leads"][method]


def drop_parameter(document: dict[str, Any]) -> None:
    kept = [one for one in leads(document)["parameters"] if one["name"] != "search"]
    leads(document)["parameters"] = kept


def require_parameter(document: dict[str, Any]) -> None:
    leads(document)["parameters"][0]["required"] = True


def narrow_parameter(document: dict[str, Any]) -> None:
    for one in leads(document)["parameters"]:
        if one["name"] == "order_by":
            one["schema"]["enum"].remove("priority")


PLANTED: dict[str, tuple[Change, str]] = {
    "path": (lambda it: it["paths"].pop("/api/tags/{id}"), "DELETE /api/tags/{id}: removed"),
    "method": (lambda it: it["paths"]["/api/leads"].pop("post"), "POST /api/leads: removed"),
    "name": (
        lambda it: leads(it).update(operationId="all_leads"),
        "GET /api/leads: operationId changed",
    ),
    "parameter": (drop_parameter, "GET /api/leads parameter search: removed"),
    "required parameter": (require_parameter, ": now required"),
    "sort": (narrow_parameter, "GET /api/leads parameter order_by: no longer takes 'priority'"),
    "field of a body": (
        lambda it: schemas(it)["LeadRequest"]["properties"].pop("trade_name"),
        "POST /api/leads request.trade_name: removed",
    ),
    "older name of a field": (
        lambda it: schemas(it)["LeadRequest"]["properties"].pop("title"),
        "POST /api/leads request.title: removed",
    ),
    "required field": (
        lambda it: schemas(it)["ContactRequest"]["required"].append("phone"),
        "POST /api/contacts request.phone: now required",
    ),
    "shorter text": (
        lambda it: schemas(it)["CompanyRequest"]["properties"]["name"].update(maxLength=100),
        "POST /api/companies request.name: maxLength is 100 now",
    ),
    "body no longer null": (
        lambda it: schemas(it)["LeadRequest"]["properties"]["trade_name"].update(type="string"),
        "POST /api/leads request.trade_name: null became string",
    ),
    "field of a row": (
        lambda it: schemas(it)["Lead"]["properties"].pop("trade_name"),
        "GET /api/leads/{id} answer 200.trade_name: removed",
    ),
    "field that may be missing": (
        lambda it: schemas(it)["SalesViewRow"]["required"].remove("next_action"),
        "GET /api/leads/sales-view answer 200.data[].next_action: may be missing now",
    ),
    "field newly null": (
        lambda it: schemas(it)["Lead"]["properties"]["created_at"].update(type=["string", "null"]),
        "GET /api/leads/{id} answer 200.created_at: string became null",
    ),
    "type of a field": (
        lambda it: schemas(it)["Lead"]["properties"]["priority_score"].update(type="string"),
        "GET /api/leads/{id} answer 200.priority_score: integer became string",
    ),
    "code of success": (
        lambda it: leads(it, "post")["responses"].pop("201"),
        "POST /api/leads answer 201: removed",
    ),
    "header": (
        lambda it: leads(it, "post")["responses"]["201"]["headers"].pop("ETag"),
        "POST /api/leads answer 201 header ETag: removed",
    ),
    "member of the problem": (
        lambda it: schemas(it)["Problem"]["properties"].pop("code"),
        "GET /api/leads answer 400.code: removed",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_break_is_found(name: str) -> None:
    change, expected = PLANTED[name]
    document = copy.deepcopy(NOW)

    change(document)

    assert any(expected in one for one in breaks(NOW, document)), breaks(NOW, document)


def test_additions_break_nothing() -> None:
    document = copy.deepcopy(NOW)
    document["paths"]["/api/new"] = document["paths"]["/api/tags"]
    leads(document)["parameters"].append({"name": "new", "in": "query", "schema": {}})
    schemas(document)["LeadRequest"]["properties"]["new"] = {"type": "string"}
    schemas(document)["Lead"]["properties"]["new"] = {"type": "string"}
    schemas(document)["Lead"]["required"].append("new")
    schemas(document)["CompanyRequest"]["properties"]["name"]["maxLength"] = 900
    schemas(document)["LeadRequest"]["properties"]["priority_score"]["type"] = ["integer", "null"]

    assert breaks(NOW, document) == []
    assert breaks(NOW, NOW) == []


def test_the_document_in_the_docs_is_the_one_the_code_describes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == as_text(NOW), "run `make schema`"


def test_nothing_breaks_the_clients_of_the_last_release_unless_a_decision_says_so() -> None:
    decided = "\n".join(
        decision.read_text(encoding="utf-8") for decision in (ROOT / "docs/adr").glob("*.md")
    )
    released = json.loads(RELEASED.read_text(encoding="utf-8"))

    unsaid = [one for one in breaks(released, NOW) if f"`{one}`" not in decided]

    assert not unsaid, "name these in an ADR, each between backticks, or do not break them"
