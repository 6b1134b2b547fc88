"""Every text of ours in Brazilian Portuguese, and the compiled file as new as the source."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "pipedesk" / "locale" / "pt_BR" / "LC_MESSAGES" / "django.po"
ROOMS = ("pipedesk", "crm", "gdrive", "gcalendar", "webhooks")
# Function -> place of the text among its arguments.
CALLS = {"_": 0, "gettext": 0, "gettext_lazy": 0, "ngettext": 0, "pgettext": 1, "pgettext_lazy": 1}
TRANSLATE = re.compile(r'{%\s*translate\s+"([^"]+)"')
BLOCK = re.compile(r"{%\s*blocktranslate[^%]*%}(.*?){%\s*endblocktranslate\s*%}", re.DOTALL)
VARIABLE = re.compile(r"{{\s*(\w+)\s*}}")


def python_texts() -> Iterator[str]:
    """The texts the code marks for translation."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                    continue
                place = CALLS.get(node.func.id)
                if place is None or len(node.args) <= place:
                    continue
                text = node.args[place]
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield text.value


def template_texts() -> Iterator[str]:
    """The texts the templates mark for translation."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.html"):
            text = path.read_text("utf-8")
            yield from TRANSLATE.findall(text)
            for block in BLOCK.findall(text):
                yield VARIABLE.sub(r"%(\1)s", block)


def entries() -> list[dict[str, str]]:
    """The catalogue's entries: msgid, msgstr and what else each has."""
    found = []
    for block in CATALOGUE.read_text("utf-8").split("\n\n"):
        entry, key = {"comments": ""}, ""
        for line in block.splitlines():
            if line.startswith("#"):
                entry["comments"] += line
            elif line.startswith('"'):
                entry[key] += ast.literal_eval(line)
            elif line.strip():
                key, value = line.split(" ", 1)
                entry[key] = ast.literal_eval(value)
        if entry.get("msgid"):
            found.append(entry)
    return found


def test_every_text_has_a_translation() -> None:
    known = {entry["msgid"] for entry in entries()}

    missing = sorted({*python_texts(), *template_texts()} - known)

    assert missing == [], "run `make messages` and translate these"


def test_no_translation_is_empty_or_a_guess() -> None:
    for entry in entries():
        assert "fuzzy" not in entry["comments"], entry["msgid"]
        texts = [value for key, value in entry.items() if key.startswith("msgstr")]
        assert all(texts), entry["msgid"]


@pytest.mark.parametrize("number", [1, 2])
def test_translations_keep_the_places_of_values(number: int) -> None:
    place = re.compile(r"%\(\w+\)[sd]")
    for entry in entries():
        source = entry["msgid"] if number == 1 else entry.get("msgid_plural", entry["msgid"])
        target = entry.get(f"msgstr[{number - 1}]", entry.get("msgstr", ""))
        assert set(place.findall(source)) == set(place.findall(target)), entry["msgid"]


def test_the_compiled_catalogue_says_what_the_source_says() -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as compiled:
        translations = gettext.GNUTranslations(compiled)

    for entry in entries():
        if "msgid_plural" in entry:
            for count, form in ((1, "msgstr[0]"), (2, "msgstr[1]")):
                said = translations.ngettext(entry["msgid"], entry["msgid_plural"], count)
                assert said == entry[form], "run `make messages`"
        elif "msgctxt" in entry:
            said = translations.pgettext(entry["msgctxt"], entry["msgid"])
            assert said == entry["msgstr"], "run `make messages`"
        else:
            assert translations.gettext(entry["msgid"]) == entry["msgstr"], "run `make messages`"
