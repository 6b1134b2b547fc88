"""The API, asked as a person with a role, without a server in between."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from rest_framework.test import APIClient

from pipedesk.accounts import tokens
from pipedesk.accounts.models import User, UserRole


def client_of(role: str) -> APIClient:
    """A client with the bearer token of a new person."""
    user = User.objects.create(name="Bench", email=f"{uuid.uuid4().hex}@pipedesk.example")
    UserRole.objects.create(user_id=str(user.pk), role=role)
    client = APIClient(SERVER_NAME="localhost")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(user, timedelta(hours=1))}")
    return client


def list_of(path: str, query: Mapping[str, str], role: str = "manager") -> Callable[[], Any]:
    """Asks for a list; returns the answer's JSON."""
    client = client_of(role)

    def ask() -> Any:
        answer = client.get(path, dict(query))
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask
