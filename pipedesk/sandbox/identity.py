"""Whose account a request is for.

The sandbox checks no credentials. A caller names the user as ``Authorization: Bearer <email>`` or
with ``quotaUser=<email>``; anything else is the default user, whose account always exists.
"""

from pipedesk.sandbox.exchange import Request

DEFAULT_USER = "ana@pipedesk.example"


def user_of(request: Request) -> str:
    """The e-mail address of the account."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and "@" in bearer:
        return bearer.strip().lower()
    named = request.query.get("quotaUser", [""])[-1]
    return named.lower() if "@" in named else DEFAULT_USER
