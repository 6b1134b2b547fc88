"""Users and roles in the admin; logging in."""

from __future__ import annotations

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from pipedesk.accounts.models import User, UserRole
from tests.browsing import staff_of, superuser
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

LOGIN = reverse("admin:login")
USERS = reverse("admin:accounts_user_changelist")


def log_in(client: Client, email: str, password: str, **extra: Any) -> Any:
    return client.post(LOGIN, {"username": email, "password": password}, **extra)


@pytest.fixture
def ana() -> User:
    return User.objects.create_user(
        "ana@pipedesk.example", "a good password", name="Ana", is_staff=True
    )


def test_staff_log_in_by_e_mail_whatever_its_case(client: Client, ana: User) -> None:
    answer = log_in(client, "ANA@PipeDesk.example", "a good password")

    assert answer.status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200


def test_others_do_not(client: Client, ana: User) -> None:
    ana.is_staff = False
    ana.save()

    assert log_in(client, ana.email, "a good password").status_code == 200
    assert client.get(reverse("admin:index")).status_code == 302


def test_guessing_is_stopped_for_that_person_and_address_only(client: Client, ana: User) -> None:
    for _ in range(5):
        log_in(client, ana.email, "wrong")

    assert log_in(client, ana.email, "a good password").status_code == 429
    elsewhere = log_in(Client(), ana.email, "a good password", REMOTE_ADDR="10.0.0.9")
    assert elsewhere.status_code == 302


def test_another_spelling_of_the_address_is_no_new_start(client: Client, ana: User) -> None:
    for spelling in ("ana@", "ANA@", "Ana@", " aNa@", "\uff41na@"):
        log_in(client, f"{spelling}pipedesk.example", "wrong")

    assert log_in(client, ana.email, "a good password").status_code == 429


def test_an_admin_lets_somebody_try_again(client: Client, ana: User) -> None:
    for _ in range(5):
        log_in(client, ana.email, "wrong")
    attempt = AccessAttempt.objects.get()

    admin = staff_of("admin")
    admin.post(reverse("admin:axes_accessattempt_delete", args=(attempt.pk,)), {"post": "yes"})

    assert log_in(client, ana.email, "a good password").status_code == 302


def test_what_was_typed_is_not_shown(client: Client, ana: User) -> None:
    log_in(client, ana.email, "canary-password")
    page = reverse("admin:axes_accessattempt_change", args=(AccessAttempt.objects.get().pk,))

    assert b"canary" not in superuser().get(page).content


def test_a_user_is_made_with_e_mail_and_name() -> None:
    answer = superuser().post(
        reverse("admin:accounts_user_add"),
        {
            "email": "bia@pipedesk.example",
            "name": "Bia",
            "is_staff": "on",
            "usable_password": "true",
            "password1": "a good password",
            "password2": "a good password",
        },
    )

    assert answer.status_code == 302
    bia = User.objects.get(email="bia@pipedesk.example")
    assert (bia.name, bia.is_staff, bia.check_password("a good password")) == ("Bia", True, True)


@pytest.mark.parametrize(
    ("email", "what"), [("", "Staff log in by e-mail"), ("ANA@pipedesk.example", "exists already")]
)
def test_staff_need_an_address_of_their_own(ana: User, email: str, what: str) -> None:
    answer = superuser().post(
        reverse("admin:accounts_user_add"),
        {"email": email, "name": "B", "is_staff": "on", "usable_password": "false"},
    )

    assert answer.status_code == 200
    assert what in str(answer.context["errors"])


def test_an_admin_by_role_gives_nobody_more_than_roles(ana: User) -> None:
    admin = staff_of("admin")
    page = reverse("admin:accounts_user_change", args=(ana.pk,))

    answer = admin.post(
        page,
        {
            "name": "Ana Maria",
            "email": ana.email,
            "is_active": "on",
            "is_staff": "on",
            "is_superuser": "on",
            "groups": [Group.objects.first().pk],
        },
    )

    assert answer.status_code == 302
    ana.refresh_from_db()
    assert (ana.name, ana.is_superuser, ana.groups.count()) == ("Ana Maria", False, 0)


def test_an_admin_by_role_cannot_take_over_a_superuser() -> None:
    chief = UserFactory(staff=True, is_superuser=True)
    admin = staff_of("admin")

    change = reverse("admin:accounts_user_change", args=(chief.pk,))
    password = reverse("admin:auth_user_password_change", args=(chief.pk,))
    sent = {
        "usable_password": "true",
        "password1": "a good password",
        "password2": "a good password",
    }
    assert admin.post(change, {"name": "X"}).status_code == 403
    assert admin.post(password, sent).status_code == 403
    assert admin.post(reverse("admin:accounts_user_delete", args=(chief.pk,))).status_code == 403


def test_a_role_is_given_by_choosing_the_user_and_works_at_once(ana: User) -> None:
    admin = staff_of("admin")

    answer = admin.post(
        reverse("admin:accounts_userrole_add"), {"user": str(ana.pk), "role": "sales"}
    )

    assert answer.status_code == 302
    assert UserRole.objects.of(ana.pk).get().role == "sales"
    assert User.objects.get(pk=ana.pk).has_perm("crm.view_lead")
    assert b"Ana" in admin.get(reverse("admin:accounts_userrole_changelist")).content


def test_a_role_is_given_once(ana: User) -> None:
    UserRole.objects.create(user_id=str(ana.pk), role="sales")

    answer = superuser().post(
        reverse("admin:accounts_userrole_add"), {"user": str(ana.pk), "role": "sales"}
    )

    assert answer.status_code == 200
    assert "has this role already" in str(answer.context["errors"])
    assert UserRole.objects.of(ana.pk).count() == 1


def test_the_role_of_a_user_only_supabase_knows_is_shown() -> None:
    unknown = "6f1d4fd4-3d1e-4f0b-8a39-6f1a0c1b2d3e"
    role = UserRole.objects.create(user_id=unknown, role="sales")
    boss = superuser()

    assert unknown.encode() in boss.get(reverse("admin:accounts_userrole_changelist")).content
    assert boss.get(reverse("admin:accounts_userrole_change", args=(role.pk,))).status_code == 200


@pytest.mark.parametrize("people", [1, 30])
def test_the_list_of_users_takes_the_same_number_of_queries(
    people: int, django_assert_num_queries: Any
) -> None:
    for _ in range(people):
        UserFactory(role="sales")
    boss = superuser()
    boss.get(USERS)

    with django_assert_num_queries(6):
        boss.get(USERS)


def test_groups_are_written_by_the_role_table_only() -> None:
    staff_of("sales")
    boss = superuser()

    page = reverse("admin:auth_group_change", args=(Group.objects.get(name="sales").pk,))
    assert boss.get(page).status_code == 200
    assert boss.post(page, {"name": "everything"}).status_code == 403
