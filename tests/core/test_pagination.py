"""Pages: every row exactly once, also while others write."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from itertools import chain
from typing import Any
from uuid import UUID

import pytest
from django.db.models import F, QuerySet
from rest_framework.test import APIClient

from pipedesk.accounts.models import User
from pipedesk.core.pagination import Key, Order, natural_order, paginate
from pipedesk.core.problems import BadQuery
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]

NATURAL = natural_order(User)
NEWEST = Order("newest", (Key("created_at", descending=True), Key("id")))
BY_EMAIL = Order("email", (Key("email", nullable=True), Key("id")))
BY_EMAIL_REVERSED = Order("-email", (Key("email", descending=True, nullable=True), Key("id")))
ORDERS = (NATURAL, NEWEST, BY_EMAIL, BY_EMAIL_REVERSED)


@pytest.fixture
def people() -> list[User]:
    return [
        UserFactory(name=f"Name {number % 3}", email=f"u{number}@x.example" if number % 2 else None)
        for number in range(23)
    ]


def walk(rows: QuerySet[Any], order: Order, member: str = "next_cursor") -> list[list[Any]]:
    pages, cursor = [], ""
    while cursor is not None:
        page = paginate(rows, {"cursor": cursor, "page_size": 5}, order)
        pages.append(page.rows)
        cursor = page.pagination[member]
    return pages


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
def test_cursors_show_every_row_once_in_order(people: list[User], order: Order) -> None:
    pages = walk(User.objects.all(), order)

    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    assert list(chain(*pages)) == list(order.apply(User.objects.all()))


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
def test_previous_cursors_lead_back_the_same_way(people: list[User], order: Order) -> None:
    everybody = list(order.apply(User.objects.all()))
    cursor: str | None = ""
    while cursor is not None:
        page = paginate(User.objects.all(), {"cursor": cursor, "page_size": 5}, order)
        cursor = page.pagination["next_cursor"]
    back = page.rows
    while page.pagination["previous_cursor"]:
        cursor = page.pagination["previous_cursor"]
        page = paginate(User.objects.all(), {"cursor": cursor, "page_size": 5}, order)
        back = page.rows + back

    assert back == everybody


def test_values_rows_and_related_keys_page_too(people: list[User]) -> None:
    rows = User.objects.annotate(called=F("name")).values("id", "called")
    order = Order("called", (Key("called"), Key("id")))

    assert len(list(chain(*walk(rows, order)))) == 23


def test_a_missing_value_is_last_in_both_directions(people: list[User]) -> None:
    for order in (BY_EMAIL, BY_EMAIL_REVERSED):
        emails = [user.email for page in walk(User.objects.all(), order) for user in page]
        assert emails[11:] == [None] * 12
        assert None not in emails[:11]


def test_rows_that_come_and_go_move_no_other_row(people: list[User]) -> None:
    first = paginate(User.objects.all(), {"cursor": "", "page_size": 10}, NATURAL)
    UserFactory(name="Aaa")
    seen = {user.pk for user in first.rows}
    first.rows[3].delete()
    rest = paginate(
        User.objects.all(),
        {"cursor": first.pagination["next_cursor"], "page_size": 100},
        NATURAL,
    )

    assert {user.pk for user in rest.rows} == {user.pk for user in people} - seen


def test_numbered_pages_count_and_end_empty(people: list[User]) -> None:
    page = paginate(User.objects.all(), {"page": 3, "page_size": 10}, NATURAL)
    beyond = paginate(User.objects.all(), {"page": 9, "page_size": 10}, NATURAL)

    assert page.pagination == {"total": 23, "page": 3, "per_page": 10}
    assert len(page.rows) == 3
    assert beyond.rows == []


def test_an_offset_is_a_page_of_its_own(people: list[User]) -> None:
    page = paginate(User.objects.all(), {"offset": 20, "page_size": 10}, NATURAL)

    assert page.rows == list(NATURAL.apply(User.objects.all()))[20:]
    assert page.pagination["page"] == 3


def test_a_capped_total_says_so_and_hides_no_row(people: list[User]) -> None:
    page = paginate(User.objects.all(), {"page": 3, "page_size": 10}, NATURAL, cap=7)
    small = paginate(User.objects.filter(name="Name 1"), {}, NATURAL, cap=10)

    assert page.pagination["total"] == 7
    assert page.pagination["total_is_capped"] is True
    assert len(page.rows) == 3
    assert small.pagination == {"total": 8, "page": 1, "per_page": 20}


def test_plain_sequences_have_numbered_pages_only() -> None:
    page = paginate(list("abcdefg"), {"page": 2, "page_size": 3})

    assert page.rows == ["d", "e", "f"]
    assert page.pagination == {"total": 7, "page": 2, "per_page": 3}
    with pytest.raises(BadQuery):
        paginate(list("abc"), {"cursor": ""})


def cursor_of(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "{}",
        cursor_of({}),
        cursor_of(["newest", False, ["Name 1", str(UUID(int=1))]]),
        cursor_of(["natural", False, ["Name 1"]]),
        cursor_of(["natural", False, ["Name 1", "no id"]]),
        cursor_of(["natural", False, ["Name 1", None]]),
        cursor_of(["natural", False, ["\x00", str(UUID(int=1))]]),
        cursor_of(["natural", False, ["\ud800", str(UUID(int=1))]]),
        cursor_of(["natural", False, [["a"], str(UUID(int=1))]]),
        cursor_of(["natural", "yes", ["Name 1", str(UUID(int=1))]]),
        "A" * 1999,
    ],
)
def test_a_cursor_we_did_not_write_is_400(api: Api, cursor: str) -> None:
    answer = api("sales").get("/api/users", {"cursor": cursor})

    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-14:00", "2026-11-22T10:00:00", "x", 12, 1e300]
)
def test_a_forged_time_in_a_cursor_is_refused(moment: Any) -> None:
    with pytest.raises(BadQuery):
        paginate(
            User.objects.all(),
            {"cursor": cursor_of(["newest", False, [moment, str(UUID(int=1))]])},
            NEWEST,
        )


def test_page_and_cursor_exclude_each_other(api: Api) -> None:
    assert api("sales").get("/api/users?page=1&cursor=").status_code == 400


def test_the_cursor_answer_has_the_contracts_members(api: Api, people: list[User]) -> None:
    client = api("sales")

    first = client.get("/api/users?cursor=&limit=5").json()["pagination"]
    second = client.get(f"/api/users?cursor={first['next_cursor']}&pageSize=5").json()

    assert first.keys() == {"next_cursor", "previous_cursor", "per_page"}
    assert first["previous_cursor"] is None
    assert second["pagination"]["previous_cursor"]
    assert len(second["data"]) == 5
