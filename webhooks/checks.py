"""System check of push: an address that Google refuses would only show in failed channels."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@register()
def google_can_be_given_our_address(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """WEBHOOK_BASE_URL is empty, https, or (for the sandbox) plain http on this machine."""
    url = settings.WEBHOOK_BASE_URL
    if not url or _is_acceptable(url):
        return []
    return [
        Error(
            "WEBHOOK_BASE_URL is no address that Google would call.",
            hint="https://… (http://127.0.0.1:… outside production), or empty for polling only.",
            id="pipedesk.E028",
        )
    ]


def _is_acceptable(url: str) -> bool:
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        return False
    local = parts.hostname in LOOPBACK and not settings.PRODUCTION
    return parts.scheme == "https" or (parts.scheme == "http" and local)
