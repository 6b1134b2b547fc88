"""File ids as ``files.generateIds`` hands them out.

An id carries a check digit of our own, so that an id the sandbox never generated is refused the way
Google refuses it, without a table of everything ever handed out.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode

_BODY_LENGTH = 28
_CHECK_LENGTH = 4


def _check(body: str) -> str:
    digest = hashlib.sha256(body.encode()).digest()
    return urlsafe_b64encode(digest).decode()[:_CHECK_LENGTH]


def generate() -> str:
    """A fresh id of 33 characters."""
    body = "1" + urlsafe_b64encode(secrets.token_bytes(21)).decode()[:_BODY_LENGTH]
    return body + _check(body)


def is_generated(file_id: str) -> bool:
    """Whether ``generate`` made this id."""
    body, check = file_id[:-_CHECK_LENGTH], file_id[-_CHECK_LENGTH:]
    return len(body) == _BODY_LENGTH + 1 and _check(body) == check
