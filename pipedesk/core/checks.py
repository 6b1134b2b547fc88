"""System checks: what must not start. Every command runs them, and the WSGI entry point."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.urls import URLPattern, URLResolver, get_resolver

from pipedesk.accounts import roles
from pipedesk.accounts.tokens import MIN_SECRET_BYTES
from pipedesk.core.permissions import METHOD_ACTIONS, VIEWSET_ACTIONS
from pipedesk.core.throttling import ThrottledView

MIN_SECRET_KEY_LENGTH = 50
MIN_SECRET_KEY_LETTERS = 5  # different ones, as Django's own check has it


@register()
def views_name_what_they_touch(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Each view below /api is of the REST framework and named in the role table, or public."""
    faults: list[CheckMessage] = []
    for address, callback in endpoints(get_resolver().url_patterns):
        if address.startswith("api/"):
            view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
            faults += [
                Error(f"/{address}: {fault}", obj=view, id="pipedesk.E001")
                for fault in _faults_of(view, getattr(callback, "actions", None) or {})
            ]
    return faults


def endpoints(
    patterns: Sequence[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Every address below these patterns, as written, with the view it leads to."""
    for pattern in patterns:
        address = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            yield from endpoints(pattern.url_patterns, address)
        else:
            yield address, pattern.callback


def _faults_of(view: Any, actions: dict[str, str]) -> Iterator[str]:
    if view is None or not issubclass(view, ThrottledView):
        yield "not a view of the REST framework whose callers are counted (core.throttling)"
        return
    if getattr(view, "public", False):
        return
    resource = getattr(view, "resource", None)
    if resource not in roles.RESOURCES:
        yield f"resource {resource!r} is not in the role table"
    declared = getattr(view, "role_actions", {})
    for name, action in declared.items():
        if action not in roles.ACTIONS:
            yield f"role_actions: {name!r} means {action!r}, which the role table does not know"
    for method, name in actions.items():
        known = name in declared or name in VIEWSET_ACTIONS or method in ("get", "head")
        if not known or method.upper() not in METHOD_ACTIONS:
            yield f"{method} {name!r} is not in role_actions"


@register()
def tokens_can_be_trusted(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A shared secret is long enough, and published keys come over a channel nobody reads."""
    faults: list[CheckMessage] = []
    secret = settings.SUPABASE_JWT_SECRET
    if secret and len(secret.encode()) < MIN_SECRET_BYTES:
        hint = f"SUPABASE_JWT_SECRET needs at least {MIN_SECRET_BYTES} bytes."
        faults.append(Error("The secret of bearer tokens is too short.", hint, id="pipedesk.E002"))
    url = settings.SUPABASE_JWKS_URL
    if url and not _private_enough(url):
        hint = "SUPABASE_JWKS_URL must be https (http on loopback outside production)."
        faults.append(
            Error("Keys of bearer tokens would come in the clear.", hint, id="pipedesk.E003")
        )
    return faults


def _private_enough(url: str) -> bool:
    parts = urlsplit(url)
    if parts.username is not None or not parts.hostname:
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and not settings.PRODUCTION and _is_loopback(parts.hostname)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@register()
def production_is_meant(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """In production: real secrets, a real database, the real Google, a way to verify tokens."""
    if not settings.PRODUCTION:
        return []
    key = settings.SECRET_KEY
    engine = settings.DATABASES["default"]["ENGINE"]
    root = urlsplit(settings.GOOGLE_API_ROOT_URL)
    refusals = {
        "SECRET_KEY is a default or too short; make a random one of 50 characters or more.": (
            len(key) < MIN_SECRET_KEY_LENGTH
            or len(set(key)) < MIN_SECRET_KEY_LETTERS
            or key.startswith(("django-insecure-", "change-me"))
        ),
        "DEBUG is on.": settings.DEBUG,
        "The sandbox is installed.": apps.is_installed("pipedesk.sandbox"),
        "GOOGLE_API_ROOT_URL is not https; the sandbox is not for production.": (
            root.scheme != "https"
        ),
        "The database is SQLite; set DATABASE_URL, or ALLOW_SQLITE_IN_PRODUCTION=true.": (
            engine.endswith("sqlite3") and not settings.ALLOW_SQLITE_IN_PRODUCTION
        ),
        "The cache is one process's own; set CACHE_URL to file:///… or redis://….": (
            settings.CACHE_URL.startswith("locmem:")
        ),
        "Nothing verifies bearer tokens; set SUPABASE_JWT_SECRET or SUPABASE_JWKS_URL.": not (
            settings.SUPABASE_JWT_SECRET or settings.SUPABASE_JWKS_URL
        ),
    }
    return [Error(text, id="pipedesk.E004") for text, refused in refusals.items() if refused]


@register(deploy=True)
def machines_share_their_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Queue messages through Redis are a sign of several machines; files are shared on one."""
    if settings.Q_BROKER == "orm" or not settings.CACHE_URL.startswith("file:"):
        return []
    return [
        Warning(
            "Each machine counts the API's callers for itself.",
            "Set CACHE_URL=redis://… where web runs on several machines.",
            id="pipedesk.W001",
        )
    ]
