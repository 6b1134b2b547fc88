"""What Google's answers mean, by what the caller can do about them.

Google's texts vary; decisions are made on the status and the `reason` in the error body:
https://developers.google.com/workspace/calendar/api/guides/errors and
https://developers.google.com/workspace/drive/api/guides/handle-errors
"""

from __future__ import annotations

from pipedesk.core.exceptions import GiveUp, TryLater


class GoogleError(Exception):
    """Google answered no, or not at all. `reason` is Google's own word for it."""

    reason: str = ""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class TemporaryError(GoogleError, TryLater):
    """No answer, a broken one, or 5xx: the same request may succeed later."""


class RateLimited(GoogleError, TryLater):
    """Too many requests; `retry_after_s` is when to come back, where Google said so."""

    def __init__(
        self, message: str, *, reason: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_s = retry_after_s


class Unauthorized(GoogleError, GiveUp):
    """The credential is refused: revoked, not delegated, or the person is gone."""


class Forbidden(GoogleError, GiveUp):
    """The credential is known and may not do this; asking again changes nothing."""


class Refused(Forbidden):
    """A limit or a rule stands against it: the message tells people what they can do."""


class InvalidRequest(GoogleError, GiveUp):
    """Google understood and refuses (400): `reason` says why."""


class NotFound(GoogleError):
    """It does not exist, or is hidden from this credential; Google does not say which."""


class AlreadyExists(GoogleError):
    """The id sent along is taken (409): very likely by our own earlier attempt."""


class Gone(GoogleError):
    """A sync token, page token or row that lived once (410)."""


class PreconditionFailed(GoogleError):
    """Somebody else wrote first: the etag sent along is old (412)."""
