"""Whatever fits the discovery documents gets an answer in Google's words, never a broken server."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipedesk.sandbox.discovery import Method, methods
from pipedesk.sandbox.exchange import Request
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.router import HANDLERS, Router

KNOWN_TEXTS = st.sampled_from(
    ["", "primary", "ana@pipedesk.example", "root", "me", "1", "UTC", "confirmed", "cancelled", "x"]
)
TIMES = st.sampled_from(
    ["2026-11-23T10:00:00Z", "2026-11-23T11:00:00-03:00", "2026-11-23T10:00:00"]
)
DATES = st.sampled_from(["2026-11-23", "2026-11-24"])
FORMATS = {
    "date-time": TIMES,
    "google-datetime": TIMES,
    "date": DATES,
    "int64": st.integers(-(2**63), 2**63 - 1).map(str),
    "uint64": st.integers(0, 2**63).map(str),
}


def values(method: Method, schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that fit a schema, not too deep."""
    schema = method.api.schemas.resolve(schema)
    kind = schema.get("type", "any")
    if kind == "string":
        return FORMATS.get(schema.get("format", ""), KNOWN_TEXTS | st.text(max_size=8))
    if kind == "boolean":
        return st.booleans()
    if kind in {"integer", "number"}:
        return st.integers(-(2**31), 2**31 - 1)
    if kind == "array":
        return st.lists(values(method, schema["items"], depth + 1), max_size=2)
    if kind == "object" and depth < 4:
        return objects(method, schema, depth)
    return st.just({})


def objects(method: Method, schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    properties = {
        name: values(method, child, depth + 1)
        for name, child in schema.get("properties", {}).items()
    }
    return st.fixed_dictionaries({}, optional=properties)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A request for one of the methods the sandbox plays."""
    method = methods()[draw(st.sampled_from(sorted(HANDLERS)))]
    path, query = method.path, {}
    for name, description in method.parameters.items():
        value = draw(values(method, {k: v for k, v in description.items() if k != "$ref"}))
        text = json.dumps(value) if isinstance(value, bool | int) else str(value)
        if description.get("location") == "path":
            path = path.replace("{" + name + "}", quote(text or "x", safe=""))
        elif name not in {"alt", "fields", "uploadType"} and draw(st.booleans()):
            query[name] = [text]
    body = b""
    if method.request:
        body = json.dumps(draw(values(method, {"$ref": method.request}))).encode()
    return Request(method.verb, path, query, {}, body, "http://127.0.0.1")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(requests(), min_size=1, max_size=4))
def test_every_request_that_can_be_written_is_answered(sent: list[Request]) -> None:
    google = Google()
    router = Router(google)
    event = {"start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}, "id": "xxxxx"}
    first = Request("POST", "/calendar/v3/calendars/primary/events", {}, {}, b"", "http://h")
    first.body = json.dumps(event).encode()
    for request in (first, *sent):
        answer = router.answer(request)
        assert answer.status < 500, (request, answer.body)
        if answer.status >= 400:
            error = json.loads(answer.body)["error"]
            assert error["code"] == answer.status
            assert error["errors"][0]["reason"]
