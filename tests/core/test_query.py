"""Query strings: what is not declared, or not right, is named in a 400."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.http import QueryDict
from rest_framework.test import APIClient

from pipedesk.core import query
from pipedesk.core.problems import BadQuery

Api = Callable[..., APIClient]

DECLARED = (
    query.text("search", "q"),
    query.integer("score", minimum=0, maximum=100),
    query.boolean("disqualified"),
    query.choices("priority", words=("hot", "warm", "cold")),
    query.identifiers("owner", "owners", "ownerIds", words=("me",)),
    query.moment("timeMin"),
    query.order(("created_at", "status")),
)
ANA, BRUNO = UUID(int=1), UUID(int=2)


def read(text: str) -> dict[str, Any]:
    return query.read_query(QueryDict(text), DECLARED)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("search=50%25+off", {"search": "50% off"}),
        ("q=a,b", {"search": "a,b"}),
        ("search=", {}),
        ("score=0", {"score": 0}),
        ("disqualified=True", {"disqualified": True}),
        ("disqualified=0", {"disqualified": False}),
        ("priority=hot,%20cold,hot", {"priority": ["hot", "cold"]}),
        ("priority=hot&priority=cold", {"priority": ["hot", "cold"]}),
        (f"owner=me,{ANA}&ownerIds={BRUNO},{ANA}", {"owner": ["me", ANA, BRUNO]}),
        ("order_by=-status", {"order_by": "-status"}),
        ("timeMin=2026-11-22T10:00:00Z", {"timeMin": datetime(2026, 11, 22, 10, tzinfo=UTC)}),
        ("timeMin=2026-11-22T07:00:00-03:00", {"timeMin": datetime(2026, 11, 22, 10, tzinfo=UTC)}),
        ("timeMin=2026-11-22T12:00:00+02:00", {"timeMin": datetime(2026, 11, 22, 10, tzinfo=UTC)}),
    ],
)
def test_good_values_are_read(text: str, values: dict[str, Any]) -> None:
    assert read(text) == values


@pytest.mark.parametrize(
    ("text", "parameter", "word"),
    [
        ("serach=x", "serach", "“search”"),
        ("Owner=me", "Owner", "“owner”"),
        ("search__regex=x", "search__regex", "“search”"),
        ("password=x", "password", "no parameter"),
        ("search=a&search=b", "search", "more than once"),
        ("search=a&q=b", "q", "more than once"),
        ("search=%00", "search", "characters"),
        ("search=" + "a" * 201, "search", "200"),
        ("score=-1", "score", "0"),
        ("score=101", "score", "100"),
        ("score=1e2", "score", "whole number"),
        ("score=%D9%A3", "score", "whole number"),
        ("score=" + "9" * 5000, "score", "long"),
        ("disqualified=maybe", "disqualified", "true or false"),
        ("priority=hott", "priority", "“hot”"),
        ("priority=hot,,cold", "priority", "empty value"),
        ("priority=,", "priority", "empty value"),
        ("owner=ana", "owner", "no id"),
        ("order_by=created", "order_by", "“created_at”"),
        ("order_by=password", "order_by", "not one of"),
        ("order_by=?", "order_by", "not one of"),
        ("timeMin=2026-11-22", "timeMin", "offset"),
        ("timeMin=2026-11-22T10:00:00", "timeMin", "offset"),
        ("timeMin=9999-12-31T23:59:59-14:00", "timeMin", "out of range"),
        ("timeMin=2026-11-22T10:00:00-19:05", "timeMin", "out of range"),
        ("timeMin=0001-01-01T00:00:00Z", "timeMin", "out of range"),
        ("timeMin=2026-02-30T00:00:00Z", "timeMin", "ISO 8601"),
        ("owner=" + ",".join(str(UUID(int=n)) for n in range(201)), "owner", "too many"),
    ],
)
def test_faults_name_the_parameter_and_what_was_meant(text: str, parameter: str, word: str) -> None:
    with pytest.raises(BadQuery) as fault:
        read(text)

    assert fault.value.details[0]["field"] == parameter
    assert word in str(fault.value.detail)


@pytest.mark.parametrize(
    "text", ["nonsense=1", "page=0", "page=x", "page_size=101", "limit=0", "page=1&page=2"]
)
def test_a_list_answers_400(api: Api, text: str) -> None:
    answer = api("sales").get(f"/api/users?{text}")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "bad_request"
    assert answer.json()["details"][0]["field"] == text.partition("=")[0]


@pytest.mark.parametrize("text", ["x=1", "page=1", "format=json"])
def test_a_detail_and_a_write_know_no_parameters_of_lists(api: Api, text: str) -> None:
    client = api("admin")

    assert client.get(f"/api/users/{client.user.id}?{text}").status_code == 400
    assert client.post(f"/api/user-roles?{text}", {}).status_code == 400
