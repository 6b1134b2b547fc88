"""Bearer tokens of Supabase Auth: verified here, and made here for development.

Which algorithm is right is configuration, never the token's word: each verifier owns its keys,
and each key is good for one algorithm. https://supabase.com/docs/guides/auth/jwts
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import jwt
from django.conf import settings

from pipedesk.accounts.jwks import key_set
from pipedesk.accounts.models import User

LEEWAY_S = 30
MIN_SECRET_BYTES = 32
MAX_TOKEN_LENGTH = 8192
MACHINE_ROLES = ("anon", "service_role")  # Supabase's own keys: nobody's identity


class BadToken(Exception):
    """The token proves nothing. The message is for logs, not for the caller."""


@dataclass(frozen=True)
class Claims:
    """What a token proves, and what it says about the person's name and e-mail."""

    subject: uuid.UUID
    email: str
    name: str


class Verifier(Protocol):
    """Checks signature and times; returns the payload. Raises BadToken."""

    def verify(self, token: str) -> dict[str, Any]:
        """The payload of a token with a good signature."""


@dataclass(frozen=True)
class SharedSecret:
    """HS256 with the project's JWT secret."""

    secret: str

    def verify(self, token: str) -> dict[str, Any]:
        """The payload of a token signed with the secret."""
        return _decode(token, self.secret, "HS256")


@dataclass(frozen=True)
class PublicKeys:
    """RS256 or ES256, as the kind of the published key says."""

    url: str

    def verify(self, token: str) -> dict[str, Any]:
        """The payload of a token signed with one of the published keys."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError as fault:
            raise BadToken(str(fault)) from None
        published = key_set(self.url).find(kid) if isinstance(kid, str) else None
        if published is None:
            msg = "signed with a key nobody published"
            raise BadToken(msg)
        return _decode(token, published.key, published.algorithm)


def verifiers() -> list[Verifier]:
    """One per configured source of keys."""
    configured: list[Verifier] = []
    if settings.SUPABASE_JWT_SECRET:
        configured.append(SharedSecret(settings.SUPABASE_JWT_SECRET))
    if settings.SUPABASE_JWKS_URL:
        configured.append(PublicKeys(settings.SUPABASE_JWKS_URL))
    return configured


def _decode(token: str, key: Any, algorithm: str) -> dict[str, Any]:
    required = ["exp", "iat", "sub", "aud"]
    issuer = settings.SUPABASE_JWT_ISSUER or None
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=settings.SUPABASE_JWT_AUDIENCE,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": [*required, "iss"] if issuer else required},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as fault:
        raise BadToken(type(fault).__name__) from None


def verify(token: str) -> Claims:
    """What the token proves. Raises BadToken."""
    if len(token) > MAX_TOKEN_LENGTH:
        msg = "too long"
        raise BadToken(msg)
    failure = BadToken("no way to verify tokens is configured")
    for verifier in verifiers():
        try:
            return _claims(verifier.verify(token))
        except BadToken as fault:
            failure = fault
    raise failure


def _claims(payload: dict[str, Any]) -> Claims:
    # PyJWT takes any exp that int() takes, text and fractions too.
    if any(type(payload.get(name, 0)) is not int for name in ("exp", "iat", "nbf")):
        msg = "times must be whole numbers"
        raise BadToken(msg)
    if payload.get("role") in MACHINE_ROLES:
        msg = "a machine's key"
        raise BadToken(msg)
    try:
        subject = uuid.UUID(payload["sub"])
    except ValueError:
        subject = None
    if subject is None or str(subject) != payload["sub"].lower():
        msg = "the subject is no UUID"
        raise BadToken(msg)
    about = payload.get("user_metadata")
    names = about if isinstance(about, dict) else {}
    name = names.get("full_name") or names.get("name") or payload.get("name")
    return Claims(subject, _text(payload.get("email")), _text(name))


def _text(value: Any) -> str:
    """Printable text of a claim, or nothing."""
    return "".join(c for c in value if c.isprintable()).strip() if isinstance(value, str) else ""


def issue(user: User, lifetime: timedelta) -> str:
    """A token as Supabase would give this user, signed with the shared secret."""
    now = int(time.time())
    payload = {
        "sub": str(user.id),
        "aud": settings.SUPABASE_JWT_AUDIENCE,
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
        "role": "authenticated",
        "email": user.email or "",
        "user_metadata": {"full_name": user.name},
    }
    if settings.SUPABASE_JWT_ISSUER:
        payload["iss"] = settings.SUPABASE_JWT_ISSUER
    return jwt.encode(payload, settings.SUPABASE_JWT_SECRET, algorithm="HS256")
