"""Whose log-ins are counted together."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest


def login_name(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """The e-mail as typed, in the one spelling that all spellings log in as.

    Guessing must not start afresh with `ANA@…` after five tries at `ana@…`.
    """
    typed = (credentials or {}).get("username") or request.POST.get("username", "")
    return unicodedata.normalize("NFKC", str(typed)).strip().lower()[:255]
