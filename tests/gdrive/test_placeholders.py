"""Folder names from patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdrive.placeholders import CATALOGUE, MAX_NAME_LENGTH, nearest, render, safe_name, unknown


def test_every_kind_of_record_has_the_common_placeholders_and_its_own() -> None:
    assert set(CATALOGUE) == {"company", "lead", "deal", "contact"}
    assert {"year", "owner_name", "trade_name", "city"} <= CATALOGUE["lead"]
    assert "contact_role" not in CATALOGUE["lead"]


def test_values_are_put_in_with_and_without_blanks() -> None:
    assert render("{{year}} {{ lead_name }}", {"year": "2026", "lead_name": "A/B"}) == "2026 A/B"


def test_an_empty_value_is_seen() -> None:
    assert render("Lead - {{trade_name}}", {"trade_name": "  "}) == "Lead - —"


def test_a_value_is_not_read_as_a_pattern() -> None:
    assert render("{{lead_name}}", {"lead_name": "{{year}}", "year": "2026"}) == "{{year}}"


def test_an_unknown_placeholder_stays_as_typed() -> None:
    assert render("{{foo}} x", {}) == "{{foo}} x"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{lead_nam}}", [("lead_nam", "lead_name")]),
        ("{{ YEAR }}", [("YEAR", "year")]),
        ("{{contact_role}}{{year}}", [("contact_role", nearest("contact_role", "lead"))]),
        ("{{}}", [("", None)]),
        ("plain {year}", []),
    ],
)
def test_unknown_placeholders_are_named_with_the_nearest(
    text: str, found: list[tuple[str, str | None]]
) -> None:
    assert list(unknown(text, "lead")) == found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  a\tb\r\nc  ", "a b c"),
        ("a\x00b\x1fc", "a b c"),
        ("in\u202evoice", "invoice"),
        ("a/b\\c", "a/b\\c"),
        ("", "—"),
        ("Família 👨‍👩‍👧 “Ação”", "Família 👨‍👩‍👧 “Ação”"),
    ],
)
def test_names_are_made_safe(text: str, name: str) -> None:
    assert safe_name(text) == name


@given(st.text(st.characters(codec=None), max_size=600))
def test_a_safe_name_is_short_trimmed_printable_and_stays_as_it_is(text: str) -> None:
    name = safe_name(text)

    assert 0 < len(name) <= MAX_NAME_LENGTH
    assert name == name.strip()
    name.encode()
    assert safe_name(name) == name
