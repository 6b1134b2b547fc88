"""What answers look like in the OpenAPI document beside the rows: errors, pages, headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter

from pipedesk.core.problems import CODES, CONTENT_TYPE

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
CURSOR: Final[Schema] = {"type": ["string", "null"]}


def closed(properties: Mapping[str, Schema], description: str, *optional: str) -> Schema:
    """An object of exactly these members; the optional ones may be missing."""
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def ref(name: str, kind: str = "schemas") -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


# --- Errors --------------------------------------------------------------------------------

# What a caller should know of each, and a detail it may come with.
FAILURES: Final[dict[int, tuple[str, str, Mapping[str, str] | None]]] = {
    400: (
        "Malformed: the body is no JSON, or the query string has a name or value it cannot have.",
        "There is no parameter “serach” here. Did you mean “search”?",
        {"field": "serach", "code": "invalid_parameter"},
    ),
    401: ("No bearer token, or not a valid one.", "The token is not valid or has expired.", None),
    403: ("Your role does not allow this.", "You may not do this.", None),
    404: ("There is no such row, or not for you.", "There is nothing here.", None),
    406: ("Answers are JSON.", "Could not satisfy the request Accept header.", None),
    409: (
        "The present state of the row forbids it; `details` say by whom, when and to what.",
        "The contact belongs to this lead already.",
        {"field": "contact_id", "code": "conflict"},
    ),
    412: (
        "Somebody else changed the row: `details` name the fields that differ from your ETag.",
        "Somebody else changed this meanwhile.",
        {"field": "legal_name", "code": "changed"},
    ),
    413: ("The body is too large.", "The body is too large.", None),
    415: ("The body's media type is not taken here.", "Unsupported media type “text/xml”.", None),
    422: (
        "Well-formed, but a value breaks a rule; `details` name the fields.",
        "Some values break a rule; see the details.",
        {"field": "legal_name", "code": "required"},
    ),
    429: ("Too many requests; see Retry-After.", "Too many requests; wait a little.", None),
    503: (
        "Google or the database cannot be reached; see Retry-After, and look what was done before.",
        "Google cannot be reached right now; look again, and try again later.",
        None,
    ),
}
NAMES: Final = {code: HTTPStatus(code).name.title().replace("_", "") for code in FAILURES}
PROBLEM_CODES: Final = sorted({*CODES.values(), "google_unavailable"})
PROBLEM: Final = closed(
    {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {**TEXT, "description": "For people, in their language."},
        "error": {**TEXT, "description": "As `detail`, for older clients."},
        "code": {"type": "string", "enum": PROBLEM_CODES, "description": "For programs."},
        "message": {**TEXT, "description": "As `detail`, for older clients."},
        "details": {"type": "array", "items": ref("ProblemDetail")},
    },
    "What went wrong (RFC 9457).",
)
PROBLEM_DETAIL: Final = closed(
    {
        "field": {**TEXT, "description": "The field or parameter; empty: the whole body."},
        "code": TEXT,
        "message": TEXT,
    },
    "What went wrong with one field.",
)
RETRY_AFTER: Final[Schema] = {
    "description": "Seconds until it is worth trying again.",
    "schema": {"type": "integer", "minimum": 1},
}
CHALLENGE: Final[Schema] = {"schema": {"type": "string", "examples": ["Bearer"]}}


def failure_response(code: int) -> Schema:
    """The component of an error answer, with an example."""
    description, text, detail = FAILURES[code]
    details = [] if detail is None else [{**detail, "message": text}]
    example = {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "detail": text,
        "error": text,
        "code": "google_unavailable" if code == HTTPStatus.SERVICE_UNAVAILABLE else CODES[code],
        "message": text,
        "details": details,
    }
    response: Schema = {
        "description": description,
        "content": {CONTENT_TYPE: {"schema": ref("Problem"), "example": example}},
    }
    if code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        response["headers"] = {"Retry-After": RETRY_AFTER}
    if code == HTTPStatus.UNAUTHORIZED:
        response["headers"] = {"WWW-Authenticate": CHALLENGE}
    return response


def failures_of(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[int]:
    """The errors an operation can answer, following from what it is."""
    yield from (400, 401, 403, 406, 429, 503)
    if "{" in path:
        yield 404
    if method != "GET":
        yield 409
    if method in ("POST", "PUT", "PATCH"):
        yield from (413, 415, 422)
    if any(one["name"] == "If-Match" for one in operation.get("parameters", ())):
        yield 412


# --- Pages ---------------------------------------------------------------------------------

PER_PAGE: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 100}
NUMBERED: Final = closed(
    {
        "total": {"type": "integer", "minimum": 0},
        "total_is_capped": {
            "type": "boolean",
            "description": "There are more than `total`; they were not counted.",
        },
        "page": {"type": "integer", "minimum": 1},
        "per_page": PER_PAGE,
    },
    "A page by its number.",
    "total_is_capped",
)
KEYSET: Final = closed(
    {"next_cursor": CURSOR, "previous_cursor": CURSOR, "per_page": PER_PAGE},
    "A page by `cursor=`, which stays in place while others write; null where there is none.",
)
SCHEMAS: Final[dict[str, Schema]] = {
    "Problem": PROBLEM,
    "ProblemDetail": PROBLEM_DETAIL,
    "NumberedPage": NUMBERED,
    "KeysetPage": KEYSET,
    "Pagination": {"oneOf": [ref("NumberedPage"), ref("KeysetPage")]},
}

# --- Headers -------------------------------------------------------------------------------

ETAG: Final[Schema] = {
    "description": "The state of the row, for If-Match and If-None-Match.",
    "schema": {"type": "string"},
}
REPLAYED: Final[Schema] = {
    "description": "The answer is the one this Idempotency-Key got before.",
    "schema": {"type": "string", "enum": ["true"]},
}
IF_MATCH: Final = "The ETag of the row as it was seen; 412 where it changed since. `*`: any."
REQUEST_HEADERS: Final[dict[str, tuple[str, Schema]]] = {
    "Idempotency-Key": (
        "Done once per key within 24 hours and answered alike; another body is 422.",
        {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    ),
    "If-Match": (IF_MATCH, TEXT),
    "If-None-Match": ("The ETag that was seen; 304 where the row is still that.", TEXT),
}


def request_header(name: str) -> OpenApiParameter:
    """The description of a header that several operations take."""
    description, schema = REQUEST_HEADERS[name]
    return OpenApiParameter(name, dict(schema), OpenApiParameter.HEADER, description=description)


GUIDE: Final = """

**Who calls.** `Authorization: Bearer <token>`. What a person may do follows from their role in
`user_roles`: admin, manager, sales; `GET /api/me` tells.

**Errors** are `application/problem+json` with a `code` for programs, a `detail` for people, and
`details` field by field.

**Lists** come by `page` or by `cursor` (empty starts, then `next_cursor`). Unknown parameters,
sorts and filter values are 400 and name the nearest valid one. `fields` and `omit` choose what
rows are made of.

**Writing at the same time.** Single rows have an `ETag`; send it as `If-Match` and a write that
would overwrite somebody's change is 412. With an `Idempotency-Key` a repeated POST is done once.

Addresses answer with and without a trailing slash. Times are ISO 8601 with an offset.
"""
