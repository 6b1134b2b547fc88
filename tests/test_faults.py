"""Each named fault (F1 to F60) and way Google fails (D1 to D65) has a test with its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

# The list of what no test plays yet. A test that comes to be takes its number out of here.
NOT_YET: dict[str, dict[int, str]] = {
    "d": {},
    "f": {},
}
LAST = {"d": 65, "f": 60}


def played(letter: str) -> set[int]:
    """The numbers in the names of all tests: test_d12_f3_f4_what_is_seen plays F3, F4 and D12."""
    numbers: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        for marks in re.findall(r"^ *def test_((?:[a-z]\d+_)+)", text, re.MULTILINE):
            numbers |= {int(number) for number in re.findall(rf"{letter}(\d+)_", marks)}
    return numbers


@pytest.mark.parametrize("letter", LAST)
def test_every_number_is_played_or_on_the_list_of_what_is_not(letter: str) -> None:
    missing = set(range(1, LAST[letter] + 1)) - played(letter)

    assert missing == set(NOT_YET[letter]), "played: take it out; not played: write it, or say why"
