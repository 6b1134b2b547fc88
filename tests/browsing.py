"""Staff at the admin: browsers of Django's test client, logged in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from pipedesk.accounts.groups import sync_roles
from pipedesk.accounts.models import User
from tests.factories.accounts import UserFactory

BACKEND = "django.contrib.auth.backends.ModelBackend"


def browser(user: User) -> Any:
    """A browser in which this person is logged in; the person is `browser.user`."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    client.user = user  # type: ignore[attr-defined]
    return client


def superuser() -> Any:
    """Somebody with every permission."""
    return browser(UserFactory(staff=True, is_superuser=True))


def staff_of(role: str) -> Any:
    """A staff member with this role and the permissions the role table gives it."""
    user = UserFactory(staff=True, role=role)
    sync_roles()
    return browser(user)


def staff_with(*codenames: str) -> Any:
    """A staff member without a role, with these permissions."""
    user = UserFactory(staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return browser(user)
