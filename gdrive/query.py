"""The search language of Drive, built in one place with the right escapes. Pure.

https://developers.google.com/workspace/drive/api/guides/ref-search-terms
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FILE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def quoted(text: str) -> str:
    """A string literal: the backslash is escaped first, then the quote."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def in_parents(folder_ids: Iterable[str]) -> str:
    """What lies directly in one of these folders.

    Raises ValueError for an id that cannot be Drive's.
    """
    return any_of(f"{quoted(_checked(folder_id))} in parents" for folder_id in folder_ids)


def any_of(terms: Iterable[str]) -> str:
    """One of the terms holds."""
    return "(" + " or ".join(terms) + ")"


def _checked(file_id: str) -> str:
    if not FILE_ID.fullmatch(file_id):
        msg = "not an id of Drive"
        raise ValueError(msg)
    return file_id
