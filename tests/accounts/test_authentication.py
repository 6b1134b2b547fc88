"""Who a bearer token lets in, and as whom."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from pipedesk.accounts import tokens
from pipedesk.accounts.authentication import user_of
from pipedesk.accounts.models import User, UserRole
from pipedesk.accounts.tokens import Claims
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

Api = Callable[..., APIClient]


def with_token(token: str) -> APIClient:
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def token_of(user: User, **claims: Any) -> str:
    token = tokens.issue(user, timedelta(hours=1))
    payload = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(payload | claims, settings.SUPABASE_JWT_SECRET, algorithm="HS256")


def test_the_first_call_makes_the_user_with_name_and_email_of_the_claims() -> None:
    person = User(id=uuid.uuid4(), name="Ana Paula", email="Ana@Pipedesk.example")

    answer = with_token(tokens.issue(person, timedelta(hours=1))).get("/api/me")

    assert answer.status_code == 200
    user = User.objects.get()
    assert (user.id, user.name, user.email) == (person.id, "Ana Paula", "Ana@pipedesk.example")
    assert not user.has_usable_password()
    assert not user.is_staff


def test_later_claims_change_nothing() -> None:
    user = UserFactory(name="Ana", email="ana@pipedesk.example")
    UserFactory(email="boss@pipedesk.example")

    token = token_of(user, email="boss@pipedesk.example", user_metadata={"name": "Boss"})
    assert with_token(token).get("/api/me").json()["name"] == "Ana"

    user.refresh_from_db()
    assert (user.name, user.email) == ("Ana", "ana@pipedesk.example")


def test_an_email_that_is_taken_stays_with_whom_has_it() -> None:
    first = UserFactory(email="ana@pipedesk.example")
    second = User(id=uuid.uuid4(), name="Other", email="ANA@pipedesk.example")

    me = with_token(tokens.issue(second, timedelta(hours=1))).get("/api/me").json()

    assert me["email"] is None
    first.refresh_from_db()
    assert first.email == "ana@pipedesk.example"


@pytest.mark.parametrize(
    ("claims", "name", "email"),
    [
        ({"email": "a@b.example", "user_metadata": {"name": "N"}}, "N", "a@b.example"),
        ({"email": "a@b.example", "user_metadata": {}}, "a", "a@b.example"),
        ({"email": "a@b.example", "user_metadata": "text", "name": "Top"}, "Top", "a@b.example"),
        ({"email": "no address", "user_metadata": None}, "no address", None),
        ({"email": None, "user_metadata": {"full_name": 12}}, "", None),
        ({"email": "a" * 300 + "@b.example", "user_metadata": {}}, "a" * 255, None),
        (
            {"email": "a\x00@b.example", "user_metadata": {"name": "N\x00\ud800"}},
            "N",
            "a@b.example",
        ),
    ],
)
def test_odd_claims_make_a_plain_user(claims: dict[str, Any], name: str, email: str | None) -> None:
    someone = User(id=uuid.uuid4())

    assert with_token(token_of(someone, **claims)).get("/api/me").status_code == 200

    user = User.objects.get()
    assert (user.name, user.email) == (name, email)


def test_rights_in_the_token_count_for_nothing() -> None:
    user = UserFactory(role="sales")
    claims = {
        "role": "admin",
        "user_metadata": {"role": "admin"},
        "app_metadata": {"role": "admin", "roles": ["admin"]},
        "user_role": "admin",
    }
    client = with_token(token_of(user, **claims))
    headers = {"x-user-id": str(UserFactory(role="admin").id), "x-user-role": "admin"}

    me = client.get("/api/me", headers=headers).json()

    assert (me["id"], me["role"]) == (str(user.id), "sales")
    assert client.get("/api/user-roles", headers=headers).status_code == 403


def test_a_locked_account_is_out_at_the_next_call(api: Api) -> None:
    client = api("admin")
    assert client.get("/api/users").status_code == 200

    User.objects.update(is_active=False)

    answer = client.get("/api/users")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_role_taken_away_is_gone_at_the_next_call(api: Api) -> None:
    client = api("admin")
    assert client.get("/api/user-roles").status_code == 200

    UserRole.objects.all().delete()

    assert client.get("/api/user-roles").status_code == 403


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer a b", "Bearer " + "x" * 100_000,
     "bearer \x00", "Bearer é"],
)  # fmt: skip
def test_a_broken_header_is_401_even_with_a_session(header: str) -> None:
    client = Client()
    client.force_login(UserFactory(role="admin"), "django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/me").status_code == 200

    answer = client.get("/api/me", headers={"authorization": header})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_with_a_session_beside_it_the_bearer_decides() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory(role="admin"), "django.contrib.auth.backends.ModelBackend")
    sales = UserFactory(role="sales")
    token = tokens.issue(sales, timedelta(hours=1))

    me = client.get("/api/me", headers={"authorization": f"Bearer {token}"}).json()

    assert me["id"] == str(sales.id)


def test_a_session_writes_only_with_the_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    admin = UserFactory(role="admin")
    client.force_login(admin, "django.contrib.auth.backends.ModelBackend")
    body = {"user_id": str(UserFactory().id), "role": "sales"}

    def post(**headers: str) -> int:
        answer = client.post(
            "/api/user-roles", body, content_type="application/json", headers=headers
        )
        return answer.status_code

    assert client.get("/api/user-roles").status_code == 200
    assert post() == 403
    client.cookies["csrftoken"] = "a" * 32
    assert post(**{"x-csrftoken": "b" * 32}) == 403
    assert post(**{"x-csrftoken": "a" * 32}) == 201


def test_other_schemes_are_nobody(api: Api) -> None:
    answer = APIClient().get("/api/me", headers={"authorization": "Basic YTpi"})

    assert answer.status_code == 401


@pytest.mark.django_db(transaction=True)
def test_many_first_calls_at_once_make_one_user() -> None:
    claims = Claims(uuid.uuid4(), "ana@pipedesk.example", "Ana")
    found: list[User] = []

    def call() -> None:
        try:
            found.append(user_of(claims))
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [user.email for user in found] == ["ana@pipedesk.example"] * 8
    assert User.objects.count() == 1
