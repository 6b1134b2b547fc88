"""Writes what is made from the API's description: docs/openapi.json, and the clients' version."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from tests.api.document import in_own_names, in_whole_rows

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "openapi.json"
RELEASED = ROOT / "tests" / "api" / "released.json"
# What a comparison of two documents does not read.
WORDS = ("description", "summary", "example", "examples", "title", "tags", "info", "security")
CLIENT = ROOT / "tests" / "client"


def generated() -> dict[str, Any]:
    """The document as the code describes itself; a warning is an error."""
    written = StringIO()
    call_command(
        "spectacular", "--validate", "--fail-on-warn", format="openapi-json", stdout=written
    )
    return dict(json.loads(written.getvalue()))


def as_text(document: dict[str, Any]) -> str:
    """How documents are written to files."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def for_typed_clients(document: dict[str, Any]) -> dict[str, Any]:
    """Without older names, and of whole rows: what a type can say."""
    return in_whole_rows(in_own_names(document))


def bare(node: Any, *, names: bool = False) -> Any:
    """The document without what is written for people; `names`: keys are no words of OpenAPI."""
    if isinstance(node, list):
        return [bare(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: bare(value, names=not names and key in ("properties", "schemas"))
        for key, value in node.items()
        if names or key not in WORDS
    }


def main() -> None:
    """Write them; with `--release` also what the next changes are compared with."""
    document = generated()
    if "--release" in sys.argv:
        released = json.dumps(bare(document), indent=None, sort_keys=True) + "\n"
        RELEASED.write_text(released, encoding="utf-8")
    DOCUMENT.write_text(as_text(document), encoding="utf-8")
    typed = as_text(for_typed_clients(document))
    (CLIENT / "openapi.client.json").write_text(typed, encoding="utf-8")


if __name__ == "__main__":
    import django

    django.setup()
    main()
