"""Bodies: strict JSON, or the contract's error and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from pipedesk.accounts.models import UserRole

Api = Callable[..., APIClient]
Post = Callable[..., tuple[int, dict[str, Any]]]

USER = "5f0c954c-4b3e-4c2b-9a51-2f9f6f3c1a11"


@pytest.fixture
def post(api: Api) -> Post:
    client = api("admin")

    def send(
        body: str | bytes, content_type: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        answer = client.generic("POST", "/api/user-roles", body, content_type=content_type)
        return answer.status_code, answer.json()

    return send


def nested(depth: int) -> str:
    return '{"user_id": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[1,]",
        "'a'",
        "{'a': 1}",
        b"\xff\xfe",
        b'{"role": "\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"role": "sales"}',
        '{"role": NaN}',
        '{"role": Infinity}',
        '{"role": -Infinity}',
        '{"role": 1e999}',
        '{"role": ' + "9" * 5000 + "}",
        '{"role": "sales", "role": "admin"}',
        '{"user_id": {"a": 1, "a": 2}}',
        '{"role": "a\x00b"}',
        nested(33),
        nested(5_000),
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
    ],
    ids=lambda body: str(body)[:24],
)
def test_malformed_json_is_400(post: Post, body: str | bytes) -> None:
    before = UserRole.objects.count()

    status, problem = post(body)

    assert status == 400, problem
    assert problem["code"] == "bad_request"
    assert problem["details"] == []
    assert UserRole.objects.count() == before


@pytest.mark.parametrize(
    "body",
    [
        '{"role": "a\\u0000b", "user_id": ""}',
        '{"role": "\\ud800", "user_id": ""}',
        '{"role": {"deep": ["\\udfff"]}}',
    ],
)
def test_text_that_cannot_be_stored_is_422(post: Post, body: str) -> None:
    status, problem = post(body)

    assert status == 422
    assert problem["details"][0]["field"].startswith("role")


def test_a_surrogate_pair_is_a_character(api: Api) -> None:
    body = json.dumps({"user_id": USER, "role": "\N{BRIEFCASE}"})
    assert "\\ud83d" in body

    answer = api("admin").generic("POST", "/api/user-roles", body, content_type="application/json")

    assert answer.json()["details"][0]["code"] == "invalid_choice"


def test_32_levels_are_fine_as_json(post: Post) -> None:
    assert post(nested(32))[0] == 422


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=bz2",
        "application/json; charset=no-such-thing",
    ],
)
def test_other_content_types_and_charsets_are_415(
    post: Post,
    content_type: str,
) -> None:
    status, problem = post(json.dumps({"user_id": USER, "role": "sales"}), content_type)

    assert status == 415
    assert problem["code"] == "unsupported_media_type"
    assert not UserRole.objects.of(USER).exists()


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=UTF-8"])
def test_utf8_may_be_said_or_not(
    post: Post,
    content_type: str,
) -> None:
    assert post(json.dumps({"user_id": USER, "role": "sales"}), content_type)[0] == 201


def test_a_body_of_5_mb_is_413(post: Post) -> None:
    status, problem = post('{"role": "' + "a" * 5_000_000 + '"}')

    assert status == 413
    assert problem["code"] == "payload_too_large"


@pytest.mark.parametrize("body", ["[]", '"text"', "12", "null"])
def test_a_document_that_is_no_object_is_422(
    post: Post,
    body: str,
) -> None:
    assert post(body)[0] == 422
