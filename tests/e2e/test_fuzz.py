"""A short walk of `make fuzz`: every operation, every check, as everybody; always the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.api import fuzz
from tests.e2e.product import Product

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        os.environ.get("TEST_DATABASE") != "postgres", reason="asked once, on PostgreSQL"
    ),
]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    asked = fuzz.prepare(tmp_path_factory.mktemp("fuzz"))
    yield asked
    asked.stop()
    shutil.rmtree(asked.folder, ignore_errors=True)


@pytest.mark.parametrize("caller", fuzz.CALLERS)
def test_nothing_that_is_asked_breaks_the_server_or_its_word(product: Product, caller: str) -> None:
    options = ("--max-examples", "1", "--phases", "examples,fuzzing", "--seed", "1")
    outcome = fuzz.ask(product, caller, *options)

    assert outcome.code == 0, outcome.output[-20_000:]
    assert " 500 " not in product.log("web")
