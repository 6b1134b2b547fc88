"""The service account, acting in a person's name (domain-wide delegation).

https://developers.google.com/identity/protocols/oauth2/service-account#delegatingauthority
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from google.auth.credentials import AnonymousCredentials
from google.oauth2 import service_account

SCOPES = (
    "https://www.googleapis.com/auth/calendar",
    "https://www.googleapis.com/auth/drive",
)


def is_google(root_url: str) -> bool:
    """Whether this address is Google's own; only there real credentials are sent."""
    parts = urlsplit(root_url)
    host = parts.hostname or ""
    return parts.scheme == "https" and (
        host == "googleapis.com" or host.endswith(".googleapis.com")
    )


def account_info() -> dict[str, Any] | None:
    """The service account's key from GOOGLE_SERVICE_ACCOUNT_JSON (text or a file's path).

    Raises ImproperlyConfigured when it is set and cannot be read.
    """
    source = settings.GOOGLE_SERVICE_ACCOUNT_JSON.strip()
    if not source:
        return None
    try:
        text = source if source.startswith("{") else Path(source).read_text(encoding="utf-8")
        info = json.loads(text)
    except (OSError, ValueError) as failure:
        msg = "GOOGLE_SERVICE_ACCOUNT_JSON is neither the JSON of a key nor a readable file."
        raise ImproperlyConfigured(msg) from failure
    if not isinstance(info, dict):
        msg = "GOOGLE_SERVICE_ACCOUNT_JSON is not the JSON object of a service account key."
        raise ImproperlyConfigured(msg)
    return info


@lru_cache(maxsize=1)
def _account(source: str) -> service_account.Credentials:
    # Parsing the private key costs some 60 ms: once per process. `source` is the cache key.
    del source
    return service_account.Credentials.from_service_account_info(account_info(), scopes=SCOPES)


def credentials_for(subject: str, root_url: str) -> Any:
    """Credentials to ask `root_url` in the name of `subject` (empty: the configured person).

    Raises ImproperlyConfigured where Google itself is meant and no key is configured.
    """
    if not is_google(root_url):
        return AnonymousCredentials()
    if not settings.GOOGLE_SERVICE_ACCOUNT_JSON.strip():
        msg = (
            "GOOGLE_SERVICE_ACCOUNT_JSON is not set, so Google cannot be asked. Set it, or point"
            " GOOGLE_API_ROOT_URL to the sandbox."
        )
        raise ImproperlyConfigured(msg)
    account = _account(settings.GOOGLE_SERVICE_ACCOUNT_JSON)
    return account.with_subject(subject) if subject else account
