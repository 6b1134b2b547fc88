"""`issue_token`: what it prints opens the door, and only in development."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings
from rest_framework.test import APIClient

from pipedesk.accounts.models import User, UserRole

pytestmark = pytest.mark.django_db


def issue(*arguments: str) -> str:
    out = io.StringIO()
    call_command("issue_token", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_printed_token_opens_the_api() -> None:
    token = issue("ana@pipedesk.example", "--role", "manager")

    me = APIClient().get("/api/me", headers={"authorization": f"Bearer {token}"}).json()

    assert (me["email"], me["role"]) == ("ana@pipedesk.example", "manager")


def test_a_second_call_makes_no_second_user_or_role() -> None:
    for email in ("ana@pipedesk.example", "Ana@Pipedesk.example"):
        issue(email, "--role", "sales")

    assert User.objects.count() == 1
    assert UserRole.objects.count() == 1


def test_json_names_the_user() -> None:
    report = json.loads(issue("ana@pipedesk.example", "--json"))

    assert report["user_id"] == str(User.objects.get().id)
    assert report["role"] is None


def test_production_refuses(settings: Settings) -> None:
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="Supabase"):
        issue("ana@pipedesk.example")
    assert not User.objects.exists()


def test_no_address_is_wrong_usage() -> None:
    with pytest.raises(CommandError) as failure:
        issue("ana")

    assert failure.value.returncode == 2
