"""The role table in the admin's groups."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from pipedesk.accounts.groups import codenames, sync_roles
from pipedesk.accounts.models import User, UserRole
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def test_groups_hold_what_the_table_grants() -> None:
    sync_roles()

    sales = Group.objects.get(name="sales").permissions.values_list("codename", flat=True)
    admin = Group.objects.get(name="admin").permissions.values_list("codename", flat=True)
    assert {"view_lead", "add_lead", "change_lead", "view_leadstatus"} <= set(sales)
    assert not {"delete_lead", "change_leadstatus", "view_userrole", "view_user"} & set(sales)
    assert {"delete_leadstatus", "add_userrole", "change_user"} <= set(admin)


def test_every_permission_of_the_table_exists() -> None:
    sync_roles()

    for role in UserRole.Role.values:
        held = Group.objects.get(name=role).permissions.values_list(
            "content_type__app_label", "codename"
        )
        assert set(held) == codenames(role)


def test_a_second_run_changes_nothing() -> None:
    UserFactory(role="sales")
    sync_roles()

    assert sync_roles() == []


def test_a_dry_run_writes_nothing() -> None:
    call_command("sync_roles", "--dry-run")

    assert not Group.objects.exists()


def test_people_follow_their_roles_at_once() -> None:
    user = UserFactory(role="manager")
    assert user.groups.get().name == "manager"

    UserRole.objects.get().delete()

    assert not user.groups.exists()


def test_members_that_lost_their_role_leave() -> None:
    stranger: User = UserFactory()
    sync_roles()
    stranger.groups.add(Group.objects.get(name="admin"))

    sync_roles()

    assert not stranger.groups.exists()
