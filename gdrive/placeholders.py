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
# A name with a brace on one side at least: what remains of a placeholder typed by halves.
HALF: Final = re.compile(r"\{+\s*(\w+)\s*\}*|(\w+)\s*\}+")
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


def half_typed(text: str, entity_type: str) -> Iterator[str]:
    """Pieces that were to be placeholders and are none: `{{ year`, `{year}`, `year}}`.

    Braces around other words are ordinary characters, as long as they are single.
    """
    rest = PLACEHOLDER.sub(" ", text)
    pieces = [match for match in HALF.finditer(rest) if _is_meant(match, entity_type)]
    yield from (match[0].strip() for match in pieces)
    if not pieces and ("{{" in rest or "}}" in rest):
        yield rest.strip()


def _is_meant(half: re.Match[str], entity_type: str) -> bool:
    name = half[1] or half[2]
    return "{{" in half[0] or "}}" in half[0] or name.lower() in CATALOGUE[entity_type]


def missing(pattern: str, values: Mapping[str, str]) -> list[str]:
    """The placeholders of the pattern that have no value and show as `EMPTY`, each once."""
    names = dict.fromkeys(match[1] for match in PLACEHOLDER.finditer(pattern))
    return [name for name in names if name in values and not values[name].strip()]


def nearest(name: str, entity_type: str) -> str | None:
    """The placeholder somebody who typed `name` most likely meant."""
    found = get_close_matches(name.lower(), sorted(CATALOGUE[entity_type]), n=1, cutoff=0.5)
    return found[0] if found else None


def render(pattern: str, values: Mapping[str, str]) -> str:
    """The folder name a pattern stands for; values are put in as they are, never read again."""

    return safe_name(_filled(pattern, values))


def is_cut(pattern: str, values: Mapping[str, str]) -> bool:
    """Whether the name is too long and loses its end."""
    return len(one_line(_filled(pattern, values))) > MAX_NAME_LENGTH


def _filled(pattern: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        return values[match[1]].strip() or EMPTY

    return PLACEHOLDER.sub(value, pattern)


def safe_name(text: str) -> str:
    """A name Drive and the desktop clients keep as it is: one line, trimmed, not too long.

    A slash is an ordinary character in Drive and stays.
    """
    name = one_line(text)
    if len(name) > MAX_NAME_LENGTH:
        name = name[: MAX_NAME_LENGTH - 1].rstrip() + "…"
    return name or EMPTY


def one_line(text: str) -> str:
    """The text without control characters and needless blanks; perhaps nothing is left."""
    return " ".join("".join(map(_safe_character, text)).split())


def _safe_character(character: str) -> str:
    if character in BIDI_CONTROLS:
        return ""
    return " " if unicodedata.category(character) in UNSAFE_CATEGORIES else character
