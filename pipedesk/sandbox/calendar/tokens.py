"""Sync and page tokens: opaque to clients, JSON inside."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from pipedesk.sandbox.errors import Json


def digest(value: Any) -> str:
    """A short name of a JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def encode(token: Json) -> str:
    """A token as it travels."""
    return urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")


def decode(text: str) -> Json | None:
    """What a token says, None for one that was never ours."""
    try:
        token = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None
    return token if isinstance(token, dict) else None
