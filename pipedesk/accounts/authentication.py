"""Who calls: the person a bearer token names. Their rights are never in the token."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from pipedesk.accounts.models import User
from pipedesk.accounts.tokens import BadToken, Claims, verify


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`. Where one is sent, nothing else counts."""

    def authenticate(self, request: Request) -> tuple[User, Claims] | None:
        """The person and the claims; None without a bearer token."""
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            claims = verify(token.strip())
        except BadToken:
            raise AuthenticationFailed(_("The token is not valid or has expired.")) from None
        user = user_of(claims)
        if not user.is_active:
            raise AuthenticationFailed(_("This account is locked."))
        return user, claims

    def authenticate_header(self, request: Request) -> str:
        """What 401 answers ask for."""
        return "Bearer"


def user_of(claims: Claims) -> User:
    """The person's row, made on first sight; an existing row is never changed."""
    user = User.objects.with_role(claims.subject)
    if user is not None:
        return user
    # Whichever of several first requests comes first makes the row. An e-mail that another
    # user has stays theirs: the second attempt goes without.
    for email in dict.fromkeys((_email(claims.email), None)):
        row = User(
            id=claims.subject,
            name=(claims.name or claims.email.partition("@")[0])[:255],
            email=email,
            password=make_password(None),
        )
        User.objects.bulk_create([row], ignore_conflicts=True)
        user = User.objects.with_role(claims.subject)
        if user is not None:
            return user
    msg = "the row just made cannot be seen"
    raise RuntimeError(msg)


def _email(text: str) -> str | None:
    try:
        validate_email(text)
    except ValidationError:
        return None
    return User.objects.normalize_email(text) if len(text) <= 254 else None
