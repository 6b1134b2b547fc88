"""What can go wrong in the product's own rules; knows no HTTP."""

from __future__ import annotations

from typing import Any


class Conflict(Exception):
    """The row's present state forbids the change; the message says by whom, when and to what.

    `details` holds plain values a client can show (who, when, what).
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInput(Exception):
    """A well-formed value breaks a rule. `field` is the name the client used."""

    def __init__(self, field: str, message: str, code: str = "invalid") -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.code = code


class LeaseLost(Exception):
    """Another worker took the work over; whatever was about to be written must not be."""


class TryLater(Exception):
    """The work failed for a passing reason. `retry_after_s`: what the other side asked for."""

    retry_after_s: float | None = None

    def __init__(self, message: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class GiveUp(Exception):
    """The work cannot succeed until a person does something; the message says what."""
