"""Placeholders in folder names: which exist, which are misspelt, and what they become. Pure.

A value that is missing shows as an em dash, so that people see that something is missing. A
placeholder nobody knows stays as it is typed; the editor of templates refuses it before.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

REFERENCE: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "reference.json").read_text("utf-8")
)
# Names by entity type; those under "all" belong to every type.
CATALOGUE: Final[dict[str, frozenset[str]]] = {
    entity_type: frozenset([*REFERENCE["placeholders"]["all"], *names])
    for entity_type, names in REFERENCE["placeholders"].items()
    if entity_type != "all"
}
EMPTY: Final = "—"
MAX_NAME_LENGTH: Final = 255
PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
# Control characters, line ends, half surrogates, and marks that turn the reading direction.
UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
BIDI_CONTROLS: Final = frozenset(
    "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def unknown(text: str, entity_type: str) -> Iterator[tuple[str, str | None]]:
    """Placeholders the type does not have, each with the nearest name it has, or None."""
    names = CATALOGUE[entity_type]
    for match in PLACEHOLDER.finditer(text):
        if match[1] not in names:
            yield match[1], nearest(match[1], entity_type)


def nearest(name: str, entity_type: str) -> str | None:
    """The placeholder somebody who typed `name` most likely meant."""
    found = get_close_matches(name.lower(), sorted(CATALOGUE[entity_type]), n=1, cutoff=0.5)
    return found[0] if found else None


def render(pattern: str, values: Mapping[str, str]) -> str:
    """The folder name a pattern stands for; values are put in as they are, never read again."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        return values[match[1]].strip() or EMPTY

    return safe_name(PLACEHOLDER.sub(value, pattern))


def safe_name(text: str) -> str:
    """A name Drive and the desktop clients keep as it is: one line, trimmed, not too long.

    A slash is an ordinary character in Drive and stays.
    """
    cleaned = "".join(_safe_character(character) for character in text)
    name = " ".join(cleaned.split())
    if len(name) > MAX_NAME_LENGTH:
        name = name[: MAX_NAME_LENGTH - 1].rstrip() + "…"
    return name or EMPTY


def _safe_character(character: str) -> str:
    if character in BIDI_CONTROLS:
        return ""
    return " " if unicodedata.category(character) in UNSAFE_CATEGORIES else character
