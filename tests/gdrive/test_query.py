"""Drive's search language."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdrive.query import any_of, in_parents, quoted


def read_literal(literal: str) -> str:
    """What Drive reads: the text between the quotes, a backslash takes the next as it is."""
    assert re.fullmatch(r"'(?:[^'\\]|\\.)*'", literal, re.DOTALL)
    return re.sub(r"\\(.)", r"\1", literal[1:-1], flags=re.DOTALL)


@given(st.text())
def test_d54_any_text_comes_out_as_it_went_in(text: str) -> None:
    assert read_literal(quoted(text)) == text


def test_the_backslash_is_escaped_before_the_quote() -> None:
    assert quoted("\\'") == "'\\\\\\''"


def test_parents_are_joined() -> None:
    assert in_parents(["a1", "b-2"]) == "('a1' in parents or 'b-2' in parents)"
    assert any_of(["x = 1"]) == "(x = 1)"


@pytest.mark.parametrize("file_id", ["", "a' or 'b", "a b", "ä", "x" * 129, "a\n"])
def test_an_id_that_is_none_is_refused(file_id: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        in_parents([file_id])
