"""Users, roles and me over the API."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from rest_framework.test import APIClient

from pipedesk.accounts.models import UserRole
from tests.factories.accounts import UserFactory

Api = Callable[..., APIClient]


def test_me_names_the_caller_the_role_and_what_it_allows(api: Api) -> None:
    client = api("sales")

    me = client.get("/api/me").json()

    assert me["id"] == str(client.user.id)
    assert me["role"] == "sales"
    assert me["permissions"]["lead"] == ["add", "change_own", "view"]


def test_a_person_without_a_role_sees_who_they_are_and_nothing_else(api: Api) -> None:
    client = api("")

    assert client.get("/api/me/").json()["role"] is None
    answer = client.get("/api/users")
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "forbidden"


def test_of_several_roles_the_strongest_counts(api: Api) -> None:
    user = UserFactory(role="sales")

    assert api("manager", user=user).get("/api/me").json()["role"] == "manager"


def test_users_are_searched_by_part_of_name_or_email(api: Api) -> None:
    UserFactory(name="Ana Paula", email="ap@pipedesk.example")
    UserFactory(name="Bruno", email="bruno@pipedesk.example")

    found = api("sales").get("/api/users", {"search": "paula"}).json()

    assert [row["name"] for row in found["data"]] == ["Ana Paula"]
    assert found["pagination"] == {"total": 1, "page": 1, "per_page": 20}


def test_users_are_sorted_and_filtered(api: Api) -> None:
    client = api("sales", user=UserFactory(name="Bruno", role="sales"))
    UserFactory(name="Ana", locked=True)
    UserFactory(name="Carla")

    def names(query: str) -> list[str]:
        return [row["name"] for row in client.get(f"/api/users?{query}").json()["data"]]

    assert names("") == ["Ana", "Bruno", "Carla"]
    assert names("order_by=-name") == ["Carla", "Bruno", "Ana"]
    assert names("order_by=created_at") == ["Carla", "Ana", "Bruno"]
    assert names("is_active=false") == ["Ana"]


def test_roles_are_found_by_person_and_by_role(api: Api) -> None:
    admin, user = api("admin"), UserFactory(role="sales")

    by_person = admin.get(f"/api/user-roles?user_id={user.id}").json()["data"]
    by_role = admin.get("/api/user-roles?role=admin").json()["data"]

    assert [row["role"] for row in by_person] == ["sales"]
    assert [row["user_id"] for row in by_role] == [str(admin.user.id)]


def test_an_admin_gives_changes_and_takes_a_role(api: Api) -> None:
    admin, user = api("admin"), UserFactory()

    given = admin.post("/api/user-roles", {"user_id": str(user.id), "role": "sales"})
    assert given.status_code == 201, given.json()
    changed = admin.patch(f"/api/user-roles/{given.json()['id']}", {"role": "manager"})
    assert changed.json()["role"] == "manager"
    assert UserRole.objects.of(user.id).get().role == "manager"
    assert admin.delete(f"/api/user-roles/{given.json()['id']}").status_code == 204
    assert not UserRole.objects.of(user.id).exists()


def test_a_role_is_held_once(api: Api) -> None:
    user = UserFactory(role="sales")

    answer = api("admin").post("/api/user-roles", {"user_id": str(user.id), "role": "sales"})

    assert answer.status_code in (409, 422)


@pytest.mark.parametrize("user_id", ["", "nobody", "12", str(uuid.UUID(int=7))[:-1]])
def test_a_role_needs_the_id_of_a_user(api: Api, user_id: str) -> None:
    answer = api("admin").post("/api/user-roles", {"user_id": user_id, "role": "sales"})

    assert answer.status_code == 422
    assert answer.json()["details"][0]["field"] == "user_id"


def test_nobody_takes_the_admin_role_from_themselves(api: Api) -> None:
    client = api("admin")
    UserFactory(role="admin")
    own = UserRole.objects.get(user_id=str(client.user.pk))
    one = f"/api/user-roles/{own.pk}"

    assert client.delete(one).status_code == 409
    assert client.patch(one, {"role": "sales"}).status_code == 409
    assert client.patch(one, {"user_id": str(UserFactory().pk)}).status_code == 409
    # To store what is there already takes nothing away.
    assert client.put(one, {"user_id": own.user_id, "role": "admin"}).status_code == 200
    own.refresh_from_db()
    assert own.role == "admin"


def test_an_admin_takes_and_changes_the_roles_of_others(api: Api) -> None:
    client = api("admin")
    other = UserRole.objects.get(user_id=str(UserFactory(role="admin").pk))
    sales = UserRole.objects.get(user_id=str(UserFactory(role="sales").pk))

    assert client.patch(f"/api/user-roles/{sales.pk}", {"role": "manager"}).status_code == 200
    assert client.delete(f"/api/user-roles/{other.pk}").status_code == 204


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_end_each_other_at_once_leave_one(api: Api) -> None:
    clients = [api("admin"), api("admin")]
    rows = [UserRole.objects.get(user_id=str(client.user.pk)) for client in clients]
    start = threading.Barrier(2)

    def end(number: int) -> int:
        start.wait(10)
        try:
            other = rows[1 - number].pk
            return int(clients[number].delete(f"/api/user-roles/{other}").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(end, range(2)))

    assert UserRole.objects.admins().count() == 1
    # The late one was either told so, or was no admin any more.
    assert codes[0] == 204
    assert codes[1] in (403, 409)
